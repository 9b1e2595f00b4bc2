// The run queue that all actors share: who has something to do stands in it, first come, first served.
// Guarantees: an actor handles at most `throughput` messages before the next one has its turn; pending I/O has its turn
// after every pass, which ends with those that stood in the queue when it began, or after about 10 ms.
import type { Clock } from "../../src/support/clock.ts";

const passMs = 10;
/** The clock is read once per this many messages: often enough for 10 ms, too seldom to cost. */
const messagesPerLook = 1_000;

/** Something that takes turns. */
export interface Runnable {
  /** The dispatcher's own: who stands behind it in the queue, undefined for the last one; null while it does not stand there. */
  behind: Runnable | undefined | null;
  /** Does what is waiting, at most `budget` messages of it, and returns how many it was. Never throws. */
  turn(budget: number): number;
}

export class Dispatcher {
  readonly #clock: Clock;
  readonly #throughput: number;
  readonly #totals: { processed: number };
  /** The queue is threaded through those who stand in it: nothing is allocated, however many they are. */
  #front: Runnable | undefined;
  #back: Runnable | undefined;
  #armed = false;

  /** @param totals where handled messages are counted, after each pass */
  constructor(clock: Clock, throughput: number, totals: { processed: number }) {
    this.#clock = clock;
    this.#throughput = throughput;
    this.#totals = totals;
  }

  /** Puts `runnable` at the end of the queue, unless it stands there already. Its turn comes in a later turn of the event loop. */
  schedule(runnable: Runnable): void {
    if (runnable.behind !== null) return;
    runnable.behind = undefined;
    const back = this.#back;
    this.#back = runnable;
    if (back === undefined) this.#front = runnable;
    else back.behind = runnable;
    if (!this.#armed) this.#arm();
  }

  #arm(): void {
    this.#armed = true;
    this.#clock.setImmediate(this.#pass);
  }

  readonly #pass = (): void => {
    const throughput = this.#throughput;
    const startedMs = this.#clock.monotonicMs();
    // Whoever comes from now on stands in a new queue, and has its turn in the next pass.
    let next: Runnable | undefined | null = this.#front;
    const last = this.#back;
    this.#front = undefined;
    this.#back = undefined;
    let handled = 0;
    let untilLook = messagesPerLook;
    while (next) {
      const current: Runnable = next;
      next = current.behind;
      current.behind = null;
      const messages = current.turn(throughput);
      handled += messages;
      untilLook -= 1 + messages;
      if (untilLook > 0) continue;
      if (this.#clock.monotonicMs() - startedMs >= passMs) break;
      untilLook = messagesPerLook;
    }
    if (next && last) this.#goFirst(next, last);
    this.#totals.processed += handled;
    this.#armed = false;
    if (this.#front !== undefined) this.#arm();
  };

  /** Puts those whose turn did not come in this pass before those who came since. */
  #goFirst(front: Runnable, last: Runnable): void {
    last.behind = this.#front;
    this.#front = front;
    this.#back ??= last;
  }
}
