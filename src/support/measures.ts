// What the rooms tell of their own work, for metrics. They call these and know nothing of where the numbers go; calls are cheap and
// never throw. Labels are bounded: kinds, results.

export interface Measures {
  /** One pass over an object of a kind, such as ClusterConnection, has ended. */
  reconciled(kind: string, result: "success" | "error", seconds: number): void;
  /** Commands that were sent to Redis in one piece were answered, or were not. */
  redisAnswered(result: "ok" | "error", seconds: number): void;
  /** Requests were sent once more because the cluster had closed their kept connection. */
  idleRetried(count: number): void;
}

export const noMeasures: Measures = {
  reconciled: () => undefined,
  redisAnswered: () => undefined,
  idleRetried: () => undefined,
};
