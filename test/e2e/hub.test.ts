// `clusterpulse hub` as it runs in production: a Kubernetes API (the simulator's), a real Redis, signals, restarts, bad settings.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { freePort } from "../support/ports.ts";
import { eventually, pause, runCommand, type Started, startCommand } from "../support/processes.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";

const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-hub-"));
const kubeconfig = join(scratch, "kubeconfig");
const withRedis = hasRedis();
let redis: TestRedis;
let simulator: Started;
/** Also those of a test that failed before it stopped them. */
const hubs: Started[] = [];

beforeAll(async () => {
  simulator = startCommand(
    "simulate",
    "--clusters",
    "8",
    "--seed",
    "3",
    "--preset",
    "tiny",
    "--kubeconfig-out",
    kubeconfig,
    "--register",
    "fleet",
  );
  await simulator.until(/\n/);
  if (withRedis) redis = await startRedis();
});
afterAll(async () => {
  for (const hub of hubs) hub.child.kill("SIGKILL");
  simulator.child.kill("SIGTERM");
  await simulator.ended;
  if (withRedis) await redis.stop();
  rmSync(scratch, { recursive: true, force: true });
});

interface RunningHub extends Started {
  readonly api: string;
  readonly probes: string;
  readonly metrics: string;
}

async function startHub(...more: string[]): Promise<RunningHub> {
  const [api, probes, metrics] = [await freePort(), await freePort(), await freePort()];
  const addresses = [
    "--port",
    `${api}`,
    "--health-probe-bind-address",
    `127.0.0.1:${probes}`,
    "--metrics-bind-address",
    `127.0.0.1:${metrics}`,
  ];
  const hub = startCommand("hub", "--kubeconfig", kubeconfig, "--namespace", "fleet", ...addresses, ...more);
  hubs.push(hub);
  await hub.until(/the hub watches/);
  const url = (port: number): string => `http://127.0.0.1:${port}`;
  return { ...hub, api: url(api), probes: url(probes), metrics: url(metrics) };
}

async function stopHub(hub: Started): Promise<void> {
  hub.child.kill("SIGTERM");
  expect(await hub.ended).toBe(0);
}

const healthyRows = async (hub: RunningHub): Promise<number> => {
  const rows = (await (await fetch(`${hub.api}/api/v1/clusters`)).json()) as { status: { health: string } }[];
  return rows.filter(({ status }) => status.health === "healthy").length;
};

async function deleteConnection(name: string): Promise<void> {
  const { credentials } = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  const transport = createTransport(credentials, {}, "test");
  const path = `/apis/clusterpulse.io/v1alpha1/namespaces/fleet/clusterconnections/${name}`;
  await transport.requestJson("DELETE", path, { signal: AbortSignal.timeout(30_000), maxBytes: 1 << 20 });
  await transport.close();
}

