// What readers see of the fleet: rows as finished JSON bytes with a revision. The server joins buffers and asks neither the
// store nor an actor.

/** One finished JSON object. `revision` rises with every change of any row. */
export interface ViewRow {
  readonly name: string;
  readonly revision: number;
  /** UTF-8 JSON of the row, as it is sent. */
  readonly bytes: Buffer;
}

export type ViewChange =
  | { readonly type: "cluster"; readonly row: ViewRow }
  | { readonly type: "cluster-deleted"; readonly name: string; readonly revision: number };

/** The read model of the fleet. */
export interface FleetView {
  /** The newest revision. */
  revision(): number;
  /** Rows of GET /api/v1/clusters, in order of name. */
  clusters(): readonly ViewRow[];
  /** The row of GET /api/v1/clusters/{name}. */
  cluster(name: string): ViewRow | undefined;
  /** The rows of GET /api/v1/clusters/{name}/nodes in order of name; undefined for an unknown cluster. */
  nodes(cluster: string): readonly ViewRow[] | undefined;
  /** Called after every change, in order of revision. Returns the unsubscribe function. */
  subscribe(listener: (change: ViewChange) => void): () => void;
}
