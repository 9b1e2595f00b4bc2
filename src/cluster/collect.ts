// One collection of one cluster: what is asked, in which order, and what a failure of each part means. Nodes with their pods are
// critical: without them the collection fails. Version, namespaces and deployments are optional: a failure is named in `missing`, never
// silent. Bounded in pages, pods and bytes; at most two requests in flight. Does not retry, except a list whose continue token expired.

import { KubeError } from "../kube/errors.ts";
import { PROTOBUF_TYPE } from "../kube/protobuf/envelope.ts";
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError, safeError } from "../support/errors.ts";
import { mergePodFolds } from "./fold-pods.ts";
import type { Compute, NameList, NodeRow, PodFold, ResponseBody, Transport, VersionInfo } from "./ports.ts";

export interface CollectLimits {
  /** Objects asked for at a time. */
  readonly pageSize: number;
  readonly maxPagesPerList: number;
  readonly maxPods: number;
  /** Of one answer as it comes off the wire; the fold has its own limit for what it inflates to. */
  readonly maxPageBytes: number;
}

/** Twice the pods of the largest cluster that Kubernetes supports, with room in pages. */
export const defaultCollectLimits: CollectLimits = {
  pageSize: 500,
  maxPagesPerList: 800,
  maxPods: 300_000,
  maxPageBytes: 16 * 1024 * 1024,
};

export interface CollectRequest {
  readonly transport: Transport;
  readonly compute: Compute;
  readonly clock: Clock;
  readonly limits: CollectLimits;
  /** spec.endpoint, as readers see it. */
  readonly endpoint: string;
  /** Asks for nothing but JSON: for tests and benches. Results are the same. */
  readonly jsonOnly?: boolean;
}

/** Why something could not be had: a stable code, a CamelCase reason for conditions, and a message that is safe to show. */
export interface Failure {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
}

/** A part of the collection that could not be had, wholly or in part. */
export interface MissingPart extends Failure {
  readonly part: "version" | "namespaces" | "deployments" | "nodes" | "pods";
}

/** Sums over the cluster; null is "not known", never 0. Pods are those on listed nodes. */
export interface CollectedMetrics {
  readonly collectedAtMs: number;
  readonly nodes: number;
  readonly nodesReady: number;
  readonly namespaces: number | null;
  readonly pods: number;
  readonly podsRunning: number;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly deployments: number | null;
}

/** The stored info of a cluster that is not known to be OpenShift. `version` is "unknown" when the server did not say. */
export interface CollectedInfo {
  readonly api_url: string;
  readonly version: string;
  readonly platform?: string;
}

export interface Collection {
  /** Wall-clock time at the start of the run: nothing in it is older than this. */
  readonly collectedAtMs: number;
  readonly elapsedMs: number;
  /** Median over all requests of the time from sending to the answer's headers. */
  readonly latencyMs: number;
  readonly info: CollectedInfo;
  readonly metrics: CollectedMetrics;
  /** Null when they could not be listed. */
  readonly namespaces: readonly string[] | null;
  readonly nodes: readonly NodeRow[];
  readonly missing: readonly MissingPart[];
}

const JSON_TYPE = "application/json";
/** Servers that do not give protobuf answer JSON. */
const LIST_TYPES = `${PROTOBUF_TYPE},${JSON_TYPE}`;
const METADATA_LIST = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
// Metadata as protobuf is the least there is to send; a whole object as protobuf would only add bytes to skip.
const NAMES_ONLY = `${PROTOBUF_TYPE};${METADATA_LIST},${JSON_TYPE};${METADATA_LIST},${JSON_TYPE}`;
const withoutProtobuf = (accept: string): string =>
  accept
    .split(",")
    .filter((type) => !type.startsWith(PROTOBUF_TYPE))
    .join();

/**
 * Collects one cluster. Rejects with the port's error when the cluster cannot be reached, refuses the credentials, or does not give its
 * nodes and pods. `signal` ends it at the next await; parts that are optional and late are then missing.
 */
