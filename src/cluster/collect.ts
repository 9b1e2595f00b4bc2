// One collection of one cluster: what is asked, in which order, and what a failure of each part means. Nodes with their pods are
// critical: without them the collection fails. Everything else is optional: a failure is named in `missing`, never silent.
// Bounded in requests, pages, objects and bytes; at most two requests in flight.

import { type AnswerRoom, boundlessRoom } from "../kube/answer-room.ts";
import { type LinkedAbort, linkedAbort } from "../kube/deadlines.ts";
import { KubeError } from "../kube/errors.ts";
import type { Cancel, Clock } from "../support/clock.ts";
import { type Collection, collectionOf, sum } from "./collection.ts";
import { collectExtensions, type Extensions } from "./extensions.ts";
import { failureOf, isAnswer, type MissingPart } from "./failure.ts";
import { mergePodFolds } from "./fold-pods.ts";
import type { CollectLimits } from "./limits.ts";
import { OptionalParts } from "./optional.ts";
import type { Compute, NameList, NodeRow, PodFold, ResponseBody, Transport, VersionInfo } from "./ports.ts";
import { LIST_TYPES, NAMES_ONLY, Requests, tooMany } from "./requests.ts";
import { CollectState, type Memory } from "./state.ts";

export type { Collection } from "./collection.ts";
export { type Failure, failureOf, type MissingPart } from "./failure.ts";
export { type CollectLimits, defaultCollectLimits } from "./limits.ts";

export interface CollectRequest {
  readonly transport: Transport;
  readonly compute: Compute;
  readonly clock: Clock;
  readonly limits: CollectLimits;
  /** spec.endpoint, as readers see it. */
  readonly endpoint: string;
  /**
   * What earlier collections of this cluster with these credentials found out; one that succeeds leaves its own findings there.
   * Absent: a first collection, which asks for everything.
   */
  readonly state?: CollectState;
  /** Where the memory for answers comes from. Absent: there is always enough. */
  readonly room?: AnswerRoom;
  /** How long the collection may take. Optional parts are given up before, so that they cannot cost it. Absent: `signal` alone ends it. */
  readonly deadlineMs?: number;
  /** How long one request may take. Absent: as long as the transport lets it. */
  readonly requestTimeoutMs?: number;
  /** Asks for nothing but JSON: for tests and benches. Results are the same. */
  readonly jsonOnly?: boolean;
}

/**
 * Collects one cluster. Rejects with the port's error when the cluster cannot be reached, refuses the credentials, or does not give its
 * nodes and pods. `signal` ends it at the next await; parts that are optional and late are then missing.
 */
export async function collectCluster(request: CollectRequest, signal: AbortSignal): Promise<Collection> {
  const startedMs = request.clock.monotonicMs();
  const collectedAtMs = request.clock.nowMs();
  const run = new CollectRun(request, startedMs, signal);
  const { version, nodes, others } = await run.all(collectedAtMs);
  const { certificateExpiresAtMs, headersAfterMs } = run.observed;
  // What an aborted run found is not stored by anybody, so it must be asked for again.
  if (!signal.aborted) request.state?.keep(run.memory);
  return collectionOf({
    endpoint: request.endpoint,
    collectedAtMs,
    elapsedMs: request.clock.monotonicMs() - startedMs,
    headersAfterMs,
    certificateExpiresAtMs,
    insecureSkipTlsVerify: request.transport.facts?.insecureSkipTlsVerify ?? false,
    version,
    nodes,
    ...others,
    missing: run.missing,
    operatorScanIntervalMs: request.limits.operatorScanIntervalMs,
  });
}

/** The share of a collection's time after which optional parts are given up, so that what is there is still told in time. */
const OPTIONAL_SHARE = 0.8;

/**
 * A cluster that answers faster is asked one thing at a time, so that it costs one connection: a second one holds as much memory
 * again and takes a handshake of its own.
 */
const BESIDE_AFTER_MS = 500;

/** One run's state: its requests so far and what it could not get. */
class CollectRun {
  readonly memory: Memory;
  readonly #request: CollectRequest;
  readonly #startedMs: number;
  // Not AbortSignal.any: what its signals hold stays in memory until the next full garbage collection, a whole collection of a cluster each.
  readonly #abort: LinkedAbort;
  readonly #signal: AbortSignal;
  readonly #requests: Requests;
  readonly #optional: OptionalParts;
  readonly #optionalAbort: LinkedAbort;
  readonly #optionalSignal: AbortSignal;
  readonly #optionalRequests: Requests;
  readonly #cancelTimer: Cancel;

