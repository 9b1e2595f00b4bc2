// What is known of a value that a MetricSource makes: on which of the original's faults it rests. Told from the recorded definitions, from
// the objects that the clusters served, and from what else differs; so a difference that rests on one holds for any recording and for no
// other value.
import type { Mismatch } from "./compare.ts";
import { expressionFacts } from "./original-expressions.ts";
import { isConvertedOtherwise, isPathOfItsOwn, valueAt } from "./original-fields.ts";
import type { Recording } from "./recording.ts";
import { type Definition, isAcceptedHereAlone, isRefusedHereAlone, type SourceSpec } from "./source-definitions.ts";

export const sourceTraits = [
  /** Of a text, or a default, that the original's conversion takes for something else. */
  "converted otherwise",
  /** At a path, or of one, that the original splits in another way. */
  "path of its own",
  /** Computed with an operation that the original gets wrong. */
  "evaluated otherwise",
  /** Computed of the time of day. */
  "of the clock",
  /** Made of other values that differ, each with a reason of its own. */
  "derived",
  /** Grouped by something that is no text. */
  "grouped by values",
  /** A percentile for each group. */
  "grouped percentile",
  /** A percentile, and the definition does not say which. */
  "percentile unsaid",
  /** The least or greatest of texts. */
  "extreme of texts",
  /** Filtered in a way that the original gets wrong. */
  "filtered otherwise",
  /** Of as many objects as maxResources allows, or of more. */
  "limited",
  /** Over rows that the original could not store, because a number in them was none. */
  "of lost rows",
  /** Of a kind whose plural the original guesses wrongly. */
  "wrong plural",
  /** Of a MetricSource that does not compile. */
  "broken",
  /** Of a MetricSource that only the original takes. */
  "refused here",
  /** Of a MetricSource that only the hub takes. */
  "accepted here",
  /** Of a MetricSource that no cluster gave anything for. */
  "nothing collected",
  /** Read namespace by namespace. */
  "by namespace",
  /** Of other clusters than the original had connected when it ran last. */
  "of other clusters",
] as const;
export type SourceTrait = (typeof sourceTraits)[number];

/** What the hub made of the sources. */
export interface OwnSources {
  /** Status of the MetricSource of this name. */
  status(name: string): unknown;
  /** Rows by cluster. */
  counts(source: string): Readonly<Record<string, number>>;
  /** Whether the hub could read the cluster of this ClusterConnection. */
  isConnected(connection: string): boolean;
}

const ofRows = /^cluster:([^:]+):custom:([^:/]+\/[^:/]+):(?:resources|meta)(?:\/(.*))?$/;
const ofValue = /^resources\/(.+)\/values\/([^/]+)/;
const ofAggregate = /^cluster:([^:]+):custom:([^:/]+\/[^:/]+):aggregations(?:\/values\/([^/]+))?/;
const ofDefinition = /^metricsource:([^:/]+):([^:/]+)(?::meta)?(?:\/(.*))?$/;
const ofIndex = /^metricsources:[^/]*\/([^/]+\/[^/]+)$/;
const ofStatus = /^metricsources\/([^/]+)\/status/;
const ofEvent = /^metricsource-events\/[^/]+\/([^/]+\/[^/]+)/;

const wholeNumbers = /^(?:integer|quantity|arrayLength)$/;
/** Already plural, or ends in a vowel and y: the original appends to what it does not know. */
const wrongPlural = /(?:[aeiou]y|constraints|metrics|definition)$/i;

export class SourceTraits {
  readonly #recording: Recording;
  readonly #own: OwnSources;
  readonly #definitions = new Map<string, Definition>();
  readonly #specs = new Map<string, SourceSpec>();
  /** By cluster and source: names of values that differ, each also with its row; "" stands for the rows themselves. */
  readonly #differing = new Map<string, Set<string>>();

  constructor(recording: Recording, own: OwnSources) {
    this.#recording = recording;
    this.#own = own;
    for (const key of Object.keys(recording.keys)) {
      if (!/^metricsource:[^:]+:[^:]+$/.test(key)) continue;
      const definition = recording.json(key) as Definition;
      this.#definitions.set(`${definition.namespace}/${definition.name}`, definition);
    }
    for (const { kind, metadata, spec } of recording.manifests) {
      if (kind !== "MetricSource" || spec === undefined) continue;
      this.#specs.set(`${metadata?.namespace}/${metadata?.name}`, spec as unknown as SourceSpec);
    }
  }

  /** Takes note that a difference has its reason: what is made of it may differ, too. */
  explained({ path }: Mismatch): void {
    const [, cluster = "", source = "", rest = ""] = ofRows.exec(path) ?? [];
    if (source === "") return;
    const [, row, value] = ofValue.exec(rest) ?? [];
    const known = this.#differing.get(`${cluster} ${source}`) ?? new Set();
    this.#differing.set(`${cluster} ${source}`, known);
    if (row === undefined || value === undefined) known.add("");
    else known.add(value).add(`${row} ${value}`);
  }

