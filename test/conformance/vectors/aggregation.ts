// aggregation.json: resources become rows, all names that occur the environment. The results go through their JSON form, as they are stored.
import { aggregatesJson, compileAggregations } from "../../../src/metric-source/aggregate/aggregate.ts";
import type { AggregationDefinition } from "../../../src/metric-source/aggregate/definition.ts";
import type { Slot, Value } from "../../../src/metric-source/value.ts";
import { type Actual, plain, type Suite, type Vector } from "./suite.ts";

interface Resource {
  readonly values?: Readonly<Record<string, Value>>;
}

function run(vector: Vector): Actual {
  const resources = ((vector["resources"] ?? []) as Resource[]).map((resource) => plain(resource) as Resource);
  const environment = new Map<string, Slot>();
  for (const { values } of resources) {
    for (const name of Object.keys(values ?? {})) {
      if (!environment.has(name)) environment.set(name, { slot: environment.size, type: "string" });
    }
  }
  const definitions = (vector["aggregations"] ?? []) as AggregationDefinition[];
  const pass = compileAggregations(definitions, environment).start();
  for (const { values } of resources) pass.add(Array.from(environment.keys(), (name) => values?.[name] ?? null));
  return { value: JSON.parse(aggregatesJson(pass.results())) };
}

export const aggregation: Suite = { run };
