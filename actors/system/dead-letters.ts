// Messages that were never handled: counted always, shown (log and listeners) through a throttle per actor.
// Nothing of a message but its `type` is ever kept, logged or passed on.
import type { Clock } from "../../src/support/clock.ts";
import type { Logger } from "../../src/support/log.ts";
import type { DeadLetter, DeadLetterReason } from "./types.ts";

/** Of one actor, this many in a row are shown one by one ... */
const shownAtOnce = 10;
/** ... then one per this long, until none came for as long. */
const throttleMs = 10_000;

/** The dead letters of one actor. */
export interface LetterTally {
  count: number;
  inBurst: number;
  suppressed: number;
  lastMs: number;
  lastShownMs: number;
}

export function newTally(): LetterTally {
  return { count: 0, inBurst: 0, suppressed: 0, lastMs: 0, lastShownMs: 0 };
}

/** An actor as far as its dead letters go. */
export interface LetterOwner {
  readonly path: string;
  readonly letters: LetterTally;
}

export class DeadLetters {
  readonly counts: Record<DeadLetterReason, number> = { overflow: 0, stopped: 0, poison: 0, resumed: 0 };
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listeners = new Set<(letter: DeadLetter) => void>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  subscribe(listener: (letter: DeadLetter) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  record(owner: LetterOwner, reason: DeadLetterReason, message: unknown): void {
    this.counts[reason]++;
    const { letters } = owner;
    if (!this.#passes(letters)) return;
    const { suppressed } = letters;
    letters.suppressed = 0;
    this.#show({ path: owner.path, reason, messageType: typeOf(message), atMs: this.#clock.nowMs(), suppressed });
  }

  #passes(tally: LetterTally): boolean {
    const nowMs = this.#clock.monotonicMs();
    tally.count++;
    tally.inBurst = nowMs - tally.lastMs >= throttleMs ? 1 : tally.inBurst + 1;
    tally.lastMs = nowMs;
    if (tally.inBurst > shownAtOnce && nowMs - tally.lastShownMs < throttleMs) {
      tally.suppressed++;
      return false;
    }
    tally.lastShownMs = nowMs;
    return true;
  }

  #show(letter: DeadLetter): void {
    this.#log.warn(letter, "dead letter");
    for (const listener of this.#listeners) {
      try {
        listener(letter);
      } catch (error) {
        this.#log.error({ err: error }, "a dead letter listener threw");
      }
    }
  }
}

function typeOf(message: unknown): string {
  if (typeof message === "object" && message !== null && "type" in message && typeof message.type === "string") {
    return message.type.slice(0, 64);
  }
  return typeof message;
}
