// When a crashed actor is started again. The OTP rule: more than `maxRestarts` restarts within `withinMs` and quick retries
// make no sense any more; from then on the retry is slow, and slower each time, until the actor has been well for a while.
import { exponentialMs, fullJitterMs } from "../../src/support/backoff.ts";
import type { SafeError } from "../../src/support/errors.ts";
import type { Random } from "../../src/support/random.ts";
import type { TimerHandle } from "../../src/support/timer-wheel.ts";
import type { Strategy } from "./definition.ts";

/** How often one and the same message may crash its actor before it is dropped. */
export const maxCrashesPerMessage = 3;

export interface RestartPlan {
  readonly state: "backoff" | "degraded";
  readonly delayMs: number;
}

/** The crashes of one actor. Made with the first one; outlives restarts. */
export class Failures {
  last: SafeError & { readonly atMs: number };
  restarts = 0;
  /** The timer that ends backoff or degradation. */
  wake: TimerHandle | undefined;
  /** Since when, on the monotonic clock, the actor has run without a crash. */
  #runningSinceMs: number | undefined;
  /** When the restarts within the window were decided: at most maxRestarts of them. */
  #restartedAtMs: number[] = [];
  #degradations = 0;

  constructor(last: SafeError & { readonly atMs: number }) {
    this.last = last;
  }

  running(nowMs: number): void {
    this.#runningSinceMs = nowMs;
  }

  /** Records a crash at `nowMs` (monotonic) that is to be answered with a restart, and says when. */
  planRestart(strategy: Strategy, nowMs: number, random: Random): RestartPlan {
    const { maxRestarts, withinMs, backoff, degradedRetry } = strategy;
    if (this.#runningSinceMs !== undefined && nowMs - this.#runningSinceMs >= withinMs) this.#degradations = 0;
    this.#runningSinceMs = undefined;
    this.#restartedAtMs = this.#restartedAtMs.filter((atMs) => nowMs - atMs < withinMs);
    if (this.#restartedAtMs.length >= maxRestarts) {
      this.#degradations++;
      return { state: "degraded", delayMs: exponentialMs(degradedRetry, this.#degradations) };
    }
    this.#restartedAtMs.push(nowMs);
    return { state: "backoff", delayMs: fullJitterMs(backoff, this.#restartedAtMs.length, random) };
  }
}
