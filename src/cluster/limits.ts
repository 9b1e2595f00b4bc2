// How much one collection takes in at most, and how often it asks for what seldom changes.

export interface CollectLimits {
  /** Objects asked for at a time. */
  readonly pageSize: number;
  readonly maxPagesPerList: number;
  /** For nodes and pods, and for everything that is optional: a server whose lists never end gets no more than this of a poll. */
  readonly maxRequests: number;
  readonly maxOptionalRequests: number;
  readonly maxPods: number;
  /** Of each list that has to do with operators. */
  readonly maxOperators: number;
  /** Of one answer as it comes off the wire; the fold has its own limit for what it inflates to. */
  readonly maxPageBytes: number;
  /** OPERATOR_SCAN_INTERVAL: how often installed operators are listed, and what a cluster did not have is asked for again. */
  readonly operatorScanIntervalMs: number;
  /** For how long what /version said holds while no collection fails: it changes when the cluster is upgraded. */
  readonly versionKeepMs: number;
}

/** Twice the pods of the largest cluster that Kubernetes supports, with room in pages. */
export const defaultCollectLimits: CollectLimits = {
  pageSize: 500,
  maxPagesPerList: 800,
  maxRequests: 1_000,
  maxOptionalRequests: 300,
  maxPods: 300_000,
  maxOperators: 5_000,
  maxPageBytes: 16 * 1024 * 1024,
  operatorScanIntervalMs: 300_000,
  versionKeepMs: 300_000,
};
