// One cluster: when it is polled and with which credentials. The work of a poll is src/cluster; what is said of it is report.ts.
// While a poll is under way this actor answers every message within its turn; a poll that hangs ends at its deadline, and the
// cluster then says so, with the age of what it last knew.
import { isDeepStrictEqual } from "node:util";
import { type ClusterConnection, parseClusterConnection } from "../../src/api/v1alpha1/cluster-connection.ts";
import { clusterConnections } from "../../src/api/v1alpha1/resources.ts";
import type { CollectLimits, Failure } from "../../src/cluster/collect.ts";
import { busyReason, invalidSpec } from "../../src/cluster/failure.ts";
import type { Compute, Transport } from "../../src/cluster/ports.ts";
import { CollectState } from "../../src/cluster/state.ts";
import type { Admission } from "../../src/support/admission.ts";
import type { Measures } from "../../src/support/measures.ts";
import type { EventSink } from "../event-writer/event-writer.ts";
import { nameOf } from "../informer/children.ts";
import type { InformerMessage, ObjectCache, ObjectChanged } from "../informer/informer.ts";
import type { SourceBoard } from "../metric-source/board.ts";
import type { StatusSink } from "../status-writer/status-writer.ts";
import type { StoreSink } from "../store-writer/store-writer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, RunOutcome } from "../system/index.ts";
import type { Attempts } from "./attempts.ts";
import { ClusterCollections, type SourcesCollected } from "./collections.ts";
import { ClusterLink, type Connector } from "./link.ts";
import { type Declared, type Poll, PollRun, targetOf } from "./poll.ts";
import { ClusterReport, type ReportLimits } from "./report.ts";
import type { Schedule, ScheduleLimits } from "./schedule.ts";
import { Turns } from "./turns.ts";

export type ClusterMessage =
  /** The ClusterConnection has a new generation. */
  | { readonly type: "spec-changed" }
  /** The Secret of this cluster changed, appeared or went. */
  | ObjectChanged
  | { readonly type: "tick" }
  /** Most of the fleet was down and one is back: one that was left alone is asked at once. */
  | { readonly type: "fleet-recovered" }
  /** Other MetricSources are to be collected, or it is time to. */
  | { readonly type: "plan-changed" }
  | SourcesCollected
  | Polled;

interface Polled {
  readonly type: "polled";
  readonly outcome: RunOutcome<Poll>;
  readonly poll: PollRun;
}

export interface ClusterLimits extends ReportLimits {
  readonly schedule: ScheduleLimits;
  readonly collect: CollectLimits;
  readonly failuresBeforePause: number;
}

export interface ClusterDependencies {
  readonly cache: ObjectCache;
  readonly informer: ActorRef<InformerMessage>;
  readonly connector: Connector;
  readonly admission: Admission;
  readonly compute: Compute;
  readonly store: StoreSink;
  readonly status: StatusSink;
  readonly events: EventSink;
  readonly measures: Measures;
  readonly limits: ClusterLimits;
  readonly board: SourceBoard;
  /** Bytes of answers to polls, in memory or on their way, over the whole fleet. */
  readonly answers: Admission;
  /** Bytes of pages of MetricSources, likewise. */
  readonly pages: Admission;
  readonly aheadPages: Admission;
}

/**
 * @param key `namespace/name` of the ClusterConnection
 * @param attempts outlive the instances of the actor
 */
export function clusterDefinition(
  key: string,
  dependencies: ClusterDependencies,
  attempts: Attempts,
): ActorDefinition<ClusterMessage> {
  return {
    kind: "cluster",
    create: (context) => new ClusterActor(key, context, dependencies, attempts),
    facts: () => ({ breaker: attempts.breaker }),
    keyOf: ({ type }) => (type === "polled" || type === "sources-collected" ? undefined : type),
  };
}

/** A turn that is being waited for is looked at this often at most. */
const minWaitMs = 1_000;

