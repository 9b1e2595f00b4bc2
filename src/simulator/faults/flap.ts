// Outages by the clock: down for `downMs`, up for `upMs`, and again, so that the times of all transitions are known from the start.
import type { Clock } from "../../support/clock.ts";
import type { Origin } from "../http/listeners.ts";
import type { Heal } from "./effects.ts";

export interface FlapTimes {
  readonly upMs: number;
  readonly downMs: number;
}

/** What holds without parameters. */
export const defaultFlap: FlapTimes = { upMs: 10_000, downMs: 5_000 };

export interface Transition {
  readonly atMs: number;
  readonly to: "down" | "up";
}

/** The next transitions after `nowMs` of a server that flaps since `startedMs`, on the same clock. Pure. */
export function nextTransitions(
  startedMs: number,
  { upMs, downMs }: FlapTimes,
  nowMs: number,
  count: number,
): Transition[] {
  const round = Math.floor(Math.max(0, nowMs - startedMs) / (upMs + downMs));
  const transitions: Transition[] = [];
  for (let i = round; transitions.length < count; i++) {
    const beginMs = startedMs + i * (upMs + downMs);
    const both = [
      { atMs: beginMs + downMs, to: "up" } as const,
      { atMs: beginMs + downMs + upMs, to: "down" } as const,
    ];
    transitions.push(...both.filter(({ atMs }) => atMs > nowMs));
  }
  return transitions.slice(0, count);
}

/** Begins with an outage. Healing ends it for good: the origin listens once that resolves. */
export async function startFlapping(origin: Origin, { upMs, downMs }: FlapTimes, clock: Clock): Promise<Heal> {
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
