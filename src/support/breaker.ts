// A circuit breaker for one remote party: after a few outages in a row it is left alone for a while, then asked once.
// opossum holds the circuit and turns calls away. Time, the count of outages in a row and the gate of the single probe are kept
// here, so that all of it runs on an injected clock: opossum knows rates over a window only, and waits on real timers.
// Guarantees: at most one probe at a time; every call ends by its deadline, so a probe that never settles cannot hold the
// gate; a call that began before the circuit last changed no longer counts; no timer is left after `close`.
// Does not: retry, or outlive the process.
import { EventEmitter } from "node:events";
import CircuitBreaker from "opossum";
import type { BackoffRange } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { ClusterPulseError } from "./errors.ts";
import type { Random } from "./random.ts";

export interface BreakerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Outages in a row that open it; below 1 counts as 1. */
  readonly threshold: number;
  /** How long it stays open: see pauseMs. */
  readonly open: BackoffRange;
  /** The longest that one call may take. */
  readonly deadlineMs: number;
  /** What a call that ended with this error says of the remote party. */
  readonly verdictOf: (error: unknown) => Verdict;
}

/** `outage`: it is not there. `answer`: it is, whatever it says. `nothing`: the call was given up for reasons of our own. */
export type Verdict = "outage" | "answer" | "nothing";

export interface BreakerState {
  readonly state: "closed" | "open" | "half-open";
  /** Outages in a row. */
  readonly failures: number;
  /** Until when it stays open, on the monotonic clock; null unless it is open. */
  readonly opensUntilMs: number | null;
}

/** Made once: an error for each call that ends would cost more than the rest of it. */
const over = new ClusterPulseError("CALL_OVER", "the call has ended");

/** The longest delay a timer of Node.js takes: opossum's own way to half-open is never taken. */
const never = 2 ** 31 - 1;

/**
 * How long to leave alone what has failed for `failingForMs`: at least `firstMs`, and then up to a tenth of the time it has
 * failed already, at most `maxMs`. What lies above `firstMs` is drawn evenly, at least a tenth of it wide, so that parties
 * that failed together are not asked together.
 */
export function pauseMs({ firstMs, maxMs }: BackoffRange, failingForMs: number, random: Random): number {
  const spreadMs = Math.max(firstMs / 10, Math.min(maxMs, failingForMs / 10) - firstMs);
  return Math.min(maxMs, firstMs + random() * spreadMs);
}

export class Breaker {
  readonly #options: BreakerOptions;
  readonly #circuit: CircuitBreaker;
  readonly #window = new EventEmitter();
  #failures = 0;
  #failingSinceMs = 0;
  #opensUntilMs = 0;
  #probing = false;
  /** Moves whenever the circuit opens or closes. */
  #epoch = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#circuit = new CircuitBreaker((work) => work(), {
      // opossum's timeout leaves the work running and waits on a real timer.
      timeout: false,
      resetTimeout: never,
      // Never by rate: neither a full nor a kept window opens it.
      volumeThreshold: Number.MAX_SAFE_INTEGER,
      errorThresholdPercentage: 100,
      // Without these it would have two intervals of its own, and keep every latency for ever.
      enableSnapshots: false,
      rollingCountBuckets: 1,
      rollingPercentilesEnabled: false,
      rotateBucketController: this.#window,
    });
  }

  get state(): BreakerState {
    if (this.#probing) return { state: "half-open", failures: this.#failures, opensUntilMs: null };
    const { opened } = this.#circuit;
    return {
      state: opened ? "open" : "closed",
      failures: this.#failures,
      opensUntilMs: opened ? this.#opensUntilMs : null,
    };
  }

  /**
   * Calls `action`, unless the circuit is open or a probe is under way: then rejects with BREAKER_OPEN and calls nothing.
   * Rejects with what the action rejects with; with CALL_DEADLINE, an outage, once the deadline has passed; and with the
   * reason of `signal` when that aborts, which is judged like an error. The action's own signal aborts in both cases.
   */
  async run<T>(action: (signal: AbortSignal) => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (this.#circuit.opened && this.#options.clock.monotonicMs() >= this.#opensUntilMs) {
      this.#probing = true;
      this.#circuit.close();
    } else if (this.#probing || this.#circuit.opened) {
      throw new ClusterPulseError("BREAKER_OPEN", "left alone after several failures in a row");
    }
    return (await this.#circuit.fire(() => this.#bounded(action, signal))) as T;
  }

  /** Lets the next call through as the probe, however long the circuit would still be open. For when the cause may be mended. */
  probeSoon(): void {
    this.#opensUntilMs = this.#options.clock.monotonicMs();
  }

  /** Frees what it holds. To be called once nothing calls it any more. */
  close(): void {
    this.#circuit.shutdown();
  }

  #bounded<T>(action: (signal: AbortSignal) => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    const { clock, deadlineMs, verdictOf } = this.#options;
    const epoch = this.#epoch;
    const own = new AbortController();
    return new Promise<T>((resolve, reject) => {
      // The end is judged at once, not a turn later: whoever aborts a probe may want to begin the next right away.
      const end = (verdict: Verdict, settle: () => void): void => {
        if (own.signal.aborted) return;
        cancelDeadline();
        signal?.removeEventListener("abort", aborted);
        own.abort(over);
        if (epoch === this.#epoch) this.#judge(verdict);
        settle();
      };
      const fail = (error: unknown): void => end(verdictOf(error), () => reject(error));
      const aborted = (): void => fail(signal?.reason);
      const cancelDeadline = clock.setTimer(() => {
        const late = new ClusterPulseError("CALL_DEADLINE", `no end within ${deadlineMs} ms`);
        end("outage", () => reject(late));
      }, deadlineMs);
      if (signal?.aborted === true) {
        aborted();
        return;
      }
      signal?.addEventListener("abort", aborted, { once: true });
      startAction(action, own.signal).then((value) => end("answer", () => resolve(value)), fail);
    });
  }

  #judge(verdict: Verdict): void {
    // Forgets opossum's counters of past calls: they decide nothing here, and would grow for ever.
    this.#window.emit("rotate");
    const wasProbe = this.#probing;
    this.#probing = false;
    if (verdict === "answer") {
      this.#failures = 0;
      if (wasProbe) this.#epoch++;
      return;
    }
    const { clock, random, threshold, open } = this.#options;
    const nowMs = clock.monotonicMs();
    if (verdict === "outage") {
      if (this.#failures++ === 0) this.#failingSinceMs = nowMs;
      if (!wasProbe && this.#failures < threshold) return;
      this.#opensUntilMs = nowMs + pauseMs(open, nowMs - this.#failingSinceMs, random);
    } else if (!wasProbe) {
      return;
    }
    this.#epoch++;
    this.#circuit.open();
  }
}

/** An action that throws instead of rejecting is no different. */
async function startAction<T>(action: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return await action(signal);
}
