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
      const meant = didYouMean(name, environment.keys());
      say("warning", member, `names "${name}", which is neither a field nor a computed value${meant}`);
    };
    const { name, function: fn, field, filter, groupBy, percentile } = definition;
    if (name === "") say("error", "name", "must not be empty");
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, index);
    else say("error", "name", `must differ from the name of spec.aggregations[${earlier}]`);
    if (!(aggregateFunctions as readonly string[]).includes(fn)) {
      const known = aggregateFunctions.join(", ");
      say("error", "function", `must be one of ${known}: there is no function "${fn}"`);
    }
    if (fn !== "count" && (field ?? "") === "") say("error", "field", `must be set: ${fn} is computed over a field`);
    checkName("field", field);
    checkName("groupBy", groupBy);
    if (percentile !== undefined && !(percentile >= 0 && percentile <= 100)) {
      say("error", "percentile", `must be a number from 0 to 100, not ${percentile}`);
    }
    if (filter === undefined) return;
    checkName("filter.field", filter.field);
    if (!(filterOperators as readonly string[]).includes(filter.operator)) {
      const known = filterOperators.join(", ");
      say("error", "filter.operator", `must be one of ${known}: there is no operator "${filter.operator}"`);
    }
    if (filter.operator === "matches") {
      const pattern = compilePattern(filter.value);
      if (!pattern.ok) say("error", "filter.value", pattern.message);
    }
  });
  return problems;
}
