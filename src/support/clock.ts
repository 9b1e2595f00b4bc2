// Time as a dependency. Everything that waits or stamps takes a Clock, so that a whole tree runs in virtual time in tests.
// Wall-clock time is for stamps only; every duration and deadline is computed from the monotonic reading.

/** Cancels what it was returned for; calling it twice, or after it fired, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Milliseconds since the epoch. May jump; for stamps only. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start. Never goes back; for durations and deadlines. */
  monotonicMs(): number;
  /** Runs `callback` once, `delayMs` milliseconds of this clock from now (0 or less: as soon as possible, never within the call). */
  setTimer(callback: () => void, delayMs: number): Cancel;
  /** Runs `callback` in a later turn of the event loop, after pending I/O had its chance. */
  setImmediate(callback: () => void): void;
}

/** The machine's clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  setTimer(callback, delayMs) {
    const timer = setTimeout(callback, Math.max(0, delayMs));
    timer.unref();
    return () => clearTimeout(timer);
  },
  setImmediate: (callback) => void setImmediate(callback),
};

/** `2026-01-02T03:04:05Z`: the second-precision RFC 3339 text that every stored timestamp of the hub uses. */
export function rfc3339(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}