  of(mismatch: Mismatch): ReadonlySet<SourceTrait> {
    const { path } = mismatch;
    const rows = ofRows.exec(path);
    if (rows !== null) return this.#ofRows(rows[1] ?? "", rows[2] ?? "", rows[3] ?? "", mismatch);
    const aggregate = ofAggregate.exec(path);
    if (aggregate !== null) return this.#ofAggregate(aggregate[1] ?? "", aggregate[2] ?? "", aggregate[3] ?? "");
    const definition = ofDefinition.exec(path);
    if (definition !== null) return this.#ofDefinition(`${definition[1]}/${definition[2]}`, definition[3] ?? "");
    const [, member = ""] = ofIndex.exec(path) ?? [];
    if (member !== "") return new Set(this.#verdicts(member));
    const [, name = ""] = ofStatus.exec(path) ?? [];
    if (name !== "") return this.#ofSummary(this.#sourceNamed(name));
    const [, source = ""] = ofEvent.exec(path) ?? [];
    return source === "" ? new Set() : this.#ofSummary(source);
  }

  #sourceNamed(name: string): string {
    return [...this.#specs.keys()].find((source) => source.endsWith(`/${name}`)) ?? `/${name}`;
  }

  #ofRows(cluster: string, source: string, rest: string, mismatch: Mismatch): ReadonlySet<SourceTrait> {
    const found = new Set(this.#verdicts(source));
    const definition = this.#definitions.get(source);
    if (definition === undefined) return found;
    if (this.#isLimited(cluster, source, definition)) found.add("limited");
    const [, row = "", value = ""] = ofValue.exec(rest) ?? [];
    const field = definition.fields?.find(({ name }) => name === value);
    if (field !== undefined) {
      if (isPathOfItsOwn(field.path)) found.add("path of its own");
      else if (this.#isConvertedOtherwise(cluster, definition, field, row)) found.add("converted otherwise");
    }
    const computed = definition.computed?.find(({ name }) => name === value);
    if (computed === undefined) return found;
    const facts = expressionFacts(computed.expression, computed.type, typesOf(definition));
    const differing = this.#differing.get(`${cluster} ${source}`);
    if (facts.isOfTheClock) found.add("of the clock");
    if (facts.names.some((name) => differing?.has(`${row} ${name}`))) found.add("derived");
    const isText = isTextOtherwise(computed.expression, mismatch.original, () => this.#values(cluster, source, row));
    if (facts.isWrong || isText) found.add("evaluated otherwise");
    return found;
  }

  /** What the original stored for a row. */
  #values(cluster: string, source: string, row: string): readonly unknown[] {
    const stored = this.#recording.json(`cluster:${cluster}:custom:${source}:resources`) as {
      readonly resources?:
        | readonly { readonly _id: string; readonly values: Readonly<Record<string, unknown>> }[]
        | null;
    };
    return Object.values(stored?.resources?.find(({ _id }) => _id === row)?.values ?? {});
  }

  #isConvertedOtherwise(
    cluster: string,
    { source }: Definition,
    field: Parameters<typeof isConvertedOtherwise>[0],
    row: string,
  ): boolean {
    const objects = this.#recording.served(cluster, source.apiVersion, source.kind);
    // What nobody recorded cannot be told from its text.
    if (objects === undefined) return field.type !== "string";
    const object = objects.find(({ metadata }) => {
      return (metadata?.namespace === undefined ? "" : `${metadata.namespace}/`) + metadata?.name === row;
    });
    return object !== undefined && isConvertedOtherwise(field, valueAt(object, field.path));
  }

  #isLimited(cluster: string, source: string, { source: from, collection }: Definition): boolean {
    const meta = this.#recording.json(`cluster:${cluster}:custom:${source}:meta`) as
      | { truncated?: boolean }
      | undefined;
    const served = this.#recording.served(cluster, from.apiVersion, from.kind)?.length ?? 0;
    return meta?.truncated === true || served >= (collection?.maxResources ?? Number.POSITIVE_INFINITY);
  }

