// Outages by the clock: down for `downMs`, up for `upMs`, and again, so that the times of all transitions are known from the start.
import type { Clock } from "../../support/clock.ts";
import type { Origin } from "../http/listeners.ts";
import type { Heal } from "./effects.ts";

/** Begins with an outage. Healing ends it for good: the origin listens once that resolves. */
export async function startFlapping(
  origin: Origin,
  { upMs, downMs }: { readonly upMs: number; readonly downMs: number },
  clock: Clock,
): Promise<Heal> {
  let nextTurnMs = clock.monotonicMs() + downMs;
  let healed = false;
  let isDown = true;
  // One transition at a time: opening may take a moment.
  let turning: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  const turn = (): void => {
    turning = turning.then(async () => {
      if (healed) return;
      isDown = !isDown;
      nextTurnMs += isDown ? downMs : upMs;
      await (isDown ? origin.refuse() : origin.reopen(clock));
      if (!healed) wait();
    });
    // A port that was lost for good leaves the origin down; healing tries once more, and says so.
    turning.catch(() => {});
  };
  /** Turns are due by the schedule, however long the last one took. */
  const wait = (): void => {
    cancel = clock.setTimer(turn, nextTurnMs - clock.monotonicMs());
  };

  await origin.refuse();
  wait();
  return async () => {
    healed = true;
    cancel();
    await turning.catch(() => {});
    if (!origin.isListening) await origin.reopen(clock);
  };
}
