// What is known of a value that a MetricSource makes, from the recorded definition: on which of the original's faults it may rest.
// Differences are narrowed by it, so that they hold for any recorded fleet and for no other value.

export const traits = [
  /** Converted from text to a number. */
  "number",
  /** At a path with an escaped character. */
  "escaped path",
  /** Grouped by something that is no text. */
  "grouped by values",
  /** A percentile for each group. */
  "grouped percentile",
  /** Of a MetricSource that does not compile. */
  "broken",
] as const;
export type Trait = (typeof traits)[number];

interface Definition {
  readonly name: string;
  readonly namespace: string;
  readonly fields?: readonly { readonly name: string; readonly path: string; readonly type: string }[];
  readonly computed?: readonly { readonly name: string; readonly expression: string; readonly type: string }[];
  readonly aggregations?: readonly {
    readonly name: string;
    readonly function: string;
    readonly field?: string;
    readonly groupBy?: string;
    readonly filter?: { readonly field: string };
  }[];
}

const keyOfDefinition = /^metricsource:[^:]+:[^:]+$/;
const pathOfValue = /^cluster:[^:]+:custom:([^:]+):(?:resources\/resources\/\d+|aggregations)\/values\/([^/]+)/;
const pathOfStatus = /^metricsources\/([^/]+)\/status/;
const convertedTypes = new Set(["quantity", "integer", "float"]);
const none: ReadonlySet<Trait> = new Set();
const broken: ReadonlySet<Trait> = new Set(["broken"]);

interface Recording {
  readonly plural: string;
  readonly name: string;
  readonly status: unknown;
}

/**
 * Traits of what a path leads to, or into.
 * @param keys the recorded keys, among them the definitions of MetricSources
 * @param resources the recorded custom resources, among them MetricSources
 */
export function traitsOfSources(
  keys: Readonly<Record<string, { readonly value: unknown }>>,
  resources: readonly Recording[],
): (path: string) => ReadonlySet<Trait> {
  const sources = new Map<string, ReadonlyMap<string, ReadonlySet<Trait>>>();
  for (const [key, { value }] of Object.entries(keys)) {
    if (!keyOfDefinition.test(key)) continue;
    const { json } = value as { readonly json: Definition };
    sources.set(`${json.namespace}/${json.name}`, traitsOfValues(json));
  }
  const failing = resources.filter(
    ({ plural, status }) => plural === "metricsources" && (status as { phase?: string }).phase === "Error",
  );
  const brokenNames = new Set(failing.map(({ name }) => name));
  return (path) => {
    const [, name = ""] = pathOfStatus.exec(path) ?? [];
    if (brokenNames.has(name)) return broken;
    const [, source = "", value = ""] = pathOfValue.exec(path) ?? [];
    return sources.get(source)?.get(value) ?? none;
  };
}

function traitsOfValues({ fields = [], computed = [], aggregations = [] }: Definition) {
  const values = new Map<string, Set<Trait>>();
  const types = new Map([...fields, ...computed].map(({ name, type }) => [name, type]));
  const inherit = (name: string, from: readonly string[]): Set<Trait> => {
    const all = new Set([name, ...from].flatMap((one) => [...(values.get(one) ?? [])]));
    values.set(name, all);
    return all;
  };
  for (const { name, path, type } of fields) {
    const own = inherit(name, []);
    if (path.includes("\\")) own.add("escaped path");
    if (convertedTypes.has(type)) own.add("number");
  }
  for (const { name, expression } of computed) inherit(name, expression.match(/[A-Za-z_]\w*/g) ?? []);
  for (const { name, function: calculation, field = "", groupBy, filter } of aggregations) {
    const all = inherit(name, [field, groupBy ?? "", filter?.field ?? ""]);
    if (groupBy !== undefined && types.get(groupBy) !== "string") all.add("grouped by values");
    if (groupBy !== undefined && calculation === "percentile") all.add("grouped percentile");
  }
  return values;
}
