// What counts as the same, and what a listed difference allows.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { absent, mismatches } from "../../conformance/compare.ts";
import { compatibilityPage, type Difference, explain, readDifferences } from "../../conformance/differences.ts";
import { lifetimeWord } from "../../conformance/lifetimes.ts";

const paths = (original: unknown, ours: unknown): string[] => mismatches(original, ours, "key").map(({ path }) => path);

describe("comparing", () => {
  it("finds every member that differs or is missing, and lets ours have more", () => {
    expect(paths({ a: 1, b: { c: [1, 2] } }, { a: 1, b: { c: [1, 2], more: 1 }, more: 2 })).toEqual([]);
    expect(paths({ a: 1, b: { c: [1, 2] } }, { a: "1", b: { c: [1, 3] } })).toEqual(["key/a", "key/b/c/1"]);
    expect(paths({ a: 1, at: [1] }, { at: [1, 2] })).toEqual(["key/a", "key/at"]);
    expect(paths({ a: null }, { a: {} })).toEqual(["key/a"]);
    expect(paths([1], { 0: 1 })).toEqual(["key"]);
    expect(mismatches({ a: 1 }, {}, "key")).toEqual([{ path: "key/a", original: 1, ours: absent }]);
  });

  it("leaves out what is never the same twice, but not that it is there", () => {
    const original = {
      timestamp: "2026-11-21T08:03:35Z",
      lastSyncTime: "x",
      collectedAt: 1,
      durationMs: 3,
      created: "2026-01-01T00:00:00Z",
      text: "took 14ms",
    };
    const ours = {
      timestamp: "now",
      lastSyncTime: "y",
      collectedAt: 2,
      durationMs: 4,
      created: "2025-01-01T00:00:00.5Z",
      text: "took 2.5s",
    };
    expect(paths(original, ours)).toEqual([]);
    expect(paths(original, { ...ours, timestamp: undefined, text: "took long" })).toEqual(["key/text"]);
    const { durationMs: _gone, ...rest } = ours;
    expect(paths(original, rest)).toEqual(["key/durationMs"]);
    expect(paths({ created: "2026-01-01T00:00:00Z" }, { created: "yesterday" })).toEqual(["key/created"]);
  });

  it("does not mind the order of what has none", () => {
    expect(paths({ roles: ["b", "a"] }, { roles: ["a", "b"] })).toEqual([]);
    expect(paths({ roles: ["b", "a"] }, { roles: ["a", "c"] })).toEqual(["key/roles/1"]);
    expect(paths({ list: ["b", "a"] }, { list: ["a", "b"] })).toEqual(["key/list/0", "key/list/1"]);
  });
});

describe("lists whose items have an identity", () => {
  const operators = "cluster:a:operators";
  const operator = (name: string, version = "1") => ({ name, installed_namespace: "n", version });
  const at = (original: readonly unknown[], ours: readonly unknown[]) => mismatches(original, ours, operators);

  it("are compared item by item, wherever it stands", () => {
    expect(at([operator("b"), operator("a")], [operator("a"), operator("b")])).toEqual([]);
    const found = at([operator("b", "2"), operator("a")], [operator("a"), operator("b")]);
    expect(found).toEqual([{ path: `${operators}/n/b/version`, original: "2", ours: "1" }]);
  });

  it("tell what is lacking, what is there again and what is there besides", () => {
    const found = at([operator("a"), operator("a"), operator("c")], [operator("a"), operator("b")]);
    expect(found.map(({ path, original, ours }) => [path, original === absent, ours === absent])).toEqual([
      [`${operators}/n/a/again`, false, true],
      [`${operators}/n/c`, false, true],
      [`${operators}/n/b`, true, false],
    ]);
    expect(mismatches(["a", "b"], ["b"], "clusters:all")).toEqual([
      { path: "clusters:all/a", original: "a", ours: absent },
    ]);
  });

  it("hold what was read in objects to the letter, also times", () => {
    const rows = "cluster:a:custom:n/s:resources/resources";
    const row = (at: string) => [{ _id: "n/x", values: { at, lastSeenAt: at } }];
    const found = mismatches(row("2026-01-01T00:00:00Z"), row("2026-01-01T00:00:01Z"), rows);
    expect(found.map(({ path }) => path)).toEqual([`${rows}/n/x/values/at`, `${rows}/n/x/values/lastSeenAt`]);
  });
});

describe("lifetimes", () => {
  it.each([
    [-2, "600", absent],
    [-1, "none", "none"],
    [-1, "600", "none"],
    [500, "none", "limited"],
    [600, "600", "600"],
    [480, "600", "600"],
    [479, "600", "shorter"],
    [601, "600", "longer"],
  ])("%i s left of %s: %s", (left, recorded, word) => {
    expect(lifetimeWord(left, recorded)).toBe(word);
  });
});

describe("differences", () => {
  const difference = (rest: Partial<Difference>): Difference => ({
    id: "x",
    where: "",
    original: "",
    here: "",
    reason: "",
    state: "fixed",
    ...rest,
  });

  it("explain what they match and allow, and nothing else", () => {
    const one = [difference({ match: ["cluster:*:spec/labels"], becomes: {} })];
    const at = (path: string, ours: unknown, original: unknown = null) => explain(one, { path, original, ours })?.id;
    expect(at("cluster:a:spec/labels", {})).toBe("x");
    expect(at("cluster:a:spec/labels", [])).toBeUndefined();
    expect(at("cluster:a:spec/labels/b", {})).toBeUndefined();
    expect(at("registry:a:spec/labels", {})).toBeUndefined();
    const close = [difference({ match: ["*"], tolerance: 1e-9 })];
    expect(explain(close, { path: "p", original: 0.3, ours: 0.30000000000000004 })?.id).toBe("x");
    expect(explain(close, { path: "p", original: 0.3, ours: 0.31 })).toBeUndefined();
    expect(explain(close, { path: "p", original: 0.3, ours: "0.3" })).toBeUndefined();
    const gone = [difference({ match: ["events:*"], becomes: "absent", holds: "registry." })];
    expect(explain(gone, { path: "events:a", original: ["registry.reconciled"], ours: absent })?.id).toBe("x");
    expect(explain(gone, { path: "events:a", original: ["cluster.reconciled"], ours: absent })).toBeUndefined();
    expect(explain(gone, { path: "events:a", original: ["registry.reconciled"], ours: [] })).toBeUndefined();
    const more = [difference({ match: ["list/*"], was: "absent" })];
    expect(explain(more, { path: "list/a", original: absent, ours: 1 })?.id).toBe("x");
    expect(explain(more, { path: "list/a", original: 1, ours: absent })).toBeUndefined();
    const placed = [difference({ match: ["*"], of: ["placed operator", "push"] })];
    expect(explain(placed, { path: "p", original: 1, ours: 2 }, new Set(["push"]))?.id).toBe("x");
    expect(explain(placed, { path: "p", original: 1, ours: 2 }, new Set(["derived"]))).toBeUndefined();
  });

  it("are all whole, and are what docs/compatibility.md says", () => {
    const page = readFileSync(new URL("../../../docs/compatibility.md", import.meta.url), "utf8");
    // node test/conformance/main.ts --write-docs
    expect(compatibilityPage(readDifferences())).toBe(page);
  });
});
