// The part of a cell that most actors never need, made only when they do: an idle actor is small.
import type { LetterTally } from "./dead-letters.ts";
import type { Departure } from "./departure.ts";
import { Failures } from "./supervision.ts";

/** @typeParam C the cell */
export class Annex<C> {
  /** By name, in start order. */
  children: Map<string, C> | undefined;
  /** Whom to tell, and how, when this actor is gone. */
  watchers: Map<object, () => void> | undefined;
  /** Whose end this incarnation waits for. */
  watching: Set<C> | undefined;
  /** How to give up on an ask that has no reply yet, by its message. */
  asks: Map<unknown, () => void> | undefined;
  failures: Failures | undefined;
  letters: LetterTally | undefined;
  departure: Departure<C> | undefined;
  skippedRuns = 0;
  skippedTicks = 0;

  recordFailure(last: Failures["last"]): Failures {
    this.failures ??= new Failures(last);
    this.failures.last = last;
    return this.failures;
  }
}
