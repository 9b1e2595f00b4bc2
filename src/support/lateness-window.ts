// How late something was in the last minutes: a percentile for each ten seconds, oldest first. Bounded in time and in values.
import type { Clock } from "./clock.ts";

export interface LatenessSample {
  /** Epoch milliseconds at which its ten seconds began. */
  readonly atMs: number;
  /** How many ended in them. */
  readonly cycles: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

interface Bucket {
  readonly atMs: number;
  cycles: number;
  maxMs: number;
  readonly valuesMs: number[];
}

const bucketMs = 10_000;
const maxBuckets = 60;
/** Beyond this many in ten seconds a percentile is of the first of them. */
const maxValues = 10_000;

export class LatenessWindow {
  readonly #clock: Clock;
  readonly #buckets: Bucket[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  note(lateMs: number): void {
    const atMs = Math.floor(this.#clock.nowMs() / bucketMs) * bucketMs;
    let bucket = this.#buckets.at(-1);
    if (bucket?.atMs !== atMs) {
      bucket = { atMs, cycles: 0, maxMs: 0, valuesMs: [] };
      this.#buckets.push(bucket);
      if (this.#buckets.length > maxBuckets) this.#buckets.shift();
    }
    bucket.cycles++;
    bucket.maxMs = Math.max(bucket.maxMs, lateMs);
    if (bucket.valuesMs.length < maxValues) bucket.valuesMs.push(lateMs);
  }

  /** Of the last ten minutes; ten seconds in which nothing ended are left out. */
  samples(): readonly LatenessSample[] {
    const sinceMs = this.#clock.nowMs() - maxBuckets * bucketMs;
    return this.#buckets
      .filter(({ atMs }) => atMs > sinceMs)
      .map(({ atMs, cycles, maxMs, valuesMs }) => {
        const sorted = valuesMs.toSorted((a, b) => a - b);
        return { atMs, cycles, p99Ms: sorted[Math.max(0, Math.ceil(0.99 * sorted.length) - 1)] ?? 0, maxMs };
      });
  }
}
