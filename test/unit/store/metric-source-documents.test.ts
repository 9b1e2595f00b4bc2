import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { Document } from "../../../src/store/document.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import * as documents from "../../../src/store/metric-source-documents.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

interface Recorded {
  readonly type: string;
  readonly ttlClass: string;
  readonly value: unknown;
}
const recorded = JSON.parse(
  readFileSync(new URL("../../fixtures/golden-fleet/redis.json", import.meta.url), "utf8"),
) as Record<string, Recorded>;

const jsonOf = (key: string): Record<string, unknown> =>
  (recorded[key]?.value as { json: Record<string, unknown> } | undefined)?.json ?? {};
const signal = new AbortController().signal;
const id = { namespace: "clusterpulse", name: "pvc-capacity" };
const atMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
const lifetime = { cacheTtlSeconds: 600, intervalSeconds: 30 };

async function stored(...written: Document[]) {
  const store = createMemoryStore({ clock: new VirtualClock() });
  await store.apply(written, signal);
  return { store, json: async (key: string): Promise<unknown> => JSON.parse((await store.string(key)) ?? "null") };
}

const ttlOf = (written: readonly Document[], key: string): unknown =>
  written.flatMap((document) => ("ttlSeconds" in document && document.key === key ? [document.ttlSeconds] : []))[0];

function collection(changes: Partial<documents.SourceCollectionValue> = {}): documents.SourceCollectionValue {
  return {
    id,
    cluster: "plain",
    collectedAtMs: atMs,
    durationMs: 2.4,
    rows: [],
    resourceCount: 0,
    truncated: false,
    problems: [],
    aggregates: null,
    aggregateMs: 0,
    staleAfterMs: atMs + 60_000,
    ...changes,
  };
}

describe("documents of a MetricSource", () => {
  it.each(["pvc-capacity", "pods-by-node", "nodes-info"])(
    "stores the definition of %s as the original did",
    async (name) => {
      const key = `metricsource:clusterpulse:${name}`;
      const golden = jsonOf(key) as unknown as documents.SourceDefinitionValue;
      const written = documents.sourceDefinition(golden);
      const { store, json } = await stored(...written);
      expect(await json(key)).toEqual(golden);
      expect(Object.fromEntries(await store.hash(`${key}:meta`))).toEqual(recorded[`${key}:meta`]?.value);
      expect(ttlOf(written, key)).toBeNull();
      expect(ttlOf(written, `${key}:meta`)).toBeNull();
      for (const all of ["metricsources:all", "metricsources:enabled"]) {
        expect(await store.set(all)).toEqual([`clusterpulse/${name}`]);
      }
      const type = golden.rbac.resourceTypeName;
      if (type !== "")
        expect(await store.set(`metricsources:by:resourcetype:${type}`)).toEqual([`clusterpulse/${name}`]);
    },
  );

  it("leaves the index of a type name that was changed", async () => {
    const golden = jsonOf("metricsource:clusterpulse:pvc-capacity") as unknown as documents.SourceDefinitionValue;
    const { store } = await stored(...documents.sourceDefinition(golden));
    const renamed = { ...golden, rbac: { ...golden.rbac, resourceTypeName: "claim" } };
    await store.apply(documents.sourceDefinition(renamed, "pvc"), signal);
    expect(await store.set("metricsources:by:resourcetype:pvc")).toEqual([]);
    expect(await store.set("metricsources:by:resourcetype:claim")).toEqual(["clusterpulse/pvc-capacity"]);
  });

  it("leaves out lists that are empty, as their readers expect", async () => {
    const golden = jsonOf("metricsource:clusterpulse:nodes-info") as unknown as documents.SourceDefinitionValue;
    const value = { ...golden, computed: [], aggregations: [], source: { ...golden.source, labelSelector: "" } };
    const { json } = await stored(...documents.sourceDefinition(value));
    const written = (await json("metricsource:clusterpulse:nodes-info")) as Record<string, unknown>;
    expect(Object.keys(written)).not.toContain("computed");
    expect(Object.keys(written)).not.toContain("aggregations");
    expect(written["source"]).not.toHaveProperty("labelSelector");
    expect(written["rbac"]).not.toHaveProperty("filterableFields");
  });
});

