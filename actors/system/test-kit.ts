// A whole actor system in virtual time: nothing happens until the test says so, and the same seed gives the same course.
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { createActorSystem } from "./system.ts";
import type { ActorSystem, DeadLetter } from "./types.ts";

/** The deadline is on the timer wheel, which may be a tick late. */
const stopMarginMs = 100;

export interface TestSystem {
  readonly system: ActorSystem;
  readonly clock: VirtualClock;
  /** The dead letters that the throttle let through, in order. */
  readonly deadLetters: readonly DeadLetter[];
  /** Moves time by `ms` milliseconds; everything that falls due on the way happens at its own time. */
  advance(ms: number): Promise<void>;
  /** Lets everything happen that can without time passing. */
  settle(): Promise<void>;
  /** Stops the system, moving time on as far as that takes (at most `deadlineMs`, default 60,000). */
  stop(deadlineMs?: number): Promise<{ abandoned: string[] }>;
}

/** @param options.epochMs the wall-clock time at which the system starts; default 2026-01-01 */
export function createTestSystem(options: { seed: number; epochMs?: number }): TestSystem {
  const clock = new VirtualClock(options.epochMs);
  const system = createActorSystem({ clock, random: seededRandom(options.seed), log: silentLogger });
  const deadLetters: DeadLetter[] = [];
  system.onDeadLetter((letter) => deadLetters.push(letter));
  return {
    system,
    clock,
    deadLetters,
    advance: (ms) => clock.advance(ms),
    settle: () => clock.settle(),
    async stop(deadlineMs = 60_000) {
      const stopped = system.stop(deadlineMs);
      await clock.settle();
      if (system.snapshot().length > 0) await clock.advance(deadlineMs + stopMarginMs);
      return stopped;
    },
  };
}