export async function collectCluster(request: CollectRequest, signal: AbortSignal): Promise<Collection> {
  const run = new CollectRun(request, signal);
  const startedMs = request.clock.monotonicMs();
  const collectedAtMs = request.clock.nowMs();
  const version = await run.version();
  const optional = run.optionalLists();
  let nodes: readonly NodeRow[];
  try {
    nodes = await run.nodes(collectedAtMs);
  } catch (error) {
    run.abandon();
    await optional;
    throw error;
  }
  const { namespaces, deployments } = await optional;
  return {
    collectedAtMs,
    elapsedMs: request.clock.monotonicMs() - startedMs,
    latencyMs: median(run.headersAfterMs),
    info: infoOf(request.endpoint, version),
    metrics: {
      collectedAtMs,
      nodes: nodes.length,
      nodesReady: nodes.filter((node) => node.status === "Ready").length,
      namespaces: namespaces?.length ?? null,
      pods: sum(nodes, (node) => node.podsTotal),
      podsRunning: sum(nodes, (node) => node.podsRunning),
      cpuCapacityCores: sum(nodes, (node) => node.cpuCapacityCores),
      memoryCapacityBytes: sum(nodes, (node) => node.memoryCapacityBytes),
      deployments,
    },
    namespaces,
    nodes,
    missing: run.missing,
  };
}

/** One run's state: its requests so far and what it could not get. */
class CollectRun {
  readonly headersAfterMs: number[] = [];
  readonly missing: MissingPart[] = [];
  readonly #request: CollectRequest;
  readonly #abandoned = new AbortController();
  readonly #signal: AbortSignal;

  constructor(request: CollectRequest, signal: AbortSignal) {
    this.#request = request;
    this.#signal = AbortSignal.any([signal, this.#abandoned.signal]);
  }

  /** Ends requests whose answers nobody waits for any more. */
  abandon(): void {
    this.#abandoned.abort();
  }

  /** The cheap first request, which also probes the connection: a server that gives no answer at all is not asked again. */
  async version(): Promise<VersionInfo | null> {
    try {
      return await this.#request.compute.run(
        "readVersion",
        { body: await this.#get("/version", JSON_TYPE) },
        this.#signal,
      );
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.#miss("version", error);
      return null;
    }
  }

