// What a load run found, as one JSON document, judged against its limits and compared with another run. Pure.
import type { Distribution, GroupLateness } from "./lateness.ts";

export interface GroupReport extends GroupLateness {
  /** The most connections that one cluster of the group had open, as its API server saw it. */
  readonly maxSocketsPerCluster: number;
}

export interface LoadReport {
  readonly version: 1;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly seed: number;
  readonly preset: string;
  readonly clusters: number;
  readonly intervalSeconds: number;
  readonly warmUpSeconds: number;
  readonly durationSeconds: number;
  /** Clusters broken on purpose, by fault. */
  readonly faults: Readonly<Record<string, number>>;
  /** Clusters that went or came back while it was measured; in neither group. */
  readonly churned: number;
  /** From the hub's start until every healthy cluster's first outcome was in the store; null: not within the warm-up. */
  readonly firstFullViewMs: number | null;
  readonly healthy: GroupReport;
  readonly broken: GroupReport;
  /** Of healthy clusters: from a cycle's first request to its outcome in the store. */
  readonly tickMs: Distribution;
  readonly hub: {
    readonly cpuMsPerClusterCycle: number;
    /** The most that was seen. */
    readonly rssBytes: number;
    /** The most that was seen; null where the system does not tell. */
    readonly sockets: number | null;
  };
  readonly simulator: { readonly cpuMsPerClusterCycle: number; readonly rssBytes: number };
  readonly limits: LoadLimits;
  /** What went over its limit, one line each; empty: passed. */
  readonly exceeded: readonly string[];
  readonly series: readonly LoadSample[];
  readonly histogram: { readonly healthy: readonly HistogramBar[]; readonly broken: readonly HistogramBar[] };
}

export interface LoadLimits {
  /** Undefined: not limited. */
  readonly maxLatenessP99Ms?: number | undefined;
}

/** One moment of the measured time. */
export interface LoadSample {
  readonly atSeconds: number;
  readonly hubCores: number;
  readonly hubRssBytes: number;
  readonly hubSockets: number | null;
  /** Of the healthy clusters' cycles that came due since the sample before. */
  readonly healthyLatenessP99Ms: number;
  readonly brokenLatenessP99Ms: number;
}

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

/** What of the report goes over a limit, in words. */
export function exceededLimits(healthy: GroupLateness, limits: LoadLimits): string[] {
  const { maxLatenessP99Ms } = limits;
  const exceeded: string[] = [];
  if (maxLatenessP99Ms !== undefined && healthy.latenessMs.p99 > maxLatenessP99Ms)
    exceeded.push(
      `healthy clusters were late by ${healthy.latenessMs.p99.toFixed(0)} ms at p99; the limit is ${maxLatenessP99Ms} ms`,
    );
  if (maxLatenessP99Ms !== undefined && healthy.missedCycles > 0)
    exceeded.push(
      `${healthy.missedCycles} cycles of healthy clusters were missed; with a limit on lateness none may be`,
    );
  return exceeded;
}

const compared: readonly (readonly [string, (report: LoadReport) => number | null])[] = [
  ["healthy.latenessMs.p50", ({ healthy }) => healthy.latenessMs.p50],
  ["healthy.latenessMs.p99", ({ healthy }) => healthy.latenessMs.p99],
  ["healthy.latenessMs.max", ({ healthy }) => healthy.latenessMs.max],
  ["healthy.missedCycles", ({ healthy }) => healthy.missedCycles],
  ["tickMs.p50", ({ tickMs }) => tickMs.p50],
  ["tickMs.p99", ({ tickMs }) => tickMs.p99],
  ["firstFullViewMs", ({ firstFullViewMs }) => firstFullViewMs],
  ["hub.cpuMsPerClusterCycle", ({ hub }) => hub.cpuMsPerClusterCycle],
  ["hub.rssBytes", ({ hub }) => hub.rssBytes],
  ["hub.sockets", ({ hub }) => hub.sockets],
  ["broken.latenessMs.p99", ({ broken }) => broken.latenessMs.p99],
  ["broken.maxSocketsPerCluster", ({ broken }) => broken.maxSocketsPerCluster ?? null],
  ["simulator.cpuMsPerClusterCycle", ({ simulator }) => simulator.cpuMsPerClusterCycle],
];

/** A table of both runs' figures and their ratio (second over first), one line each. */
export function compareReports(first: LoadReport, second: LoadReport): string[] {
  const number = (value: number | null): string =>
    value === null ? "-" : Number.isInteger(value) ? String(value) : value.toFixed(2);
  const rows = compared.map(([name, read]) => {
    const [a, b] = [read(first), read(second)];
    const ratio = a === null || b === null || a === 0 ? "-" : `${(b / a).toFixed(2)}x`;
    return [name, number(a), number(b), ratio];
  });
  const table = [["", "first", "second", "second / first"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}
