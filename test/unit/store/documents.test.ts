import { describe, expect, it } from "vitest";
import type { Document } from "../../../src/store/document.ts";
import * as documents from "../../../src/store/documents.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const at = "2026-01-02T03:04:05Z";

async function stored(...written: Document[]) {
  const store = createMemoryStore({ clock: new VirtualClock() });
  await store.apply(written, new AbortController().signal);
  const json = async (key: string): Promise<unknown> => JSON.parse((await store.string(key)) ?? "null");
  return { store, json };
}

const node = (name: string, values: Partial<documents.NodeValue> = {}): documents.NodeValue => ({
  name,
  status: "Ready",
  roles: ["worker"],
  current: `{"name":"${name}"}`,
  point: `{"timestamp":"${at}","cpu_usage":1}`,
  cpuUsagePercent: 10,
  memoryUsagePercent: 20.125,
  cpuCapacityCores: 4,
  memoryCapacityBytes: 1024,
  podsTotal: 7,
  ...values,
});
const times = { atMs, cacheTtlSeconds: 600, retentionSeconds: 3600 };

describe("documents of a cluster", () => {
  it("stores the spec in the original's shape, labels never null", async () => {
    const { json } = await stored(...documents.clusterSpec("c", { endpoint: "https://c:6443" }));
    expect(await json("cluster:c:spec")).toEqual({
      displayName: "",
      endpoint: "https://c:6443",
      credentialsRef: { name: "", namespace: "" },
      labels: {},
      monitoring: { interval: 0, timeout: 0 },
    });
  });

  it("clears the labels when the last one is removed", async () => {
    const { store, json } = await stored(...documents.clusterLabels("c", { env: "prod" }));
    expect(await json("cluster:c:labels")).toEqual({ env: "prod" });
    await store.apply(documents.clusterLabels("c", {}), new AbortController().signal);
    expect(await store.string("cluster:c:labels")).toBeUndefined();
  });

  it("stores a status, its time, and lists the cluster", async () => {
    const status = { health: "healthy", message: "Cluster is reachable", reason: "Reachable" } as const;
    const { store, json } = await stored(...documents.clusterStatus("c", { ...status, lastCheckMs: atMs }));
    expect(await json("cluster:c:status")).toEqual({ ...status, last_check: at });
    expect(await store.hash("cluster:c:meta")).toEqual(new Map([["last_update", at]]));
    expect(await store.set("clusters:all")).toEqual(["c"]);
  });

  it("says nothing of a check that never happened", async () => {
    const pending = { health: "unknown", message: "Waiting for the first check", reason: "Pending" } as const;
    const { store, json } = await stored(...documents.clusterStatus("c", { ...pending, lastCheckMs: null }));
    expect(await json("cluster:c:status")).toEqual(pending);
    expect(await store.hash("cluster:c:meta")).toEqual(new Map());
    expect(await store.set("clusters:all")).toEqual(["c"]);
  });

  it("leaves unknown numbers out of the metrics", async () => {
    const { json } = await stored(
      ...documents.clusterMetrics(
        "c",
        {
          collectedAtMs: atMs,
          nodes: 3,
          nodesReady: 2,
          namespaces: null,
          pods: 120,
          podsRunning: 110,
          cpuCapacityCores: 24,
          memoryCapacityBytes: 101254529024,
          deployments: 0,
        },
        300,
      ),
    );
    expect(await json("cluster:c:metrics")).toEqual({
      timestamp: at,
      nodes: 3,
      nodes_ready: 2,
      pods: 120,
      pods_running: 110,
      cpu_capacity: 24,
      memory_capacity: 101254529024,
      deployments: 0,
    });
  });

  it("stores namespaces as JSON and as a set", async () => {
    const { store, json } = await stored(...documents.clusterNamespaces("c", ["a", "b"], atMs, 600));
    expect(await json("cluster:c:namespaces")).toEqual({ namespaces: ["a", "b"], count: 2, timestamp: at });
    expect(await store.set("cluster:c:namespaces:set")).toEqual(["a", "b"]);
  });

  it("stores nodes with their texts, history and sums", async () => {
    const { store } = await stored(
      ...documents.clusterNodes(
        "c",
        [
          node("w1", { cpuUsagePercent: 0.125, roles: ["worker", "__proto__"] }),
          node("w2", { status: "NotReady", memoryUsagePercent: 30.125 }),
          node("w3", { status: "SchedulingDisabled", roles: [] }),
          node("w4", { status: "Unknown" }),
        ],
        times,
      ),
    );
    expect(Object.fromEntries(await store.hash("cluster:c:node:w1"))).toEqual({
      current: '{"name":"w1"}',
      last_update: at,
      status: "Ready",
      cpu_usage: "0.12",
      memory_usage: "20.12",
      pods_total: "7",
    });
    expect(await store.series("cluster:c:node:w1:metrics", 5)).toEqual([`{"timestamp":"${at}","cpu_usage":1}`]);
    expect(await store.set("cluster:c:nodes")).toEqual(["w1", "w2", "w3", "w4"]);
    const summary = (await store.hash("cluster:c:nodes:summary")).get("data") ?? "";
    expect(summary).toContain('"by_role":{"worker":3,"__proto__":1}');
    expect(JSON.parse(summary)).toMatchObject({
      total: 4,
      ready: 1,
      not_ready: 1,
      scheduling_disabled: 1,
      total_cpu_capacity: 16,
      total_memory_capacity: 4096,
      avg_cpu_usage: 7.53125,
      avg_memory_usage: 22.625,
      timestamp: at,
    });
  });

  it("drops nodes that are gone from the list, and stores a summary of none", async () => {
    const { store } = await stored(
      ...documents.clusterNodes("c", [node("w1"), node("w2")], times),
      ...documents.clusterNodes("c", [node("w2")], times),
    );
    expect(await store.set("cluster:c:nodes")).toEqual(["w2"]);
    await store.apply(documents.clusterNodes("c", [], times), new AbortController().signal);
    expect(await store.set("cluster:c:nodes")).toEqual([]);
    const summary = JSON.parse((await store.hash("cluster:c:nodes:summary")).get("data") ?? "null");
    expect(summary).toMatchObject({ total: 0, by_role: {}, avg_cpu_usage: 0 });
  });

  it("keeps history for the retention and no longer", async () => {
    const { store } = await stored(
      ...documents.clusterNodes("c", [node("w1", { point: "old" })], times),
      ...documents.clusterNodes("c", [node("w1", { point: "new" })], { ...times, atMs: atMs + 3_599_000 }),
    );
    expect(await store.series("cluster:c:node:w1:metrics", 5)).toEqual(["new", "old"]);
    const later = { ...times, atMs: atMs + 3_600_000 };
    await store.apply(
      documents.clusterNodes("c", [node("w1", { point: "newest" })], later),
      new AbortController().signal,
    );
    expect(await store.series("cluster:c:node:w1:metrics", 5)).toEqual(["newest", "new"]);
  });

  it("stores ages as absolute times", async () => {
    const { store } = await stored(
      ...documents.clusterFreshness("c", { asOfMs: atMs, staleAfterMs: atMs + 60_000, missing: ["pods"] }),
    );
    expect(Object.fromEntries(await store.hash("cluster:c:freshness"))).toEqual({
      as_of: at,
      stale_after: "2026-01-02T03:05:05Z",
      missing: '["pods"]',
    });
  });

  it("publishes every event and logs transitions, at most 100", async () => {
    const event = { type: "cluster.reconciled", atMs, data: { health: "healthy", display_name: "C" } } as const;
    const [published, ...logged] = documents.clusterEvent("c", { ...event, transition: false });
    const message = `{"type":"cluster.reconciled","cluster":"c","timestamp":"${at}","data":{"health":"healthy","display_name":"C"}}`;
    expect(published).toEqual({ kind: "publish", channel: "cluster-events", message });
    expect(logged).toEqual([]);
    const many = Array.from({ length: 120 }, (_, n) =>
      documents.clusterEvent("c", { ...event, atMs: atMs + n, transition: true }),
    ).flat();
    const { store } = await stored(...many, ...many.slice(-2));
    expect(await store.log("events:c", 1_000)).toHaveLength(100);
    expect((await store.log("events:c", 1))[0]).toBe(message);
  });

  it("removes a deleted cluster and keeps its event log and its siblings", async () => {
    const status = { health: "healthy", message: "", reason: "Reachable", lastCheckMs: atMs } as const;
    const { store } = await stored(
      ...documents.clusterStatus("c", status),
      ...documents.clusterStatus("c2", status),
      ...documents.clusterNodes("c", [node("w1")], times),
      ...documents.clusterDeleted("c", atMs),
    );
    expect(await store.set("clusters:all")).toEqual(["c2"]);
    expect(await store.string("cluster:c:status")).toBeUndefined();
    expect(await store.hash("cluster:c:node:w1")).toEqual(new Map());
    expect(await store.string("cluster:c2:status")).toBeDefined();
    expect(JSON.parse((await store.log("events:c", 1))[0] ?? "null")).toEqual({
      type: "cluster.deleted",
      cluster: "c",
      timestamp: at,
      data: null,
    });
  });

  it("keeps a value for three intervals and at least its class's floor", () => {
    expect(documents.lifetimeSeconds(600, 30)).toBe(600);
    expect(documents.lifetimeSeconds(600, 200.5)).toBe(602);
    expect(documents.lifetimeSeconds(documents.ttlFloorSeconds.info, 3600)).toBe(10_800);
  });
});
