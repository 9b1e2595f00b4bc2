// What a load run must stay within, and what of it did not. Pure. A figure that could not be taken is over its limit.
import type { LoadReport } from "./report.ts";

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

/** The figures that limits are about. */
export type Limited = Pick<LoadReport, "firstFullViewMs" | "healthyToBaselineP99" | "recoveries"> & {
  readonly healthy: Pick<LoadReport["healthy"], "latenessMs" | "missedCycles">;
  readonly hub: Pick<LoadReport["hub"], "rssBytes" | "cpuPerClusterCycleU">;
};

/** One line for each that is exceeded. */
export function exceededLimits(found: Limited, limits: LoadLimits): string[] {
  const { healthy, hub, recoveries } = found;
  const lines: string[] = [];
  const check = (what: string, value: number | null, limit: number | undefined, shown: (value: number) => string) => {
    if (limit === undefined || (value !== null && value <= limit)) return;
    lines.push(`${what}: ${value === null ? "could not be taken" : shown(value)}; the limit is ${shown(limit)}`);
  };
  const seconds = (value: number): string => `${Number(value.toFixed(1))} s`;
  const inSeconds = (ms: number | null): number | null => (ms === null ? null : ms / 1_000);
  check(
    "lateness of healthy clusters at p99",
    healthy.latenessMs.p99,
    limits.maxLatenessP99Ms,
    (ms) => `${ms.toFixed(0)} ms`,
  );
  if (limits.maxLatenessP99Ms !== undefined && healthy.missedCycles > 0)
    lines.push(`${healthy.missedCycles} cycles of healthy clusters were missed; with a limit on lateness none may be`);
  check(
    "lateness of healthy clusters at p99, over that of the time before faults",
    found.healthyToBaselineP99,
    limits.maxP99Ratio,
    (ratio) => `${Number(ratio.toFixed(3))}x`,
  );
  check("resident memory of the hub", hub.rssBytes / 1e6, limits.maxRssMb, (mb) => `${mb.toFixed(0)} MB`);
  check(
    "CPU of the hub for a cluster's cycle",
    hub.cpuPerClusterCycleU,
    limits.maxCpuU,
    (units) => `${Number(units.toFixed(3))} U`,
  );
  check("first full view", inSeconds(found.firstFullViewMs), limits.maxFirstViewSeconds, seconds);
  for (const { atSeconds, clusters, fullViewMs } of recoveries)
    check(
      `full view of ${clusters} clusters that healed at ${seconds(atSeconds)}`,
      inSeconds(fullViewMs),
      limits.maxRecoverySeconds,
      seconds,
    );
  return lines;
}
