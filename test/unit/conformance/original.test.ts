// Where the original reads a field or an expression wrongly, and where it does not.
import { describe, expect, it } from "vitest";
import { expressionFacts, isBeyondTheOriginal } from "../../conformance/original-expressions.ts";
import { isConvertedOtherwise, isPathOfItsOwn, valueAt } from "../../conformance/original-fields.ts";
import { isRefusedHereAlone } from "../../conformance/source-definitions.ts";

describe("fields", () => {
  it.each([
    ["integer", 3, false],
    ["integer", "12", false],
    ["integer", "12.5", true],
    ["integer", true, true],
    ["integer", 1e21, true],
    ["float", "1e3", false],
    ["float", "NaN", true],
    ["float", "1_0", true],
    ["float", "1e999", true],
    ["boolean", "TRUE", false],
    ["boolean", {}, true],
    ["quantity", "10Gi", false],
    ["quantity", "1.5Gi", false],
    ["quantity", "1.5", true],
    ["quantity", "100k", true],
    ["quantity", "1Ei", true],
    ["quantity", "junk", true],
    ["timestamp", "2026-01-01T00:00:00Z", false],
    ["timestamp", "", false],
    ["timestamp", "yesterday", true],
    ["arrayLength", [1], false],
    ["arrayLength", "abc", true],
    ["string", 5, false],
    ["string", { a: 1 }, true],
    ["integer", null, false],
  ])("of type %s with %j", (type, found, isOtherwise) => {
    expect(isConvertedOtherwise({ path: ".a", type }, found)).toBe(isOtherwise);
  });

  it("count CPU in another unit, and defaults in another way", () => {
    const cpu = { path: ".requests.cpu", type: "quantity" };
    expect(["2", "0.5", "500m", "0"].map((text) => isConvertedOtherwise(cpu, text))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    const withDefault = (type: string, text: string) =>
      isConvertedOtherwise({ path: ".a", type, default: text }, undefined);
    expect(withDefault("arrayLength", "0")).toBe(true);
    expect(withDefault("boolean", "1")).toBe(true);
    expect(withDefault("quantity", "0")).toBe(false);
    expect(withDefault("string", "none")).toBe(false);
    expect(isConvertedOtherwise({ path: ".a", type: "integer" }, undefined)).toBe(false);
  });

  it("follow the paths that mean the same to everybody", () => {
    expect(valueAt({ a: { b: [{ c: 1 }] } }, ".a.b[0].c")).toBe(1);
    expect(valueAt({ a: [1] }, ".a.0")).toBeUndefined();
    expect([".a.b[0]", ".a\\.b", ".a['b']", ".a[*]", ".é"].map(isPathOfItsOwn)).toEqual([
      false,
      true,
      true,
      true,
      true,
    ]);
  });
});

describe("expressions", () => {
  const types: Readonly<Record<string, string>> = { s: "string", i: "integer", f: "float", b: "boolean" };
  const facts = (text: string, result = "float") => expressionFacts(text, result, (name) => types[name]);

  it.each([
    ["f / 2 + i * 3", "float", false],
    ["s == 'Bound'", "boolean", false],
    ["concat(s, ':', formatBytes(i))", "string", false],
    ["i >= 8 && f > 1.5", "boolean", false],
    ["f == 3", "boolean", false],
    ["i == null", "boolean", false],
    ["coalesce(f, 0) + 1", "float", false],
    ["len(s) * 2", "integer", false],
    ["i == 3", "boolean", true],
    ["3 == s", "boolean", true],
    ["s * 2", "float", true],
    ["s", "float", true],
    ["s < 'b'", "boolean", true],
    ["f % 2", "float", true],
    ["'a\\n'", "string", true],
    ["if(b, 1, 2)", "float", true],
    ["toNumber(s)", "float", true],
    ["(s ?? f) + 1", "float", true],
  ])("%s as %s", (text, result, isWrong) => {
    expect(facts(text, result)).toMatchObject({ compiles: "rightly", isWrong });
  });

  it("tell what the original takes wrongly, and what it does not take", () => {
    for (const text of ["1 2", "f ? 1 : 2", "a.b", "1)", "i = 3", "lower(s, s)", "nope(f)", "'open", "5m"]) {
      expect(facts(text).compiles, text).toBe("wrongly");
    }
    for (const text of ["", "f +", "(f", "round(f,)", "1.2.3"]) expect(facts(text).compiles, text).toBe("refused");
    expect(["1e3", ".5", "größe", "f - 1"].map(isBeyondTheOriginal)).toEqual([true, true, true, false]);
    expect([facts("age(s) / 60").isOfTheClock, facts("f + now_").isOfTheClock]).toEqual([true, false]);
    expect(facts("max(f, i) + nil").names).toEqual(["f", "i", "nil"]);
  });

  it("and the specs that only the original takes", () => {
    const spec = (more: object) => ({ fields: [{ name: "f", path: ".a" }], ...more });
    expect(isRefusedHereAlone(spec({}))).toBe(false);
    expect(isRefusedHereAlone(spec({ computed: [{ name: "c", expression: "f x" }] }))).toBe(true);
    const aggregation = (more: object) =>
      spec({ aggregations: [{ name: "a", function: "percentile", field: "f", ...more }] });
    expect(isRefusedHereAlone(aggregation({ percentile: 100 }))).toBe(false);
    expect(isRefusedHereAlone(aggregation({ percentile: 101 }))).toBe(true);
    const select = (operator: string, values?: string[]) =>
      spec({ source: { labelSelector: { matchExpressions: [{ key: "k", operator, values }] } } });
    expect([select("In", ["a"]), select("In", []), select("Gt")].map(isRefusedHereAlone)).toEqual([false, true, true]);
    expect(isRefusedHereAlone({ fields: [{ name: "f", path: ".a['b" }] })).toBe(true);
  });
});
