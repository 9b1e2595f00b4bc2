// compile.json: a whole MetricSource through the compiler; the definition it gives, brought into the form of the vectors.
import { compileMetricSource } from "../../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../../src/metric-source/definition.ts";
import { problemText } from "../../../src/metric-source/problem.ts";
import { type Actual, isSameValue, type Suite, type Vector } from "./suite.ts";

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Commas within parentheses separate values, not terms. */
const termsOf = (selector: string | undefined): string[] =>
  selector === undefined || selector === "" ? [] : selector.split(/,(?![^(]*\))/).toSorted();

function run(vector: Vector): Actual {
  const compiled = compileMetricSource(vector["metricSource"] as MetricSourceInput);
  if (!compiled.ok) {
    const found = compiled.problems.map(({ rule }) => rule);
    const rules = [vector["rule"], ...((vector["altRules"] as string[] | undefined) ?? [])];
    const error = compiled.problems.map(problemText).join("; ");
    const isRule = vector["rule"] === undefined || rules.some((rule) => found.includes(rule as string));
    return isRule ? { error } : { value: { refusedFor: found, error } };
  }
  const { definition, computed, wantsNamespace } = compiled.source;
  const namespaces = vector["namespaces"] as readonly string[] | undefined;
  if (namespaces !== undefined) {
    const selected = namespaces.filter(wantsNamespace);
    if (!isSameValue(vector["selectedNamespaces"], selected)) return { value: { selectedNamespaces: selected } };
  }
  const { labelSelector, ...source } = definition.source;
  return {
    value: {
      ...definition,
      source: { ...source, labelSelectorTerms: termsOf(labelSelector) },
      computed: definition.computed.map((part, i) => ({ ...part, references: computed[i]?.references.toSorted() })),
    },
  };
}

/** Without what is empty: absent, null, "", and empty lists and maps are one. Sets are sorted. */
function compact(value: unknown, name = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => compact(item));
    const isSet = name === "labelSelectorTerms" || name === "references";
    if (items.length === 0) return undefined;
    return isSet ? items.toSorted() : items;
  }
  if (!isMembers(value)) return value === null || value === "" ? undefined : value;
  const members = Object.entries(value).flatMap(([key, member]) => {
    const kept = compact(member, key);
    // The original stores a percentile of 0 as none.
    return kept === undefined || (key === "percentile" && kept === 0) ? [] : [[key, kept]];
  });
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

function overlay(expected: unknown, sane: unknown): unknown {
  if (!isMembers(expected) || !isMembers(sane)) return sane;
  const changed = Object.entries(sane).map(([name, value]) => [name, overlay(expected[name], value)]);
  return { ...expected, ...Object.fromEntries(changed) };
}

export const compile: Suite = {
  run,
  overlay,
  isSame: (expected, actual) => isSameValue(compact(expected), compact(actual)),
};