class ClusterActor implements Actor<ClusterMessage> {
  readonly #key: string;
  readonly #context: ActorContext<ClusterMessage>;
  readonly #dependencies: ClusterDependencies;
  readonly #attempts: Attempts;
  readonly #link: ClusterLink;
  readonly #turns: Turns;
  readonly #report: ClusterReport;
  readonly #collections: ClusterCollections;
  /** Of this endpoint with these credentials. */
  #collectState = new CollectState();
  #declared: Declared | undefined;
  #afterCrash = false;
  #toldIdleRetries = 0;
  /** Whether the last poll succeeded: MetricSources are collected only then. */
  #isReached = false;
  /** The turn, on the monotonic clock, that the poll under way was due at; undefined: it has none, or the one before it failed. */
  #dueMs: number | undefined;

  constructor(
    key: string,
    context: ActorContext<ClusterMessage>,
    dependencies: ClusterDependencies,
    attempts: Attempts,
  ) {
    this.#key = key;
    this.#context = context;
    this.#dependencies = dependencies;
    this.#attempts = attempts;
    this.#turns = new Turns(context, dependencies, attempts, dependencies.limits.schedule);
    this.#link = new ClusterLink(dependencies.connector, dependencies.admission, context.clock);
    const name = nameOf(key);
    const { clock } = context;
    const breaker = () => this.#attempts.breaker;
    this.#report = new ClusterReport(name, this.#object(), dependencies, clock, dependencies.limits, breaker);
    const { cacheTtlSeconds } = dependencies.limits;
    this.#collections = new ClusterCollections(name, context, { ...dependencies, cacheTtlSeconds });
  }

  onRestart(): void {
    this.#afterCrash = true;
  }

  onStart(): void {
    this.#readSpec();
    // A new cluster is listed at once. After a crash the last status stays until the poll that follows has a newer one.
    if (!this.#afterCrash) this.#report.pending();
    this.#poll();
  }

  onMessage(message: ClusterMessage): void {
    switch (message.type) {
      case "spec-changed":
        this.#readSpec();
        this.#attempts.mended();
        this.#poll("supersede");
        return;
      case "object-changed":
        this.#secretChanged();
        return;
      case "tick":
        this.#turned();
        this.#poll();
        return;
      case "fleet-recovered":
        if (!this.#attempts.wasLeftAlone) return;
        this.#attempts.mended();
        this.#poll();
        return;
      case "polled":
        this.#polled(message);
        return;
      case "plan-changed":
        this.#collectSources();
        return;
      case "sources-collected":
        this.#collections.finished(message);
        this.#collectSources();
        return;
    }
  }

  onStop(): void {
    this.#turns.end();
    this.#context.finalRun("close", { deadlineMs: 1_000 }, () => this.#link.close());
  }

  #object(): unknown {
    return this.#dependencies.cache.get(clusterConnections.kind, this.#key);
  }

  /** Takes over the newest spec: stores it, watches its Secret, sets the timer. A spec that cannot be used is a health, not an error. */
  #readSpec(): void {
    const object = this.#object();
    const found = parseClusterConnection(object);
    this.#report.about(object);
    if (!found.ok) {
      this.#declared = undefined;
      this.#context.abortRun("poll");
      this.#turns.end();
      this.#lost();
      void this.#link.close();
      this.#report.failed(invalidSpec(found.problems));
      return;
    }
    const connection = found.value;
    const schedule = this.#turns.follow(connection);
    if (!this.#keepsConnection(connection, schedule)) this.#disconnect();
    this.#declared = { connection, schedule };
    this.#report.declared(connection.spec);
  }

  /** Whether the open connection was made for the same endpoint, Secret and deadlines. */
  #keepsConnection({ spec }: ClusterConnection, schedule: Schedule): boolean {
    const former = this.#declared;
    return (
      former?.connection.spec.endpoint === spec.endpoint &&
      isDeepStrictEqual(former.connection.spec.credentialsRef, spec.credentialsRef) &&
      isDeepStrictEqual(former.schedule, schedule)
    );
  }

