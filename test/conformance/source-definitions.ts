// Which MetricSources only one of the two takes, told from their specs: the original checks little, so it takes what cannot work; and it
// refuses a few expressions that the hub can read.
import { expressionFacts, isBeyondTheOriginal } from "./original-expressions.ts";

interface Aggregation {
  readonly name: string;
  readonly function: string;
  readonly field?: string;
  readonly groupBy?: string;
  readonly percentile?: number;
  readonly filter?: { readonly field: string; readonly operator: string; readonly value: string };
}

interface Named {
  readonly name: string;
  readonly type?: string;
}

/** The part of a compiled definition, as it is stored, that differences rest on. */
export interface Definition {
  readonly name: string;
  readonly namespace: string;
  readonly source: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly namespaces?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
  };
  readonly fields?: readonly (Named & { readonly path: string; readonly type: string; readonly default?: string })[];
  readonly computed?: readonly (Named & { readonly expression: string; readonly type: string })[];
  readonly aggregations?: readonly Aggregation[];
  readonly collection?: { readonly maxResources?: number; readonly intervalSeconds?: number };
}

/** The part of a MetricSource's spec that decides who takes it. */
export interface SourceSpec {
  readonly source?: {
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly labelSelector?: {
      readonly matchLabels?: Readonly<Record<string, string>>;
      readonly matchExpressions?: readonly {
        readonly key: string;
        readonly operator: string;
        readonly values?: readonly string[];
      }[];
    };
  };
  readonly fields?: readonly (Named & { readonly path?: string })[];
  readonly computed?: readonly (Named & { readonly expression?: string })[];
  readonly aggregations?: readonly Aggregation[];
}

const functions = new Set(["count", "sum", "avg", "min", "max", "percentile", "distinct"]);
const operators = new Set("equals notEquals contains startsWith endsWith greaterThan lessThan in matches".split(" "));
const labelValue = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** Whether the spec holds what the original takes and the hub does not. */
export function isRefusedHereAlone({ source, fields = [], computed = [], aggregations = [] }: SourceSpec): boolean {
  const typeOf = (name: string): string | undefined => [...fields, ...computed].find((one) => one.name === name)?.type;
  const isSecret = source?.kind?.toLowerCase() === "secret";
  const { matchLabels = {}, matchExpressions = [] } = source?.labelSelector ?? {};
  const names = aggregations.map(({ name }) => name);
  return (
    computed.some(({ expression = "", type = "float" }) => {
      return expressionFacts(expression, type, typeOf).compiles === "wrongly";
    }) ||
    fields.some(({ path = "" }) => isPathRefused(path, isSecret)) ||
    aggregations.some(isAggregationRefused) ||
    new Set(names).size < names.length ||
    Object.values(matchLabels).some((value) => !labelValue.test(value)) ||
    matchExpressions.some(({ operator, values = [] }) => {
      const isKnown = /^(?:In|NotIn|Exists|DoesNotExist)$/.test(operator);
      return !isKnown || (/In$/.test(operator) && values.length === 0) || values.some((text) => !labelValue.test(text));
    })
  );
}

/** A quote that is not closed, what repeats whole objects, the data of Secrets, a path of excessive length. */
function isPathRefused(path: string, isSecret: boolean): boolean {
  const quoted = /\[['"]/.test(path) && !/^(?:[^[]|\[[^'"]|\['[^']*'\]|\["[^"]*"\])*$/.test(path);
  return (
    quoted ||
    path.includes("last-applied-configuration") ||
    (isSecret && /^\.*(?:data|stringData|$|\[)/.test(path)) ||
    path.length > 2_048
  );
}

function isAggregationRefused({ function: calculation, field = "", percentile, filter }: Aggregation): boolean {
  return (
    !functions.has(calculation) ||
    (calculation !== "count" && field === "") ||
    (percentile !== undefined && (percentile < 0 || percentile > 100)) ||
    (filter !== undefined && !operators.has(filter.operator)) ||
    (filter?.operator === "matches" && !isPattern(filter.value))
  );
}

/** Nearly RE2's syntax: flags at the start are no part of JavaScript's, and look-around is no part of RE2's. */
function isPattern(text: string): boolean {
  try {
    new RegExp(
      text.replace(/\(\?[a-zA-Z]+\)|\(\?P</g, (found) => (found === "(?P<" ? "(?<" : "")),
      "u",
    );
    return !/\(\?<?[=!]|\\[1-9]/.test(text);
  } catch {
    return false;
  }
}

/** Whether the spec holds an expression that the hub can read and the original cannot. */
export function isAcceptedHereAlone({ computed = [], fields = [] }: SourceSpec): boolean {
  const typeOf = (name: string): string | undefined => [...fields, ...computed].find((one) => one.name === name)?.type;
  return computed.some(
    ({ expression = "", type = "float" }) =>
      isBeyondTheOriginal(expression) && expressionFacts(expression, type, typeOf).compiles !== "rightly",
  );
}
