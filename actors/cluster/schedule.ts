// How often a cluster is polled, and how long one poll may take.
import { hash32 } from "../../src/support/random.ts";

export interface ScheduleLimits {
  /** No cluster is polled more often than this, whatever its spec says. */
  readonly minIntervalMs: number;
  /** The interval of a spec that names none. */
  readonly defaultIntervalMs: number;
  /** The request timeout of a spec that names none. */
  readonly defaultTimeoutMs: number;
  /** A timeout below this would only ever report timeouts. */
  readonly minTimeoutMs: number;
}

export const defaultScheduleLimits: ScheduleLimits = {
  minIntervalMs: 30_000,
  defaultIntervalMs: 30_000,
  defaultTimeoutMs: 10_000,
  minTimeoutMs: 1_000,
};

/** `spec.monitoring` of a ClusterConnection, in seconds; zero or absent: the default. */
export interface Monitoring {
  readonly interval?: number | undefined;
  readonly timeout?: number | undefined;
}

export interface Schedule {
  readonly intervalMs: number;
  /** One request, from its start to the last byte of its answer. */
  readonly requestTimeoutMs: number;
  /** One whole collection: it ends before the next is due. */
  readonly runDeadlineMs: number;
}

export function scheduleOf(monitoring: Monitoring | undefined, limits: ScheduleLimits): Schedule {
  const seconds = (value: number | undefined, otherwiseMs: number): number =>
    value !== undefined && value > 0 ? value * 1_000 : otherwiseMs;
  const intervalMs = Math.max(limits.minIntervalMs, seconds(monitoring?.interval, limits.defaultIntervalMs));
  const requestTimeoutMs = Math.max(limits.minTimeoutMs, seconds(monitoring?.timeout, limits.defaultTimeoutMs));
  return { intervalMs, requestTimeoutMs, runDeadlineMs: Math.min(intervalMs, 2 * requestTimeoutMs) };
}

/** How long a poll waits, from its beginning, for what the fleet shares: what is sent later has no time for its answer. */
export function waitMsOf({ runDeadlineMs }: Schedule): number {
  return 0.75 * runDeadlineMs;
}

/** The time from `nowMs` to the next turn of the cluster's timer: at the hash of its name, modulo the interval. */
export function untilTurnMs(name: string, intervalMs: number, nowMs: number): number {
  const phaseMs = hash32(name) % intervalMs;
  return (((phaseMs - nowMs) % intervalMs) + intervalMs) % intervalMs;
}

/**
 * The delay from the first, immediate run to the second. The fleet's later runs are spread evenly over the interval by the hash
 * of the cluster's name, so a restart does not make them all poll together; the first gap is half to one and a half intervals.
 */
export function delayToSpreadMs(name: string, intervalMs: number, nowMs: number): number {
  const delayMs = untilTurnMs(name, intervalMs, nowMs);
  return delayMs < intervalMs / 2 ? delayMs + intervalMs : delayMs;
}

/** The time from the last turn of the cluster's timer to `nowMs`; a timer that came a hair early was on time. */
export function sinceTurnMs(name: string, intervalMs: number, nowMs: number): number {
  const untilMs = untilTurnMs(name, intervalMs, nowMs);
  return untilMs < 1 ? 0 : intervalMs - untilMs;
}
