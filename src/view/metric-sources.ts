// What readers see of the MetricSources: rows as finished JSON bytes, and for each what it gave in every cluster, kept current from the store's
// change stream. What a write says is kept as it is and made a row of when somebody asks: a collection costs next to nothing here.
// Bytes that are the same keep their revision. Rows of single objects are not here.
import type { Document, StoreChanges, StoredValue, StoreReader } from "../store/document.ts";
import { allClustersKey } from "../store/keys.ts";
import { shownSourcesKey, sourceIdOf, sourceKeys, sourceOfKey } from "../store/metric-source-keys.ts";
import type { Clock } from "../support/clock.ts";
import type { ViewRow } from "./ports.ts";
import { Refresher } from "./refresher.ts";

export interface MetricSourcesView {
  /** Rows of GET /api/v1/metricsources, in order of `namespace/name`, which is each row's name. */
  metricSources(): readonly ViewRow[];
  /** Its own row, its definition and what each cluster gave, in order of cluster; undefined for an unknown source. */
  metricSource(id: string): MetricSourceDetail | undefined;
  /** Resolves once everything that has changed so far is in the rows. */
  idle(): Promise<void>;
  close(): void;
}

export interface MetricSourceDetail {
  readonly row: ViewRow;
  /** JSON of the compiled definition; undefined: it never compiled. */
  readonly definition: ViewRow | undefined;
  readonly clusters: readonly ViewRow[];
}

/** Stored values by the part of the source, or of the source in one cluster, that they are. Undefined: there is none. */
class Parts {
  /** Whether its row is one of the list. */
  readonly isListed: boolean;
  readonly values = new Map<string, StoredValue | undefined>();
  revision = 0;
  /** Made of the values when it is asked for. */
  row: ViewRow | undefined;

  constructor(isListed: boolean) {
    this.isListed = isListed;
  }
}

interface Shown {
  readonly source: Parts;
  readonly byCluster: Map<string, Parts>;
}

const sourceParts: readonly string[] = ["status", "definition"];
const clusterParts: readonly string[] = ["meta", "aggregations"];

