// The machine's clock, which can be told to go forward: what is due in the time that is skipped happens in its order, each at its own
// time, so that an hour of churn, flapping servers and expiring tokens takes seconds.
// Does not guarantee: that nothing else happens meanwhile. Requests are answered while it goes forward, at the time that it has then.
import { type Cancel, type Clock, systemClock } from "../support/clock.ts";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";

/** What can be asked of a simulator's clock from outside. */
export interface ClockControl {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Goes forward by a whole number of milliseconds. Rejects with InvalidInputError, and CLOCK_FIXED where the clock cannot. */
  advance(byMs: number): Promise<void>;
}

/** An hour at once: more would take longer than who asks waits. */
export const maxAdvanceMs = 3_600_000;

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
  cancel: Cancel;
}

export class AdvancingClock implements Clock {
  readonly #base: Clock;
  #aheadMs = 0;
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();
  #advancing: Promise<void> = Promise.resolve();

  constructor(base: Clock = systemClock) {
    this.#base = base;
  }

  nowMs(): number {
    return this.#base.nowMs() + this.#aheadMs;
  }

  monotonicMs(): number {
    return this.#base.monotonicMs() + this.#aheadMs;
  }

  setTimer(callback: () => void, delayMs: number): Cancel {
    const timer: Timer = { dueMs: this.monotonicMs() + Math.max(0, delayMs), callback, cancel: () => undefined };
    this.#timers.add(timer);
    this.#arm(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  setImmediate(callback: () => void): void {
    this.#base.setImmediate(callback);
  }

  /** Goes forward; one after the other where several ask. */
  advance(byMs: number): Promise<void> {
    const done = this.#advancing.then(() => this.#goOn(byMs));
    this.#advancing = done.catch(() => undefined);
    return done;
  }

  async #goOn(byMs: number): Promise<void> {
    const untilMs = this.monotonicMs() + byMs;
    try {
      for (let next = this.#first(untilMs); next !== undefined; next = this.#first(untilMs)) {
        this.#skipTo(next.dueMs);
        next.cancel();
        this.#timers.delete(next);
        next.callback();
        await this.#settled();
      }
    } finally {
      this.#skipTo(untilMs);
      for (const timer of this.#timers) {
        timer.cancel();
        this.#arm(timer);
      }
    }
  }

  /** The first of those that are due until then. */
  #first(untilMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs <= untilMs && (first === undefined || timer.dueMs < first.dueMs)) first = timer;
    }
    return first;
  }

  #skipTo(monotonicMs: number): void {
    this.#aheadMs += Math.max(0, monotonicMs - this.monotonicMs());
  }

  #arm(timer: Timer): void {
    timer.cancel = this.#base.setTimer(() => {
      this.#timers.delete(timer);
      timer.callback();
    }, timer.dueMs - this.monotonicMs());
  }

  /** What follows from a callback by promises and in the next turns of the event loop has happened. */
  async #settled(): Promise<void> {
    for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => this.#base.setImmediate(resolve));
  }
}

/** @param clock that of a simulator; of others than AdvancingClock and VirtualClock only the time is told */
export const controlOf = (clock: Clock & { advance?(byMs: number): Promise<void> }): ClockControl => ({
  nowMs: () => clock.nowMs(),
  async advance(byMs) {
    if (!(Number.isInteger(byMs) && byMs >= 1 && byMs <= maxAdvanceMs)) {
      throw new InvalidInputError([`ms: must be a whole number from 1 to ${maxAdvanceMs} (milliseconds)`]);
    }
    if (clock.advance === undefined) {
      throw new ClusterPulseError(
        "CLOCK_FIXED",
        "the clock that this simulator was given cannot be told to go forward",
      );
    }
    await clock.advance(byMs);
  },
});
