// The metrics that are told and not read: how long passes, Redis and the event loop take. Bounded: the labels are kinds and results.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Measures } from "../support/measures.ts";

const loopResolutionMs = 10;

export interface Instruments {
  readonly measures: Measures;
  /** Prometheus text of what was told so far. */
  text(): Promise<string>;
  close(): void;
}

/** @param kinds of objects that are reconciled: theirs begin at zero */
export function createInstruments(kinds: readonly string[]): Instruments {
  const registers = [new Registry()];
  const delay = monitorEventLoopDelay({ resolution: loopResolutionMs });
  delay.enable();
  const total = new Counter({
    name: "clusterpulse_reconcile_total",
    help: "Passes over an object that ended, by its kind.",
    labelNames: ["kind", "result"],
    registers,
  });
  const duration = new Histogram({
    name: "clusterpulse_reconcile_duration_seconds",
    help: "How long a pass over an object took.",
    labelNames: ["kind"],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30],
    registers,
  });
  const redis = new Histogram({
    name: "clusterpulse_redis_command_seconds",
    help: "From sending commands to Redis in one piece to the last of their answers.",
    labelNames: ["result"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2],
    registers,
  });
  const idleRetries = new Counter({
    name: "clusterpulse_idle_retries_total",
    help: "Requests sent once more because the cluster had closed their kept connection.",
    registers,
  });
  new Gauge({
    name: "clusterpulse_eventloop_lag_seconds",
    help: "How late the event loop was since the last time this was read.",
    labelNames: ["quantile"],
    registers,
    collect() {
      for (const [quantile, percentile] of [
        ["0.5", 50],
        ["0.99", 99],
        ["1", 100],
      ] as const)
        this.set({ quantile }, lagSeconds(delay, percentile));
      delay.reset();
    },
  });
  for (const kind of kinds) {
    for (const result of ["success", "error"]) total.inc({ kind, result }, 0);
    duration.zero({ kind });
  }
  for (const result of ["ok", "error"]) redis.zero({ result });
  return {
    measures: {
      reconciled(kind, result, seconds) {
        total.inc({ kind, result });
        duration.observe({ kind }, seconds);
      },
      redisAnswered: (result, seconds) => redis.observe({ result }, seconds),
      idleRetried: (count) => idleRetries.inc(count),
    },
    text: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join(""),
    close: () => void delay.disable(),
  };
}

/** The timer that measures it is itself so far apart. */
function lagSeconds(delay: ReturnType<typeof monitorEventLoopDelay>, percentile: number): number {
  if (delay.count === 0) return 0;
  return Math.max(0, delay.percentile(percentile) / 1e9 - loopResolutionMs / 1e3);
}
