// The start-up sweep of clusters and registries that were deleted while the hub was away, and what keeps it from removing anything else.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Document } from "../../src/store/document.ts";
import { clusterStatus } from "../../src/store/documents.ts";
import { sourceCollection, sourceDefinition, sourceState } from "../../src/store/metric-source-documents.ts";
import type { SourceId } from "../../src/store/metric-source-keys.ts";
import { createRedisStore, type RedisStore } from "../../src/store/redis.ts";
import { allRegistriesKey } from "../../src/store/registry-documents.ts";
import { silentLogger } from "../../src/support/log.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";

const { signal } = new AbortController();
const kind = "cluster";
const cluster = (name: string): Document[] => [
  { kind: "string", key: `cluster:${name}:spec`, value: "{}", ttlSeconds: null },
  ...clusterStatus(name, { health: "healthy", message: "", reason: "Reachable", lastCheckMs: 0 }),
];
const lifetime = { cacheTtlSeconds: 600, intervalSeconds: 60 };
const sourceDocuments = (id: SourceId, inCluster: string, resourceTypeName = "pod"): Document[] => [
  ...sourceDefinition({
    ...id,
    source: { apiVersion: "v1", kind: "Pod", scope: "Namespaced", group: "", version: "v1", resource: "pods" },
    fields: [],
    collection: {
      intervalSeconds: 60,
      timeoutSeconds: 30,
      maxResources: 10,
      batchSize: 10,
      retryAttempts: 0,
      parallelism: 1,
    },
    rbac: { resourceTypeName, filterAggregations: true },
    compiledAt: "2026-01-01T00:00:00Z",
    hash: "0123456789abcdef",
  }),
  ...sourceState(id, {
    apiVersion: "v1",
    kind: "Pod",
    resourceTypeName: "pod",
    status: {},
    clusters: {},
    missing: [],
    asOfMs: null,
    staleAfterMs: null,
  }),
  ...sourceCollection(
    {
      id,
      cluster: inCluster,
      collectedAtMs: 0,
      durationMs: 1,
      rows: [],
      resourceCount: 0,
      truncated: false,
      problems: [],
      aggregates: "{}",
      aggregateMs: 0,
      staleAfterMs: 0,
    },
    lifetime,
  ),
];

