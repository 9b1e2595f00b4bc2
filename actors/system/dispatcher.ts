// The run queue that all actors share: who has something to do stands in it, first come, first served.
// Guarantees: an actor handles at most `throughput` messages before the next one has its turn; pending I/O has its turn
// after every pass, which ends with those that stood in the queue when it began, or after about 10 ms.
import type { Clock } from "../../src/support/clock.ts";
import { RingBuffer } from "../../src/support/ring-buffer.ts";

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
  readonly #ready = new RingBuffer<Runnable>();
  #armed = false;

  constructor(clock: Clock, throughput: number) {
    this.#clock = clock;
    this.#throughput = throughput;
  }

  /** Puts `runnable` at the end of the queue. It is called from a later turn of the event loop, never from here. */
  schedule(runnable: Runnable): void {
    this.#ready.push(runnable);
    if (!this.#armed) this.#arm();
  }

  #arm(): void {
    this.#armed = true;
    this.#clock.setImmediate(this.#pass);
  }

  readonly #pass = (): void => {
    const ready = this.#ready;
    const throughput = this.#throughput;
    const startedMs = this.#clock.monotonicMs();
    let untilLook = messagesPerLook;
    for (let left = ready.size; left > 0; left--) {
      untilLook -= 1 + (ready.shift() as Runnable).turn(throughput);
      if (untilLook > 0) continue;
      if (this.#clock.monotonicMs() - startedMs >= passMs) break;
      untilLook = messagesPerLook;
    }
    this.#armed = false;
    if (ready.size > 0) this.#arm();
  };
}
