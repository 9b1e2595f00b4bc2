// Keeps the read model current from the store's change stream and its readers, nothing else. What a change says itself is not read back.
// Guarantees: rows never go back in time; a burst of changes to one cluster is one rebuild; a row whose bytes are the same keeps its
// revision. While the store cannot be read the rows stay as they are. Not promised: that every state in between is seen.
// Nodes are most of what a fleet writes, and somebody looks at few of them: their values are kept as written, and rows made when asked for.
import type { Document, StoreChanges, StoreReader } from "../store/document.ts";
import { allClustersKey, clusterKeys, parseClusterKey } from "../store/keys.ts";
import type { Clock } from "../support/clock.ts";
import type { FleetView, ViewChange, ViewRow } from "./ports.ts";
import { Refresher } from "./refresher.ts";
import { clusterTexts, nodeText, type StoredCluster, textOf, withDocument } from "./row.ts";

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
  /** What the row is made of; undefined until it was read. */
  stored: StoredCluster | undefined;
  /** By node name; null: in the list of nodes, but without stored values. */
  nodes: Map<string, Node | null>;
  /** Made of `nodes` when somebody asks. */
  nodeRows: readonly ViewRow[] | undefined;
  /** Counts the values that changes brought along: what was read while one came may be older than it. */
  told: number;
}

interface Node {
  readonly name: string;
  /** Its JSON. */
  readonly text: string;
  readonly revision: number;
  /** Made when somebody asks. */
  row: ViewRow | undefined;
}