  /** What was found out with the former credentials may not hold with the next. */
  #disconnect(): void {
    this.#collectState = new CollectState();
    this.#collections.disconnected();
    void this.#link.close();
  }

  /** New credentials: the connection made with the old ones is closed, and the cluster is polled with the new ones at once. */
  #secretChanged(): void {
    if (!this.#turns.secretHasChanged()) return;
    this.#disconnect();
    this.#attempts.mended();
    this.#poll("supersede");
  }

  /** A turn that comes while a poll is under way is that poll's lateness. */
  #turned(): void {
    if (this.#declared === undefined || this.#context.isRunning("poll")) return;
    this.#dueMs = this.#isReached ? this.#turns.lastMs() : undefined;
  }

  /**
   * Begins a poll, unless the cluster is to be left alone: then a timer begins the next one as soon as it may.
   * A poll that is under way is left alone and this one counted as skipped, unless it is to be superseded.
   */
  #poll(mode: "skip" | "supersede" = "skip"): void {
    if (this.#declared === undefined || !this.#turns.mayAsk()) return;
    const { compute, answers, limits } = this.#dependencies;
    const ports = {
      link: this.#link,
      attempts: this.#attempts,
      compute,
      clock: this.#context.clock,
      answers,
      limits: limits.collect,
      onProbe: () => this.#report.probing(),
    };
    const poll = new PollRun(ports, this.#declared, this.#collectState);
    const options = {
      deadlineMs: this.#declared.schedule.runDeadlineMs,
      supersede: mode === "supersede",
      onEnd: (outcome: RunOutcome<Poll>): Polled => ({ type: "polled", outcome, poll }),
    };
    this.#context.run<Poll>("poll", options, (signal) => poll.run(signal));
  }

  /** Begins what MetricSources are due, and comes back for the next. What becomes of it never counts against the cluster. */
  #collectSources(): void {
    if (this.#declared === undefined || !this.#isReached) return;
    const { connection, schedule } = this.#declared;
    const open = (signal: AbortSignal): Promise<Transport> => this.#link.open(targetOf(connection), schedule, signal);
    const nextMs = this.#collections.start(open, (name, deadlineMs, sources, work) => {
      const onEnd = (outcome: SourcesCollected["outcome"]): ClusterMessage => {
        return { type: "sources-collected", sources, outcome };
      };
      return this.#context.run(name, { deadlineMs, onEnd }, work);
    });
    if (nextMs === undefined) this.#context.timers.cancel("collect");
    else this.#context.timers.once("collect", Math.max(minWaitMs, nextMs), { type: "plan-changed" });
  }

  /** The cluster is not reached: nothing is collected of it until it is again. */
  #lost(): void {
    this.#isReached = false;
    this.#context.timers.cancel("collect");
    for (const name of this.#collections.unreachable()) this.#context.abortRun(name);
  }

  #polled({ outcome, poll }: Polled): void {
    this.#measure(outcome);
    if (this.#declared === undefined) return;
    const { schedule } = this.#declared;
    switch (outcome.status) {
      case "ok":
        if (outcome.value.kind === "collected") {
          this.#attempts.succeeded();
          this.#report.collected(outcome.value.collection, schedule.intervalMs);
          this.#isReached = true;
          this.#collectSources();
        } else this.#failed(outcome.value.failure, outcome.value.retryAfterMs);
        return;
      case "failed":
        this.#failed({ ...outcome.error, reason: "Unexpected" });
        return;
      case "deadline":
        this.#failed(poll.lateFailure);
        return;
      case "aborted":
        // Only a spec that cannot be used aborts a poll, and that has been said already.
        return;
    }
  }

  #measure(outcome: RunOutcome<Poll>): void {
    const { measures } = this.#dependencies;
    const isSuccess = outcome.status === "ok" && outcome.value.kind === "collected";
    if (isSuccess && this.#dueMs !== undefined) measures.collectedLate(this.#context.clock.monotonicMs() - this.#dueMs);
    this.#dueMs = undefined;
    measures.reconciled(clusterConnections.kind, isSuccess ? "success" : "error", outcome.elapsedMs / 1_000);
    const { idleRetries } = this.#link;
    measures.idleRetried(idleRetries - this.#toldIdleRetries);
    this.#toldIdleRetries = idleRetries;
  }

  #failed(failure: Failure, retryAfterMs = 0): void {
    if (failure.reason === busyReason) {
      this.#report.busy(failure);
      this.#turns.askSoon();
      return;
    }
    this.#attempts.failed(retryAfterMs);
    this.#lost();
    this.#report.failed(failure, this.#turns.leftAloneMs());
  }
}
