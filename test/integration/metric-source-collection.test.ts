// A MetricSource from its creation to its end: a whole hub on simulated clusters, with the pool, the lists and the store as they are.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { type HubKubeconfig, loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually } from "../support/processes.ts";

const namespace = "fleet";
const path = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/metricsources`;
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-sources-"));
let simulator: Simulator;
let config: HubKubeconfig;
let api: KubeTransport;
let hub: HubProcess;

const pods = {
  source: { apiVersion: "v1", kind: "Pod", scope: "Namespaced" },
  fields: [
    { name: "phase", path: ".status.phase", type: "string" },
    { name: "node", path: ".spec.nodeName", type: "string" },
  ],
  computed: [{ name: "isRunning", expression: "phase == 'Running'", type: "boolean" }],
  aggregations: [
    { name: "total", function: "count" },
    { name: "byPhase", function: "count", groupBy: "phase" },
  ],
  collection: {
    intervalSeconds: 30,
    timeoutSeconds: 30,
    maxResources: 5000,
    batchSize: 10,
    retryAttempts: 1,
    parallelism: 2,
  },
  rbac: { resourceTypeName: "pod", filterAggregations: true },
};

interface Source {
  readonly status?: {
    readonly phase: string;
    readonly resourcesCollected?: number;
    readonly clustersCollected?: number;
    readonly message: string;
    readonly fieldValidation?: readonly { readonly field: string; readonly status: string }[];
  };
}

const ask = async <T>(method: "GET" | "POST" | "DELETE", at: string, body?: object): Promise<T> =>
  (
    await api.requestJson(method, at, {
      signal: AbortSignal.timeout(30_000),
      maxBytes: 1 << 22,
      ...(body && { body, contentType: "application/json" }),
    })
  ).body as T;
const create = (name: string, spec: object): Promise<unknown> =>
  ask("POST", path, { apiVersion: "clusterpulse.io/v1alpha1", kind: "MetricSource", metadata: { name }, spec });
const stored = async (key: string): Promise<Record<string, never> | undefined> => {
  const text = await hub.store.string(key);
  return text === null || text === undefined ? undefined : JSON.parse(text.toString());
};
const statusOf = async (name: string, holds: (status: NonNullable<Source["status"]>) => boolean) =>
  await eventually(
    async () => {
      const { status } = await ask<Source>("GET", `${path}/${name}`);
      return status !== undefined && holds(status) && status;
    },
    45_000,
    `the status of ${name}`,
  );

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 3, seed: 5, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: 30 });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  config = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  api = createTransport(config.credentials, {}, "test");
  hub = await openHubProcess({ version: "test", namespace, log: silentLogger });
  hub.watch({ kubeconfig: config });
}, 60_000);
afterAll(async () => {
  await hub.stop(4_000);
  await api.close();
  await simulator.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe("a MetricSource in a hub", () => {
  test("is collected in every cluster at once, over several pages, with its definition and status", async () => {
    await create("pods", pods);
    let total = 0;
    for (const { name } of simulator.clusters) {
      const prefix = `cluster:${name}:custom:${namespace}/pods`;
      const found = await eventually(() => stored(`${prefix}:resources`), 45_000, `rows of ${name}`);
      const metrics = (await stored(`cluster:${name}:metrics`)) as unknown as { pods: number };
      expect(found).toMatchObject({ clusterName: name, sourceId: `${namespace}/pods`, truncated: false });
      expect(found["resources"]).toHaveLength(metrics.pods);
      expect(found["resources"]?.[0]).toHaveProperty("values.isRunning");
      expect(await stored(`${prefix}:aggregations`)).toMatchObject({ values: { total: metrics.pods } });
      expect(await stored(`${prefix}:meta`)).toMatchObject({ resourceCount: metrics.pods, errorCount: 0 });
      total += metrics.pods;
    }
    expect(await stored(`metricsource:${namespace}:pods`)).toMatchObject({
      name: "pods",
      source: { resource: "pods" },
    });
    expect(await hub.store.set("metricsources:all")).toEqual([`${namespace}/pods`]);
    const status = await statusOf("pods", ({ clustersCollected }) => clustersCollected === 3);
    expect(status).toMatchObject({ phase: "Active", resourcesCollected: total, message: "Collection successful" });
    expect(status.fieldValidation?.map(({ field }) => field)).toEqual(["phase", "node"]);
  }, 60_000);

  test("of a kind that no cluster serves fails alone, and one that does not compile says every problem", async () => {
    await create("widgets", { ...pods, source: { apiVersion: "example.com/v1", kind: "Widget", scope: "Namespaced" } });
    await create("broken", { ...pods, computed: [{ name: "x", expression: "nothing + 1", type: "float" }] });
    const widgets = await statusOf("widgets", ({ phase }) => phase === "Error");
    expect(widgets.message).toBe("the cluster does not serve example.com/v1");
    const broken = await statusOf("broken", ({ phase }) => phase === "Error");
    expect(broken.message).toMatch(/^spec\.computed\[0\]\.expression /);
    expect((await statusOf("pods", () => true)).phase).toBe("Active");
    for (const { name } of simulator.clusters)
      expect(await stored(`cluster:${name}:status`)).toMatchObject({ health: "healthy" });
  }, 60_000);

  test("that is deleted leaves nothing in the store", async () => {
    await ask("DELETE", `${path}/pods`);
    const prefix = `cluster:${simulator.clusters[0]?.name}:custom:${namespace}/pods`;
    await eventually(async () => (await stored(`${prefix}:resources`)) === undefined, 20_000, "its rows are gone");
    for (const { name } of simulator.clusters)
      for (const part of ["resources", "aggregations", "meta"])
        expect(await stored(`cluster:${name}:custom:${namespace}/pods:${part}`)).toBeUndefined();
    expect(await stored(`metricsource:${namespace}:pods`)).toBeUndefined();
    expect(await hub.store.set("metricsources:all")).not.toContain(`${namespace}/pods`);
    expect(await hub.store.set("metricsources:by:resourcetype:pod")).not.toContain(`${namespace}/pods`);
  }, 60_000);
});
