// The metrics that are told and not read: how long passes, Redis and the event loop take. Bounded: the labels are kinds and results.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { type Clock, systemClock } from "../support/clock.ts";
import { type LatenessSample, LatenessWindow } from "../support/lateness-window.ts";
import type { Measures } from "../support/measures.ts";

const loopResolutionMs = 20;

export interface Instruments {
  readonly measures: Measures;
  /** How late reachable clusters were collected in the last ten minutes. */
  lateness(): readonly LatenessSample[];
  /** Prometheus text of what was told so far. */
  text(): Promise<string>;
  close(): void;
}

/** @param kinds of objects that are reconciled: theirs begin at zero */
export function createInstruments(kinds: readonly string[], clock: Clock = systemClock): Instruments {
  const window = new LatenessWindow(clock);
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
  const late = new Histogram({
    name: "clusterpulse_collect_lateness_seconds",
    help: "From a cluster's turn to the end of its collection, for clusters that were reachable before.",
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
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
  const sources = sourceCounters(registers);
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
      collectedLate(milliseconds) {
        window.note(milliseconds);
        late.observe(milliseconds / 1_000);
      },
      redisAnswered: (result, seconds) => redis.observe({ result }, seconds),
      idleRetried: (count) => idleRetries.inc(count),
      ...sources,
    },
    lateness: () => window.samples(),
    text: async () => (await Promise.all(registers.map((registry) => registry.metrics()))).join(""),
    close: () => void delay.disable(),
  };
}

/** Over all MetricSources: those of each are gauges made from their rows. */
function sourceCounters(registers: Registry[]): Pick<Measures, "sourceCollected" | "sourceQuarantined"> {
  const counter = (name: string, help: string): Counter =>
    new Counter({ name: `clusterpulse_metricsource_${name}_total`, help, registers });
  const runs = new Counter({
    name: "clusterpulse_metricsource_runs_total",
    help: "Collections of one MetricSource in one cluster that ended.",
    labelNames: ["result"],
    registers,
  });
  for (const result of ["success", "partial", "error"]) runs.inc({ result }, 0);
  const cpu = counter("cpu_seconds", "CPU time that collections took.");
  const read = counter("read_bytes", "Bytes of the answers that collections read, without compression.");
  const stored = counter("stored_bytes", "Bytes of rows and sums that collections stored.");
  const objects = counter("objects", "Objects that collections looked at.");
  const stopped = counter("stopped_evaluations", "Evaluations that a limit stopped; their values are null.");
  const quarantines = counter("quarantines", "Times that a MetricSource was left alone because its runs were stopped.");
  return {
    sourceCollected(run) {
      runs.inc({ result: run.result });
      cpu.inc(run.cpuSeconds);
      read.inc(run.readBytes);
      stored.inc(run.storedBytes);
      objects.inc(run.objects);
      stopped.inc(run.stopped);
    },
    sourceQuarantined: () => quarantines.inc(),
  };
}

/** The timer that measures it is itself so far apart. */
function lagSeconds(delay: ReturnType<typeof monitorEventLoopDelay>, percentile: number): number {
  if (delay.count === 0) return 0;
  return Math.max(0, delay.percentile(percentile) / 1e9 - loopResolutionMs / 1e3);
}
