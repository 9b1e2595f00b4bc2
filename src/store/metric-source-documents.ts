// From MetricSources and what they collected to the documents that store them: JSON member names, texts and TTL classes of the original.
// Pure. Rows and aggregates are the pool's finished JSON and are stored unopened. The inputs are declared here structurally, because the
// rooms that produce them lie above this one.
import { rfc3339 } from "../support/clock.ts";
import type { Document } from "./document.ts";
import { lifetimeSeconds } from "./documents.ts";
import {
  allSourcesKeys,
  type SourceId,
  shownSourcesKey,
  sourceEventsChannel,
  sourceIdText,
  sourceKeys,
} from "./metric-source-keys.ts";

/** A compiled definition as readers and push agents get it. Members that are empty are left out, as they read it. */
export interface SourceDefinitionValue extends SourceId {
  readonly source: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly scope: string;
    readonly group: string;
    readonly version: string;
    /** Plural, as in paths. */
    readonly resource: string;
    readonly labelSelector?: string | undefined;
    readonly namespaces?: {
      readonly include?: readonly string[] | undefined;
      readonly exclude?: readonly string[] | undefined;
    };
  };
  readonly fields: readonly {
    readonly name: string;
    readonly path: string;
    readonly pathSegments: readonly string[];
    readonly type: string;
    readonly default?: string | undefined;
    readonly index: number;
  }[];
  readonly computed?: readonly { readonly name: string; readonly expression: string; readonly type: string }[];
  readonly aggregations?: readonly {
    readonly name: string;
    readonly function: string;
    readonly field?: string | undefined;
    readonly filter?: { readonly field: string; readonly operator: string; readonly value: string } | undefined;
    readonly groupBy?: string | undefined;
    readonly percentile?: number | undefined;
  }[];
  readonly collection: {
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly maxResources: number;
    readonly batchSize: number;
    readonly retryAttempts: number;
    readonly parallelism: number;
  };
  readonly rbac: {
    readonly resourceTypeName: string;
    readonly filterableFields?: readonly string[] | undefined;
    readonly filterAggregations: boolean;
  };
  /** RFC 3339. */
  readonly compiledAt: string;
  /** 16 hexadecimal digits. */
  readonly hash: string;
}

/**
 * The definition with its meta and indexes.
 * @param formerTypeName the type name that an earlier generation was indexed under; "" or absent: none
 */
export function sourceDefinition(value: SourceDefinitionValue, formerTypeName = ""): Document[] {
  const id = sourceIdText(value);
  const { kind, apiVersion } = value.source;
  const { resourceTypeName } = value.rbac;
  const { compiledAt, hash } = value;
  return [
    text(sourceKeys.definition(value), withoutEmpty(value), null),
    ...allSourcesKeys.map((key) => index(key, [id], [])),
    ...(formerTypeName === "" || formerTypeName === resourceTypeName
      ? []
      : [index(sourceKeys.byType(formerTypeName), [], [id])]),
    ...(resourceTypeName === "" ? [] : [index(sourceKeys.byType(resourceTypeName), [id], [])]),
    {
      kind: "hash",
      key: sourceKeys.meta(value),
      fields: { compiledAt, hash, kind, apiVersion, resourceTypeName },
      ttlSeconds: null,
    },
  ];
}

/** What became of a source, in all clusters. Times are epoch milliseconds. */
export interface SourceStateValue {
  readonly apiVersion: string;
  readonly kind: string;
  readonly resourceTypeName: string;
  /** As in the custom resource. */
  readonly status: object;
  /** How many clusters there are in each state. */
  readonly clusters: Readonly<Record<string, number>>;
  /** Groups of the largest aggregate in one cluster, and how many there may be. */
  readonly groups?: { readonly most: number; readonly limit: number } | undefined;
  /** The clusters whose values are lacking or not complete. */
  readonly missing: readonly string[];
  /** When the oldest of the values that make up the sums was collected; null: there are none. */
  readonly asOfMs: number | null;
  /** Later than this the sums are stale. */
  readonly staleAfterMs: number | null;
}