  /** Pods, then the nodes finished with them. */
  async nodes(collectedAtMs: number): Promise<readonly NodeRow[]> {
    const { compute, limits } = this.#request;
    let folded = 0;
    const podPages = await this.#pages("/api/v1/pods", LIST_TYPES, async (body): Promise<PodFold> => {
      const fold = await compute.run("foldPods", { body }, this.#signal);
      folded += fold.pods;
      if (folded > limits.maxPods) throw tooMany("/api/v1/pods", `${limits.maxPods} objects`);
      return fold;
    });
    const pods = mergePodFolds(podPages);
    const nodePages = await this.#pages("/api/v1/nodes", LIST_TYPES, (body) =>
      compute.run("foldNodes", { body, pods: [pods], collectedAtMs }, this.#signal),
    );
    this.#missItems("pods", pods.skipped);
    this.#missItems(
      "nodes",
      sum(nodePages, (page) => page.skipped),
    );
    // A server that lists a node twice must not have it counted twice.
    return [...new Map(nodePages.flatMap((page) => page.nodes).map((node) => [node.name, node])).values()];
  }

  /** Never rejects: what fails is missing. */
  async optionalLists(): Promise<{ namespaces: readonly string[] | null; deployments: number | null }> {
    const namespaces = await this.#optional("namespaces", () => this.#namespaces());
    const deployments = await this.#optional("deployments", () => this.#countDeployments());
    return { namespaces, deployments };
  }

  async #namespaces(): Promise<readonly string[]> {
    const pages = await this.#pages("/api/v1/namespaces", NAMES_ONLY, (body) => this.#names(body));
    this.#missItems(
      "namespaces",
      sum(pages, (page) => page.skipped),
    );
    return [...new Set(pages.flatMap((page) => page.names))];
  }

  /** One object is enough when the server says how many remain. */
  async #countDeployments(): Promise<number> {
    const path = "/apis/apps/v1/deployments";
    const first = await this.#names(await this.#get(`${path}?limit=1`, NAMES_ONLY));
    if (first.continueToken === "" || first.remainingItemCount !== null) {
      return first.names.length + first.skipped + (first.remainingItemCount ?? 0);
    }
    const pages = await this.#pages(path, NAMES_ONLY, (body) => this.#names(body));
    return sum(pages, (page) => page.names.length + page.skipped);
  }

  /** Reads a whole list. A continue token that expired restarts the list, once. */
  async #pages<Page extends { readonly continueToken: string }>(
    path: string,
    accept: string,
    read: (body: ResponseBody) => Promise<Page>,
  ): Promise<Page[]> {
    const { pageSize, maxPagesPerList } = this.#request.limits;
    let pages: Page[] = [];
    let restarted = false;
    let token = "";
    for (let asked = 0; asked < maxPagesPerList; asked++) {
      const query = `?limit=${pageSize}${token === "" ? "" : `&continue=${encodeURIComponent(token)}`}`;
      try {
        pages.push(await read(await this.#get(path + query, accept)));
      } catch (error) {
        if (token === "" || restarted || !ClusterPulseError.is(error) || error.code !== "GONE") throw error;
        restarted = true;
        pages = [];
        token = "";
        continue;
      }
      token = pages.at(-1)?.continueToken ?? "";
      if (token === "") return pages;
    }
    throw tooMany(path, `${maxPagesPerList} pages`);
  }

  async #get(path: string, accept: string): Promise<ResponseBody> {
    const { transport, limits, jsonOnly } = this.#request;
    const answer = await transport.get(path, {
      accept: jsonOnly === true ? withoutProtobuf(accept) : accept,
      signal: this.#signal,
      maxBytes: limits.maxPageBytes,
    });
    this.headersAfterMs.push(answer.headersAfterMs);
    const isProtobuf = answer.contentType.trim().toLowerCase().startsWith(PROTOBUF_TYPE);
    return { bytes: answer.bytes, encoding: answer.encoding, format: isProtobuf ? "protobuf" : "json" };
  }

  #names(body: ResponseBody): Promise<NameList> {
    return this.#request.compute.run("listNames", { body }, this.#signal);
  }

  async #optional<Value>(part: MissingPart["part"], get: () => Promise<Value>): Promise<Value | null> {
    try {
      return await get();
    } catch (error) {
      this.#miss(part, error);
      return null;
    }
  }

  #miss(part: MissingPart["part"], error: unknown): void {
    this.missing.push({ part, ...failureOf(error) });
  }

  #missItems(part: MissingPart["part"], count: number): void {
    if (count === 0) return;
    const message = `${count} ${count === 1 ? "item" : "items"} of the list could not be read`;
    this.missing.push({ part, code: "ITEMS_MALFORMED", reason: "ItemsMalformed", message });
  }
}

/** Codes of answers that say something about one resource, not about the connection or the credentials. */
const answers: ReadonlySet<string> = new Set([
  "FORBIDDEN",
  "NOT_FOUND",
  "SERVER_ERROR",
  "UNEXPECTED_STATUS",
  "BODY_MALFORMED",
  "BODY_TOO_LARGE",
]);

function isAnswer(error: unknown): boolean {
  return ClusterPulseError.is(error) && answers.has(error.code);
}

function tooMany(path: string, limit: string): KubeError {
  return new KubeError("TOO_MANY_OBJECTS", `the list of ${path} is longer than ${limit}`);
}

const reasons: Readonly<Record<string, string>> = {
  BODY_MALFORMED: "ResponseMalformed",
  BODY_TOO_LARGE: "ResponseTooLarge",
  COMPUTE_DEADLINE: "ComputeDeadline",
  COMPUTE_ABORTED: "Aborted",
  COMPUTE_OUT_OF_MEMORY: "ComputeOutOfMemory",
  COMPUTE_QUEUE_FULL: "ComputeQueueFull",
};

/** Any thrown value as what may be shown of it. Errors of this family that carry a reason keep it. */
export function failureOf(error: unknown): Failure {
  const { code, message } = safeError(error);
  if (ClusterPulseError.is(error) && "reason" in error && typeof error.reason === "string") {
    return { code, reason: error.reason, message };
  }
  return { code, reason: reasons[code] ?? "Unexpected", message };
}

function infoOf(endpoint: string, version: VersionInfo | null): CollectedInfo {
  if (version === null) return { api_url: endpoint, version: "unknown" };
  return {
    api_url: endpoint,
    version: version.gitVersion,
    ...(version.platform === "" ? {} : { platform: version.platform }),
  };
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