/** Starts reading the store and follows it until closed. */
export function createMetricSourcesView({
  store,
  clock,
}: {
  store: StoreReader & StoreChanges;
  clock: Clock;
}): MetricSourcesView {
  const found = new Map<string, Shown>();
  let clusters: ReadonlySet<string> = new Set();
  let revision = clock.nowMs() * 1_000;
  let rows: readonly ViewRow[] | undefined;
  let closed = false;

  const refresher = new Refresher<true>({
    clock,
    merge: () => true,
    refresh: (key) => (key === lists ? readLists() : read(key)),
  });
  const unsubscribe = store.subscribe((keys, written) => {
    for (const key of keys) {
      if (key === shownSourcesKey || key === allClustersKey) refresher.mark(lists, true);
      const place = sourceOfKey(key);
      const shown = place && found.get(place.id);
      if (place === undefined || shown === undefined) continue;
      const { id, cluster, part } = place;
      if (!(cluster === undefined ? sourceParts : clusterParts).includes(part)) continue;
      const parts = cluster === undefined ? shown.source : shown.byCluster.get(cluster);
      if (parts === undefined || !take(parts, part, written.get(key))) refresher.mark(partKey(id, cluster), true);
    }
  });
  refresher.mark(lists, true);

  /** Takes over a value as it was written; false: it has to be read. */
  function take(parts: Parts, part: string, document: Document | undefined): boolean {
    if (document?.kind !== "string" || parts.revision === 0) return false;
    keep(parts, new Map([[part, document.value]]));
    return true;
  }

  function keep(parts: Parts, values: ReadonlyMap<string, StoredValue | undefined>): void {
    let isSame = parts.revision !== 0;
    for (const [part, value] of values) {
      isSame &&= typeof value !== "object" && parts.values.get(part) === value;
      parts.values.set(part, value);
    }
    if (isSame) return;
    parts.revision = ++revision;
    parts.row = undefined;
    if (parts.isListed) rows = undefined;
  }

  async function readLists(): Promise<void> {
    const [sources, listed] = await Promise.all([store.set(shownSourcesKey), store.set(allClustersKey)]);
    if (closed) return;
    const before = clusters;
    clusters = new Set(listed);
    const gone = [...before].filter((cluster) => !clusters.has(cluster));
    const fresh = listed.filter((cluster) => !before.has(cluster));
    const known = new Set(sources);
    for (const [id, shown] of found) {
      if (known.has(id)) {
        for (const cluster of gone) shown.byCluster.delete(cluster);
        for (const cluster of fresh) refresher.mark(partKey(id, cluster), true);
      } else {
        found.delete(id);
        rows = undefined;
      }
    }
    for (const id of known) {
      if (found.has(id)) continue;
      found.set(id, { source: new Parts(true), byCluster: new Map() });
      refresher.mark(partKey(id, undefined), true);
      for (const cluster of clusters) refresher.mark(partKey(id, cluster), true);
    }
  }

  async function read(key: string): Promise<void> {
    const [id = "", cluster] = key.split(" ");
    const before = found.get(id);
    if (before === undefined) return;
    const parts = cluster === undefined ? before.source : (before.byCluster.get(cluster) ?? new Parts(false));
    const { revision: revisionBefore } = parts;
    const source = sourceIdOf(id);
    const { status, definition, collectionMeta, aggregations } = sourceKeys;
    const keys: readonly (readonly [string, string])[] =
      cluster === undefined
        ? [
            ["status", status(source)],
            ["definition", definition(source)],
          ]
        : [
            ["meta", collectionMeta(cluster, source)],
            ["aggregations", aggregations(cluster, source)],
          ];
    const values = await Promise.all(keys.map(async ([part, at]) => [part, await store.string(at)] as const));
    if (closed || found.get(id) !== before) return;
    // A write that was told meanwhile is newer than what was read, or older: only another look tells.
    if (parts.revision !== revisionBefore) {
      refresher.mark(key, true);
      return;
    }
    if (cluster !== undefined) {
      const isThere = clusters.has(cluster) && values[0]?.[1] !== undefined;
      if (!isThere) before.byCluster.delete(cluster);
      else before.byCluster.set(cluster, parts);
    }
    keep(parts, new Map(values));
  }

  return {
    metricSources() {
      rows ??= [...found]
        .filter(([, { source }]) => source.revision !== 0)
        .map(sourceRow)
        .sort(byName);
      return rows;
    },
    metricSource(id) {
      const shown = found.get(id);
      if (shown === undefined || shown.source.revision === 0) return undefined;
      const { source, byCluster } = shown;
      const definition = textOf(source.values.get("definition"));
      return {
        row: sourceRow([id, shown]),
        definition: definition === undefined ? undefined : rowOf(id, source.revision, definition),
        clusters: [...byCluster].map(clusterRow).sort(byName),
      };
    },
    idle: () => refresher.idle(),
    close() {
      closed = true;
      unsubscribe();
      refresher.close();
    },
  };
}

/** No id has a space. */
const lists = " ";
const partKey = (id: string, cluster: string | undefined): string => (cluster === undefined ? id : `${id} ${cluster}`);
const byName = (a: ViewRow, b: ViewRow): number => (a.name < b.name ? -1 : 1);
const rowOf = (name: string, revision: number, text: string): ViewRow => ({ name, revision, bytes: Buffer.from(text) });

function sourceRow([id, { source }]: readonly [string, Shown]): ViewRow {
  const { namespace, name } = sourceIdOf(id);
  const text = (): string => JSON.stringify({ name, namespace, ...objectIn(source.values.get("status")) });
  source.row ??= rowOf(id, source.revision, text());
  return source.row;
}

/** What one cluster gave: how much, how old, what it cost, and the sums. */
function clusterRow([cluster, parts]: readonly [string, Parts]): ViewRow {
  parts.row ??= rowOf(cluster, parts.revision, clusterText(cluster, parts));
  return parts.row;
}

function clusterText(cluster: string, { values }: Parts): string {
  const {
    sourceId: _id,
    clusterName: _name,
    lastCollectionTime = null,
    staleAfter = null,
    ...meta
  } = objectIn(values.get("meta"));
  const { values: aggregations = null, computedAt = null } = objectIn(values.get("aggregations"));
  const partial = meta["truncated"] === true || meta["errorCount"] !== 0;
  // The sums may be older than a collection that failed since.
  const times = { asOf: lastCollectionTime, staleAfter, aggregatedAt: computedAt };
  return JSON.stringify({ cluster, ...meta, ...times, partial, aggregations });
}

function textOf(value: StoredValue | undefined): string | undefined {
  return typeof value === "object" ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : value;
}

function objectIn(stored: StoredValue | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(textOf(stored) ?? "{}");
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
