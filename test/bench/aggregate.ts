// What an aggregation costs a row against a plain loop written by hand for it: seven functions, plain, filtered (two thirds pass), grouped
// (24 groups) and both, over 100,000 rows; then the geometric mean of all.
import { compileAggregations } from "../../src/metric-source/aggregate/aggregate.ts";
import type { AggregationDefinition } from "../../src/metric-source/aggregate/definition.ts";
import type { Slot, Value } from "../../src/metric-source/value.ts";
import { seededRandom } from "../../src/support/random.ts";
import { geometricMeanMs, type Measure } from "./harness.ts";
import { aggregates, type ReferenceRow } from "./reference/aggregate.mjs";

const rowCount = 100_000;
const functions = ["count", "sum", "avg", "min", "max", "percentile", "distinct"];
const environment = new Map<string, Slot>([
  ["v", { slot: 0, type: "float" }],
  ["phase", { slot: 1, type: "string" }],
  ["group", { slot: 2, type: "string" }],
]);

interface Pair {
  readonly definition: AggregationDefinition;
  readonly reference: () => unknown;
  readonly subject: () => unknown;
}

function pairs(): Pair[] {
  const random = seededRandom(7);
  const rows: Value[][] = Array.from({ length: rowCount }, (_, i) => [
    Math.floor(random() * 1000),
    ["Bound", "Bound", "Pending"][i % 3] as string,
    `group-${Math.floor(random() * 24)}`,
  ]);
  const objects: ReferenceRow[] = rows.map(([v, phase, group]) => ({ values: { v, phase, group } }));
  const byHand = aggregates("v", 95);
  const keep = (row: ReferenceRow): boolean => row.values["phase"] === "Bound";
  const groupOf = (row: ReferenceRow): unknown => row.values["group"];
  return ["plain", "filter", "group", "both"].flatMap((form) =>
    functions.map((name): Pair => {
      const isFiltered = form === "filter" || form === "both";
      const isGrouped = form === "group" || form === "both";
      const definition: AggregationDefinition = {
        name: `${name}-${form}`,
        function: name,
        field: "v",
        percentile: 95,
        ...(isFiltered ? { filter: { field: "phase", operator: "equals", value: "Bound" } } : {}),
        ...(isGrouped ? { groupBy: "group" } : {}),
      };
      const aggregation = compileAggregations([definition], environment);
      const run = byHand[name] as NonNullable<(typeof byHand)[string]>;
      const reference = (): unknown => run(objects, isFiltered ? keep : undefined, isGrouped ? groupOf : undefined);
      const subject = (): unknown => {
        const pass = aggregation.start();
        for (const row of rows) pass.add(row);
        return pass.results().get(definition.name);
      };
      const text = (result: unknown): string => JSON.stringify(result instanceof Map ? [...result].sort() : result);
      if (text(subject()) !== text(reference())) throw new Error(`${definition.name}: ${text(subject())}`);
      return { definition, reference, subject };
    }),
  );
}

export async function* measures(): AsyncIterable<Measure> {
  const all = pairs();
  for (const { definition, reference, subject } of all) {
    const name = `aggregate-${definition.name}`;
    yield { name, goal: 10, unit: "row", unitsPerRound: rowCount, warmUps: 2, rounds: 7, reference, subject };
  }
  yield {
    name: "aggregate",
    goal: 2,
    unit: "row",
    unitsPerRound: rowCount,
    warmUps: 2,
    rounds: 9,
    ownCost: true,
    reference: () => geometricMeanMs(all.map(({ reference }) => reference)),
    subject: () => geometricMeanMs(all.map(({ subject }) => subject)),
  };
}
