// Every recorded vector of the suites that are built; that the runner sees faults; and that nothing a file holds stops it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { aggregation } from "../../conformance/vectors/aggregation.ts";
import { expression } from "../../conformance/vectors/expression.ts";
import { reportLines, runVectors, type VectorReport } from "../../conformance/vectors/run.ts";
import { quantity } from "../../conformance/vectors/small.ts";
import type { Suite, Vector } from "../../conformance/vectors/suite.ts";

const recorded = fileURLToPath(new URL("../../fixtures/vectors/", import.meta.url));

async function inFolder(files: Record<string, string>, known?: ReadonlyMap<string, Suite>): Promise<VectorReport> {
  const folder = mkdtempSync(join(tmpdir(), "clusterpulse-vectors-"));
  try {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
    return await runVectors(folder, known);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe("the recorded vectors", () => {
  it("all hold, and those decided otherwise have a record", async () => {
    const report = await runVectors(recorded);
    expect(report.failures).toEqual([]);
    expect(report.passed).toBeGreaterThanOrEqual(747);
    expect(report.decided.map(({ record }) => record)).toEqual(expect.arrayContaining(["0013", "0013", "0014"]));
    expect(report.unchecked.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["percentile value omitted", "no-break space between tokens"]),
    );
  });
});

type Definition = Readonly<Record<string, unknown>>;
const changed = (suite: Suite, change: (vector: Vector) => Vector): Suite => ({
  ...suite,
  run: (vector) => suite.run(change(vector)),
});
const changedAggregations = (change: (definition: Definition) => Definition): Suite =>
  changed(aggregation, (vector) => ({
    ...vector,
    aggregations: ((vector["aggregations"] ?? []) as Definition[]).map(change),
  }));

const faults: [string, string, Suite][] = [
  [
    "numeric text that counts as 0",
    "expression",
    changed(expression, (vector) => ({
      ...vector,
      expression: String(vector["expression"]).replace(/"[\d.]+"/g, '"x"'),
    })),
  ],
  [
    "a result that is not coerced to its type",
    "expression",
    changed(expression, (vector) => ({ ...vector, resultType: "none" })),
  ],
  ["a filter that lets everything pass", "aggregation", changedAggregations(({ filter: _, ...rest }) => rest)],
  [
    "notEquals that matches as equals",
    "aggregation",
    changedAggregations((definition) => {
      const filter = definition["filter"] as { operator: string } | undefined;
      return filter?.operator === "notEquals"
        ? { ...definition, filter: { ...filter, operator: "equals" } }
        : definition;
    }),
  ],
  ["groups that are not made", "aggregation", changedAggregations(({ groupBy: _, ...rest }) => rest)],
  [
    "a percentile that grouping loses",
    "aggregation",
    changedAggregations((definition) => ("groupBy" in definition ? { ...definition, percentile: 0 } : definition)),
  ],
  [
    "a milli that is a mega",
    "quantity",
    changed(quantity, (vector) => ({ ...vector, input: String(vector["input"]).replace(/m$/, "M") })),
  ],
];

describe("the runner", () => {
  it.each(faults)("catches %s", async (_, name, suite) => {
    const report = await runVectors(recorded, new Map([[name, suite]]));
    expect(report.failures.length).toBeGreaterThan(0);
    expect(reportLines(report, false).lines.at(-1)).toMatch(/ passed, [1-9]\d* failed$/);
  });

  it("lists what it cannot run, counts it as failed under --strict, and goes on after files that are none", async () => {
    const report = await inFolder({
      "a.json": "{",
      "b.json": JSON.stringify({ suite: "unheard-of", vectors: [{ name: "x" }, { name: "y" }] }),
      "c.json": JSON.stringify({
        suite: "pluralize",
        extra: 1,
        vectors: [{ name: "pod", kind: "Pod", expected: "pods", unheardOf: {} }],
      }),
      "d.json": JSON.stringify({ suite: "expression", vectors: [{ name: "nothing given" }, null] }),
      "README.md": "text",
    });
    expect(report.passed).toBe(1);
    expect(report.notRun).toEqual([{ file: "b.json", vectors: 2 }]);
    expect(report.failures.map(({ suite }) => suite)).toEqual(["a.json", "d.json"]);
    expect(reportLines(report, false).lines.at(-1)).toBe("1 passed, 2 failed");
    expect(reportLines(report, true).lines.at(-1)).toBe("1 passed, 4 failed");
  });
});