  #ofAggregate(cluster: string, source: string, name: string): ReadonlySet<SourceTrait> {
    const found = new Set(this.#verdicts(source));
    const definition = this.#definitions.get(source);
    const aggregation = definition?.aggregations?.findLast((one) => one.name === name);
    if (definition === undefined || aggregation === undefined) return found;
    const { function: calculation, field = "", groupBy, filter, percentile } = aggregation;
    const typeOf = typesOf(definition);
    const inputs = [field, groupBy ?? "", filter?.field ?? ""].filter((input) => input !== "");
    const differing = this.#differing.get(`${cluster} ${source}`) ?? new Set();
    if (differing.has("") || inputs.some((input) => differing.has(input))) found.add("derived");
    const isLost = !Object.hasOwn(this.#recording.keys, `cluster:${cluster}:custom:${source}:resources`);
    if (isLost && inputs.length > 0) found.add("of lost rows");
    if (groupBy !== undefined && typeOf(groupBy) !== "string") found.add("grouped by values");
    if (groupBy !== undefined && calculation === "percentile") found.add("grouped percentile");
    if (calculation === "percentile" && percentile === undefined) found.add("percentile unsaid");
    if (/^m(?:in|ax)$/.test(calculation) && /^(?:string|timestamp)$/.test(typeOf(field) ?? ""))
      found.add("extreme of texts");
    if (filter !== undefined && isFilteredOtherwise(filter.operator, filter.value, typeOf(filter.field)))
      found.add("filtered otherwise");
    return found;
  }

  #ofDefinition(source: string, member: string): ReadonlySet<SourceTrait> {
    const found = new Set(this.#verdicts(source));
    const definition = this.#definitions.get(source);
    const [, index] = /^fields\/(\d+)\/pathSegments/.exec(member) ?? [];
    const path = definition?.fields?.[Number(index)]?.path;
    if (path !== undefined && (isPathOfItsOwn(path) || /^\.*$|\+/.test(path))) found.add("path of its own");
    if (wrongPlural.test(definition?.source.kind ?? "")) found.add("wrong plural");
    return found;
  }

  /** Of what is said of a source in all clusters. */
  #ofSummary(source: string): ReadonlySet<SourceTrait> {
    const found = new Set(this.#verdicts(source));
    const recorded: Record<string, number> = {};
    for (const key of Object.keys(this.#recording.keys)) {
      const [, cluster, own] = /^cluster:([^:]+):custom:(.+):meta$/.exec(key) ?? [];
      if (cluster === undefined || own !== source) continue;
      recorded[cluster] = (this.#recording.json(key) as { resourceCount: number }).resourceCount;
    }
    const text = (counts: Readonly<Record<string, number>>): string => JSON.stringify(Object.entries(counts).sort());
    if (text(recorded) !== text(this.#own.counts(source))) found.add("derived");
    if (Object.keys(recorded).length === 0) found.add("nothing collected");
    if (this.#sawOtherClusters(source)) found.add("of other clusters");
    const { include = [], exclude = [] } = this.#definitions.get(source)?.source.namespaces ?? {};
    if (include.length > 0 && exclude.length === 0) found.add("by namespace");
    return found;
  }

  /** The first run of the original sees what is Connected by then, which may be nothing; a long interval has no second one. */
  #sawOtherClusters(source: string): boolean {
    const { resources, recordedSeconds } = this.#recording;
    const { intervalSeconds = 0 } = this.#definitions.get(source)?.collection ?? {};
    const isConnected = (status: unknown): boolean => (status as { phase?: string }).phase === "Connected";
    const connections = resources.filter(({ plural }) => plural === "clusterconnections");
    return (
      2 * intervalSeconds > recordedSeconds ||
      connections.some(({ name, status }) => isConnected(status) !== this.#own.isConnected(name))
    );
  }

  /** Who takes the source. */
  #verdicts(source: string): readonly SourceTrait[] {
    const name = source.slice(source.indexOf("/") + 1);
    const recorded = this.#recording.resources.find((one) => one.plural === "metricsources" && one.name === name);
    const isError = (status: unknown): boolean => (status as { phase?: string } | undefined)?.phase === "Error";
    const own = this.#own.status(name);
    const spec = this.#specs.get(source);
    // Without its status, what the original compiled tells.
    const isBroken = recorded === undefined ? !this.#definitions.has(source) : isError(recorded.status);
    if (isBroken && isError(own)) return ["broken"];
    if (spec === undefined || isBroken === isError(own)) return [];
    if (isBroken) return isAcceptedHereAlone(spec) ? ["accepted here"] : [];
    return isRefusedHereAlone(spec) ? ["refused here"] : [];
  }
}

const typesOf =
  ({ fields = [], computed = [] }: Definition) =>
  (name: string): string | undefined =>
    [...fields, ...computed].find((one) => one.name === name)?.type;

/** Bytes for letters, exponents in numbers' texts, negative sizes: seen in the value, or in what it is made of. */
function isTextOtherwise(expression: string, original: unknown, values: () => readonly unknown[]): boolean {
  const countsBytes = /\b(?:len|substr|lower|upper)\(/.test(expression);
  if (countsBytes && values().some((value) => typeof value === "string" && /[^\p{ASCII}]/u.test(value))) return true;
  return typeof original === "string" && (/\de[+-]\d\d/.test(original) || /^-\d+\.\d\dB$/.test(original));
}

/** Order among what is no number, lists with quotes, decimals for whole numbers. */
function isFilteredOtherwise(operator: string, value: string, type: string | undefined): boolean {
  const isWhole = wholeNumbers.test(type ?? "");
  switch (operator) {
    case "greaterThan":
    case "lessThan":
      return !(isWhole || type === "float") || value.trim() === "" || !Number.isFinite(Number(value));
    case "in":
      return /["']/.test(value);
    case "equals":
    case "notEquals":
      return isWhole && !/^[+-]?\d+$/.test(value);
    default:
      return false;
  }
}
