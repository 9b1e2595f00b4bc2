// The one pass against the slow evaluator, on random rows and definitions, in one piece and split into pages; each with faults planted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Aggregates, compileAggregations } from "../../../../src/metric-source/aggregate/aggregate.ts";
import type { Slot, Value } from "../../../../src/metric-source/value.ts";
import { aggregateSlowly, type ReferenceDefinition, type ReferenceRow } from "../../../support/reference-aggregate.ts";

const fields = ["v", "s", "g"];
const environment = new Map<string, Slot>(fields.map((name, slot) => [name, { slot, type: "string" }]));

const value = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(1.5, 0, 1024, 1e6),
  fc.constantFrom(
    "",
    "a",
    "b",
    "5",
    "1Ki",
    "__proto__",
    "constructor",
    "10",
    "2025-01-01T00:00:00Z",
    "é",
    "🚀",
    "_unknown_",
  ),
  fc.boolean(),
  fc.constant(null),
);
const row: fc.Arbitrary<ReferenceRow> = fc.record({ v: value, s: value, g: value });
const field = fc.constantFrom(...fields, "missing");
const definition = fc.record(
  {
    function: fc.constantFrom("count", "sum", "avg", "min", "max", "percentile", "distinct"),
    field,
    groupBy: field,
    percentile: fc.integer({ min: 0, max: 100 }),
    filter: fc.record({
      field,
      operator: fc.constantFrom(
        ...["equals", "notEquals", "contains", "startsWith", "endsWith", "greaterThan", "lessThan", "in", "unheard-of"],
      ),
      value: fc.constantFrom(
        "",
        "a",
        "5",
        "1.0",
        "-1",
        "true",
        "[a, 5,true]",
        "1Ki",
        "500m",
        "2024-06-01T00:00:00Z",
        "x y",
      ),
    }),
  },
  { requiredKeys: ["function"] },
);
const definitions: fc.Arbitrary<ReferenceDefinition[]> = fc
  .array(definition, { minLength: 1, maxLength: 6 })
  .map((list) => list.map((one, i) => ({ ...one, name: `a${i}` })));

const rowValues = (given: ReferenceRow): Value[] => fields.map((name) => given[name] ?? null);
const plain = (results: Aggregates): unknown =>
  new Map(Array.from(results, ([name, result]) => [name, result instanceof Map ? [...result] : result]));

/** Equal, but for the last bits of sums. */
function isClose(left: unknown, right: unknown): boolean {
  if (left instanceof Map && right instanceof Map) return isClose([...left], [...right]);
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => isClose(item, right[i]));
  }
  if (typeof left === "number" && typeof right === "number")
    return Math.abs(left - right) <= 1e-9 * Math.max(1, Math.abs(left));
  return left === right;
}

function inOnePass(list: readonly ReferenceDefinition[], rows: readonly ReferenceRow[]): unknown {
  const pass = compileAggregations(list, environment).start();
  for (const one of rows) pass.add(rowValues(one));
  return plain(pass.results());
}

const agrees = (run: typeof inOnePass) =>
  fc.property(definitions, fc.array(row, { maxLength: 30 }), (list, rows) =>
    isClose(aggregateSlowly(list, rows), run(list, rows)),
  );

describe("aggregations", () => {
  it("in one pass are what the slow evaluator says", () => {
    fc.assert(agrees(inOnePass), { numRuns: 1500 });
  });

  it("of pages that are merged, through plain data, are those of all rows at once", () => {
    const merged: typeof inOnePass = (list, rows) => {
      const compiled = compileAggregations(list, environment);
      const all = compiled.start();
      for (let at = 0; at < rows.length || at === 0; at += 7) {
        const page = compiled.start();
        for (const one of rows.slice(at, at + 7)) page.add(rowValues(one));
        all.merge(structuredClone(page.partial()));
      }
      return plain(all.results());
    };
    fc.assert(agrees(merged), { numRuns: 1000 });
  });

  const faults: [string, (one: ReferenceDefinition) => ReferenceDefinition][] = [
    ["a filter that is not applied", ({ filter: _, ...rest }) => rest],
    ["groups that are not made", ({ groupBy: _, ...rest }) => rest],
    ["a percentile that grouping loses", (one) => (one.groupBy === undefined ? one : { ...one, percentile: 0 })],
    ["a maximum for a minimum", (one) => (one.function === "min" ? { ...one, function: "max" } : one)],
    [
      "greaterThan for lessThan",
      (one) =>
        one.filter?.operator === "lessThan" ? { ...one, filter: { ...one.filter, operator: "greaterThan" } } : one,
    ],
  ];
  it.each(faults)("would not pass with %s", (_, fault) => {
    const details = fc.check(
      agrees((list, rows) => inOnePass(list.map(fault), rows)),
      { numRuns: 1500 },
    );
    expect(details.failed).toBe(true);
  });
});
