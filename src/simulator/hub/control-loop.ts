// Where the work of simulated controllers waits: it runs soon after it was asked for, once however often that was meanwhile, never
// within the write that made it necessary, and a bounded part of it at a time. Without work there is no timer.
import type { Clock } from "../../support/clock.ts";
import { ApiError } from "../http/status.ts";

const delayMs = 20;
const maxAtOnce = 500;

export class ControlLoop {
  readonly #clock: Clock;
  readonly #work = new Map<string, () => void>();
  #isScheduled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Runs `work` soon; what was asked for under the same key and has not run yet is dropped. */
  soon(key: string, work: () => void): void {
    this.#work.set(key, work);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#clock.setTimer(() => this.#run(), delayMs);
  }

  #run(): void {
    this.#isScheduled = false;
    const due = [...this.#work].slice(0, maxAtOnce);
    for (const [key] of due) this.#work.delete(key);
    if (this.#work.size > 0) this.#schedule();
    for (const [, work] of due) {
      try {
        work();
      } catch (error) {
        // The object changed or went away meanwhile: that is an event, which asks for the work again where there is some.
        if (!(error instanceof ApiError)) throw error;
      }
    }
  }
}
