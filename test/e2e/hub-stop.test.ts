// SIGTERM, as Kubernetes sends it: the order in which `clusterpulse hub` ends, seen from outside of its process.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { startSimulator } from "../../src/simulator/index.ts";
import { freePort } from "../support/ports.ts";
import { eventually, pause, startCommand } from "../support/processes.ts";
import { hasRedis, startRedis } from "../support/redis.ts";

const withRedis = hasRedis();
const namespace = "fleet";
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Connection {
  readonly metadata: { readonly generation: number };
  readonly status?: { readonly observedGeneration?: number };
}

test("SIGTERM: not ready first, no new polls, the last values and statuses are written, then the servers close, exit code 0", async (context) => {
  if (!withRedis) return context.skip();
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-stop-"));
  cleanups.push(() => rmSync(scratch, { recursive: true, force: true }));
  const redis = await startRedis();
  cleanups.push(() => redis.stop());
  const simulator = await startSimulator({ clusters: 4, seed: 9, preset: "tiny" });
  cleanups.push(() => simulator.close());
  // Nothing is polled by itself while this runs.
  simulator.register({ namespace, intervalSeconds: 600 });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  const { credentials } = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  const api = createTransport(credentials, {}, "test");
  cleanups.push(() => api.close());
  const [last = "", late = ""] = simulator.clusters.map(({ name }) => name);
  const path = (name: string): string =>
    `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/clusterconnections/${name}`;
  const options = () => ({ signal: AbortSignal.timeout(30_000), maxBytes: 1 << 20 });
  const connection = async (name: string): Promise<Connection> =>
    (await api.requestJson("GET", path(name), options())).body as Connection;
  const rename = (name: string, displayName: string) =>
    api.requestJson("PATCH", path(name), {
      ...options(),
      body: { spec: { displayName } },
      contentType: "application/merge-patch+json",
    });

  const [port, probePort] = [await freePort(), await freePort()];
  const addresses = ["--port", `${port}`, "--health-probe-bind-address", `127.0.0.1:${probePort}`];
  const hub = startCommand(
    "hub",
    "--kubeconfig",
    kubeconfig,
    "--namespace",
    namespace,
    "--store",
    redis.url,
    ...addresses,
  );
  cleanups.push(() => hub.child.kill("SIGKILL"));
  const probe = (name: string): Promise<Response> => fetch(`http://127.0.0.1:${probePort}/${name}`);
  await hub.until(/the hub watches/);
  const settled = async (): Promise<boolean> => {
    for (const { name } of simulator.clusters) {
      const { metadata, status } = await connection(name);
      if (status?.observedGeneration !== metadata.generation) return false;
      if ((await redis.admin.exists(`cluster:${name}:spec`, `cluster:${name}:status`)) < 2) return false;
    }
    return (await probe("readyz")).status === 200;
  };
  await eventually(settled, 90_000, "everything is written and the hub is ready");

  // A change is polled at once; what the poll finds cannot be written while Redis holds writes back, and so holds up the stop.
  const polled = async (): Promise<number> => {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(
      /^clusterpulse_reconcile_total\{kind="ClusterConnection",result="success"\} (\d+)/m.exec(metrics)?.[1],
    );
  };
  await redis.admin.call("CLIENT", "PAUSE", "60000", "WRITE");
  const before = await polled();
  expect(before).toBeGreaterThanOrEqual(4);
  await rename(last, "The last name");
  // Its status waits for the writer's next turn: the stop comes first.
  while ((await polled()) === before) await pause(5);
  hub.child.kill("SIGTERM");
  const notReady = await eventually(
    async () => {
      const answer = await probe("readyz");
      return answer.status === 503 && ((await answer.json()) as { error: string });
    },
    30_000,
    "the hub is not ready",
  );
  expect(notReady.error).toContain("accepting: the hub is stopping");
  // It is not ready, and still there: alive, and answering those who have not noticed yet.
  expect((await probe("healthz")).status).toBe(200);
  expect((await fetch(`http://127.0.0.1:${port}/api/v1/clusters`)).status).toBe(200);
  const spec = (name: string): Promise<string | null> => redis.admin.get(`cluster:${name}:spec`);
  expect(await spec(last)).not.toContain("The last name");
  const counts = (): number[] => simulator.clusters.map(({ name }) => simulator.requests.count(name));
  // What was asked before the stop began is over once nobody asks for half a second.
  const polls = await eventually(
    async () => {
      const earlier = counts();
      await pause(500);
      return `${earlier}` === `${counts()}` && earlier;
    },
    10_000,
    "the last requests of polls that had begun",
  );
  await rename(late, "Too late");
  await redis.admin.call("CLIENT", "UNPAUSE");

  expect(await hub.ended).toBe(0);
  expect(hub.output()).not.toMatch(/abandoned|stopped hard/);
  expect(counts()).toEqual(polls);
  expect(await spec(last)).toContain("The last name");
  expect(await spec(late)).not.toContain("Too late");
  const { metadata, status } = await connection(last);
  expect(status?.observedGeneration).toBe(metadata.generation);
  await expect(probe("healthz")).rejects.toThrow();
  await expect(fetch(`http://127.0.0.1:${port}/api/v1/clusters`)).rejects.toThrow();
});
