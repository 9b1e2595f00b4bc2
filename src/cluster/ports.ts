// What the cluster room needs of the outside world. Implementations live above and below and are injected by the actors.

/** A response body as it came off the wire: still compressed, never parsed on the main thread. */
export interface ResponseBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encoding: "identity" | "gzip";
  /** What its Content-Type said. Only lists are ever asked for as protobuf. */
  readonly format: "json" | "protobuf";
}

export interface TransportResponse {
  readonly bytes: ResponseBody["bytes"];
  readonly encoding: ResponseBody["encoding"];
  /** Always 2xx: other answers are thrown as KubeError. */
  readonly status: number;
  readonly contentType: string;
  /** From sending the request to the response's headers. */
  readonly headersAfterMs: number;
}

/** One cluster's API server. Implemented by src/kube on one dispatcher per cluster. */
export interface Transport {
  /**
   * GETs a path of the API server. Throws ClusterPulseError with one of the codes of src/kube/errors.ts, whose message names
   * the cause and holds neither a body nor a credential.
   */
  get(path: string, options: { accept: string; signal: AbortSignal; maxBytes: number }): Promise<TransportResponse>;
  /** Closes the connections; pending requests fail. */
  close(): Promise<void>;
}

/** The CPU work of a collection, by task name: input in, output out, both plain data. */
export interface ComputeTasks {
  /** One page of /api/v1/pods folded to counters per node. */
  readonly foldPods: { input: { body: ResponseBody }; output: PodFold };
  /** One page of /api/v1/nodes with all pod folds of the run: the finished stored values of its nodes, and their sums. */
  readonly foldNodes: {
    input: { body: ResponseBody; pods: readonly PodFold[]; collectedAtMs: number };
    output: NodeFold;
  };
  /** One page of any list, asked for as PartialObjectMetadataList or in full: its names. */
  readonly listNames: { input: { body: ResponseBody }; output: NameList };
  /** A small single object: /version. */
  readonly readVersion: { input: { body: ResponseBody }; output: VersionInfo };
}

/** Runs tasks in the pool or inline, with equal results. Implemented by workers/. */
export interface Compute {
  /**
   * Takes ownership of the input's bytes: they may be transferred and must not be used afterwards.
   * Throws ClusterPulseError: BODY_MALFORMED, BODY_TOO_LARGE, COMPUTE_DEADLINE, COMPUTE_ABORTED, COMPUTE_OUT_OF_MEMORY, COMPUTE_QUEUE_FULL.
   */
  run<K extends keyof ComputeTasks>(
    task: K,
    input: ComputeTasks[K]["input"],
    signal: AbortSignal,
  ): Promise<ComputeTasks[K]["output"]>;
}

/** Sums over the pods of one page. Requests count pods in phase Running or Pending only (contract: requests of regular containers). */
export interface PodFold {
  readonly continueToken: string;
  /** Pods seen, scheduled or not. */
  readonly pods: number;
  /** Items that could not be read as pods. */
  readonly skipped: number;
  readonly byNode: readonly PodsOfNode[];
}

export interface PodsOfNode {
  readonly node: string;
  readonly cpuRequestedCores: number;
  readonly memoryRequestedBytes: number;
  readonly running: number;
  readonly pending: number;
  readonly failed: number;
  readonly succeeded: number;
  readonly total: number;
}

/** The stored values of one node, ready to be written unopened. */
export interface NodeRow {
  readonly name: string;
  readonly status: NodeStatus;
  readonly roles: readonly string[];
  /** JSON text of the node's `current` value. */
  readonly current: string;
  /** JSON text of the history point. */
  readonly point: string;
  readonly cpuUsagePercent: number;
  readonly memoryUsagePercent: number;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly podsTotal: number;
  readonly podsRunning: number;
}

export type NodeStatus = "Ready" | "NotReady" | "SchedulingDisabled" | "Unknown";

export interface NodeFold {
  readonly continueToken: string;
  /** Items that could not be read as nodes. */
  readonly skipped: number;
  readonly nodes: readonly NodeRow[];
}

export interface NameList {
  readonly continueToken: string;
  /** Items after this page, when the server says so. */
  readonly remainingItemCount: number | null;
  /** Items without a usable name. */
  readonly skipped: number;
  readonly names: readonly string[];
}

export interface VersionInfo {
  readonly gitVersion: string;
  readonly platform: string;
}
