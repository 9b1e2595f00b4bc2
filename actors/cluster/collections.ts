// What one cluster collects for MetricSources: which lists are due, each as a run of its own, so that a slow one holds up no other; then
// results go to the store and to the sources' actors at once. Only while the cluster can be reached, and apart from its breaker: what a
// source may not read is that source's problem. Pages are admitted by the cluster and by the whole hub.
import type { Compute, Transport } from "../../src/cluster/ports.ts";
import type { AnswerRoom } from "../../src/kube/answer-room.ts";
import { Discovery } from "../../src/kube/discovery.ts";
import { dueSources, listsOf, type PlannedList, termsOf } from "../../src/metric-source/plan.ts";
import { afterFailure, type Quarantine, STRIKES, trusted, verdict } from "../../src/metric-source/quarantine.ts";
import { type ClusterOutcome, neverCollected } from "../../src/metric-source/status.ts";
import {
  type SourceCollectionMeta,
  sourceCollection,
  sourceCollectionFailed,
} from "../../src/store/metric-source-documents.ts";
import { Admission } from "../../src/support/admission.ts";
import type { Measures } from "../../src/support/measures.ts";
import type { PostedSource, SourceBoard } from "../metric-source/board.ts";
import type { StoreSink } from "../store-writer/store-writer.ts";
import type { ActorContext, RunOutcome } from "../system/index.ts";
import { type Court, collectSources, type SourceResult } from "./collect-sources.ts";

/** One list has ended, for these sources. */
export interface SourcesCollected {
  readonly type: "sources-collected";
  readonly sources: readonly PostedSource[];
  readonly outcome: RunOutcome<readonly SourceResult[]>;
}

export interface CollectionsDependencies {
  readonly board: SourceBoard;
  /** Bytes of pages that the whole hub asks for at once. */
  readonly pages: Admission;
  /** Of those that are asked for before their turn, and wait for it in memory. */
  readonly aheadPages: Admission;
  readonly compute: Compute;
  readonly store: StoreSink;
  readonly measures: Pick<Measures, "sourceCollected" | "sourceQuarantined">;
  readonly cacheTtlSeconds: number;
}

/** How a transport is got for one run. */
export type OpenTransport = (signal: AbortSignal) => Promise<Transport>;

const maxPagesAtOnce = 4;
/** No page reserves less: whole objects are large, and a source that harms threads is to harm few before it is known. */
export const minPageBytes = 2 * 1024 * 1024;
/** What locating the kind and a second run of each source alone may take on top. */
const graceMs = 10_000;

interface Last {
  readonly revision: string;
  readonly startedMs: number;
  /** Of the newest collection that gave something. */
  meta: SourceCollectionMeta | undefined;
  outcome: ClusterOutcome | undefined;
}

export class ClusterCollections {
  readonly #cluster: string;
  readonly #context: ActorContext<never>;
  readonly #dependencies: CollectionsDependencies;
  readonly #ownPages = new Admission(maxPagesAtOnce);
  readonly #ownAheadPages = new Admission(maxPagesAtOnce);
  readonly #last = new Map<string, Last>();
  /** Names of the runs under way, with what they read. */
  readonly #running = new Map<string, readonly PostedSource[]>();
  /** What is held against sources here; they are new objects when they change. */
  readonly #suspects = new Map<PostedSource, Quarantine>();
  #discovery: Discovery | undefined;
  #isSlow = false;

  constructor(cluster: string, context: ActorContext<never>, dependencies: CollectionsDependencies) {
    this.#cluster = cluster;
    this.#context = context;
    this.#dependencies = dependencies;
  }

