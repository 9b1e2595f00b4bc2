// The seam between the engine and the two ways of reading a list: JSON (json-reader.ts) and Kubernetes protobuf. A reader finds what the
// fields' paths lead to and hands it on as it is; converting, computing, aggregating and writing are the engine's, so both lanes agree.

/** Where a page's objects go. */
export interface RowSink {
  /** Whether objects of this namespace ("" for cluster-scoped ones) are wanted. Asked before an object's fields are looked for. */
  wants(namespace: string): boolean;
  /**
   * Takes one object. `labels` is the object's metadata.labels as it came, or as JsonMembers; undefined if it has none.
   * `found` holds, for each field, what its path leads to: undefined for nowhere, else the value as JSON shows it, null included; an
   * integer beyond ±2^53 is a bigint. It may be longer than that, belongs to the reader and is only valid during the call.
   * False: nothing more is wanted of this list.
   */
  take(namespace: string, name: string, labels: unknown, found: readonly unknown[]): boolean;
  /** Counts an object that is not one: no object at all, or without a name. */
  skip(): void;
}

/** What a page says of the rest of its list. */
export interface PageEnd {
  /** "" on the last page. */
  readonly continueToken: string;
  readonly remainingItemCount: number | null;
}

/** Reads pages of one list. Made for one source; may remember what it learned from earlier pages. */
export interface RowReader {
  /** Hands on the page's objects in the order of the list. Errors are BODY_MALFORMED. `page` is not compressed and not changed. */
  read(page: Buffer, sink: RowSink): PageEnd;
}
