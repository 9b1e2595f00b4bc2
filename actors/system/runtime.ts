// What all actors of one system share.
import type { Clock } from "../../src/support/clock.ts";
import type { Logger } from "../../src/support/log.ts";
import type { Random } from "../../src/support/random.ts";
import type { TimerWheel } from "../../src/support/timer-wheel.ts";
import type { DeadLetters } from "./dead-letters.ts";
import type { Dispatcher } from "./dispatcher.ts";

/** Totals since the start of the system. */
export interface Totals {
  processed: number;
  restarts: number;
  overflowed: number;
  coalesced: number;
  runsStarted: number;
  runsSkipped: number;
  runsDeadlined: number;
  ticksSkipped: number;
}

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly wheel: TimerWheel;
  readonly dispatcher: Dispatcher;
  readonly deadLetters: DeadLetters;
  readonly totals: Totals;
}
