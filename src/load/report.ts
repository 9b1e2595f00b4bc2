// What a load run found, as one JSON document, and how its figures are made of what was seen. Pure.
import { type Cycle, type Distribution, distributionOf, type GroupLateness } from "./lateness.ts";
import type { Recovery } from "./timeline.ts";

export interface GroupReport extends GroupLateness {
  /** The most connections that one cluster of the group had open, as its API server saw it. */
  readonly maxSocketsPerCluster: number;
}

export interface LoadReport {
  readonly version: 1;
  /** RFC 3339. */
  readonly startedAt: string;
  /** As it was typed, without credentials. */
  readonly command: string;
  readonly machine: Machine;
  readonly seed: number;
  readonly preset: string;
  readonly clusters: number;
  readonly intervalSeconds: number;
  readonly warmUpSeconds: number;
  readonly durationSeconds: number;
  /** Clusters broken on purpose at some time, by their first fault. */
  readonly faults: Readonly<Record<string, number>>;
  /** Clusters that went or came back while it was measured; in neither group. */
  readonly churned: number;
  /** From the hub's start until every healthy cluster's first good outcome was in the store; null: not within the warm-up. */
  readonly firstFullViewMs: number | null;
  /** Never broken, and there all the time. */
  readonly healthy: GroupReport;
  /** Cycles that came due while their cluster was broken; what comes after a heal is in `recoveries`. */
  readonly broken: GroupReport;
  /** The same healthy clusters in the time before anything was broken; null: there was none. */
  readonly baseline: { readonly durationSeconds: number; readonly healthy: GroupLateness } | null;
  /** Lateness of healthy clusters at p99, beside broken ones over without them. */
  readonly healthyToBaselineP99: number | null;
  /** The healthy clusters that were worst off, at most ten. */
  readonly worst: readonly WorstCluster[];
  /** What became of the scenario until the end; null: there was none. */
  readonly scenario: ScenarioOutcome | null;
  /** What healed while it was measured, in order of time. */
  readonly recoveries: readonly Recovery[];
  /** Of healthy clusters: from a cycle's first request to its outcome in the store. */
  readonly tickMs: Distribution;
  /** Milliseconds of CPU of one unit U on this machine (unit.ts): the mean of before and after measuring. */
  readonly unitMs: number;
  /** Before and after. */
  readonly unitRangeMs: readonly [number, number];
  readonly hub: {
    readonly cpuMsPerClusterCycle: number;
    readonly cpuPerClusterCycleU: number;
    /** The most that was seen. */
    readonly rssBytes: number;
    readonly rss: { readonly startBytes: number; readonly endBytes: number; readonly slopeBytesPerHour: number };
    /** The most that was seen; null where the system does not tell. */
    readonly sockets: number | null;
    /** The most first requests on new connections at once since its start, as it says; null: it does not tell. */
    readonly handshakesPeak: number | null;
  };
  readonly simulator: { readonly cpuMsPerClusterCycle: number; readonly rssBytes: number };
  readonly limits: LoadLimits;
  /** What went over its limit, one line each; empty: passed. */
  readonly exceeded: readonly string[];
  readonly series: readonly LoadSample[];
  readonly histogram: {
    readonly healthy: readonly HistogramBar[];
    readonly broken: readonly HistogramBar[];
  };
}

/** Undefined: not limited. A figure that equals its limit is within it. */
export interface LoadLimits {
  /** Of healthy clusters; none of their cycles may be missed either. */
  readonly maxLatenessP99Ms?: number | undefined;
  /** `healthyToBaselineP99`. */
  readonly maxP99Ratio?: number | undefined;
  /** Of the hub, in millions of bytes. */
  readonly maxRssMb?: number | undefined;
  /** Of the hub for a cluster's cycle, in units U. */
  readonly maxCpuU?: number | undefined;
  readonly maxFirstViewSeconds?: number | undefined;
  /** Until all that healed at one time was seen again, the slowest of them. */
  readonly maxRecoverySeconds?: number | undefined;
}

