// One request in the words in which faults say which requests they meet.

/** One request, as faults see it. The object itself stands for the request: what is decided of it is decided once. */
export interface RequestFacts {
  readonly isWatch: boolean;
  /** As in discovery; of paths that are no resource's the method, in small letters. */
  readonly verb: string;
  /** `pods`, `clusterconnections/status`; "" for other paths. */
  readonly resource: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly userAgent: string;
  /** Calls back when the answer has left, or the client. */
  onEnd(listener: () => void): void;
}