  constructor(request: CollectRequest, startedMs: number, signal: AbortSignal) {
    const { transport, limits, state, clock, deadlineMs = Number.POSITIVE_INFINITY } = request;
    const { jsonOnly = false, room = boundlessRoom, requestTimeoutMs = Number.POSITIVE_INFINITY } = request;
    this.#request = request;
    this.#startedMs = startedMs;
    this.#abort = linkedAbort(signal);
    this.#signal = this.#abort.signal;
    const known = state ?? new CollectState();
    const { paging } = known;
    const endsAtMs = startedMs + deadlineMs;
    this.#requests = new Requests(
      { transport, clock, limits, room, paging, jsonOnly, requestTimeoutMs, endsAtMs },
      { signal: this.#signal, maxRequests: limits.maxRequests },
    );
    this.memory = known.begin();
    this.#optional = new OptionalParts(this.memory, startedMs, limits.operatorScanIntervalMs);
    this.#optionalAbort = linkedAbort(this.#signal);
    this.#optionalSignal = this.#optionalAbort.signal;
    this.#optionalRequests = this.#requests.under({
      signal: this.#optionalSignal,
      maxRequests: limits.maxOptionalRequests,
    });
    const giveUp = (): void => {
      this.#optional.giveUp();
      this.#optionalAbort.abort(new KubeError("ABORTED", "optional parts given up"));
    };
    this.#cancelTimer = Number.isFinite(deadlineMs)
      ? clock.setTimer(giveUp, OPTIONAL_SHARE * deadlineMs)
      : () => undefined;
  }

  get observed(): Requests["observed"] {
    return this.#requests.observed;
  }

  get missing(): readonly MissingPart[] {
    return this.#optional.missing();
  }

  /** The version first, then nodes with their pods, then everything optional: beside them where they keep us waiting. */
  async all(collectedAtMs: number) {
    try {
      const version = await this.#version();
      const critical = this.#nodes(collectedAtMs);
      const others = this.#settledOrLate(critical).then(() => this.#optionalParts());
      const nodes = await critical.catch(async (error: unknown) => {
        // Nobody waits for the other answers any more.
        this.#abort.abort(new KubeError("ABORTED", "collection given up"));
        await others;
        throw error;
      });
      return { version, nodes, others: await others };
    } finally {
      this.#cancelTimer();
      this.#optionalAbort.unlink();
      this.#abort.unlink();
    }
  }

  /** Resolves when the work has ended, well or not, or has taken BESIDE_AFTER_MS. */
  #settledOrLate(work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#request.clock.setTimer(resolve, BESIDE_AFTER_MS);
      const settled = (): void => {
        cancel();
        resolve();
      };
      work.then(settled, settled);
    });
  }

  /**
   * The cheap first request, which also probes the connection: a server that gives no answer at all is not asked again. While
   * collections succeed what it said is kept for a while.
   */
  async #version(): Promise<VersionInfo | null> {
    const { memory } = this;
    if (memory.version !== undefined && !this.#optional.isDue(memory.version.untilMs)) return memory.version.info;
    try {
      const { compute, limits } = this.#request;
      const info = await this.#requests.get("/version", (body) => compute.run("readVersion", { body }, this.#signal));
      memory.version = { info, untilMs: this.#startedMs + limits.versionKeepMs };
      return info;
    } catch (error) {
      if (!isAnswer(error)) throw error;
      this.#optional.miss("version", failureOf(error));
      return null;
    }
  }

  /** Pods, then the nodes finished with them. */
  async #nodes(collectedAtMs: number): Promise<readonly NodeRow[]> {
    const { compute, limits } = this.#request;
    const query = { accept: LIST_TYPES };
    let folded = 0;
    const podPages = await this.#requests.pages("/api/v1/pods", query, async (body): Promise<PodFold> => {
      const fold = await compute.run("foldPods", { body }, this.#signal);
      folded += fold.pods;
      if (folded > limits.maxPods) throw tooMany("/api/v1/pods", `${limits.maxPods} objects`);
      return fold;
    });
    const pods = mergePodFolds(podPages);
    const nodePages = await this.#requests.pages("/api/v1/nodes", query, (body) =>
      compute.run("foldNodes", { body, pods: [pods], collectedAtMs }, this.#signal),
    );
    this.#optional.missItems("pods", pods.skipped);
    this.#optional.missItems(
      "nodes",
      sum(nodePages, (page) => page.skipped),
    );
    // A server that lists a node twice must not have it counted twice.
    return [...new Map(nodePages.flatMap((page) => page.nodes).map((node) => [node.name, node])).values()];
  }

  /** Never rejects: what fails is missing. */
  async #optionalParts(): Promise<{
    namespaces: readonly string[] | null;
    deployments: number | null;
    extensions: Extensions;
  }> {
    const optional = this.#optional;
    const { compute, limits, endpoint } = this.#request;
    const namespaces = await optional.always("namespaces", () => this.#namespaces());
    const deployments = await optional.always("deployments", () => this.#countDeployments());
    const common = { requests: this.#optionalRequests, optional, memory: this.memory, signal: this.#optionalSignal };
    const extensions = await collectExtensions({ ...common, compute, limits, endpoint });
    return { namespaces, deployments, extensions };
  }

  async #namespaces(): Promise<readonly string[]> {
    const pages = await this.#optionalRequests.pages("/api/v1/namespaces", { accept: NAMES_ONLY }, (body) =>
      this.#names(body),
    );
    this.#optional.missItems(
      "namespaces",
      sum(pages, (page) => page.skipped),
    );
    return [...new Set(pages.flatMap((page) => page.names))];
  }

  /** One object is enough when the server says how many remain. */
  async #countDeployments(): Promise<number> {
    const path = "/apis/apps/v1/deployments";
    const first = await this.#optionalRequests.get(`${path}?limit=1`, (body) => this.#names(body), NAMES_ONLY);
    if (first.continueToken === "" || first.remainingItemCount !== null) {
      return first.names.length + first.skipped + (first.remainingItemCount ?? 0);
    }
    const pages = await this.#optionalRequests.pages(path, { accept: NAMES_ONLY }, (body) => this.#names(body));
    return sum(pages, (page) => page.names.length + page.skipped);
  }

  #names(body: ResponseBody): Promise<NameList> {
    return this.#request.compute.run("listNames", { body }, this.#optionalSignal);
  }
}
