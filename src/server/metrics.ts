// The hub's own metrics: the process from prom-client's registry, actors and clusters as text made from their reports.
// Bounded: labels are kinds of actors, reasons, and cluster names up to a limit; what is beyond it is counted, not written.
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Clock } from "../support/clock.ts";
import type { FleetView, ViewRow } from "../view/ports.ts";
import type { Instruments } from "./instruments.ts";
import { type Labels, seriesText, summaryText } from "./metrics-text.ts";
import type { ActorReport, SystemReport } from "./ports.ts";

const healths = ["healthy", "degraded", "unhealthy", "unknown"] as const;
/** In order of the number that stands for each. */
const breakerStates = ["closed", "half-open", "open"];
const actorStates = ["starting", "running", "backoff", "degraded", "stopping"] as const;

export interface HubMetricsOptions {
  readonly system: () => SystemReport;
  readonly view: FleetView;
  readonly clock: Clock;
  readonly version: string;
  /** What is told and not read; absent: nothing of it is written. */
  readonly instruments?: Pick<Instruments, "text">;
  /** Of the pool of threads; undefined: there is none yet. */
  readonly pool?: () => PoolReport | undefined;
  /** Handshakes with clusters, over the whole fleet; undefined: nobody polls yet. */
  readonly handshakes?: () => HandshakeReport | undefined;
  /** Checks of registries, over all of them; undefined: nobody checks yet. */
  readonly registryChecks?: () => Omit<HandshakeReport, "peak"> | undefined;
  /** Bytes of answers, over the whole fleet; undefined: nobody polls yet. */
  readonly answers?: () => AnswersReports | undefined;
  /** Clusters with series of their own. Default 10,000. */
  readonly maxClusters?: number;
}

/** Handshakes in flight, those that wait for a slot, and the most that were ever in flight. */
export interface HandshakeReport {
  readonly held: number;
  readonly waiting: number;
  readonly peak: number;
}

/** Bytes reserved for answers now and at most, how many answers they are for, and how many requests wait for room. */
export interface AnswersReport {
  readonly held: number;
  readonly peak: number;
  readonly holders: number;
  readonly waiting: number;
}

/** Of polls, of pages of MetricSources, and of such pages that wait for their turn. */
export type AnswersReports = Readonly<Record<"polls" | "sources" | "ahead", AnswersReport>>;

/** What is shown of the pool of threads. */
export interface PoolReport {
  readonly queued: number;
  readonly running: number;
  /** Tasks not taken in because the queue was full, and tasks that had to leave it for more urgent ones. */
  readonly refused: number;
  readonly displaced: number;
  /** Threads lost to a task: stopped at its deadline, out of memory, ended by it; and lost before it began, or without one. */
  readonly killed: number;
  readonly outOfMemory: number;
  readonly crashed: number;
  readonly rerun: number;
  readonly threadErrors: number;
  readonly tasks: ReadonlyMap<string, { readonly runs: number; readonly failed: number; readonly totalMs: number }>;
}

const noPool: PoolReport = {
  queued: 0,
  running: 0,
  refused: 0,
  displaced: 0,
  killed: 0,
  outOfMemory: 0,
  crashed: 0,
  rerun: 0,
  threadErrors: 0,
  tasks: new Map(),
};

const lagPrefix = "nodejs_eventloop_lag_";

/**
 * The usual ones, without what a timer of their own would tell of the event loop's delay: our own tells the same, and each of them wakes an
 * idle hub a hundred times a second.
 */
function runtimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 3_600_000 });
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith(lagPrefix) && name !== `${lagPrefix}seconds`) registry.removeSingleMetric(name);
  }
}

/** Returns a function that writes all metrics in the Prometheus text format. */
export function createHubMetrics(options: HubMetricsOptions): () => Promise<string> {
  const registry = new Registry();
  runtimeMetrics(registry);
  const clusters = clusterReader();
  const totals = kindTotals();
  const info = seriesText("clusterpulse_build_info", "gauge", "The version that runs.", [
    [{ version: options.version }, 1],
  ]);
  return async () => {
    const { counters, actors } = options.system();
    return [
      await registry.metrics(),
      (await options.instruments?.text()) ?? "",
      info,
      actorMetrics(actors, totals(actors)),
      counterMetrics(counters),
      clusterMetrics(options, clusters),
      handshakeMetrics(options.handshakes?.() ?? noSlots),
      slotMetrics("clusterpulse_registry_checks", "Checks of registries", options.registryChecks?.() ?? noSlots),
      answerMetrics(options.answers?.() ?? { polls: noAnswers, sources: noAnswers, ahead: noAnswers }),
      poolMetrics(options.pool?.() ?? noPool),
    ].join("");
  };
}

type Sample = readonly [Labels, number];

interface KindTotal {
  processed: number;
  restarts: number;
}

/**
 * Sums by kind that never fall: an actor's own counters go away with it, so what each gained since the last time is added up.
 * What one that is gone gained after the last time is not seen.
 */