/** What is to be done about one cluster: make its row anew, and read again its parts, its list of nodes, single nodes. */
interface Dirty {
  readonly row: "kept" | "changed" | "unread";
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
    merge: (a, b) => ({
      row: a.row === "unread" || b.row === "kept" ? a.row : b.row,
      nodes: a.nodes || b.nodes,
      node: union(a.node, b.node),
    }),
    refresh: (key, what) => (key === allClustersKey ? readList() : rebuild(key, what)),
  });
  const unsubscribe = store.subscribe((keys, written) => {
    const dirty = new Map<string, { row: Dirty["row"]; nodes: boolean; node: Set<string> }>();
    for (const key of keys) {
      if (key === allClustersKey) markList();
      const parsed = parseClusterKey(key);
      const cluster = parsed && clusters.get(parsed.cluster);
      if (parsed === undefined || cluster === undefined) continue;
      const what = dirty.get(cluster.name) ?? { row: "kept", nodes: false, node: new Set() };
      const document = written.get(key);
      if ("node" in parsed) {
        if (takeNode(cluster, parsed.node, document)) continue;
        what.node.add(parsed.node);
      } else if (parsed.part === "nodes") {
        if (isListOf(cluster.nodes, document)) continue;
        what.nodes = true;
      } else if (rowParts.has(parsed.part)) {
        if (!takePart(cluster, parsed.part, document)) what.row = "unread";
        else if (what.row === "kept") what.row = "changed";
      } else continue;
      dirty.set(cluster.name, what);
    }
    for (const [cluster, what] of dirty) refresher.mark(cluster, what);
  });
  markList();

  function markList(): void {
    refresher.mark(allClustersKey, { row: "kept", nodes: false, node: noNode });
  }

  /** Takes over a node's values as they were written; false: they have to be read. */
  function takeNode(cluster: Cluster, name: string, document: Document | undefined): boolean {
    const current = document?.kind === "hash" ? document.fields["current"] : undefined;
    const before = cluster.nodes.get(name);
    // One that is not in the list of nodes comes with the list.
    if (current === undefined || before === undefined) return false;
    cluster.told++;
    cluster.nodes.set(name, nodeOf(name, textOf(current), before ?? undefined));
    cluster.nodeRows = undefined;
    return true;
  }

  function takePart(cluster: Cluster, part: string, document: Document | undefined): boolean {
    const stored = cluster.stored && withDocument(cluster.stored, part, document);
    if (stored === undefined) return false;
    cluster.told++;
    cluster.stored = stored;
    return true;
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
      const nothing = { listed: undefined, detail: undefined, stored: undefined, nodeRows: undefined };
      clusters.set(name, { name, ...nothing, nodes: new Map(), told: 0 });
      refresher.mark(name, { row: "unread", nodes: true, node: noNode });
    }
  }

  async function rebuild(name: string, what: Dirty): Promise<void> {
    const cluster = clusters.get(name);
    if (cluster === undefined) return;
    const { told } = cluster;
    const [stored, nodes] = await Promise.all([
      what.row === "unread" ? readParts(name) : undefined,
      what.nodes || what.node.size > 0 ? readNodes(cluster, what) : undefined,
    ]);
    // The cluster may have been removed, and even listed again, while this was reading.
    if (closed || clusters.get(name) !== cluster) return;
    if ((stored !== undefined || nodes !== undefined) && cluster.told !== told) {
      refresher.mark(name, what);
      return;
    }
    if (nodes !== undefined) putNodes(cluster, nodes);
    cluster.stored = stored ?? cluster.stored;
    if (what.row === "kept" || cluster.stored === undefined) return;
    const texts = clusterTexts(name, cluster.stored);
    const listed = rowOf(name, texts.listed, cluster.listed);
    const detail = rowOf(name, texts.detail, cluster.detail);
    if (listed === cluster.listed && detail === cluster.detail) return;
    revision++;
    cluster.listed = { ...listed, revision };
    cluster.detail = { ...detail, revision };
    rows = undefined;
    emit({ type: "cluster", row: cluster.listed });
  }

  async function readParts(name: string): Promise<StoredCluster> {
    const [spec, info, metrics, status, operators, freshness] = await Promise.all([
      store.string(clusterKeys.spec(name)),
      store.string(clusterKeys.info(name)),
      store.string(clusterKeys.metrics(name)),
      store.string(clusterKeys.status(name)),
      store.string(clusterKeys.operators(name)),
      store.hash(clusterKeys.freshness(name)),
    ]);
    return { spec, info, metrics, status, operators, freshness };
  }

  /** The cluster's nodes by name: those that need no reading, the text of the others, null without stored values. */
  async function readNodes(cluster: Cluster, what: Dirty): Promise<Map<string, Node | string | null>> {
    const names = what.nodes ? await store.set(clusterKeys.nodes(cluster.name)) : [...cluster.nodes.keys()];
    const read = async (name: string): Promise<[string, Node | string | null]> => {
      const known = cluster.nodes.get(name);
      if (known !== undefined && !what.node.has(name)) return [name, known];
      return [name, nodeText(await store.hash(clusterKeys.node(cluster.name, name))) ?? null];
    };
    return new Map(await Promise.all(names.map(read)));
  }

  function putNodes(cluster: Cluster, read: ReadonlyMap<string, Node | string | null>): void {
    const nodes = new Map<string, Node | null>();
    for (const [name, value] of read) {
      nodes.set(name, typeof value === "string" ? nodeOf(name, value, cluster.nodes.get(name) ?? undefined) : value);
    }
    const former = shownIn(cluster.nodes);
    cluster.nodes = nodes;
    cluster.nodeRows = undefined;
    if (shownIn(nodes) < former) revision++;
  }

  function rowsOf(cluster: Cluster): readonly ViewRow[] {
    cluster.nodeRows ??= [...cluster.nodes.values()]
      .filter((node) => node !== null)
      .map((node) => (node.row ??= { name: node.name, revision: node.revision, bytes: bytesOf(node.text) }))
      .sort(byName);
    return cluster.nodeRows;
  }

  /** `before` itself when the text is the same. */
  function nodeOf(name: string, text: string, before: Node | undefined): Node {
    return before?.text === text ? before : { name, text, revision: ++revision, row: undefined };
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
      return cluster?.listed === undefined ? undefined : rowsOf(cluster);
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
  const bytes = bytesOf(text);
  return before?.bytes.equals(bytes) ? before : { name, revision: 0, bytes };
}

/** Not from Node's shared pool: one long-lived small row would keep a whole slab of it alive. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** How many of the nodes have a value. */
function shownIn(nodes: ReadonlyMap<string, Node | null>): number {
  let shown = 0;
  for (const node of nodes.values()) if (node !== null) shown++;
  return shown;
}

/** Whether the document says that the cluster has exactly these nodes. */
function isListOf(nodes: ReadonlyMap<string, unknown>, document: Document | undefined): boolean {
  if (document?.kind !== "set") return false;
  return document.members.length === nodes.size && document.members.every((name) => nodes.has(name));
}

function union(a: ReadonlySet<string>, b: ReadonlySet<string>): ReadonlySet<string> {
  if (b.size === 0) return a;
  return a.size === 0 ? b : new Set([...a, ...b]);
}

function byName(a: ViewRow, b: ViewRow): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
