// What the rooms tell of their own work, for metrics. They call these and know nothing of where the numbers go; calls are cheap and
// never throw. Labels are bounded: kinds, results.

export interface Measures {
  /** One pass over an object of a kind, such as ClusterConnection, has ended. */
  reconciled(kind: string, result: "success" | "error", seconds: number): void;
  /** A cluster that was reachable before was collected again, so long after its turn. */
  collectedLate(milliseconds: number): void;
  /** Commands that were sent to Redis in one piece were answered, or were not. */
  redisAnswered(result: "ok" | "error", seconds: number): void;
  /** Requests were sent once more because the cluster had closed their kept connection. */
  idleRetried(count: number): void;
  /** A collection of one MetricSource in one cluster has ended. */
  sourceCollected(run: SourceRun): void;
  /** Runs of a MetricSource harmed their threads so often that it is left alone for a while. */
  sourceQuarantined(): void;
}

/** What one collection took; its share of what several read together. */
export interface SourceRun {
  /** `partial`: some of its rows are lacking. */
  readonly result: "success" | "partial" | "error";
  readonly cpuSeconds: number;
  /** Of the answers, without compression. */
  readonly readBytes: number;
  readonly storedBytes: number;
  readonly objects: number;
  /** Evaluations that a limit stopped. */
  readonly stopped: number;
}

export const noMeasures: Measures = {
  reconciled: () => undefined,
  collectedLate: () => undefined,
  redisAnswered: () => undefined,
  idleRetried: () => undefined,
  sourceCollected: () => undefined,
  sourceQuarantined: () => undefined,
};
