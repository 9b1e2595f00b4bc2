// A ClusterConnection from its creation to its end on a real API: the hub's finalizer, its events, and a hub that was away.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanupFinalizer } from "../../actors/cluster/finalizers.ts";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { type HubKubeconfig, loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually } from "../support/processes.ts";

const intervalMs = 6_000;
const namespace = "fleet";
const collection = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/clusterconnections`;
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-lifecycle-"));
let simulator: Simulator;
let config: HubKubeconfig;
let api: KubeTransport;
let hub: HubProcess;

async function startHub(): Promise<HubProcess> {
  const started = await openHubProcess({ version: "test", namespace, port: 0, log: silentLogger });
  started.watch({
    kubeconfig: config,
    // Long enough for a collection on a busy machine; the dead cluster costs the test one of them.
    limits: { schedule: { minIntervalMs: intervalMs, minTimeoutMs: 1_000 } },
    clusterLimits: { connectTimeoutMs: 1_500, headersTimeoutMs: 3_000 },
  });
  return started;
}

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 4, seed: 5, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: intervalMs / 1_000 });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  config = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  api = createTransport(config.credentials, {}, "test");
  hub = await startHub();
});
afterAll(async () => {
  await hub.stop(4_000);
  await api.close();
  await simulator.close();
  rmSync(scratch, { recursive: true, force: true });
});

interface Item {
  readonly metadata: {
    readonly name: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
}
interface EventItem extends Item {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}
const ask = async <T>(method: "GET" | "DELETE", path: string): Promise<T> =>
  (await api.requestJson(method, path, { signal: AbortSignal.timeout(20_000), maxBytes: 1 << 22 })).body as T;
const connections = async (): Promise<readonly Item[]> => (await ask<{ items: Item[] }>("GET", collection)).items;
const events = async (): Promise<readonly EventItem[]> =>
  (await ask<{ items: EventItem[] }>("GET", `/api/v1/namespaces/${namespace}/events`)).items;
const named = async (name: string): Promise<Item | undefined> =>
  (await connections()).find(({ metadata }) => metadata.name === name);
const rows = async (): Promise<string[]> =>
  ((await (await fetch(`${hub.url}/api/v1/clusters`)).json()) as { name: string }[]).map(({ name }) => name);
const nameAt = (index: number): string => simulator.clusters[index]?.name ?? "";

describe("a ClusterConnection on a real API", () => {
  test("is held by one finalizer, and its first success is an event", async () => {
    const held = await eventually(
      async () => {
        const all = await connections();
        return all.every(({ metadata }) => metadata.finalizers?.length === 1) && all;
      },
      30_000,
      "a finalizer on every connection",
    );
    for (const { metadata } of held) expect(metadata.finalizers).toEqual([cleanupFinalizer]);
    const connected = await eventually(
      async () => {
        const all = await events();
        return all.length === 4 && all;
      },
      30_000,
      "an event for each cluster",
    );
    expect(connected.map(({ involvedObject }) => involvedObject.name).sort()).toEqual(
      simulator.clusters.map(({ name }) => name).sort(),
    );
    for (const event of connected)
      expect(event).toMatchObject({ type: "Normal", reason: "ClusterConnected", count: 1 });
  });

  test("of a dead cluster says so in an event, and goes once it is deleted", async () => {
    const cluster = nameAt(0);
    await simulator.faults.add({ cluster, fault: "blackhole" });
    const lost = await eventually(
      async () => (await events()).find(({ reason }) => reason === "ClusterUnreachable"),
      30_000,
      "the loss is an event",
    );
    expect(lost).toMatchObject({ type: "Warning", involvedObject: { kind: "ClusterConnection", name: cluster } });
    expect(lost.message).toMatch(/^no (connection to|response headers from) 127\.0\.0\.1:\d+ within [\d.]+ m?s$/);
    await ask("DELETE", `${collection}/${cluster}`);
    await eventually(async () => (await named(cluster)) === undefined, 30_000, "the object is gone");
    await eventually(async () => !(await rows()).includes(cluster), 30_000, "its row is gone");
  });

  test("that is deleted while no hub runs is let go by the next one", async () => {
    const cluster = nameAt(1);
    await hub.stop(4_000);
    await ask("DELETE", `${collection}/${cluster}`);
    expect((await named(cluster))?.metadata.deletionTimestamp).toBeDefined();
    const polls = simulator.requests.count(cluster);
    hub = await startHub();
    await eventually(async () => (await named(cluster)) === undefined, 30_000, "the object is gone");
    await eventually(async () => (await rows()).length === 2, 30_000, "the others are back");
    expect(simulator.requests.count(cluster)).toBe(polls);
    expect((await events()).filter(({ reason }) => reason === "ClusterConnected")).toHaveLength(4);
  });
});
