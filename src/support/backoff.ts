// How long to wait before trying again. Pure: the attempt is counted and the randomness given by the caller.
import type { Random } from "./random.ts";

/** Bounds of a growing delay, in milliseconds. */
export interface BackoffRange {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** `firstMs` for attempt 1, doubled with every further attempt, at most `maxMs`. */
export function exponentialMs(range: BackoffRange, attempt: number): number {
  return Math.min(range.maxMs, range.firstMs * 2 ** (Math.max(1, attempt) - 1));
}

/**
 * A delay drawn evenly from [0, exponentialMs): "full jitter", which spreads a crowd of retries best
 * (Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
 */
export function fullJitterMs(range: BackoffRange, attempt: number, random: Random): number {
  return random() * exponentialMs(range, attempt);
}
