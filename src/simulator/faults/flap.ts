// Outages by the clock: down for `downMs`, up for `upMs`, and again, so that the times of all transitions are known from the start, also
// of those that jitter moves.
import type { Clock } from "../../support/clock.ts";
import { mix32 } from "../../support/random.ts";
import type { Origin } from "../http/listeners.ts";
import type { Heal, Transition } from "./effects.ts";

export interface FlapSchedule {
  readonly upMs: number;
  readonly downMs: number;
  /** 0 to 1: how far a transition may be off, as a share of half the shorter of the two times. */
  readonly jitter: number;
  /** What the jitter is drawn from. */
  readonly salt: number;
}

/** Milliseconds from the first outage to the transition of a number, 0 being the one that ends it. They follow each other in order. */
function offsetOf({ upMs, downMs, jitter, salt }: FlapSchedule, number: number): number {
  const nominalMs = Math.floor(number / 2) * (upMs + downMs) + downMs + (number % 2) * upMs;
  const chance = mix32(salt + Math.imul(number + 1, 0x9e3779b9)) / 0x1_0000_0000 - 0.5;
  return nominalMs + Math.trunc(chance * jitter * Math.min(upMs, downMs));
}

export interface FlapWindow {
  /** When the first outage begins. */
  readonly beginsMs: number;
  /** When it is up for good; may be infinite. */
  readonly endsMs: number;
  readonly nowMs: number;
  readonly count: number;
}

/** The next transitions after `nowMs`, all on the same clock. Pure. */
export function flapTransitions(
  schedule: FlapSchedule,
  { beginsMs, endsMs, nowMs, count }: FlapWindow,
): readonly Transition[] {
  const found: Transition[] = [];
  if (beginsMs > nowMs) found.push({ atMs: beginsMs, to: "down" });
  const round = Math.floor(Math.max(0, nowMs - beginsMs) / (schedule.upMs + schedule.downMs));
  // Jitter may have moved the last transition of the round before.
  for (let number = Math.max(0, 2 * round - 1); found.length < count; number++) {
    const atMs = beginsMs + offsetOf(schedule, number);
    const to = number % 2 === 0 ? "up" : "down";
    if (atMs >= endsMs) {
      if (to === "up" && endsMs > nowMs) found.push({ atMs: endsMs, to });
      break;
    }
    if (atMs > nowMs) found.push({ atMs, to });
  }
  return found.slice(0, count);
}

/** Begins with an outage. Healing ends it for good: the origin listens once that resolves. */
export async function startFlapping(
  origin: Origin,
  schedule: FlapSchedule,
  beginsMs: number,
  { clock, fired }: { readonly clock: Clock; fired(): void },
): Promise<Heal> {
  let number = 0;
  let healed = false;
  let isDown = true;
  // One transition at a time: opening may take a moment.
  let turning: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  const turn = (): void => {
    turning = turning.then(async () => {
      if (healed) return;
      isDown = !isDown;
      number++;
      if (isDown) fired();
      await (isDown ? origin.refuse() : origin.reopen(clock));
      if (!healed) wait();
    });
    // A port that was lost for good leaves the origin down; healing tries once more, and says so.
    turning.catch(() => {});
  };
  /** Turns are due by the schedule, however long the last one took. */
  const wait = (): void => {
    cancel = clock.setTimer(turn, beginsMs + offsetOf(schedule, number) - clock.monotonicMs());
  };

  fired();
  await origin.refuse();
  wait();
  return async () => {
    healed = true;
    cancel();
    await turning.catch(() => {});
    if (!origin.isListening) await origin.reopen(clock);
  };
}
