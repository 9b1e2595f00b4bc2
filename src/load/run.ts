// One load run over parts that are there already: a registered fleet, a hub's process, a store. Warm-up, measurement, report.
import { type Clock, rfc3339 } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import { LatenessLedger } from "./lateness.ts";
import type { ProcessCost } from "./observe.ts";
import { exceededLimits, histogramOf, type LoadLimits, type LoadReport, type LoadSample } from "./report.ts";

export interface LoadPlan {
  readonly seed: number;
  readonly preset: string;
  readonly intervalSeconds: number;
  readonly warmUpSeconds: number;
  readonly durationSeconds: number;
  readonly limits: LoadLimits;
}

export interface LoadSubject {
  readonly clusters: readonly string[];
  /** Which are broken on purpose, and how. */
  readonly broken: ReadonlyMap<string, string>;
  /** When each cluster's newest cycle began, as its API server saw it. */
  polls(): Promise<readonly { readonly cluster: string; readonly atMs: number }[]>;
  /** Calls back for every outcome that appears in the store, from the hub's start on. */
  readonly outcomes: { listener: (cluster: string, atMs: number) => void };
  hubCost(): Promise<ProcessCost | undefined>;
  hubSockets(): Promise<number | null>;
  simulatorCost(): Promise<ProcessCost>;
}

export interface Progress {
  readonly secondsLeft: number;
  readonly phase: "warm-up" | "measuring";
  readonly sample: LoadSample | undefined;
}

const sampleMs = 5_000;

/**
 * Measures and reports. The hub was started just before. Rejects when the signal fires, and when the simulator or the hub does not
 * answer at the start or the end of the measured time.
 */
export async function runLoad(
  plan: LoadPlan,
  subject: LoadSubject,
  { clock, signal, progress }: { clock: Clock; signal: AbortSignal; progress: (line: Progress) => void },
): Promise<LoadReport> {
  const intervalMs = plan.intervalSeconds * 1_000;
  let ledger: LatenessLedger | undefined;
  const broken = [...subject.broken.keys()];
  const healthy = subject.clusters.filter((name) => !subject.broken.has(name));
  const startedAtMs = clock.nowMs();
  const unseen = new Set(healthy);
  let firstFullViewMs: number | null = null;
  subject.outcomes.listener = (cluster, atMs) => {
    ledger?.written(cluster, atMs);
    if (unseen.delete(cluster) && unseen.size === 0) firstFullViewMs = atMs - startedAtMs;
  };
  // A cycle's beginning is only the newest one's: looking twice in an interval misses none.
  const lookEveryMs = Math.min(sampleMs, intervalMs / 3);

  const fromMs = startedAtMs + plan.warmUpSeconds * 1_000;
  const toMs = fromMs + plan.durationSeconds * 1_000;
  for (;;) {
    const leftMs = fromMs - clock.nowMs();
    if (leftMs <= 0) break;
    progress({ secondsLeft: Math.round((toMs - clock.nowMs()) / 1_000), phase: "warm-up", sample: undefined });
    await pause(Math.min(lookEveryMs, leftMs), clock, signal);
  }

  const before = { hub: await required(subject.hubCost()), simulator: await subject.simulatorCost() };
  const measured = new LatenessLedger(intervalMs);
  ledger = measured;
  const series: LoadSample[] = [];
  let last = { atMs: clock.nowMs(), cost: before.hub };
  let rssBytes = before.hub.residentBytes;
  let sockets = await subject.hubSockets();
  while (last.atMs < toMs) {
    await pause(Math.min(lookEveryMs, Math.max(1, toMs - clock.nowMs())), clock, signal);
    for (const { cluster, atMs } of await subject.polls()) if (atMs >= fromMs) measured.asked(cluster, atMs);
    const [cost, open] = [(await subject.hubCost()) ?? last.cost, await subject.hubSockets()];
    const atMs = clock.nowMs();
    const p99 = (names: readonly string[]): number => measured.report(names, last.atMs, atMs).latenessMs.p99;
    const sample: LoadSample = {
      atSeconds: (atMs - fromMs) / 1_000,
      hubCores: (cost.cpuMs - last.cost.cpuMs) / Math.max(1, atMs - last.atMs),
      hubRssBytes: cost.residentBytes,
      hubSockets: open,
      healthyLatenessP99Ms: p99(healthy),
      brokenLatenessP99Ms: p99(broken),
    };
    series.push(sample);
    rssBytes = Math.max(rssBytes, cost.residentBytes);
    sockets = sockets === null || open === null ? null : Math.max(sockets, open);
    last = { atMs, cost };
    progress({ secondsLeft: Math.max(0, Math.round((toMs - atMs) / 1_000)), phase: "measuring", sample });
  }

  const after = { hub: await required(subject.hubCost()), simulator: await subject.simulatorCost() };
  const cycles = (subject.clusters.length * (clock.nowMs() - fromMs)) / intervalMs;
  const healthyReport = measured.report(healthy, fromMs, toMs);
  const lateness = (names: readonly string[]): number[] =>
    measured.cycles(names, fromMs, toMs).map(({ latenessMs }) => latenessMs);
  return {
    version: 1,
    startedAt: rfc3339(startedAtMs),
    seed: plan.seed,
    preset: plan.preset,
    clusters: subject.clusters.length,
    intervalSeconds: plan.intervalSeconds,
    warmUpSeconds: plan.warmUpSeconds,
    durationSeconds: plan.durationSeconds,
    faults: countBy(subject.broken.values()),
    firstFullViewMs,
    healthy: healthyReport,
    broken: measured.report(broken, fromMs, toMs),
    tickMs: healthyReport.tickMs,
    hub: { cpuMsPerClusterCycle: (after.hub.cpuMs - before.hub.cpuMs) / cycles, rssBytes, sockets },
    simulator: {
      cpuMsPerClusterCycle: (after.simulator.cpuMs - before.simulator.cpuMs) / cycles,
      rssBytes: after.simulator.residentBytes,
    },
    limits: plan.limits,
    exceeded: exceededLimits(healthyReport, plan.limits),
    series,
    histogram: { healthy: histogramOf(lateness(healthy)), broken: histogramOf(lateness(broken)) },
  };
}

async function required(cost: Promise<ProcessCost | undefined>): Promise<ProcessCost> {
  const found = await cost;
  if (found === undefined) throw new ClusterPulseError("HUB_SILENT", "the hub's metrics did not answer");
  return found;
}

function countBy(values: Iterable<string>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.setTimer(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
