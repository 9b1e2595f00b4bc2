// Latencies by distribution, from chance that is given. Pure.

export const latencyDistributions = ["fixed", "uniform", "normal", "pareto"] as const;

export interface LatencyShape {
  readonly latencyMs: number;
  readonly distribution: (typeof latencyDistributions)[number];
  readonly spreadMs: number;
  readonly shape: number;
  readonly maxLatencyMs: number;
}

/** Milliseconds, 0 or more; a fixed one is what it says, others have a longest. */
export function drawLatency(
  { latencyMs, distribution, spreadMs, shape, maxLatencyMs }: LatencyShape,
  random: () => number,
): number {
  const bounded = (ms: number): number => Math.min(maxLatencyMs, Math.max(0, ms));
  switch (distribution) {
    case "fixed":
      return latencyMs;
    case "uniform":
      return bounded(latencyMs + (2 * random() - 1) * spreadMs);
    case "normal": {
      // Box and Muller.
      const radius = Math.sqrt(-2 * Math.log(1 - random()));
      return bounded(latencyMs + spreadMs * radius * Math.cos(2 * Math.PI * random()));
    }
    case "pareto":
      return bounded(latencyMs / (1 - random()) ** (1 / shape));
  }
}