describe("clusterpulse hub", () => {
  test("fills Redis with the keys of every cluster, serves probes and metrics apart, and ends in order on SIGTERM", async (context) => {
    if (!withRedis) return context.skip();
    const hub = await startHub("--store", redis.url);
    await eventually(async () => (await healthyRows(hub)) === 8, 100_000, "eight healthy clusters");
    expect(await (await fetch(`${hub.probes}/healthz`)).json()).toEqual({ status: "ok" });
    expect((await fetch(`${hub.probes}/readyz`)).status).toBe(200);
    expect((await fetch(`${hub.probes}/api/v1/clusters`)).status).toBe(404);
    expect(await (await fetch(`${hub.metrics}/metrics`)).text()).toMatch(/^clusterpulse_cluster_health\{/m);
    await stopHub(hub);

    const clusters = await redis.admin.smembers("clusters:all");
    expect(clusters).toHaveLength(8);
    for (const name of clusters) {
      const keys = await redis.admin.exists(
        "spec status info metrics namespaces nodes nodes:summary".split(" ").map((part) => `cluster:${name}:${part}`),
      );
      expect(keys, name).toBe(7);
      expect(await redis.admin.hget(`cluster:${name}:nodes:summary`, "data")).toMatch(/"total":3/);
    }
    const everything = (await redis.admin.keys("*")).join("\n") + hub.output() + hub.errors();
    expect(everything).not.toMatch(/BEGIN [A-Z ]*(CERTIFICATE|PRIVATE)|eyJ/);
  });

  test("killed and restarted: complete again, and what was deleted meanwhile is swept, nothing else", async (context) => {
    if (!withRedis) return context.skip();
    const first = await startHub("--store", redis.url);
    await eventually(async () => (await healthyRows(first)) === 8, 100_000, "eight healthy clusters");
    first.child.kill("SIGKILL");
    await first.ended;
    const [gone] = (await redis.admin.smembers("clusters:all")).sort();
    await deleteConnection(gone ?? "");
    await redis.admin.set("cluster:not-ours:status", "{}");

    const second = await startHub("--store", redis.url);
    await eventually(async () => (await healthyRows(second)) === 7, 100_000, "seven healthy clusters");
    await eventually(
      async () => (await redis.admin.keys(`cluster:${gone}:*`)).length === 0,
      30_000,
      "the deleted cluster's keys go",
    );
    expect(await redis.admin.sismember("clusters:all", gone ?? "")).toBe(0);
    expect(await redis.admin.exists("cluster:not-ours:status")).toBe(1);
    expect((await redis.admin.smembers("clusters:all")).length).toBe(7);
    await stopHub(second);
  });

  test("goes on without Redis, stays ready and says so, and writes all of it after", async (context) => {
    if (!withRedis) return context.skip();
    await redis.kill();
    const hub = await startHub("--store", redis.url);
    const degraded = await eventually(
      async () => {
        const ready = (await (await fetch(`${hub.probes}/readyz`)).json()) as {
          status: string;
          checks: Record<string, { status: string; message: string }>;
        };
        return ready.checks["store"]?.status === "degraded" && ready;
      },
      30_000,
      "the store is degraded",
    );
    expect(degraded.status).toBe("ready");
    await redis.start();
    await eventually(
      async () => (await redis.admin.scard("clusters:all").catch(() => 0)) === 7,
      30_000,
      "everything is written",
    );
    await stopHub(hub);
  });

  test("a Redis that comes back empty is complete again within two polls", { timeout: 150_000 }, async (context) => {
    if (!withRedis) return context.skip();
    const hub = await startHub("--store", redis.url);
    const parts = "spec status info metrics namespaces nodes nodes:summary".split(" ");
    const complete = async (): Promise<boolean> => {
      const names = await redis.admin.smembers("clusters:all").catch(() => []);
      const found = await Promise.all(
        names.map((name) => redis.admin.exists(parts.map((part) => `cluster:${name}:${part}`))),
      );
      return names.length === 7 && found.every((count) => count === parts.length);
    };
    await eventually(complete, 30_000, "everything is written");
    // Nothing waits in the hub any more: what comes back comes from new polls.
    await pause(3_000);
    await redis.kill();
    await redis.start();
    expect(await complete()).toBe(false);
    await eventually(complete, 80_000, "all keys of all clusters");
    await stopHub(hub);
  });

  test("lists everything that is wrong with flags, environment and file, and repeats no value", async () => {
    const file = join(scratch, "config.yaml");
    writeFileSync(file, "cacheTtl: soon\ncolour: red\n");
    const { code, errors } = await runCommand(
      "hub",
      "--config",
      file,
      "--store",
      "http://user:canary@host",
      "--port",
      "99999",
      "--bogus=canary",
      "--sweep",
      "all",
    );
    expect(code).toBe(2);
    expect(errors).not.toContain("canary");
    expect(errors.trim().split("\n").sort()).toEqual([
      "clusterpulse: --port must be a whole number from 0 to 65535",
      "clusterpulse: --store must be memory, or a URL such as redis://127.0.0.1:6379",
      "clusterpulse: --sweep must be force",
      "clusterpulse: cacheTtl in the configuration file must be a whole number from 60 to 2147483647",
      "clusterpulse: unknown flag --bogus",
      expect.stringMatching(/^clusterpulse: unknown key colour in the configuration file; known are /),
    ]);
  });

  test("prints its settings with the password masked; flags override the environment, which overrides the file", async () => {
    const file = join(scratch, "good.yaml");
    writeFileSync(file, "cacheTtl: 900\nnamespace: from-file\nport: 1234\n");
    const env = {
      ...process.env,
      REDIS_HOST: "redis",
      REDIS_PASSWORD: "canary",
      NAMESPACE: "from-env",
      RECONCILIATION_INTERVAL: "5",
    };
    const printed = await runCommand(
      { env },
      "hub",
      "--config",
      file,
      "--port",
      "4321",
      "--print-config",
      "--zap-devel",
      "--leader-elect",
    );
    expect(printed.code, printed.errors).toBe(0);
    expect(printed.output).not.toContain("canary");
    expect(printed.output).toContain("store: redis://***@redis:6379/0\n");
    expect(printed.output).toContain("namespace: from-env\n");
    expect(printed.output).toContain("port: 4321\n");
    expect(printed.output).toContain("cacheTtlSeconds: 900\n");
    expect(printed.output).toContain("reconciliationIntervalSeconds: 30\n");
  });

  test("says which port is taken and which flag chooses another", async () => {
    const hub = await startHub();
    const taken = new URL(hub.metrics).port;
    const { code, errors } = await runCommand(
      "hub",
      "--kubeconfig",
      kubeconfig,
      "--no-api",
      "--health-probe-bind-address",
      "0",
      "--metrics-bind-address",
      `127.0.0.1:${taken}`,
    );
    expect(code).toBe(1);
    expect(errors).toMatch(
      new RegExp(
        `clusterpulse: Port ${taken} on 127\\.0\\.0\\.1 is in use; choose another one with --metrics-bind-address`,
      ),
    );
    await stopHub(hub);
  });
});