  /** Starts a run for every list that is due. Returns in how many milliseconds the next one will be; undefined: none. */
  start(
    open: OpenTransport,
    run: (
      name: string,
      deadlineMs: number,
      sources: readonly PostedSource[],
      work: (signal: AbortSignal) => Promise<readonly SourceResult[]>,
    ) => boolean,
  ): number | undefined {
    const { board } = this.#dependencies;
    const nowMs = this.#context.clock.monotonicMs();
    const all = [...board.sources()];
    for (const key of this.#last.keys()) if (!all.some((source) => source.key === key)) this.#last.delete(key);
    for (const source of this.#suspects.keys()) if (!board.holds(source)) this.#suspects.delete(source);
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { list, isSuspect } of this.#lists(all, nowMs)) {
      const name = `collect ${isSuspect ? "alone " : ""}${list.key}`;
      const due = this.#dueOf(list, nowMs).filter((source) => !this.#isUnderWay(source));
      if (due.length > 0) {
        const own = { ...list, sources: due };
        const deadlineMs = (1 + due.length) * termsOf(due).timeoutMs + graceMs;
        const isStarted = run(name, deadlineMs, due, (signal) => this.#read(own, isSuspect, open, signal));
        if (isStarted) {
          this.#running.set(name, due);
          for (const source of due) this.#begin(source, nowMs);
        }
      }
      for (const source of list.sources) nextMs = Math.min(nextMs, this.#untilMs(source, nowMs));
    }
    for (const source of all) {
      const found = this.#verdict(source, nowMs);
      if (found.kind === "quarantined") nextMs = Math.min(nextMs, found.untilMs - nowMs);
    }
    return Number.isFinite(nextMs) ? nextMs : undefined;
  }

  /** Stores and tells what a list gave. Sources that changed or went meanwhile get nothing. */
  finished({ sources, outcome }: Pick<SourcesCollected, "sources" | "outcome">): void {
    for (const [name, own] of this.#running) if (own === sources) this.#running.delete(name);
    if (outcome.status === "aborted") {
      // To be collected again as soon as the cluster can be reached.
      for (const { key } of sources) this.#forgetTurn(key);
      return;
    }
    const results =
      outcome.status === "ok"
        ? outcome.value
        : sources.map((source): SourceResult => {
            const late = { code: "RUN_DEADLINE", message: "the collection did not end in time" };
            return { kind: "failed", source, ...(outcome.status === "failed" ? outcome.error : late) };
          });
    this.#isSlow = results.some((result) => result.kind === "failed" && result.code === "REQUEST_DEADLINE");
    for (const result of results) if (this.#dependencies.board.holds(result.source)) this.#take(result);
  }

  /** What runs is to be aborted: its names. The cluster was not reached, and whoever reads of it is told. */
  unreachable(): readonly string[] {
    for (const key of this.#last.keys()) this.#forgetTurn(key);
    for (const { actor } of this.#dependencies.board.sources())
      actor.tell({ type: "unreachable", cluster: this.#cluster });
    return [...this.#running.keys()];
  }

  /** Other credentials or another endpoint: what was found out with the former ones may not hold. */
  disconnected(): void {
    this.#discovery = undefined;
  }

  /** Those that harmed a thread are read alone, all others together where they can be. */
  #lists(all: readonly PostedSource[], nowMs: number): { list: PlannedList<PostedSource>; isSuspect: boolean }[] {
    const of = (kind: ReturnType<typeof verdict>["kind"]): PostedSource[] =>
      all.filter((source) => this.#verdict(source, nowMs).kind === kind);
    const alone = of("run-suspected").flatMap((source) =>
      listsOf([source]).map((list) => ({ list: { ...list, key: source.key }, isSuspect: true })),
    );
    return [...listsOf(of("run")).map((list) => ({ list, isSuspect: false })), ...alone];
  }

  /** What it did everywhere counts, and what it did here: objects of one cluster may be all that it stumbles over. */
  #verdict(source: PostedSource, nowMs: number): ReturnType<typeof verdict> {
    const everywhere = verdict(this.#dependencies.board.quarantine(source.key), nowMs);
    const here = verdict(this.#suspects.get(source) ?? trusted, nowMs);
    if (everywhere.kind === "quarantined" || here.kind === "run") return everywhere;
    return here;
  }

  /** When the turn of one has come, those whose turn comes soon take part. */
  #dueOf(list: PlannedList<PostedSource>, nowMs: number): readonly PostedSource[] {
    if (!list.sources.some((source) => this.#untilMs(source, nowMs) <= 0)) return [];
    return dueSources(list, (source) => this.#turnOf(source), nowMs);
  }

  #turnOf({ key, revision }: PostedSource): number | undefined {
    const last = this.#last.get(key);
    return last?.revision === revision && Number.isFinite(last.startedMs) ? last.startedMs : undefined;
  }

  #untilMs(source: PostedSource, nowMs: number): number {
    const last = this.#turnOf(source);
    return last === undefined ? 0 : last + 1_000 * source.collection.intervalSeconds - nowMs;
  }

  #isUnderWay({ key, revision }: PostedSource): boolean {
    return [...this.#running.values()].some((own) => own.some((one) => one.key === key && one.revision === revision));
  }

  #begin({ key, revision }: PostedSource, startedMs: number): void {
    const before = this.#last.get(key);
    this.#last.set(key, { revision, startedMs, meta: before?.meta, outcome: before?.outcome });
  }

  #forgetTurn(key: string): void {
    const last = this.#last.get(key);
    if (last !== undefined) this.#last.set(key, { ...last, startedMs: Number.NEGATIVE_INFINITY });
  }

  async #read(
    list: PlannedList<PostedSource>,
    isSuspect: boolean,
    open: OpenTransport,
    signal: AbortSignal,
  ): Promise<readonly SourceResult[]> {
    const { board, compute, pages, aheadPages } = this.#dependencies;
    const { clock, random } = this.#context;
    const transport = await open(signal);
    this.#discovery ??= new Discovery(
      { get: async (path, options) => (await open(options.signal)).get(path, options) },
      { clock },
    );
    const room = this.#room(pages, this.#ownPages, isSuspect);
    const aheadRoom = this.#room(aheadPages, this.#ownAheadPages, isSuspect);
    const court: Court = {
      mayRun: (source) => this.#verdict(source, clock.monotonicMs()).kind !== "quarantined",
      isSuspected: ({ key }) => board.isSuspected(key),
      suspect: (sources) => board.suspect(sources.map(({ key }) => key)),
      struck: (source, code) => this.#struck(source, code),
    };
    return await collectSources(
      list,
      isSuspect,
      { transport, discovery: this.#discovery, compute, clock, random, room, aheadRoom, court },
      signal,
    );
  }

  /** Room for pages: of this cluster's own, then of the fleet's. */
  #room(fleet: Admission, own: Admission, isSuspect: boolean): AnswerRoom {
    return {
      minBytes: minPageBytes,
      take: async (bytes, signal) => {
        const ownPage = await own.acquire("fresh", signal, { untilAborted: true });
        try {
          const kind = this.#isSlow || isSuspect ? "suspect" : "fresh";
          const page = await fleet.acquire(kind, signal, { weight: bytes, untilAborted: true });
          return {
            shrinkTo: (less) => page.shrinkTo(less),
            release() {
              page.release();
              ownPage.release();
            },
          };
        } catch (error) {
          ownPage.release();
          throw error;
        }
      },
    };
  }

  #struck(source: PostedSource, code: string): void {
    const { board, measures } = this.#dependencies;
    if (!board.holds(source)) return;
    const nowMs = this.#context.clock.monotonicMs();
    const before = this.#suspects.get(source) ?? trusted;
    const after = afterFailure(before, code, nowMs);
    if (after !== before) this.#suspects.set(source, after);
    const isEverywhere = board.ended(source.key, code, nowMs);
    if (isEverywhere || (after !== before && after.untilMs > nowMs)) measures.sourceQuarantined();
  }

  #take(result: SourceResult): void {
    const { board, store, cacheTtlSeconds, measures } = this.#dependencies;
    const { clock } = this.#context;
    const { source } = result;
    const { definition } = source.compiled;
    const { intervalSeconds } = definition.collection;
    const lifetime = { cacheTtlSeconds, intervalSeconds };
    const id = { namespace: definition.namespace, name: definition.name };
    const last = this.#last.get(source.key);
    if (result.kind === "failed") {
      measures.sourceCollected({ result: "error", ...noCost });
      const strikes = this.#suspects.get(source)?.strikes ?? 0;
      if (last?.meta !== undefined) store.write(sourceCollectionFailed(last.meta, [result.message], lifetime));
      const outcome = {
        ...(last?.outcome ?? neverCollected),
        cluster: this.#cluster,
        state: "failed" as const,
        problems: [result.message],
        isQuarantined: strikes >= STRIKES,
      };
      source.actor.tell({ type: "collected", revision: source.revision, outcome, groups: 0 });
      return;
    }
    board.ended(source.key, null, clock.monotonicMs());
    this.#suspects.delete(source);
    const { resources, truncated, problems, durationMs, collectedAtMs, cpuMs, bytes, objects, groups } = result;
    const { rows, aggregates, aggregateMs, resolved, stopped } = result;
    const storedBytes = rows.reduce((sum, { byteLength }) => sum + byteLength, aggregates?.length ?? 0);
    const cost = { cpuMs, bytes, objects, storedBytes };
    const staleAfterMs = collectedAtMs + 2_000 * intervalSeconds;
    const meta = {
      id,
      cluster: this.#cluster,
      collectedAtMs,
      durationMs,
      resourceCount: resources,
      truncated,
      staleAfterMs,
      cost,
    };
    store.write(sourceCollection({ ...meta, rows, problems, aggregates, aggregateMs }, lifetime));
    const counts = { resources, truncated, problems, durationMs, collectedAtMs, ...cost, resolved, stopped };
    const isQuarantined = false;
    measures.sourceCollected({
      result: problems.length > 0 ? "partial" : "success",
      cpuSeconds: cpuMs / 1_000,
      readBytes: bytes,
      storedBytes,
      objects,
      stopped: stopped.reduce((sum, times) => sum + times, 0),
    });
    const outcome: ClusterOutcome = { cluster: this.#cluster, state: "collected", ...counts, isQuarantined };
    if (last !== undefined) Object.assign(last, { meta, outcome });
    source.actor.tell({ type: "collected", revision: source.revision, outcome, groups });
  }
}

const noCost = { cpuSeconds: 0, readBytes: 0, storedBytes: 0, objects: 0, stopped: 0 };
