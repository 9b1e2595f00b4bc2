// Waiting that can be given up.
import type { Clock } from "../support/clock.ts";

/** Resolves after `ms` milliseconds of `clock`, or as soon as `signal` aborts. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = () => {
      cancel();
      signal.removeEventListener("abort", wake);
      resolve();
    };
    const cancel = clock.setTimer(wake, ms);
    signal.addEventListener("abort", wake, { once: true });
  });
}
