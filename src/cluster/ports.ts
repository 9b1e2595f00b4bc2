// What the cluster room needs of the outside world. Implementations live above and below and are injected by the actors.
import type { ResponseBody } from "../kube/list-page.ts";
import type { ExtractedPage } from "../metric-source/collect.ts";
import type { ExtractedPart, ExtractInput } from "../metric-source/extract.ts";
import type { NodeValue } from "../store/documents.ts";

export type { ResponseBody };

export interface TransportResponse {
  readonly bytes: ResponseBody["bytes"];
  readonly encoding: ResponseBody["encoding"];
  /** Always 2xx: other answers are thrown as KubeError. */
  readonly status: number;
  readonly contentType: string;
  /** From sending the request to the response's headers. */
  readonly headersAfterMs: number;
  /** Gives the memory of `bytes` back at once, where that can be done; nobody may read them any more. */
  readonly discard?: () => void;
}

/** What a transport's connections have shown so far. */
export interface TransportFacts {
  /** When the server's certificate expires, epoch milliseconds; undefined before a handshake and without TLS. */
  readonly peerCertificateExpiresAtMs: number | undefined;
  /** The server's certificate is not verified, because its owner said so: whoever shows this cluster must say it. */
  readonly insecureSkipTlsVerify: boolean;
  /** Requests sent once more because the server had closed their kept connection. */
  readonly idleRetries: number;
}

export interface GetOptions {
  readonly accept: string;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** Waited for once the request could go out at once: where requests wait for each other, what it takes is not held meanwhile. */
  readonly beforeSending?: () => Promise<void>;
}

/** One cluster's API server. Implemented by src/kube on one dispatcher per cluster. */
export interface Transport {
  /** Absent: nothing is known of its connections. */
  readonly facts?: TransportFacts | undefined;
  /**
   * GETs a path of the API server. Throws ClusterPulseError with one of the codes of src/kube/errors.ts, whose message names
   * the cause and holds neither a body nor a credential.
   */
  get(path: string, options: GetOptions): Promise<TransportResponse>;
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
  /** The answer of /apis: the names of the groups that the server has. */
  readonly readApiGroups: { input: { body: ResponseBody }; output: readonly string[] };
  /** OpenShift's one ClusterVersion. */
  readonly readClusterVersion: { input: { body: ResponseBody }; output: OpenShiftInfo };
  /** OpenShift's console route: the URL that it serves. */
  readonly readConsoleRoute: { input: { body: ResponseBody }; output: ConsoleRoute };
  /** One page of OpenShift's ClusterOperators as finished stored values. */
  readonly readClusterOperators: { input: { body: ResponseBody }; output: ClusterOperatorPage };
  /** One page of OLM's Subscriptions that have installed something. */
  readonly readSubscriptions: { input: { body: ResponseBody }; output: SubscriptionPage };
  /** One page of OLM's OperatorGroups. */
  readonly readOperatorGroups: { input: { body: ResponseBody }; output: OperatorGroupPage };
  /** One page of OLM's ClusterServiceVersions, finished with all Subscriptions and OperatorGroups of the run. */
  readonly readOperators: {
    input: {
      body: ResponseBody;
      /** Null: not known. */
      subscriptions: readonly Subscription[] | null;
      groups: readonly OperatorGroup[];
    };
    output: OperatorPage;
  };
  /** One page of any list: what the MetricSources that share it make of it. */
  readonly extract: { input: ExtractInput; output: ExtractedPage<ExtractedPart> };
}

/** `isSuspect`: what was sent last harmed the thread that read it. This is then read after all others, and leaves them threads. */
export type ComputeInput<K extends keyof ComputeTasks> = ComputeTasks[K]["input"] & { readonly isSuspect?: boolean };

/** Runs tasks in the pool or inline, with equal results. Implemented by workers/. */
export interface Compute {
  /**
   * Takes ownership of the input's bytes: they may be transferred and must not be used afterwards.
   * Throws ClusterPulseError: BODY_MALFORMED, BODY_TOO_LARGE, COMPUTE_DEADLINE, COMPUTE_OUT_OF_MEMORY, COMPUTE_CRASHED (these three are
   * the task's own fault), COMPUTE_ABORTED, COMPUTE_NO_THREAD, COMPUTE_QUEUE_FULL.
   */
  run<K extends keyof ComputeTasks>(
    task: K,
    input: ComputeInput<K>,
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
export interface NodeRow extends NodeValue {
  readonly status: NodeStatus;
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

/** What ClusterVersion says, under the names that readers know. A member that is absent or has the wrong type is left out. */
export interface OpenShiftInfo {
  readonly version?: string;
  readonly channel?: string;
  readonly cluster_id?: string;
  readonly image?: string;
  readonly update_available?: boolean;
  readonly available_update_version?: string;
  readonly version_state?: string;
  readonly version_started_time?: string;
  readonly version_completion_time?: string;
  /** A member that the condition does not have is null. */
  readonly conditions?: readonly Readonly<Record<"type" | "status" | "message" | "reason", string | null>>[];
  /** These three are true or absent. */
  readonly is_available?: true;
  readonly is_progressing?: true;
  readonly is_degraded?: true;
}

export interface ConsoleRoute {
  /** Null when the route names no usable host. */
  readonly url: string | null;
}

/** The stored values of one ClusterOperator. */
export interface ClusterOperatorRow {
  readonly name: string;
  readonly available: boolean;
  readonly progressing: boolean;
  readonly degraded: boolean;
  readonly upgradeable: boolean;
  readonly version: string;
  readonly message: string;
  /** JSON text of its element in the stored list. */
  readonly text: string;
}

export interface ClusterOperatorPage {
  readonly continueToken: string;
  /** Items that could not be read, or are far too large. */
  readonly skipped: number;
  readonly operators: readonly ClusterOperatorRow[];
}

/** A Subscription that has installed a ClusterServiceVersion into its own namespace. */
export interface Subscription {
  readonly namespace: string;
  readonly name: string;
  readonly installedCsv: string;
  readonly channel: string;
  readonly approval: string;
}

export interface SubscriptionPage {
  readonly continueToken: string;
  readonly subscriptions: readonly Subscription[];
}

/** Which namespaces the operators of a namespace watch. */
export interface OperatorGroup {
  readonly namespace: string;
  readonly name: string;
  /** `*` alone means all; null: the group does not say. */
  readonly targets: readonly string[] | null;
}

export interface OperatorGroupPage {
  readonly continueToken: string;
  readonly groups: readonly OperatorGroup[];
}

/** The stored values of one operator that OLM installed. */
export interface OperatorRow {
  readonly name: string;
  readonly namespace: string;
  readonly status: string;
  readonly clusterWide: boolean;
  /** JSON text of its element in the stored list. */
  readonly text: string;
}

export interface OperatorPage {
  readonly continueToken: string;
  /** Items that could not be read, or are far too large. */
  readonly skipped: number;
  readonly operators: readonly OperatorRow[];
}
