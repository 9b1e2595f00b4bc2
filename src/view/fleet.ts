// Keeps the read model current from the store's change stream and its readers, nothing else.
// Guarantees: rows never go back in time; a burst of changes to one cluster is one rebuild; a row whose bytes are the same keeps its
// revision. While the store cannot be read the rows stay as they are. Not promised: that every state in between is seen.
import type { StoreChanges, StoreReader } from "../store/document.ts";
import { allClustersKey, clusterKeys, parseClusterKey } from "../store/keys.ts";
import type { Clock } from "../support/clock.ts";
import type { FleetView, ViewChange, ViewRow } from "./ports.ts";
import { Refresher } from "./refresher.ts";
import { clusterTexts, nodeText } from "./row.ts";

/** A view that fills itself. */
export interface LiveFleetView extends FleetView {
  /** Resolves once everything that has changed so far is in the rows: after creation, when the first reading is done. */
  idle(): Promise<void>;
  close(): void;
}

interface Cluster {
  readonly name: string;
  listed: ViewRow | undefined;
  detail: ViewRow | undefined;
  /** By node name; null: in the list of nodes, but without stored values. */
  nodes: ReadonlyMap<string, ViewRow | null>;
  nodeRows: readonly ViewRow[];
}

/** What is to be read again of one cluster: its row, its list of nodes, single nodes. */
interface Dirty {
  readonly row: boolean;
  readonly nodes: boolean;
  readonly node: ReadonlySet<string>;
}

const noNode: ReadonlySet<string> = new Set();
const rowParts: ReadonlySet<string> = new Set(["spec", "info", "metrics", "status", "operators", "freshness"]);

/**
 * Starts reading the store and follows it until closed.
 * Revisions start at the wall clock's microseconds, so that one from an earlier process is taken for what it is: older.
 */