/** The state of a source; from this write on it is in the list that readers are shown. */
export function sourceState(id: SourceId, state: SourceStateValue): Document[] {
  const { asOfMs, staleAfterMs, ...value } = state;
  const stamp = (ms: number | null): string | null => (ms === null ? null : rfc3339(ms));
  const shown = { ...value, asOf: stamp(asOfMs), staleAfter: stamp(staleAfterMs), partial: state.missing.length > 0 };
  return [text(sourceKeys.status(id), shown, null), index(shownSourcesKey, [sourceIdText(id)], [])];
}

/** What one source collected in one cluster. */
export interface SourceCollectionValue {
  readonly id: SourceId;
  readonly cluster: string;
  readonly collectedAtMs: number;
  readonly durationMs: number;
  /** JSON texts of rows, each some of them separated by commas; in order. Taken over: they are empty afterwards. */
  readonly rows: readonly Uint8Array[];
  readonly resourceCount: number;
  /** Rows that match were cut off. */
  readonly truncated: boolean;
  /** Why some rows are not there; empty: none is lacking. */
  readonly problems: readonly string[];
  /** JSON object of the aggregates; null: the source asks for none. */
  readonly aggregates: Uint8Array | string | null;
  readonly aggregateMs: number;
  /** Later than this the values are stale, epoch milliseconds. */
  readonly staleAfterMs: number;
  /** Absent: not measured. */
  readonly cost?: SourceCostValue | undefined;
}

/** What one collection took. */
export interface SourceCostValue {
  readonly cpuMs: number;
  /** Of the answers, without compression. */
  readonly bytes: number;
  readonly objects: number;
  /** Of rows and sums. */
  readonly storedBytes: number;
}

/** `cacheTtlSeconds` is CACHE_TTL. */
export interface SourceLifetime {
  readonly cacheTtlSeconds: number;
  readonly intervalSeconds: number;
}

/** The rows, how they came about, and the aggregates over exactly these rows. */
export function sourceCollection(value: SourceCollectionValue, lifetime: SourceLifetime): Document[] {
  const ttlSeconds = lifetimeSeconds(lifetime.cacheTtlSeconds, lifetime.intervalSeconds);
  const { id, cluster, aggregates, resourceCount, truncated } = value;
  const sourceId = sourceIdText(id);
  const collectedAt = precise(value.collectedAtMs);
  const durationMs = Math.round(value.durationMs);
  const partial = value.problems.length > 0 ? { partial: true } : {};
  const head = { collectedAt, sourceId, clusterName: cluster, resourceCount, truncated, ...partial, durationMs };
  const resources = joined(`${JSON.stringify(head).slice(0, -1)},"resources":[`, value.rows, "]}", giveBack);
  const documents: Document[] = [
    { kind: "string", key: sourceKeys.resources(cluster, id), value: resources, ttlSeconds },
    text(sourceKeys.collectionMeta(cluster, id), metaOf(value, value.problems), ttlSeconds),
  ];
  if (aggregates !== null) {
    const computed = { computedAt: collectedAt, sourceId, durationMs: Math.round(value.aggregateMs) };
    const bytes = typeof aggregates === "string" ? Buffer.from(aggregates) : aggregates;
    const whole = joined(`${JSON.stringify(computed).slice(0, -1)},"values":`, [bytes], "}");
    documents.push({ kind: "string", key: sourceKeys.aggregations(cluster, id), value: whole, ttlSeconds });
  }
  return documents;
}

/** What is kept of a collection that succeeded, so that a later failure can be told beside it. */
export type SourceCollectionMeta = Pick<
  SourceCollectionValue,
  "id" | "cluster" | "collectedAtMs" | "durationMs" | "resourceCount" | "truncated" | "staleAfterMs" | "cost"
>;

/** A failed collection: the values of `last` stay as they are, with their age, and why there are no newer ones. */
export function sourceCollectionFailed(
  last: SourceCollectionMeta,
  problems: readonly string[],
  lifetime: SourceLifetime,
): Document[] {
  const ttlSeconds = lifetimeSeconds(lifetime.cacheTtlSeconds, lifetime.intervalSeconds);
  return [text(sourceKeys.collectionMeta(last.cluster, last.id), metaOf(last, problems), ttlSeconds)];
}

