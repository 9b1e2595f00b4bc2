// Virtual time for tests and for the simulator's manual clock. Callbacks run in order of due time, then of registration;
// between two of them pending promise callbacks and real I/O turns get their chance, so that async code settles.
import type { Cancel, Clock } from "./clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  /** Undefined once it is cancelled: what it holds on to is free at once, not when it would have been due. */
  callback: (() => void) | undefined;
}

/** A clock that stands still until told to move. Deterministic: the same calls give the same order of callbacks. */
export class VirtualClock implements Clock {
  #epochMs: number;
  #elapsedMs = 0;
  #order = 0;
  #timers: Timer[] = [];
  #immediates: (() => void)[] = [];

  /** @param epochMs the wall-clock time at which this clock starts */
  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs;
  }

  nowMs(): number {
    return this.#epochMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(callback: () => void, delayMs: number): Cancel {
    const timer: Timer = {
      dueMs: this.#elapsedMs + Math.max(0, delayMs),
      order: this.#order++,
      callback,
    };
    // Insertion keeps the list sorted: tests hold few timers, since one wheel serves all actors.
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1] as Timer).dueMs > timer.dueMs) at--;
    this.#timers.splice(at, 0, timer);
    return () => {
      timer.callback = undefined;
    };
  }

  setImmediate(callback: () => void): void {
    this.#immediates.push(callback);
  }

  /** Lets the wall clock jump by `byMs` without any time passing, as an administrator or NTP would. */
  jumpWallClock(byMs: number): void {
    this.#epochMs += byMs;
  }

  /** Runs everything that is due now, until nothing is, without moving time. */
  async settle(): Promise<void> {
    // Promise callbacks go before immediates, as in a real turn of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve));
    for (let idle = 0; idle < 2; ) {
      const due = this.#immediates;
      this.#immediates = [];
      for (const callback of due) callback();
      await new Promise<void>((resolve) => setImmediate(resolve));
      idle = due.length === 0 && this.#immediates.length === 0 ? idle + 1 : 0;
    }
  }

  /** Moves time forward by `byMs` milliseconds, running every callback at its own due time. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#elapsedMs + byMs;
    await this.settle();
    for (;;) {
      const next = this.#timers[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#timers.shift();
      if (next.callback === undefined) continue;
      this.#elapsedMs = Math.max(this.#elapsedMs, next.dueMs);
      next.callback();
      await this.settle();
    }
    this.#elapsedMs = untilMs;
    await this.settle();
  }
}