function kindTotals(): (actors: readonly ActorReport[]) => ReadonlyMap<string, KindTotal> {
  const totals = new Map<string, KindTotal>();
  let known = new Map<string, KindTotal>();
  return (actors) => {
    const next = new Map<string, KindTotal>();
    for (const { path, kind, processed, restarts } of actors) {
      const total = totals.get(kind) ?? { processed: 0, restarts: 0 };
      const before = known.get(path);
      // A counter that fell belongs to a new actor of the same path.
      total.processed += processed - (before && before.processed <= processed ? before.processed : 0);
      total.restarts += restarts - (before && before.restarts <= restarts ? before.restarts : 0);
      totals.set(kind, total);
      next.set(path, { processed, restarts });
    }
    known = next;
    return totals;
  };
}

function actorMetrics(actors: readonly ActorReport[], totals: ReadonlyMap<string, KindTotal>): string {
  const kinds = new Map<string, ActorReport[]>();
  for (const actor of actors) {
    const of = kinds.get(actor.kind);
    if (of === undefined) kinds.set(actor.kind, [actor]);
    else of.push(actor);
  }
  const sums = (value: (actor: ActorReport) => number): Sample[] =>
    [...kinds].map(([kind, of]) => [{ kind }, of.reduce((sum, actor) => sum + value(actor), 0)]);
  const most = (value: (actor: ActorReport) => number): Sample[] =>
    [...kinds].map(([kind, of]) => [{ kind }, of.reduce((most, actor) => Math.max(most, value(actor)), 0)]);
  const states = [...kinds].flatMap(([kind, of]) =>
    actorStates.map((state): Sample => [{ kind, state }, of.filter((actor) => actor.state === state).length]),
  );
  const gauge = (name: string, help: string, samples: Sample[]): string => seriesText(name, "gauge", help, samples);
  const counter = (name: string, help: string, of: keyof KindTotal): string =>
    seriesText(
      name,
      "counter",
      help,
      [...totals].map(([kind, total]) => [{ kind }, total[of]]),
    );
  return [
    gauge("clusterpulse_actors", "Living actors by kind and state.", states),
    gauge(
      "clusterpulse_mailbox_depth",
      "Messages that wait.",
      sums(({ mailbox }) => mailbox.user + mailbox.system),
    ),
    gauge(
      "clusterpulse_mailbox_high_water",
      "The most messages that ever waited for one living actor of the kind.",
      most(({ mailbox }) => mailbox.highWater),
    ),
    gauge(
      "clusterpulse_actor_runs",
      "Runs in progress.",
      sums(({ runs }) => runs.length),
    ),
    counter("clusterpulse_actor_messages_total", "Messages handled.", "processed"),
    counter("clusterpulse_actor_restarts_total", "Restarts after a crash.", "restarts"),
  ].join("");
}

function counterMetrics(counters: SystemReport["counters"]): string {
  const counter = (name: string, help: string, value: number): string =>
    seriesText(name, "counter", help, [[{}, value]]);
  return [
    seriesText(
      "clusterpulse_actor_dead_letters_total",
      "counter",
      "Messages that reached no handler.",
      Object.entries(counters.deadLetters).map(([reason, count]) => [{ reason }, count]),
    ),
    counter("clusterpulse_mailbox_overflows_total", "Messages refused by a full mailbox.", counters.overflowed),
    counter(
      "clusterpulse_mailbox_coalesced_total",
      "Messages that took the place of a waiting one.",
      counters.coalesced,
    ),
    counter("clusterpulse_runs_started_total", "Runs started.", counters.runsStarted),
    counter("clusterpulse_runs_skipped_total", "Runs skipped because the one before was going.", counters.runsSkipped),
    counter("clusterpulse_runs_deadline_total", "Runs ended by their deadline.", counters.runsDeadlined),
    counter("clusterpulse_timer_ticks_skipped_total", "Timer turns that came too late.", counters.ticksSkipped),
  ].join("");
}

const noSlots: HandshakeReport = { held: 0, waiting: 0, peak: 0 };

function slotMetrics(name: string, what: string, { held, waiting }: Omit<HandshakeReport, "peak">): string {
  return seriesText(name, "gauge", `${what}, by whether they have a slot.`, [
    [{ state: "held" }, held],
    [{ state: "waiting" }, waiting],
  ]);
}

function handshakeMetrics(report: HandshakeReport): string {
  return [
    slotMetrics("clusterpulse_handshakes", "First requests on connections", report),
    seriesText("clusterpulse_handshakes_peak", "gauge", "The most that ever had a slot at once.", [[{}, report.peak]]),
  ].join("");
}

const noAnswers: AnswersReport = { held: 0, peak: 0, holders: 0, waiting: 0 };

