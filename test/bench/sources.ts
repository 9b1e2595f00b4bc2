// What a hub with one MetricSource over pods needs in resident memory on 300 clusters of 300 pods: the most that it shows in three intervals after
// every cluster was collected once. Simulator, Redis and hub are processes of their own. The reference is 300 MB.
//
//   npm run bench -- sources                      about four minutes
//   CLUSTERS=30 npm run bench -- sources          a smaller fleet, to try it out
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { freePort } from "../support/ports.ts";
import { eventually, pause, type Started, startCommand } from "../support/processes.ts";
import { startRedis } from "../support/redis.ts";
import type { Measure } from "./harness.ts";

const clusters = Number(process.env["CLUSTERS"] ?? 300);
const goalMb = 300;
const intervalSeconds = 30;
const namespace = "fleet";
const path = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/metricsources`;
const source = {
  apiVersion: "clusterpulse.io/v1alpha1",
  kind: "MetricSource",
  metadata: { name: "pods" },
  spec: {
    source: { apiVersion: "v1", kind: "Pod" },
    fields: [
      { name: "phase", path: ".status.phase" },
      { name: "node", path: ".spec.nodeName" },
      { name: "cpu", path: ".spec.containers[0].resources.requests.cpu", type: "quantity" },
      { name: "restarts", path: ".status.containerStatuses[0].restartCount", type: "integer" },
    ],
    computed: [{ name: "cores", expression: "round(cpu / 1000, 2)", type: "float" }],
    aggregations: [
      { name: "pods", function: "count" },
      { name: "byPhase", function: "count", groupBy: "phase" },
      { name: "cores", function: "sum", field: "cores" },
    ],
    collection: { intervalSeconds },
    rbac: { resourceTypeName: "pod" },
  },
};

async function residentMb(metricsUrl: string): Promise<number> {
  const text = await (await fetch(metricsUrl)).text();
  return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1] ?? Number.NaN) / 1e6;
}

async function stop({ child, ended }: Started): Promise<void> {
  child.kill("SIGTERM");
  await ended;
}

/** Until every cluster was collected; returns what is asked of the API in between. */
async function createSource(kubeconfig: string): Promise<void> {
  const { credentials } = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  const api = createTransport(credentials, {}, "bench");
  try {
    const options = { signal: new AbortController().signal, maxBytes: 1 << 22 };
    const json = { ...options, body: source, contentType: "application/json" };
    await api.requestJson("POST", path, json);
    const isDone = async (): Promise<boolean> => {
      const { body } = await api.requestJson("GET", `${path}/pods`, options);
      return (body as { status?: { clustersCollected?: number } }).status?.clustersCollected === clusters;
    };
    await eventually(isDone, 900_000, `${clusters} clusters collected`);
  } finally {
    await api.close();
  }
}

export async function* measures(): AsyncIterable<Measure> {
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-bench-"));
  const redis = await startRedis();
  const open: Started[] = [];
  try {
    const kubeconfig = join(scratch, "kubeconfig");
    const world = [
      "--clusters",
      `${clusters}`,
      "--seed",
      "1",
      "--preset",
      "medium",
      "--interval",
      `${intervalSeconds}`,
    ];
    const simulator = startCommand("simulate", ...world, "--kubeconfig-out", kubeconfig, "--register", namespace);
    open.push(simulator);
    await simulator.until(/\n/, 180_000);
    const metricsUrl = `http://127.0.0.1:${await freePort()}/metrics`;
    const hub = startCommand(
      ...["hub", "--kubeconfig", kubeconfig, "--namespace", namespace, "--store", redis.url],
      ...["--log-level", "error", "--no-api", "--health-probe-bind-address", "0"],
      ...["--metrics-bind-address", new URL(metricsUrl).host],
    );
    open.push(hub);
    await createSource(kubeconfig);
    yield {
      name: "sources",
      goal: 1,
      unit: "hub (milliseconds stand for MB)",
      unitsPerRound: 1,
      warmUps: 0,
      rounds: 3,
      ownCost: true,
      reference: () => goalMb,
      async subject() {
        let most = 0;
        for (let second = 0; second < intervalSeconds; second++) {
          most = Math.max(most, await residentMb(metricsUrl));
          await pause(1_000);
        }
        console.log(`sources: at most ${most.toFixed(0)} MB resident with ${clusters} clusters`);
        return most;
      },
    };
  } finally {
    for (const each of open.reverse()) await stop(each);
    await redis.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}
