// What a load run must stay within, and what of it did not. Pure. A figure that could not be taken is over its limit.
import type { LoadLimits, LoadReport } from "./report.ts";

/** The figures that limits are about. */
export type Limited = Pick<LoadReport, "firstFullViewMs" | "healthyToBaselineP99" | "recoveries"> & {
  readonly healthy: Pick<LoadReport["healthy"], "cycles" | "latenessMs" | "missedCycles">;
  readonly hub: Pick<LoadReport["hub"], "rssBytes" | "cpuPerClusterCycleU">;
};

/** One figure beside its limit, as text. */
export interface LimitRow {
  readonly what: string;
  readonly value: string;
  readonly limit: string;
  readonly isMet: boolean;
}

/** One for each limit that was given; of recoveries one for each, and one also when nothing healed. */
export function limitRows({ healthy, hub, ...found }: Limited, limits: LoadLimits): LimitRow[] {
  const rows: LimitRow[] = [];
  const check = (what: string, value: number | null, limit: number | undefined, digits: number, unit: string): void => {
    if (limit === undefined) return;
    const shown = (figure: number): string => `${Number(figure.toFixed(digits))}${unit}`;
    const isMet = value !== null && value <= limit;
    rows.push({ what, value: value === null ? "could not be taken" : shown(value), limit: shown(limit), isMet });
  };
  const seconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);
  const lateness = "lateness of healthy clusters at p99";
  check(lateness, healthy.cycles === 0 ? null : healthy.latenessMs.p99, limits.maxLatenessP99Ms, 0, " ms");
  // With a limit on lateness none may be missed.
  const maxMissed = limits.maxLatenessP99Ms === undefined ? undefined : 0;
  check("missed cycles of healthy clusters", healthy.missedCycles, maxMissed, 0, "");
  check(`${lateness}, over that before the faults`, found.healthyToBaselineP99, limits.maxP99Ratio, 3, "x");
  check("resident memory of the hub", hub.rssBytes / 1e6, limits.maxRssMb, 0, " MB");
  check("CPU of the hub for a cluster's cycle", hub.cpuPerClusterCycleU, limits.maxCpuU, 3, " U");
  check("first full view", seconds(found.firstFullViewMs), limits.maxFirstViewSeconds, 1, " s");
  if (found.recoveries.length === 0) check("full view after a heal", null, limits.maxRecoverySeconds, 1, " s");
  for (const { atSeconds, clusters, fullViewMs } of found.recoveries) {
    const what = `full view of ${clusters} clusters that healed after ${Number(atSeconds.toFixed(1))} s`;
    check(what, seconds(fullViewMs), limits.maxRecoverySeconds, 1, " s");
  }
  return rows;
}

/** One line for each that is exceeded. */
export function exceededLimits(found: Limited, limits: LoadLimits): string[] {
  return limitRows(found, limits)
    .filter(({ isMet }) => !isMet)
    .map(({ what, value, limit }) => `${what}: ${value}; the limit is ${limit}`);
}