describe.skipIf(!hasRedis())("the sweep", () => {
  let redis: TestRedis;
  let clock: VirtualClock;
  const stores: RedisStore[] = [];
  beforeEach(async () => {
    redis = await startRedis();
    clock = new VirtualClock();
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
    await redis.stop();
  });

  async function hub(keyOwner: string): Promise<RedisStore> {
    const store = await createRedisStore({ url: redis.url, clock, log: silentLogger, keyOwner });
    stores.push(store);
    return store;
  }

  const stored = async (): Promise<string[]> => (await redis.admin.smembers("clusters:all")).sort();

  test("removes what this hub stored and no longer exists, says so to readers, and leaves everything else", async () => {
    const before = await hub("ns-a");
    await before.apply(["a", "b", "c"].flatMap(cluster), signal);
    await before.close();
    await redis.admin.set("cluster:foreign:spec", "{}");
    await redis.admin.sadd("clusters:all", "foreign");

    const after = await hub("ns-a");
    const changed: string[] = [];
    after.subscribe((keys) => changed.push(...keys));
    const published: string[] = [];
    const subscriber = redis.admin.duplicate();
    await subscriber.subscribe("cluster-events");
    subscriber.on("message", (_channel, text) => published.push(JSON.parse(text).cluster));
    const live = new Set(["a", "c", "new"]);
    expect(await after.sweep({ kind, live, signal })).toEqual({ removed: ["b"], warnings: [] });
    expect(await stored()).toEqual(["a", "c", "foreign"]);
    expect(await redis.admin.keys("*cluster:b*")).toEqual([]);
    expect(await redis.admin.get("cluster:foreign:spec")).toBe("{}");
    expect(changed).toEqual(expect.arrayContaining(["clusters:all", "cluster:b:spec", "cluster:b:status"]));
    expect(await after.log("events:b", 1)).toEqual([expect.stringContaining("cluster.deleted")]);
    await subscriber.quit();
    expect(published).toEqual(["b"]);
    expect(await after.sweep({ kind, live, signal })).toEqual({ removed: [], warnings: [] });
  });

  test("refuses to remove more than half, unless forced", async () => {
    const store = await hub("ns-a");
    await store.apply(["a", "b", "c", "d"].flatMap(cluster), signal);
    const one = new Set(["a"]);
    await expect(store.sweep({ kind, live: one, signal })).rejects.toMatchObject({
      code: "STORE_SWEEP_REFUSED",
      message: expect.stringContaining("3 of the 4"),
    });
    await expect(store.sweep({ kind, live: new Set(), signal })).rejects.toMatchObject({
      code: "STORE_SWEEP_REFUSED",
    });
    expect(await stored()).toEqual(["a", "b", "c", "d"]);
    expect((await store.sweep({ kind, live: new Set(["a", "b"]), signal })).removed).toEqual(["c", "d"]);
    expect((await store.sweep({ kind, live: new Set(), force: true, signal })).removed).toEqual(["a", "b"]);
    expect(await stored()).toEqual([]);
  });

  test("warns of another hub on the same Redis, and removes nothing that it stored", async () => {
    const mine = await hub("ns-a");
    const other = await hub("ns-b");
    await mine.apply(["a", "shared", "gone"].flatMap(cluster), signal);
    await other.apply(["b", "shared"].flatMap(cluster), signal);
    const result = await mine.sweep({ kind, live: new Set(["a"]), signal });
    expect(result.removed).toEqual(["gone"]);
    expect(result.warnings).toEqual([
      { code: "STORE_OWNED_BY_OTHER", message: expect.stringMatching(/"ns-b".*1 of its 2 clusters/) },
    ]);
    expect(await stored()).toEqual(["a", "b", "shared"]);

    await clock.advance(2 * 3_600_000);
    expect(await mine.sweep({ kind, live: new Set(["a"]), signal })).toEqual({ removed: ["shared"], warnings: [] });
    expect(await stored()).toEqual(["a", "b"]);
  });

  test("removes nothing where this hub never wrote", async () => {
    await redis.admin.set("cluster:foreign:spec", "{}");
    await redis.admin.sadd("clusters:all", "foreign");
    const store = await hub("ns-a");
    expect(await store.sweep({ kind, live: new Set(), force: true, signal })).toEqual({ removed: [], warnings: [] });
    expect(await stored()).toEqual(["foreign"]);
  });

  test("removes a registry that is gone, and no cluster of the same name", async () => {
    const registry = (name: string): Document[] => [
      { kind: "string", key: `registry:${name}:spec`, value: "{}", ttlSeconds: null },
      { kind: "string", key: `registry:${name}:status`, value: "{}", ttlSeconds: null },
      { kind: "index", key: allRegistriesKey, add: [name], remove: [] },
    ];
    const before = await hub("ns-a");
    await before.apply([...["a", "b", "c"].flatMap(registry), ...cluster("b")], signal);
    await before.close();

    const after = await hub("ns-a");
    const live = new Set(["a", "c"]);
    expect(await after.sweep({ kind: "registry", live, signal })).toEqual({ removed: ["b"], warnings: [] });
    expect((await redis.admin.smembers(allRegistriesKey)).sort()).toEqual(["a", "c"]);
    expect(await redis.admin.keys("registry:b:*")).toEqual([]);
    expect(await after.log("events:b", 1)).toEqual([expect.stringContaining("registry.deleted")]);
    expect(await stored()).toEqual(["b"]);
    await expect(after.sweep({ kind: "registry", live: new Set(), signal })).rejects.toMatchObject({
      code: "STORE_SWEEP_REFUSED",
      message: expect.stringContaining("2 of the 2 stored registries"),
    });
  });

  test("removes a MetricSource that is gone everywhere, and nothing of those that are there", async () => {
    const ids = ["gone", "kept", "broken", "other"].map((name) => ({ namespace: "ns-a", name }));
    const before = await hub("ns-a");
    await before.apply(
      [...["one", "two"].flatMap(cluster), ...ids.flatMap((id) => sourceDocuments(id, "one"))],
      signal,
    );
    await before.close();
    await redis.admin.set("metricsource:ns-b:gone", "{}");

    const after = await hub("ns-a");
    const live = new Set(["ns-a/kept", "ns-a/broken", "ns-a/other"]);
    expect(await after.sweep({ kind: "metricsource", live, signal })).toEqual({ removed: ["ns-a/gone"], warnings: [] });
    const left = (await redis.admin.keys("*gone*")).filter((key) => !key.startsWith("clusterpulse:"));
    expect(left).toEqual(["metricsource:ns-b:gone"]);
    for (const key of ["metricsources:all", "metricsources:enabled", "metricsources:by:resourcetype:pod"])
      expect((await redis.admin.smembers(key)).sort(), key).toEqual(["ns-a/broken", "ns-a/kept", "ns-a/other"]);
    expect((await redis.admin.smembers("clusterpulse:metricsources")).sort()).toEqual([
      "ns-a/broken",
      "ns-a/kept",
      "ns-a/other",
    ]);
    expect(await redis.admin.exists("cluster:one:custom:ns-a/kept:resources")).toBe(1);
    expect(await after.sweep({ kind: "metricsource", live, signal })).toEqual({ removed: [], warnings: [] });
    await expect(after.sweep({ kind: "metricsource", live: new Set(), signal })).rejects.toMatchObject({
      code: "STORE_SWEEP_REFUSED",
      message: expect.stringContaining("3 of the 3 stored MetricSources"),
    });
  });

  test("takes a MetricSource out of the set of a type that it had before, and no other", async () => {
    const ids = ["changed", "same"].map((name) => ({ namespace: "ns-a", name }));
    const before = await hub("ns-a");
    await before.apply(
      ids.flatMap((id) => sourceDocuments(id, "one")),
      signal,
    );
    await before.close();
    await redis.admin.sadd("metricsources:by:resourcetype:pod", "ns-b/foreign");

    const after = await hub("ns-a");
    await after.apply(sourceDocuments(ids[0] as SourceId, "one", "workload"), signal);
    const live = new Set(["ns-a/changed", "ns-a/same"]);
    expect(await after.sweep({ kind: "metricsource", live, signal })).toEqual({ removed: [], warnings: [] });
    expect((await redis.admin.smembers("metricsources:by:resourcetype:pod")).sort()).toEqual([
      "ns-a/same",
      "ns-b/foreign",
    ]);
    expect(await redis.admin.smembers("metricsources:by:resourcetype:workload")).toEqual(["ns-a/changed"]);
  });

  test("removes hundreds of clusters", async () => {
    const store = await hub("ns-a");
    const names = Array.from({ length: 400 }, (_, i) => `c${i}`);
    await store.apply(names.flatMap(cluster), signal);
    const live = new Set(names.slice(0, 200));
    expect((await store.sweep({ kind, live, signal })).removed).toHaveLength(200);
    expect(await stored()).toHaveLength(200);
    expect((await redis.admin.keys("cluster:*")).length).toBe(600);
  });
});
