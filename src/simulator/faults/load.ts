// What an overloaded server admits: so many requests at a time, so many a second. Without limits it admits none.
import type { Clock } from "../../support/clock.ts";
import type { RequestFacts } from "./facts.ts";

export interface LoadLimits {
  readonly maxInFlight: number | undefined;
  /** Counted in whole seconds of the clock. */
  readonly perSecond: number | undefined;
}

export class Load {
  readonly #limits: LoadLimits;
  readonly #clock: Clock;
  #inFlight = 0;
  #second = -1;
  #inSecond = 0;

  constructor(limits: LoadLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Counts a request that is admitted until its answer has left. */
  admits(facts: RequestFacts): boolean {
    const { maxInFlight, perSecond } = this.#limits;
    if (maxInFlight === undefined && perSecond === undefined) return false;
    const second = Math.floor(this.#clock.monotonicMs() / 1_000);
    if (second !== this.#second) [this.#second, this.#inSecond] = [second, 0];
    if (maxInFlight !== undefined && this.#inFlight >= maxInFlight) return false;
    if (perSecond !== undefined && this.#inSecond >= perSecond) return false;
    this.#inSecond++;
    this.#inFlight++;
    facts.onEnd(() => this.#inFlight--);
    return true;
  }
}
