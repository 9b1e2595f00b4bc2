// What readers see of the MetricSources: rows as finished JSON bytes, and for each what it gave in every cluster, kept current from the store's
// change stream. A burst of changes is one rebuild; bytes that are the same keep their revision. Rows of single objects are not here.
import type { StoreChanges, StoreReader } from "../store/document.ts";
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

interface Shown {
  row: ViewRow | undefined;
  definition: ViewRow | undefined;
  readonly byCluster: Map<string, ViewRow>;
}

const retryAfterMs = 1_000;

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
    maxConcurrent: 64,
    retryAfterMs,
    merge: () => true,
    refresh: (key) => (key === lists ? readLists() : rebuild(key)),
  });
  const unsubscribe = store.subscribe((keys) => {
    for (const key of keys) {
      if (key === shownSourcesKey || key === allClustersKey) refresher.mark(lists, true);
      const source = sourceOfKey(key);
      if (source !== undefined && found.has(source.id)) refresher.mark(partKey(source.id, source.cluster), true);
    }
  });
  refresher.mark(lists, true);

  async function readLists(): Promise<void> {
    const [sources, listed] = await Promise.all([store.set(shownSourcesKey), store.set(allClustersKey)]);
    if (closed) return;
    const fresh = listed.filter((cluster) => !clusters.has(cluster));
    const gone = [...clusters].filter((cluster) => !listed.includes(cluster));
    clusters = new Set(listed);
    const known = new Set(sources);
    for (const [id, shown] of found) {
      if (!known.has(id)) {
        found.delete(id);
        rows = undefined;
        continue;
      }
      for (const cluster of gone) shown.byCluster.delete(cluster);
      for (const cluster of fresh) refresher.mark(partKey(id, cluster), true);
    }
    for (const id of known) {
      if (found.has(id)) continue;
      found.set(id, { row: undefined, definition: undefined, byCluster: new Map() });
      refresher.mark(partKey(id, undefined), true);
      for (const cluster of clusters) refresher.mark(partKey(id, cluster), true);
    }
  }

  /** The former row where the text is the same. */
  function rowOf(name: string, text: string, former: ViewRow | undefined): ViewRow {
    const bytes = Buffer.from(text);
    return former?.bytes.equals(bytes) ? former : { name, revision: ++revision, bytes };
  }

  async function rebuild(key: string): Promise<void> {
    const [id = "", cluster] = key.split(" ");
    if (cluster !== undefined) return await rebuildCluster(id, cluster);
    const source = sourceIdOf(id);
    const [status, definition] = await Promise.all([
      store.string(sourceKeys.status(source)),
      store.string(sourceKeys.definition(source)),
    ]);
    const shown = found.get(id);
    if (closed || shown === undefined) return;
    const { namespace, name } = source;
    const row = rowOf(id, JSON.stringify({ name, namespace, ...objectIn(status) }), shown.row);
    if (row !== shown.row) rows = undefined;
    shown.row = row;
    shown.definition = definition === undefined ? undefined : rowOf(id, definition, shown.definition);
  }

  async function rebuildCluster(id: string, cluster: string): Promise<void> {
    const source = sourceIdOf(id);
    const [meta, aggregations] = await Promise.all([
      store.string(sourceKeys.collectionMeta(cluster, source)),
      store.string(sourceKeys.aggregations(cluster, source)),
    ]);
    const shown = found.get(id);
    if (closed || shown === undefined) return;
    if (meta === undefined || !clusters.has(cluster)) shown.byCluster.delete(cluster);
    else
      shown.byCluster.set(
        cluster,
        rowOf(cluster, clusterText(cluster, meta, aggregations), shown.byCluster.get(cluster)),
      );
  }

  return {
    metricSources() {
      rows ??= [...found.values()].flatMap(({ row }) => row ?? []).sort(byName);
      return rows;
    },
    metricSource(id) {
      const shown = found.get(id);
      if (shown?.row === undefined) return undefined;
      return { row: shown.row, definition: shown.definition, clusters: [...shown.byCluster.values()].sort(byName) };
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

/** What one cluster gave: how much, how old, what it cost, and the sums. */
function clusterText(cluster: string, metaText: string, aggregationsText: string | undefined): string {
  const {
    sourceId: _id,
    clusterName: _name,
    lastCollectionTime = null,
    staleAfter = null,
    ...meta
  } = objectIn(metaText);
  const { values = null, computedAt = null } = objectIn(aggregationsText);
  const partial = meta["truncated"] === true || meta["errorCount"] !== 0;
  // The sums may be older than a collection that failed since.
  return JSON.stringify({
    cluster,
    ...meta,
    asOf: lastCollectionTime,
    staleAfter,
    partial,
    aggregations: values,
    aggregatedAt: computedAt,
  });
}

function objectIn(text: string | undefined): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