/** A cluster that could not be broken, healed or removed as planned is not what the report takes it for. */
export interface ScenarioOutcome {
  readonly actions: number;
  readonly done: number;
  /** Of those that are done. */
  readonly failed: number;
  /** Why the last one failed; null: none did. */
  readonly lastError: string | null;
}

/** What it was measured on. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** Of the product. */
  readonly version: string;
  /** Of the machine over the minute before anything was started. */
  readonly loadAverage: number;
}

export interface WorstCluster {
  readonly cluster: string;
  /** Its latest cycle. */
  readonly latenessMs: number;
  readonly missedCycles: number;
}

/** One moment, and what came due since the one before. */
export interface LoadSample {
  /** After the measuring began; negative before. */
  readonly atSeconds: number;
  readonly phase: MeasuredPhase;
  readonly hubCores: number;
  readonly hubRssBytes: number;
  readonly hubSockets: number | null;
  /** Null: none came due. */
  readonly healthyLatenessP99Ms: number | null;
  readonly brokenLatenessP99Ms: number | null;
}

/** `settling`: faults were switched on a moment ago. */
export type MeasuredPhase = "baseline" | "settling" | "measuring";

/** Cycles with a lateness up to `toMs` and above the bar before; null: everything above. */
export interface HistogramBar {
  readonly toMs: number | null;
  readonly cycles: number;
}

const barsToMs = [5, 10, 20, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, null] as const;

export function histogramOf(latenessMs: readonly number[]): HistogramBar[] {
  let below = Number.NEGATIVE_INFINITY;
  return barsToMs.map((toMs) => {
    const from = below;
    below = toMs ?? below;
    return { toMs, cycles: latenessMs.filter((late) => late > from && (toMs === null || late <= toMs)).length };
  });
}

/** Lateness at p99 of what came due before each of the moments and after the one before; null: nothing did. */
export function p99Between(cycles: readonly Cycle[], momentsMs: readonly number[]): (number | null)[] {
  const late: number[][] = momentsMs.map(() => []);
  let next = 0;
  for (const { dueMs, latenessMs } of cycles.toSorted((a, b) => a.dueMs - b.dueMs)) {
    while (next < momentsMs.length && dueMs >= (momentsMs[next] as number)) next++;
    late[next]?.push(latenessMs);
  }
  return late.map((values) => (values.length === 0 ? null : distributionOf(values).p99));
}

const maxWorst = 10;

/** Those with the most missed cycles first, then those with the latest one. */
export function worstOf(cycles: readonly Cycle[], intervalMs: number): WorstCluster[] {
  const worst = new Map<string, { cluster: string; latenessMs: number; missedCycles: number }>();
  for (const { cluster, latenessMs } of cycles) {
    const entry = worst.get(cluster) ?? { cluster, latenessMs: 0, missedCycles: 0 };
    worst.set(cluster, entry);
    entry.latenessMs = Math.max(entry.latenessMs, latenessMs);
    if (latenessMs >= intervalMs) entry.missedCycles++;
  }
  return [...worst.values()]
    .sort((a, b) => b.missedCycles - a.missedCycles || b.latenessMs - a.latenessMs)
    .slice(0, maxWorst);
}

/** Resident memory at both ends, and what it gained an hour: least squares over the samples. */
export function memoryOf(samples: readonly Pick<LoadSample, "atSeconds" | "hubRssBytes">[]): LoadReport["hub"]["rss"] {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanSeconds = mean(samples.map(({ atSeconds }) => atSeconds));
  const meanBytes = mean(samples.map(({ hubRssBytes }) => hubRssBytes));
  let above = 0;
  let below = 0;
  for (const { atSeconds, hubRssBytes } of samples) {
    above += (atSeconds - meanSeconds) * (hubRssBytes - meanBytes);
    below += (atSeconds - meanSeconds) ** 2;
  }
  return {
    startBytes: samples[0]?.hubRssBytes ?? 0,
    endBytes: samples.at(-1)?.hubRssBytes ?? 0,
    slopeBytesPerHour: below === 0 ? 0 : Math.round((above / below) * 3_600),
  };
}
