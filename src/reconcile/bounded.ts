// Runs one piece of work under a deadline and a signal, and takes whatever comes of it: nothing thrown gets out, and work that heeds
// neither is left behind. What it does later changes nothing.
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";

export type Ending<T> =
  | { readonly kind: "returned"; readonly value: T }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "aborted" };

/**
 * Never rejects. A deadline that has passed is thrown STEP_DEADLINE; `signal` aborted is `aborted`, however the work reacts to it.
 * Work that never returns to the event loop is not stopped.
 */
export function runBounded<T>(
  clock: Clock,
  deadlineMs: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<Ending<T>> {
  return new Promise((resolve) => {
    const overdue = new AbortController();
    const onAbort = () => end({ kind: "aborted" });
    const cancel = clock.setTimer(() => {
      const error = new ClusterPulseError("STEP_DEADLINE", `did not end within ${deadlineMs / 1_000} s`);
      end({ kind: "threw", error });
      overdue.abort(error);
    }, deadlineMs);
    const end = (ending: Ending<T>): void => {
      cancel();
      signal?.removeEventListener("abort", onAbort);
      resolve(ending);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    const own = signal === undefined ? overdue.signal : AbortSignal.any([signal, overdue.signal]);
    (async () => work(own))().then(
      (value) => end({ kind: "returned", value }),
      (error: unknown) => end({ kind: "threw", error }),
    );
  });
}
