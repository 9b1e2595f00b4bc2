// The run queue that all actors share: who has something to do stands in it, first come, first served.
// Guarantees: an actor handles at most `throughput` messages before the next one has its turn; pending I/O has its turn
// after every pass, which ends with those that stood in the queue when it began, or after about 10 ms.
import type { Clock } from "../../src/support/clock.ts";

const passMs = 10;
/** The clock is read once per this many messages: often enough for 10 ms, too seldom to cost. */
const messagesPerLook = 1_000;

/** Something that takes turns. */
export interface Runnable {
  /** Does what is waiting, at most `budget` messages of it, and returns how many it was. Never throws. */
  turn(budget: number): number;
}

export class Dispatcher {
  readonly #clock: Clock;
  readonly #throughput: number;
  readonly #totals: { processed: number };
  /** Who came since the current batch was taken; both arrays keep their storage. */
  #incoming: (Runnable | undefined)[] = [];
  #incomingCount = 0;
  /** The batch being worked off, from `#at` on. */
  #batch: (Runnable | undefined)[] = [];
  #batchCount = 0;
  #at = 0;
  #armed = false;

  /** @param totals where handled messages are counted, after each pass */
  constructor(clock: Clock, throughput: number, totals: { processed: number }) {
    this.#clock = clock;
    this.#throughput = throughput;
    this.#totals = totals;
  }

  /** Puts `runnable` at the end of the queue. Its turn comes in a later turn of the event loop, never within this call. */
  schedule(runnable: Runnable): void {
    this.#incoming[this.#incomingCount++] = runnable;
    if (!this.#armed) this.#arm();
  }

  #arm(): void {
    this.#armed = true;
    this.#clock.setImmediate(this.#pass);
  }

  readonly #pass = (): void => {
    if (this.#at === this.#batchCount) this.#takeBatch();
    const batch = this.#batch;
    const throughput = this.#throughput;
    const startedMs = this.#clock.monotonicMs();
    let at = this.#at;
    let handled = 0;
    let untilLook = messagesPerLook;
    while (at < this.#batchCount) {
      const messages = (batch[at++] as Runnable).turn(throughput);
      handled += messages;
      untilLook -= 1 + messages;
      if (untilLook > 0) continue;
      if (this.#clock.monotonicMs() - startedMs >= passMs) break;
      untilLook = messagesPerLook;
    }
    batch.fill(undefined, this.#at, at);
    this.#at = at;
    this.#totals.processed += handled;
    this.#armed = false;
    if (at < this.#batchCount || this.#incomingCount > 0) this.#arm();
  };

  #takeBatch(): void {
    const finished = this.#batch;
    this.#batch = this.#incoming;
    this.#batchCount = this.#incomingCount;
    this.#at = 0;
    this.#incoming = finished;
    this.#incomingCount = 0;
  }
}