describe("documents of a collection", () => {
  it("stores rows, meta and aggregates with the members and lifetimes of the original", async () => {
    const prefix = "cluster:plain:custom:clusterpulse/pvc-capacity";
    const golden = jsonOf(`${prefix}:resources`);
    const rows = golden["resources"] as unknown[];
    const half = (from: number, to: number): Uint8Array =>
      Buffer.from(
        rows
          .slice(from, to)
          .map((row) => JSON.stringify(row))
          .join(),
      );
    const aggregates = jsonOf(`${prefix}:aggregations`)["values"];
    const value = collection({
      rows: [half(0, 3), new Uint8Array(0), half(3, 7)],
      resourceCount: 7,
      aggregates: JSON.stringify(aggregates),
    });
    const written = documents.sourceCollection(value, lifetime);
    const { json } = await stored(...written);
    for (const part of ["resources", "meta", "aggregations"]) {
      const ours = (await json(`${prefix}:${part}`)) as Record<string, unknown>;
      const theirs = jsonOf(`${prefix}:${part}`);
      expect(Object.keys(ours)).toEqual(expect.arrayContaining(Object.keys(theirs)));
      expect(ttlOf(written, `${prefix}:${part}`)).toBe(Number(recorded[`${prefix}:${part}`]?.ttlClass));
    }
    expect(await json(`${prefix}:resources`)).toEqual({
      ...golden,
      collectedAt: "2026-01-02T03:04:05.678Z",
      durationMs: 2,
    });
    expect(await json(`${prefix}:aggregations`)).toMatchObject({ values: aggregates });
  });

  it("stores an empty collection as an empty list, and no aggregates where none are asked for", async () => {
    const { store, json } = await stored(...documents.sourceCollection(collection(), lifetime));
    expect(await json("cluster:plain:custom:clusterpulse/pvc-capacity:resources")).toMatchObject({ resources: [] });
    expect(await store.string("cluster:plain:custom:clusterpulse/pvc-capacity:aggregations")).toBeUndefined();
  });

  it("lives for three intervals where that is longer", () => {
    const written = documents.sourceCollection(collection(), { ...lifetime, intervalSeconds: 900 });
    expect(ttlOf(written, "cluster:plain:custom:clusterpulse/pvc-capacity:resources")).toBe(2_700);
  });

  it("marks what is partial, in the rows and in the meta", async () => {
    const problems = ["namespace a: forbidden", "namespace b: forbidden"];
    const { json } = await stored(...documents.sourceCollection(collection({ problems, truncated: true }), lifetime));
    const prefix = "cluster:plain:custom:clusterpulse/pvc-capacity";
    expect(await json(`${prefix}:resources`)).toMatchObject({ partial: true, truncated: true });
    expect(await json(`${prefix}:meta`)).toMatchObject({ errorCount: 2, lastError: "namespace b: forbidden" });
  });

  it("says of a failed collection why, and leaves the rows with their age", async () => {
    const { store, json } = await stored(...documents.sourceCollection(collection({ resourceCount: 4 }), lifetime));
    await store.apply(documents.sourceCollectionFailed(collection({ resourceCount: 4 }), ["no"], lifetime), signal);
    const prefix = "cluster:plain:custom:clusterpulse/pvc-capacity";
    expect(await json(`${prefix}:meta`)).toMatchObject({
      lastCollectionTime: "2026-01-02T03:04:05.678Z",
      resourceCount: 4,
      errorCount: 1,
      lastError: "no",
    });
    expect(await json(`${prefix}:resources`)).toMatchObject({ collectedAt: "2026-01-02T03:04:05.678Z" });
  });
});

describe("the end of a MetricSource", () => {
  it("leaves no key behind, and none of its neighbours' is touched", async () => {
    const golden = jsonOf("metricsource:clusterpulse:pvc-capacity") as unknown as documents.SourceDefinitionValue;
    const other = { namespace: "clusterpulse", name: "pvc" };
    const { store } = await stored(
      ...documents.sourceDefinition(golden),
      ...documents.sourceDefinition({ ...golden, ...other }),
      ...["plain", "ocp"].flatMap((cluster) =>
        documents.sourceCollection(collection({ cluster, aggregates: "{}" }), lifetime),
      ),
      ...documents.sourceCollection(collection({ id: other }), lifetime),
    );
    await store.apply(documents.sourceDeleted(id, ["pvc"], ["plain", "ocp", "never"], atMs), signal);
    for (const cluster of ["plain", "ocp"])
      for (const part of ["resources", "aggregations", "meta"])
        expect(await store.string(`cluster:${cluster}:custom:clusterpulse/pvc-capacity:${part}`)).toBeUndefined();
    expect(await store.string("metricsource:clusterpulse:pvc-capacity")).toBeUndefined();
    expect((await store.hash("metricsource:clusterpulse:pvc-capacity:meta")).size).toBe(0);
    for (const all of ["metricsources:all", "metricsources:enabled", "metricsources:by:resourcetype:pvc"])
      expect(await store.set(all)).toEqual(["clusterpulse/pvc"]);
    expect(await store.string("cluster:plain:custom:clusterpulse/pvc:resources")).toBeDefined();
  });

  it("publishes what the original's listeners know", () => {
    const [event] = documents.sourceEvent(id, "reconciled", { resources: 9, clusters: 3, errors: 0 }, atMs);
    expect(event).toEqual({
      kind: "publish",
      channel: "metricsource-events",
      message: JSON.stringify({
        type: "reconciled",
        sourceId: "clusterpulse/pvc-capacity",
        timestamp: "2026-01-02T03:04:05Z",
        data: { resources: 9, clusters: 3, errors: 0 },
      }),
    });
  });
});