export function createFleetView(options: { store: StoreReader & StoreChanges; clock: Clock }): LiveFleetView {
  const { store, clock } = options;
  const clusters = new Map<string, Cluster>();
  const listeners = new Set<(change: ViewChange) => void>();
  let revision = clock.nowMs() * 1_000;
  let rows: readonly ViewRow[] | undefined;
  let closed = false;

  // The list of clusters is refreshed under its own key, which no cluster's name can be.
  const refresher = new Refresher<Dirty>({
    clock,
    maxConcurrent: 64,
    retryAfterMs: 1_000,
    merge: (a, b) => ({ row: a.row || b.row, nodes: a.nodes || b.nodes, node: union(a.node, b.node) }),
    refresh: (key, what) => (key === allClustersKey ? readList() : rebuild(key, what)),
  });
  const unsubscribe = store.subscribe((keys) => {
    const dirty = new Map<string, { row: boolean; nodes: boolean; node: Set<string> }>();
    for (const key of keys) {
      if (key === allClustersKey) markList();
      const parsed = parseClusterKey(key);
      if (parsed === undefined || !clusters.has(parsed.cluster)) continue;
      const what = dirty.get(parsed.cluster) ?? { row: false, nodes: false, node: new Set() };
      if ("node" in parsed) what.node.add(parsed.node);
      else if (parsed.part === "nodes") what.nodes = true;
      else if (rowParts.has(parsed.part)) what.row = true;
      else continue;
      dirty.set(parsed.cluster, what);
    }
    for (const [cluster, what] of dirty) refresher.mark(cluster, what);
  });
  markList();

  function markList(): void {
    refresher.mark(allClustersKey, { row: false, nodes: false, node: noNode });
  }

  async function readList(): Promise<void> {
    const listed = new Set(await store.set(allClustersKey));
    if (closed) return;
    for (const [name, cluster] of clusters) {
      if (listed.has(name)) continue;
      clusters.delete(name);
      refresher.forget(name);
      if (cluster.listed === undefined) continue;
      rows = undefined;
      revision++;
      emit({ type: "cluster-deleted", name, revision });
    }
    for (const name of listed) {
      if (clusters.has(name)) continue;
      clusters.set(name, { name, listed: undefined, detail: undefined, nodes: new Map(), nodeRows: [] });
      refresher.mark(name, { row: true, nodes: true, node: noNode });
    }
  }

  async function rebuild(name: string, what: Dirty): Promise<void> {
    const cluster = clusters.get(name);
    if (cluster === undefined) return;
    const [texts, nodes] = await Promise.all([
      what.row ? readTexts(name) : undefined,
      what.nodes || what.node.size > 0 ? readNodes(cluster, what) : undefined,
    ]);
    // The cluster may have been removed, and even listed again, while this was reading.
    if (closed || clusters.get(name) !== cluster) return;
    if (nodes !== undefined) putNodes(cluster, nodes);
    if (texts === undefined) return;
    const listed = rowOf(name, texts.listed, cluster.listed);
    const detail = rowOf(name, texts.detail, cluster.detail);
    if (listed === cluster.listed && detail === cluster.detail) return;
    revision++;
    cluster.listed = { ...listed, revision };
    cluster.detail = { ...detail, revision };
    rows = undefined;
    emit({ type: "cluster", row: cluster.listed });
  }

  async function readTexts(name: string) {
    const [spec, info, metrics, status, operators, freshness] = await Promise.all([
      store.string(clusterKeys.spec(name)),
      store.string(clusterKeys.info(name)),
      store.string(clusterKeys.metrics(name)),
      store.string(clusterKeys.status(name)),
      store.string(clusterKeys.operators(name)),
      store.hash(clusterKeys.freshness(name)),
    ]);
    return clusterTexts(name, { spec, info, metrics, status, operators, freshness });
  }

  /** The cluster's nodes by name: the row of those that need no reading, the text of the others, null without stored values. */
  async function readNodes(cluster: Cluster, what: Dirty): Promise<Map<string, ViewRow | string | null>> {
    const names = what.nodes ? await store.set(clusterKeys.nodes(cluster.name)) : [...cluster.nodes.keys()];
    const read = async (name: string): Promise<[string, ViewRow | string | null]> => {
      const known = cluster.nodes.get(name);
      if (known !== undefined && !what.node.has(name)) return [name, known];
      return [name, nodeText(await store.hash(clusterKeys.node(cluster.name, name))) ?? null];
    };
    return new Map(await Promise.all(names.map(read)));
  }

  function putNodes(cluster: Cluster, read: ReadonlyMap<string, ViewRow | string | null>): void {
    const nodes = new Map<string, ViewRow | null>();
    for (const [name, value] of read) {
      nodes.set(name, typeof value === "string" ? nodeRow(name, value, cluster.nodes.get(name) ?? undefined) : value);
    }
    const nodeRows = [...nodes.values()].filter((row) => row !== null).sort(byName);
    if (nodeRows.length < cluster.nodeRows.length) revision++;
    cluster.nodes = nodes;
    cluster.nodeRows = nodeRows;
  }

  function nodeRow(name: string, text: string, before: ViewRow | undefined): ViewRow {
    const row = rowOf(name, text, before);
    return row === before ? row : { ...row, revision: ++revision };
  }

  function emit(change: ViewChange): void {
    for (const listener of listeners) listener(change);
  }

  return {
    revision: () => revision,
    clusters() {
      rows ??= [...clusters.values()]
        .map((cluster) => cluster.listed)
        .filter((row) => row !== undefined)
        .sort(byName);
      return rows;
    },
    cluster: (name) => clusters.get(name)?.detail,
    nodes(name) {
      const cluster = clusters.get(name);
      return cluster?.listed === undefined ? undefined : cluster.nodeRows;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    idle: () => refresher.idle(),
    close() {
      closed = true;
      unsubscribe();
      refresher.close();
      listeners.clear();
    },
  };
}

/** The row of `text`: `before` itself when the bytes are the same, else a new one whose revision is to be set. */
function rowOf(name: string, text: string, before: ViewRow | undefined): ViewRow {
  // Not from Node's shared pool: one long-lived small row would keep a whole slab of it alive.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return before?.bytes.equals(bytes) ? before : { name, revision: 0, bytes };
}

function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  if (b.size === 0) return a;
  return a.size === 0 ? b : new Set([...a, ...b]);
}

function byName(a: ViewRow, b: ViewRow): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