function metaOf(value: SourceCollectionMeta, problems: readonly string[]): Record<string, unknown> {
  return {
    sourceId: sourceIdText(value.id),
    clusterName: value.cluster,
    lastCollectionTime: precise(value.collectedAtMs),
    durationMs: Math.round(value.durationMs),
    resourceCount: value.resourceCount,
    truncated: value.truncated,
    errorCount: problems.length,
    lastError: problems.at(-1),
    staleAfter: rfc3339(value.staleAfterMs),
    cost: value.cost && {
      cpuMs: Math.round(value.cost.cpuMs),
      bytes: Math.round(value.cost.bytes),
      objects: Math.round(value.cost.objects),
      storedBytes: value.cost.storedBytes,
    },
  };
}

/** Removes what a source left in one cluster. */
export function sourceLeavesCluster(id: SourceId, cluster: string): Document[] {
  const { resources, aggregations, collectionMeta } = sourceKeys;
  return [resources, aggregations, collectionMeta].map((key) => ({ kind: "delete", key: key(cluster, id) }));
}

/** Removes a source everywhere and says so. @param typeNames every type name that it is indexed under */
export function sourceDeleted(
  id: SourceId,
  typeNames: readonly string[],
  clusters: readonly string[],
  atMs: number,
): Document[] {
  const text = sourceIdText(id);
  return [
    ...[...allSourcesKeys, shownSourcesKey].map((key) => index(key, [], [text])),
    ...typeNames.filter((name) => name !== "").map((name) => index(sourceKeys.byType(name), [], [text])),
    { kind: "delete", key: sourceKeys.definition(id) },
    { kind: "delete", key: sourceKeys.meta(id) },
    { kind: "delete", key: sourceKeys.status(id) },
    ...clusters.flatMap((cluster) => sourceLeavesCluster(id, cluster)),
    ...sourceEvent(id, "deleted", null, atMs),
  ];
}

/** Counts of a summary; published, not stored. */
export interface SourceEventData {
  readonly resources: number;
  readonly clusters: number;
  readonly errors: number;
}

export function sourceEvent(
  id: SourceId,
  type: "reconciled" | "deleted",
  data: SourceEventData | null,
  atMs: number,
): Document[] {
  const message = JSON.stringify({ type, sourceId: sourceIdText(id), timestamp: rfc3339(atMs), data });
  return [{ kind: "publish", channel: sourceEventsChannel, message }];
}

/** The definition without members that the original leaves out when they are empty. */
function withoutEmpty(value: SourceDefinitionValue): Record<string, unknown> {
  const { labelSelector, namespaces, ...source } = value.source;
  const { filterableFields, ...rbac } = value.rbac;
  return {
    name: value.name,
    namespace: value.namespace,
    source: {
      ...source,
      labelSelector: labelSelector || undefined,
      namespaces: namespaces && { include: filled(namespaces.include), exclude: filled(namespaces.exclude) },
    },
    fields: value.fields,
    computed: filled(value.computed),
    aggregations: filled(value.aggregations),
    collection: value.collection,
    rbac: { ...rbac, filterableFields: filled(filterableFields) },
    compiledAt: value.compiledAt,
    hash: value.hash,
  };
}

function filled<Item>(list: readonly Item[] | undefined): readonly Item[] | undefined {
  return list === undefined || list.length === 0 ? undefined : list;
}

function precise(epochMs: number): string {
  return new Date(epochMs).toISOString();
}

const comma = 0x2c;

/** @param release called with each part once it is copied */
function joined(
  head: string,
  parts: readonly Uint8Array[],
  tail: string,
  release: (part: Uint8Array) => void = () => {},
): Uint8Array {
  const filled = parts.filter((part) => part.byteLength > 0);
  const length = filled.reduce((sum, part) => sum + part.byteLength + 1, Buffer.byteLength(head) + tail.length);
  const whole = Buffer.allocUnsafeSlow(filled.length === 0 ? length : length - 1);
  let at = whole.write(head);
  for (const [i, part] of filled.entries()) {
    if (i > 0) whole[at++] = comma;
    whole.set(part, at);
    at += part.byteLength;
    release(part);
  }
  whole.write(tail, at);
  return whole;
}

/** Gives the memory of bytes back at once, where it is theirs alone: 100,000 rows would otherwise be there twice. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function index(key: string, add: readonly string[], remove: readonly string[]): Document {
  return { kind: "index", key, add, remove };
}

function text(key: string, value: unknown, ttlSeconds: number | null): Document {
  return { kind: "string", key, value: JSON.stringify(value), ttlSeconds };
}
