// The one pass against the slow evaluator, on random rows and definitions, in one piece and split into pages; each with faults planted.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  aggregatesAgree,
  filtersAgree,
  functionsAgree,
  inOnePass,
  inPages,
} from "../../../support/engine-properties.ts";
import type { ReferenceDefinition } from "../../../support/reference-aggregate.ts";

describe("aggregations", { timeout: 60_000 }, () => {
  it("in one pass are what the slow evaluator says", () => {
    fc.assert(aggregatesAgree(), { numRuns: 1500 });
  });

  it("by one function, and by one filter, are what the slow evaluator says", () => {
    fc.assert(functionsAgree(), { numRuns: 800 });
    fc.assert(filtersAgree(), { numRuns: 1500 });
  });

  it("of pages that are merged, through plain data, are those of all rows at once", () => {
    fc.assert(aggregatesAgree(inPages), { numRuns: 1000 });
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
      aggregatesAgree((list, rows) => inOnePass(list.map(fault), rows)),
      { numRuns: 1500, seed: 1 },
    );
    expect(details.failed).toBe(true);
  });
});
