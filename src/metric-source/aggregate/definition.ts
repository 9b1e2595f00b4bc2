// What an aggregation may be, and everything that is wrong with a list of them, found before anything runs.
import { compilePattern } from "../regex.ts";
import { didYouMean } from "../suggest.ts";
import type { Environment } from "../value.ts";

export const aggregateFunctions = ["count", "sum", "avg", "min", "max", "percentile", "distinct"] as const;
export const filterOperators = [
  "equals",
  "notEquals",
  "contains",
  "startsWith",
  "endsWith",
  "greaterThan",
  "lessThan",
  "in",
  "matches",
] as const;

/** The percentile where none is given, as the original's API has it. */
export const defaultPercentile = 95;
/** Groups of one aggregation over one cluster. */
export const defaultMaxGroups = 1000;

export interface FilterDefinition {
  readonly field: string;
  readonly operator: string;
  readonly value: string;
}

/** An aggregation as a MetricSource has it. */
export interface AggregationDefinition {
  readonly name: string;
  readonly function: string;
  readonly field?: string;
  readonly filter?: FilterDefinition;
  readonly groupBy?: string;
  /** From 0 to 100. */
  readonly percentile?: number;
}

/** What is wrong with one aggregation. A warning does not keep it from being computed; it will not be what was meant. */
export interface AggregationProblem {
  readonly index: number;
  /** The member, such as `filter.value`. */
  readonly member: string;
  readonly severity: "error" | "warning";
  readonly message: string;
}

/** Everything wrong with a list of aggregations over the names of an environment. */
export function checkAggregations(
  definitions: readonly AggregationDefinition[],
  environment: Environment,
): AggregationProblem[] {
  const problems: AggregationProblem[] = [];
  const first = new Map<string, number>();
  definitions.forEach((definition, index) => {
    const say = (severity: "error" | "warning", member: string, message: string): void => {
      problems.push({ index, member, severity, message });
    };
    // The original takes names that nobody declared, as values that are never there.
    const checkName = (member: string, name: string | undefined): void => {
      if (name === undefined || name === "" || environment.has(name)) return;
      say(
        "warning",
        member,
        `"${name}" is neither a field nor a computed value${didYouMean(name, environment.keys())}`,
      );
    };
    const { name, function: fn, field, filter, groupBy, percentile } = definition;
    if (name === "") say("error", "name", "an aggregation needs a name");
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    else say("error", "name", `"${name}" is also the name of aggregation ${earlier + 1}: names must differ`);
    if (!(aggregateFunctions as readonly string[]).includes(fn)) {
      const known = aggregateFunctions.join(", ");
      say("error", "function", `there is no function "${fn}"; it is one of ${known}`);
    }
    if (fn !== "count" && (field ?? "") === "") say("error", "field", `${fn} needs the field that it is computed over`);
    checkName("field", field);
    checkName("groupBy", groupBy);
    if (percentile !== undefined && !(percentile >= 0 && percentile <= 100)) {
      say("error", "percentile", `${percentile} is not a percentile: it is a number from 0 to 100`);
    }
    if (filter === undefined) return;
    checkName("filter.field", filter.field);
    if (!(filterOperators as readonly string[]).includes(filter.operator)) {
      const known = filterOperators.join(", ");
      say("error", "filter.operator", `there is no operator "${filter.operator}"; it is one of ${known}`);
    }
    if (filter.operator === "matches") {
      const pattern = compilePattern(filter.value);
      if (!pattern.ok) say("error", "filter.value", pattern.message);
    }
  });
  return problems;
}
