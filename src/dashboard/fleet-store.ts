// What the page knows of the fleet: a pure reducer over what the connection reports, and the small store that holds its
// state. Every (re)connection replays the whole fleet and ends in `synced`; what was not replayed is gone. The page never
// resumes by event id: a hub that restarted counts from the start again, and deletions in between would be missed.
import { type ClusterRow, healthOf } from "./api.ts";

/** How current the page is. Only `live` means that changes arrive by themselves. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  /** Since `sinceMs` (hub time) nothing arrives; `polling`: whole lists do, every few seconds. */
  | { readonly state: "reconnecting" | "polling"; readonly sinceMs: number; readonly problem: string };

/** How often a row has changed, and when last (hub time). */
export interface RowChange {
  readonly count: number;
  readonly atMs: number;
}

export interface FleetState {
  readonly connection: Connection;
  readonly rows: ReadonlyMap<string, ClusterRow>;
  /** Rows that changed in what they say, not only in their stamps, since the first sync. */
  readonly changes: ReadonlyMap<string, RowChange>;
  /** True once the whole fleet has been seen at least once. */
  readonly loaded: boolean;
  /** When the last event or list arrived (hub time). */
  readonly lastEventAtMs: number | null;
  /** During a replay: the names seen so far. */
  readonly replayed: ReadonlySet<string> | null;
}

export type FleetEvent =
  | { readonly type: "opened" }
  | { readonly type: "cluster"; readonly row: ClusterRow }
  | { readonly type: "cluster-deleted"; readonly name: string }
  | { readonly type: "synced" }
  | { readonly type: "listed"; readonly rows: readonly ClusterRow[] }
  | { readonly type: "list-failed" }
  | { readonly type: "lost"; readonly problem: string };

export const emptyFleet: FleetState = {
  connection: { state: "connecting" },
  rows: new Map(),
  changes: new Map(),
  loaded: false,
  lastEventAtMs: null,
  replayed: null,
};

/** The state after a batch of events that arrived at `nowMs` (hub time). Copies once per batch, not once per event. */
export function reduceFleet(state: FleetState, events: readonly FleetEvent[], nowMs: number): FleetState {
  const rows = new Map(state.rows);
  const changes = new Map(state.changes);
  let { connection, loaded, lastEventAtMs } = state;
  let replayed = state.replayed === null ? null : new Set(state.replayed);

  const put = (row: ClusterRow) => {
    const before = rows.get(row.name);
    if (loaded && (before === undefined || saysSomethingElse(before, row))) {
      changes.set(row.name, { count: (changes.get(row.name)?.count ?? 0) + 1, atMs: nowMs });
    }
    rows.set(row.name, row);
  };
  const remove = (name: string) => {
    rows.delete(name);
    changes.delete(name);
  };
  const keepOnly = (names: ReadonlySet<string>) => {
    for (const name of rows.keys()) if (!names.has(name)) remove(name);
    loaded = true;
  };

  for (const event of events) {
    switch (event.type) {
      case "opened":
        replayed = new Set();
        break;
      case "cluster":
        put(event.row);
        replayed?.add(event.row.name);
        lastEventAtMs = nowMs;
        break;
      case "cluster-deleted":
        remove(event.name);
        replayed?.delete(event.name);
        lastEventAtMs = nowMs;
        break;
      case "synced":
        if (replayed !== null) keepOnly(replayed);
        replayed = null;
        connection = { state: "live" };
        lastEventAtMs = nowMs;
        break;
      case "listed":
        for (const row of event.rows) put(row);
        keepOnly(new Set(event.rows.map((row) => row.name)));
        if (connection.state === "reconnecting") connection = { ...connection, state: "polling" };
        lastEventAtMs = nowMs;
        break;
      case "list-failed":
        if (connection.state === "polling") connection = { ...connection, state: "reconnecting" };
        break;
      case "lost":
        replayed = null;
        connection = {
          state: connection.state === "polling" ? "polling" : "reconnecting",
          sinceMs: "sinceMs" in connection ? connection.sinceMs : (lastEventAtMs ?? nowMs),
          problem: event.problem,
        };
        break;
    }
  }
  return { connection, rows, changes, loaded, lastEventAtMs, replayed };
}

/** True when a reader would see another text or number, apart from ages. */
function saysSomethingElse(before: ClusterRow, after: ClusterRow): boolean {
  return (
    healthOf(before) !== healthOf(after) ||
    before.status.reason !== after.status.reason ||
    before.status.message !== after.status.message ||
    before.spec.displayName !== after.spec.displayName ||
    before.spec.endpoint !== after.spec.endpoint ||
    before.info.version !== after.info.version ||
    before.metrics.nodes !== after.metrics.nodes ||
    before.metrics.nodes_ready !== after.metrics.nodes_ready ||
    before.metrics.pods !== after.metrics.pods ||
    before.metrics.pods_running !== after.metrics.pods_running ||
    before.missing.join() !== after.missing.join()
  );
}

export interface FleetStore {
  state(): FleetState;
  dispatch(events: readonly FleetEvent[], nowMs: number): void;
  /** Calls `listener` after every dispatch. Returns the unsubscribe function. */
  subscribe(listener: () => void): () => void;
}

/** A store with an empty fleet; its shape is what React's useSyncExternalStore wants. */
export function createFleetStore(): FleetStore {
  let state = emptyFleet;
  const listeners = new Set<() => void>();
  return {
    state: () => state,
    dispatch(events, nowMs) {
      state = reduceFleet(state, events, nowMs);
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
