// When a task on a thread has had its time. Time counts from the moment the thread took the task up, which both sides see in shared memory,
// so waiting costs nobody its time. Real time: threads do not run in a virtual clock.
import { systemClock } from "../src/support/clock.ts";
import { ENDED, STARTED, type WorkerRequest } from "./protocol.ts";

/** A thread that cannot take up a task for this long is broken. */
const START_DEADLINE_MS = 30_000;

export interface Deadline {
  /** Allows the task no more than `leftMs` from now. */
  shorten(leftMs: number): void;
  cancel(): void;
}

/** Calls `kill` once the task has run for `allowedMs`. One that has ended is spared even when its answer has not been read yet. */
export function watchDeadline(marks: WorkerRequest["marks"], allowedMs: number, kill: () => void): Deadline {
  const waitUntilMs = systemClock.monotonicMs() + START_DEADLINE_MS;
  let cancel = systemClock.setTimer(check, allowedMs);
  function leftMs(): number {
    const ranMs = runningMs(marks);
    return ranMs === undefined ? Math.min(allowedMs, waitUntilMs - systemClock.monotonicMs()) : allowedMs - ranMs;
  }
  function check(): void {
    if (Atomics.load(marks, ENDED) !== 0n) return;
    const left = leftMs();
    if (left <= 0) kill();
    else cancel = systemClock.setTimer(check, Math.ceil(left));
  }
  return {
    shorten(maxLeftMs) {
      allowedMs = Math.min(allowedMs, (runningMs(marks) ?? 0) + maxLeftMs);
      cancel();
      cancel = systemClock.setTimer(check, Math.max(0, leftMs()));
    },
    cancel: () => cancel(),
  };
}

export function hasStarted(marks: WorkerRequest["marks"]): boolean {
  return Atomics.load(marks, STARTED) !== 0n;
}

/** How long the task ran, or has been running; undefined before it was taken up. */
export function runningMs(marks: WorkerRequest["marks"]): number | undefined {
  const started = Atomics.load(marks, STARTED);
  if (started === 0n) return undefined;
  const ended = Atomics.load(marks, ENDED);
  return Number((ended === 0n ? process.hrtime.bigint() : ended) - started) / 1e6;
}
