import { describe, expect, it } from "vitest";
import { dueSources, listsOf, type PlannedSource, termsOf } from "../../../src/metric-source/plan.ts";

const collection = {
  intervalSeconds: 60,
  timeoutSeconds: 30,
  maxResources: 5_000,
  batchSize: 500,
  retryAttempts: 3,
  parallelism: 3,
};

function source(key: string, changes: Partial<PlannedSource> = {}): PlannedSource {
  return { key, revision: "1", apiVersion: "v1", kind: "Pod", scope: "Namespaced", collection, ...changes };
}

const keysOf = (lists: readonly { sources: readonly PlannedSource[] }[]): string[][] =>
  lists.map(({ sources }) => sources.map(({ key }) => key)).toSorted();

describe("the collection plan", () => {
  it("is one list for equal kinds and selectors, however many sources ask", () => {
    const labelSelector = "a=1,b=2";
    const patterns = { include: ["team-*"], exclude: ["team-x"] };
    const lists = listsOf([
      source("n/a", { labelSelector }),
      source("n/b", { labelSelector, namespaces: patterns }),
      source("n/c"),
      source("n/d", { kind: "Node" }),
    ]);
    expect(keysOf(lists)).toEqual([["n/a", "n/b"], ["n/c"], ["n/d"]]);
    expect(lists.map((list) => list.labelSelector).toSorted()).toEqual(["", "", "a=1,b=2"]);
  });

  it("reads namespaces one by one only where all are named", () => {
    const of = (namespaces: PlannedSource["namespaces"], scope: PlannedSource["scope"] = "Namespaced") =>
      listsOf([source("n/a", { namespaces, scope })])[0]?.namespaces;
    expect(of({ include: ["b", "a", "b"] })).toEqual(["a", "b"]);
    expect(of({ include: ["b"] }, "Cluster")).toBeNull();
    expect(of({ include: ["b?"] })).toBeNull();
    expect(of({ include: ["b"], exclude: ["c"] })).toBeNull();
    expect(of({})).toBeNull();
    expect(of(undefined)).toBeNull();
  });

  it("is the same whatever the order of the sources", () => {
    const sources = [source("n/b", { kind: "Node" }), source("n/a"), source("n/c")];
    expect(listsOf(sources.toReversed())).toEqual(listsOf(sources));
  });

  it("takes each source at its own interval, give or take half the shortest", () => {
    const slow = source("n/slow", { collection: { ...collection, intervalSeconds: 120 } });
    const fast = source("n/fast", { collection: { ...collection, intervalSeconds: 30 } });
    const [list] = listsOf([slow, fast]);
    if (list === undefined) throw new Error("no list");
    expect(list.intervalMs).toBe(30_000);
    const due = (nowMs: number): string[] => dueSources(list, () => 0, nowMs).map(({ key }) => key);
    expect(due(30_000)).toEqual(["n/fast"]);
    expect(due(104_999)).toEqual(["n/fast"]);
    expect(due(105_000)).toEqual(["n/fast", "n/slow"]);
    expect(dueSources(list, () => undefined, 0)).toHaveLength(2);
  });

  it("is read as gently as the gentlest asks, and as patiently as the most patient", () => {
    const gentle = source("n/a", { collection: { ...collection, batchSize: 50, parallelism: 1, timeoutSeconds: 5 } });
    const patient = source("n/b", { collection: { ...collection, retryAttempts: 5, timeoutSeconds: 60 } });
    expect(termsOf([gentle, patient])).toEqual({ batchSize: 50, parallelism: 1, retryAttempts: 5, timeoutMs: 60_000 });
  });
});