function answerMetrics(reports: AnswersReports): string {
  const gauge = (name: string, help: string, value: keyof AnswersReport): string => {
    const samples = Object.entries(reports).map(([of, report]): Sample => [{ of }, report[value]]);
    return seriesText(name, "gauge", help, samples);
  };
  return [
    gauge("clusterpulse_answer_bytes", "Memory reserved for answers, from before they are asked for.", "held"),
    gauge("clusterpulse_answer_bytes_peak", "The most that was ever reserved at once.", "peak"),
    gauge("clusterpulse_answers_in_flight", "Requests that are under way or whose answers are being read.", "holders"),
    gauge("clusterpulse_answers_waiting", "Requests that wait for memory for their answers.", "waiting"),
  ].join("");
}

function poolMetrics({ queued, running, tasks, ...counts }: PoolReport): string {
  const byTask = (value: (task: { runs: number; failed: number; totalMs: number }) => number): Sample[] =>
    [...tasks].map(([task, counts]) => [{ task }, value(counts)]);
  return [
    seriesText("clusterpulse_pool_queue_depth", "gauge", "Tasks that wait for a thread.", [[{}, queued]]),
    seriesText("clusterpulse_pool_running", "gauge", "Tasks on threads.", [[{}, running]]),
    seriesText("clusterpulse_pool_turned_away_total", "counter", "Tasks that a full queue had no place for.", [
      [{ reason: "refused" }, counts.refused],
      [{ reason: "displaced" }, counts.displaced],
    ]),
    seriesText("clusterpulse_pool_threads_lost_total", "counter", "Threads that ended and were replaced.", [
      [{ reason: "deadline" }, counts.killed],
      [{ reason: "memory" }, counts.outOfMemory],
      [{ reason: "crash" }, counts.crashed],
      [{ reason: "before-start" }, counts.rerun],
      [{ reason: "idle" }, counts.threadErrors],
    ]),
    summaryText("clusterpulse_pool_task_seconds", "Time that tasks ran, without waiting.", {
      sum: byTask(({ totalMs }) => totalMs / 1_000),
      count: byTask(({ runs }) => runs),
    }),
    seriesText(
      "clusterpulse_pool_task_failures_total",
      "counter",
      "Tasks that failed.",
      byTask(({ failed }) => failed),
    ),
  ].join("");
}

interface ClusterState {
  readonly breaker: number;
  readonly insecureTls: number;
  readonly revision: number;
  readonly health: string;
  readonly asOfMs: number;
}

/** Opens a row only when it changed since the last time. */
function clusterReader(): (rows: readonly ViewRow[]) => ReadonlyMap<string, ClusterState> {
  let known = new Map<string, ClusterState>();
  return (rows) => {
    const next = new Map<string, ClusterState>();
    for (const row of rows) {
      const before = known.get(row.name);
      next.set(row.name, before?.revision === row.revision ? before : readRow(row));
    }
    known = next;
    return known;
  };
}

function readRow(row: ViewRow): ClusterState {
  const { status, asOf } = JSON.parse(row.bytes.toString()) as {
    status: { health?: unknown; breaker?: unknown; insecure_tls?: unknown };
    asOf: string | null;
  };
  const health = healths.find((known) => known === status.health) ?? "unknown";
  const asOfMs = asOf === null ? Number.NaN : Date.parse(asOf);
  const breaker = Math.max(0, breakerStates.indexOf(String(status.breaker)));
  return { revision: row.revision, health, asOfMs, breaker, insecureTls: status.insecure_tls === true ? 1 : 0 };
}

function clusterMetrics(
  { view, clock, maxClusters = 10_000 }: HubMetricsOptions,
  read: (rows: readonly ViewRow[]) => ReadonlyMap<string, ClusterState>,
): string {
  const rows = view.clusters();
  const states = [...read(rows.slice(0, maxClusters))];
  const health = states.flatMap(([cluster, state]) =>
    healths.map((health): Sample => [{ cluster, health }, state.health === health ? 1 : 0]),
  );
  const age = states
    .filter(([, state]) => !Number.isNaN(state.asOfMs))
    .map(([cluster, state]): Sample => [{ cluster }, Math.max(0, clock.nowMs() - state.asOfMs) / 1_000]);
  return [
    seriesText("clusterpulse_clusters", "gauge", "Clusters in the list.", [[{}, rows.length]]),
    seriesText("clusterpulse_clusters_without_series", "gauge", "Clusters beyond the limit of series.", [
      [{}, rows.length - states.length],
    ]),
    seriesText("clusterpulse_cluster_health", "gauge", "1 for the health the cluster has.", health),
    seriesText(
      "clusterpulse_breaker_state",
      "gauge",
      "Of the cluster's circuit breaker: 0 closed, 1 half-open (being asked), 2 open.",
      states.map(([cluster, { breaker }]) => [{ cluster }, breaker]),
    ),
    seriesText(
      "clusterpulse_cluster_insecure_tls",
      "gauge",
      "1 where the API server's certificate is not verified, because its owner said so.",
      states.map(([cluster, { insecureTls }]) => [{ cluster }, insecureTls]),
    ),
    seriesText("clusterpulse_collect_age_seconds", "gauge", "Age of what was last collected of the cluster.", age),
  ].join("");
}
