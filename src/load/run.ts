// One load run over parts that are there already: a registered fleet, a hub's process, a store. Warm-up, measurement, report.
import { type Clock, rfc3339 } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import { LatenessLedger } from "./lateness.ts";
import type { ProcessCost } from "./observe.ts";
import {
  exceededLimits,
  type GroupReport,
  histogramOf,
  type LoadLimits,
  type LoadReport,
  type LoadSample,
} from "./report.ts";

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
  /** Open connections of every cluster, as its API server counts them. */
  connections(): Promise<readonly { readonly cluster: string; readonly sockets: number }[]>;
  simulatorCost(): Promise<ProcessCost>;
  /** Begins a timeline of faults and churn, and says whom it will touch. Called once, when it begins to measure. */
  startScenario?(): Promise<{
    readonly broken: Readonly<Record<string, string>>;
    readonly churned: readonly string[];
  }>;
}

export interface Progress {
  readonly secondsLeft: number;
  readonly phase: "warm-up" | "measuring";
  /** Healthy clusters of which no outcome has been seen yet. */
  readonly unseen: number;
  readonly sample: LoadSample | undefined;
}

const sampleMs = 5_000;
/** Of a fleet that is not complete when the warm-up is over: so many times the warm-up is waited at most. */
const maxWarmUps = 4;
/** Looks at the simulator or the hub that may fail in a row: a loaded machine answers late, one that is gone never. */
const maxSilentLooks = 3;

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
  let broken = [...subject.broken.keys()];
  let healthy = subject.clusters.filter((name) => !subject.broken.has(name));
  const startedAtMs = clock.nowMs();
  const unseen = new Set(healthy);
  let firstFullViewMs: number | null = null;
  subject.outcomes.listener = (cluster, atMs) => {
    ledger?.written(cluster, atMs);
    if (unseen.delete(cluster) && unseen.size === 0) firstFullViewMs = atMs - startedAtMs;
  };
  // A cycle's beginning is only the newest one's: looking twice in an interval misses none.
  const lookEveryMs = Math.min(sampleMs, intervalMs / 3);

  const warmUpMs = plan.warmUpSeconds * 1_000;
  const startMs = (): number => {
    const firstMs = startedAtMs + warmUpMs;
    const lastMs = startedAtMs + maxWarmUps * warmUpMs;
    if (unseen.size > 0) return clock.nowMs() < firstMs ? firstMs : lastMs;
    // Every cluster's second cycle has come at its own turn one and a half intervals after its first.
    return Math.min(lastMs, Math.max(firstMs, startedAtMs + (firstFullViewMs ?? 0) + 1.5 * intervalMs));
  };
  const mostSockets = new Map<string, number>();
  let silentLooks = 0;
  const look = async (): Promise<void> => {
    try {
      for (const { cluster, atMs } of await subject.polls()) if (atMs >= settledAtMs) ledger?.asked(cluster, atMs);
      for (const { cluster, sockets } of await subject.connections())
        mostSockets.set(cluster, Math.max(sockets, mostSockets.get(cluster) ?? 0));
      silentLooks = 0;
    } catch (error) {
      if (++silentLooks > maxSilentLooks) throw error;
    }
  };

  let settledAtMs = 0;
  for (;;) {
    const leftMs = startMs() - clock.nowMs();
    if (leftMs <= 0) break;
    // One interval before, so that every cluster's turn is known when it begins.
    if (ledger === undefined && unseen.size === 0 && leftMs <= intervalMs) {
      settledAtMs = clock.nowMs();
      ledger = new LatenessLedger(intervalMs);
    }
    if (ledger !== undefined) await look();
    const secondsLeft = Math.round((leftMs + plan.durationSeconds * 1_000) / 1_000);
    progress({ secondsLeft, phase: "warm-up", unseen: unseen.size, sample: undefined });
    await pause(Math.min(lookEveryMs, leftMs), clock, signal);
  }
  const fromMs = clock.nowMs();
  const toMs = fromMs + plan.durationSeconds * 1_000;
  ledger ??= new LatenessLedger(intervalMs);
  const measured = ledger;
  mostSockets.clear();

  const faults = new Map(subject.broken);
  const scenario = await subject.startScenario?.();
  for (const [name, fault] of Object.entries(scenario?.broken ?? {})) faults.set(name, fault);
  // Those that go or come back have cycles only while they are there: they are in neither group.
  const churned = new Set(scenario?.churned);
  broken = [...faults.keys()].filter((name) => !churned.has(name));
  healthy = healthy.filter((name) => !faults.has(name) && !churned.has(name));

  const before = { hub: await required(() => subject.hubCost()), simulator: await subject.simulatorCost() };
  const series: LoadSample[] = [];
  let last = { atMs: clock.nowMs(), cost: before.hub };
  let rssBytes = before.hub.residentBytes;
  let sockets = await subject.hubSockets();
  while (last.atMs < toMs) {
    await pause(Math.min(lookEveryMs, Math.max(1, toMs - clock.nowMs())), clock, signal);
    await look();
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
    progress({
      secondsLeft: Math.max(0, Math.round((toMs - atMs) / 1_000)),
      phase: "measuring",
      unseen: unseen.size,
      sample,
    });
  }

  const after = { hub: await required(() => subject.hubCost()), simulator: await subject.simulatorCost() };
  const cycles = (subject.clusters.length * (clock.nowMs() - fromMs)) / intervalMs;
  const reportOf = (names: readonly string[]): GroupReport => ({
    ...measured.report(names, fromMs, toMs),
    maxSocketsPerCluster: Math.max(0, ...names.map((name) => mostSockets.get(name) ?? 0)),
  });
  const healthyReport = reportOf(healthy);
  const lateness = (names: readonly string[]): number[] =>
    measured.cycles(names, fromMs, toMs).map(({ latenessMs }) => latenessMs);
  return {
    version: 1,
    startedAt: rfc3339(startedAtMs),
    seed: plan.seed,
    preset: plan.preset,
    clusters: subject.clusters.length,
    intervalSeconds: plan.intervalSeconds,
    warmUpSeconds: Math.round((fromMs - startedAtMs) / 1_000),
    durationSeconds: plan.durationSeconds,
    faults: countBy(faults.values()),
    churned: churned.size,
    firstFullViewMs,
    healthy: healthyReport,
    broken: reportOf(broken),
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

async function required(read: () => Promise<ProcessCost | undefined>): Promise<ProcessCost> {
  for (let looks = 0; looks <= maxSilentLooks; looks++) {
    const found = await read();
    if (found !== undefined) return found;
  }
  throw new ClusterPulseError("HUB_SILENT", "the hub's metrics did not answer");
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
