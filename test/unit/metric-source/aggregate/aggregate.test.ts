import { describe, expect, it } from "vitest";
import { aggregatesJson, compileAggregations } from "../../../../src/metric-source/aggregate/aggregate.ts";
import { type AggregationDefinition, checkAggregations } from "../../../../src/metric-source/aggregate/definition.ts";
import { compilePattern, maxPatternLength } from "../../../../src/metric-source/regex.ts";
import type { Row, Slot } from "../../../../src/metric-source/value.ts";

const environment = new Map<string, Slot>([
  ["v", { slot: 0, type: "integer" }],
  ["g", { slot: 1, type: "string" }],
]);
function run(definitions: readonly AggregationDefinition[], rows: readonly Row[], maxGroups?: number) {
  const pass = compileAggregations(definitions, environment, maxGroups).start();
  for (const row of rows) pass.add(row);
  return pass;
}

describe("the bound of groups (E-37)", () => {
  const sum: AggregationDefinition = { name: "sum", function: "sum", field: "v", groupBy: "g" };
  const rows = (count: number): Row[] => Array.from({ length: count }, (_, i) => [1, `g${i}`]);

  it("says nothing below 80 %, warns from there, cuts and counts past it, and is forgotten by the next pass", () => {
    const compiled = compileAggregations([sum], environment, 10);
    const useOf = (count: number) => {
      const pass = compiled.start();
      for (const row of [...rows(count), [1, "g0"] as Row]) pass.add(row);
      return pass.groupUse();
    };
    expect(useOf(7)).toEqual([]);
    expect(useOf(8)).toEqual([{ name: "sum", groups: 8, maxGroups: 10, rowsCut: 0, level: "warning" }]);
    expect(useOf(10)).toMatchObject([{ groups: 10, rowsCut: 0, level: "warning" }]);
    expect(useOf(13)).toEqual([{ name: "sum", groups: 10, maxGroups: 10, rowsCut: 3, level: "cut" }]);
    expect(useOf(7)).toEqual([]);
  });

  it("holds for passes that are merged, and counts the rows, not the groups", () => {
    const compiled = compileAggregations([sum], environment, 3);
    const all = compiled.start();
    for (const keys of [
      ["a", "b"],
      ["c", "d", "d"],
      ["a", "d"],
    ]) {
      const page = compiled.start();
      for (const key of keys) page.add([1, key]);
      all.merge(page.partial());
    }
    expect(aggregatesJson(all.results())).toBe('{"sum":{"a":2,"b":1,"c":1}}');
    expect(all.groupUse()).toEqual([{ name: "sum", groups: 3, maxGroups: 3, rowsCut: 3, level: "cut" }]);
  });
});

describe("results", () => {
  it("hold any text as a group, in the order of the texts, whatever the order of the rows", () => {
    const definition: AggregationDefinition = { name: "__proto__", function: "count", groupBy: "g" };
    const rows: Row[] = ["b", "__proto__", "10", "9", null, "constructor", "b"].map((key) => [1, key]);
    const json = '{"__proto__":{"10":1,"9":1,"__proto__":1,"_unknown_":1,"b":2,"constructor":1}}';
    expect(aggregatesJson(run([definition], rows).results())).toBe(json);
    expect(aggregatesJson(run([definition], rows.toReversed()).results())).toBe(json);
    expect(({} as Record<string, unknown>)["10"]).toBeUndefined();
  });

  it("keep integers beyond 2^53 exact where nothing is computed", () => {
    const rows: Row[] = [
      [9007199254740993n, "a"],
      [9007199254740995n, "a"],
      [1, "a"],
    ];
    const definitions = ["min", "max", "distinct"].map((name) => ({ name, function: name, field: "v" }));
    expect(aggregatesJson(run(definitions, rows).results())).toBe('{"min":1,"max":9007199254740995,"distinct":3}');
    const filter = { field: "v", operator: "greaterThan", value: "9007199254740993" };
    expect(
      run([{ name: "n", function: "count", filter }], rows)
        .results()
        .get("n"),
    ).toBe(1);
  });

  it("never hold a number that JSON has not", () => {
    const rows: Row[] = [
      [1.7e308, "a"],
      [1.7e308, "a"],
    ];
    const definitions = ["sum", "avg"].map((name) => ({ name, function: name, field: "v" }));
    expect(aggregatesJson(run(definitions, rows).results())).toBe('{"sum":null,"avg":null}');
  });
});

describe("filters", () => {
  const count = (operator: string, value: string, values: Row): unknown => {
    const filter = { field: "v", operator, value };
    return run(
      [{ name: "n", function: "count", filter }],
      values.map((one) => [one]),
    )
      .results()
      .get("n");
  };

  it("compare quantities and times, and nothing with what is neither", () => {
    expect(count("greaterThan", "1Gi", [2 ** 31, "2Gi", "500Mi", 5, true, "", "abc", null])).toBe(2);
    expect(count("lessThan", "500m", [0.1, "100m", 1, "1"])).toBe(2);
    expect(
      count("greaterThan", "2026-01-01T00:00:00+01:00", ["2026-01-01T00:00:00Z", "2025-12-31T23:00:00Z", 9e99]),
    ).toBe(1);
    expect(count("greaterThan", "abc", [1, "abd"])).toBe(0);
  });

  it("take lists with quotes and commas in them", () => {
    expect(count("in", '["a,b", "c", 3]', ["a,b", "c", 3, "a"])).toBe(3);
    expect(count("in", "['x', y]", ["x", "y", "'x'"])).toBe(2);
  });

  it("E-33: match patterns in linear time: what hangs a backtracking engine does not hang this one", () => {
    expect(count("matches", "(a+)+$", [`${"a".repeat(50_000)}!`, "aaa"])).toBe(1);
  });
});

describe("what is wrong with aggregations", () => {
  it("is found all at once, each with its member; names that nobody declared are warnings", () => {
    const problems = checkAggregations(
      [
        { name: "a", function: "summ", field: "v" },
        { name: "a", function: "percentile", field: "w", percentile: 101 },
        { name: "", function: "sum", groupBy: "gg", filter: { field: "v", operator: "like", value: "" } },
        { name: "b", function: "count", filter: { field: "v", operator: "matches", value: "a(?=b)" } },
      ],
      environment,
    );
    expect(problems.map(({ index, member, severity }) => `${index} ${member} ${severity}`)).toEqual([
      "0 function error",
      "1 name error",
      "1 field warning",
      "1 percentile error",
      "2 name error",
      "2 field error",
      "2 groupBy warning",
      "2 filter.operator error",
      "3 filter.value error",
    ]);
  });

  it("includes patterns that are too long", () => {
    expect(compilePattern("a".repeat(maxPatternLength)).ok).toBe(true);
    expect(compilePattern("a".repeat(maxPatternLength + 1))).toEqual({
      ok: false,
      message: expect.stringMatching(/at most 1024/),
    });
  });
});
