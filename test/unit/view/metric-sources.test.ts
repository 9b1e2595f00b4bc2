// The view of MetricSources: rows and what each cluster gave, from the embedded store, in virtual time.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Document } from "../../../src/store/document.ts";
import { allClustersKey } from "../../../src/store/keys.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { sourceCollection, sourceDeleted, sourceState } from "../../../src/store/metric-source-documents.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createMetricSourcesView, type MetricSourcesView } from "../../../src/view/metric-sources.ts";

const id = { namespace: "team", name: "pods" };
const lifetime = { cacheTtlSeconds: 600, intervalSeconds: 60 };
let clock: VirtualClock;
let store: ReturnType<typeof createMemoryStore>;
let view: MetricSourcesView;

const write = async (...documents: Document[]): Promise<void> => {
  await store.apply(documents, new AbortController().signal);
  await clock.advance(10);
};
const clusters = (...add: string[]): Document => ({ kind: "index", key: allClustersKey, add, remove: [] });
const state = (change: Partial<Parameters<typeof sourceState>[1]> = {}): Document[] =>
  sourceState(id, {
    apiVersion: "v1",
    kind: "Pod",
    resourceTypeName: "pod",
    status: { phase: "Active", resourcesCollected: 3 },
    clusters: { collected: 1, failed: 0, unreachable: 0, pending: 0 },
    missing: [],
    asOfMs: 60_000,
    staleAfterMs: 180_000,
    ...change,
  });
const collection = (cluster: string, problems: string[] = []): Document[] =>
  sourceCollection(
    {
      id,
      cluster,
      collectedAtMs: 60_000,
      durationMs: 5,
      rows: [Buffer.from('{"_name":"a"}')],
      resourceCount: 1,
      truncated: false,
      problems,
      aggregates: '{"total":1}',
      aggregateMs: 1,
      staleAfterMs: 180_000,
      cost: { cpuMs: 1.4, bytes: 300, objects: 1, storedBytes: 24 },
    },
    lifetime,
  );
const rowsNow = () => view.metricSources().map(({ bytes }) => JSON.parse(bytes.toString()));
const perCluster = () =>
  view.metricSource("team/pods")?.clusters.map(({ bytes }) => JSON.parse(bytes.toString())) ?? [];

beforeEach(() => {
  clock = new VirtualClock();
  store = createMemoryStore({ clock });
  view = createMetricSourcesView({ store, clock });
});
afterEach(async () => {
  view.close();
  await store.close();
});

describe("the view of MetricSources", () => {
  it("shows a source with its status, the age of its sums and what is lacking", async () => {
    await write(...state({ missing: ["west"] }));
    expect(rowsNow()).toEqual([
      {
        name: "pods",
        namespace: "team",
        apiVersion: "v1",
        kind: "Pod",
        resourceTypeName: "pod",
        status: { phase: "Active", resourcesCollected: 3 },
        clusters: { collected: 1, failed: 0, unreachable: 0, pending: 0 },
        missing: ["west"],
        asOf: "1970-01-01T00:01:00Z",
        staleAfter: "1970-01-01T00:03:00Z",
        partial: true,
      },
    ]);
    expect(view.metricSource("team/other")).toBeUndefined();
  });

  it("shows what each cluster gave, with sums, cost and age, and forgets clusters that left", async () => {
    await write(clusters("west", "east"), ...state(), ...collection("west"), ...collection("east", ["403 for pods"]));
    expect(perCluster()).toMatchObject([
      { cluster: "east", resourceCount: 1, partial: true, lastError: "403 for pods" },
      {
        cluster: "west",
        partial: false,
        aggregations: { total: 1 },
        cost: { cpuMs: 1, bytes: 300, objects: 1, storedBytes: 24 },
        asOf: "1970-01-01T00:01:00.000Z",
        staleAfter: "1970-01-01T00:03:00Z",
      },
    ]);
    await write({ kind: "index", key: allClustersKey, add: [], remove: ["east"] });
    expect(perCluster().map(({ cluster }) => cluster)).toEqual(["west"]);
  });

  it("finds what was stored before it began to look", async () => {
    await write(clusters("west"), ...collection("west"), ...state());
    view.close();
    view = createMetricSourcesView({ store, clock });
    await clock.advance(10);
    expect(rowsNow()).toHaveLength(1);
    expect(perCluster()).toHaveLength(1);
  });

  it("takes what a write says without reading it back, and reads what has expired", async () => {
    let reads = 0;
    view.close();
    view = createMetricSourcesView({
      store: {
        ...store,
        string: (key) => {
          reads++;
          return store.string(key);
        },
      },
      clock,
    });
    await write(clusters("west"), ...state(), ...collection("west"));
    const before = reads;
    await write(...state({ missing: ["west"] }), ...collection("west", ["403 for pods"]));
    expect(reads).toBe(before);
    expect(rowsNow()).toMatchObject([{ missing: ["west"] }]);
    expect(perCluster()).toMatchObject([{ lastError: "403 for pods", aggregations: { total: 1 } }]);
    const list = view.metricSources();
    await write(...collection("west"));
    expect(view.metricSources()).toBe(list);
    await clock.advance(700_000);
    expect(perCluster()).toEqual([]);
    expect(rowsNow()).toHaveLength(1);
  });

  it("keeps the revision of what did not change, and forgets a source that was deleted", async () => {
    await write(clusters("west"), ...state(), ...collection("west"));
    const before = view.metricSources()[0]?.revision;
    await write(...state());
    expect(view.metricSources()[0]?.revision).toBe(before);
    await write(...state({ missing: ["west"] }));
    expect(view.metricSources()[0]?.revision).toBeGreaterThan(before ?? 0);
    await write(...sourceDeleted(id, ["pod"], ["west"], 0));
    expect(view.metricSources()).toEqual([]);
    expect(view.metricSource("team/pods")).toBeUndefined();
    expect(await store.string("metricsource:team:pods:status")).toBeUndefined();
  });
});
