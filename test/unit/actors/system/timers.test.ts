import { expect, test } from "vitest";
import { createActorSystem } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { silentLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";
import { scripted } from "./scripted.ts";

/** An actor that notes when it hears what, and a way to act as it. */
async function listening() {
  const kit = createTestSystem({ seed: 1 });
  const heard: [string, number][] = [];
  const ref = kit.system.spawn(scripted([]), { name: "a" });
  await kit.settle();
  const hear = (type: string) => ({ type, act: () => void heard.push([type, kit.clock.monotonicMs()]) });
  const timers = (act: Parameters<typeof ref.tell>[0]["act"] & {}): void => void ref.tell({ type: "act", act });
  return { ...kit, ref, heard, hear, as: timers };
}

test("once: one message, not early, at most one tick late", async () => {
  const { as, hear, heard, advance } = await listening();
  as(({ timers }) => timers.once("t", 250, hear("once")));
  await advance(10_000);
  expect(heard).toEqual([["once", 300]]);
});

test("setting a key again replaces its timer; cancelling takes it away", async () => {
  const { as, hear, heard, advance } = await listening();
  as(({ timers }) => {
    timers.once("t", 100, hear("first"));
    timers.every("t", { intervalMs: 500 }, hear("second"));
    timers.once("u", 100, hear("cancelled"));
    timers.cancel("u");
    timers.cancel("unknown");
  });
  await advance(1_000);
  as(({ timers }) => timers.cancel("t"));
  await advance(1_000);
  expect(heard).toEqual([
    ["second", 500],
    ["second", 1_000],
  ]);
});

test("every: absolute due times, so that lateness never adds up", async () => {
  const { as, hear, heard, advance } = await listening();
  as(({ timers }) => timers.every("t", { intervalMs: 250, firstDelayMs: 10 }, hear("tick")));
  await advance(1_300);
  expect(heard.map(([, atMs]) => atMs)).toEqual([100, 300, 600, 800, 1_100, 1_300]);
});

test("turns missed while the event loop was blocked are skipped and counted: one message, never a pile", async () => {
  let blockedMs = 0;
  class BlockedClock extends VirtualClock {
    override monotonicMs(): number {
      return super.monotonicMs() + blockedMs;
    }
  }
  const clock = new BlockedClock();
  const system = createActorSystem({ clock, random: seededRandom(1), log: silentLogger });
  const journal: string[] = [];
  system.spawn(
    scripted(journal, { onStart: ({ timers }) => timers.every("t", { intervalMs: 1_000 }, { type: "tick" }) }),
    { name: "a" },
  );
  await clock.advance(900);
  blockedMs = 4_500;
  // The timer armed for 1,000 fires at 5,500: the turns of 1,000 to 5,000 have passed.
  await clock.advance(100);
  expect(journal).toEqual(["a start", "a tick"]);
  expect(system.snapshot()[0]?.skippedTicks).toBe(4);
  expect(system.counters().ticksSkipped).toBe(4);
  await clock.advance(500);
  expect(journal.length).toBe(3);
});

test("an interval that is not above zero is a crash", async () => {
  const { as, system, settle } = await listening();
  as(({ timers }) => timers.every("t", { intervalMs: 0 }, { type: "tick" }));
  await settle();
  expect(system.snapshot()[0]?.lastError?.code).toBe("TIMER_INTERVAL");
});

test("no timer outlives its actor", async () => {
  const { as, hear, heard, advance, system } = await listening();
  as((context) => {
    context.timers.every("t", { intervalMs: 100 }, hear("tick"));
    context.stopSelf();
    context.timers.once("u", 100, hear("too late"));
  });
  await advance(1_000);
  expect(heard).toEqual([]);
  expect(system.counters().deadLetters.stopped).toBe(0);
});

test("timer messages are bounded and coalesced like any others", async () => {
  const kit = createTestSystem({ seed: 1 });
  const parent = kit.system.spawn(
    scripted([], {
      supervision: { maxRestarts: 0 },
      mailbox: { userCapacity: 2 },
      onStart: ({ timers }) => timers.every("t", { intervalMs: 100 }, { type: "tick", key: "tick" }),
    }),
    { name: "a" },
  );
  await kit.settle();
  parent.tell({ type: "x", key: "tick" });
  expect(parent.tell({ type: "y", key: "tick" })).toBe("coalesced");
  await kit.advance(1_000);
  expect(kit.system.snapshot()[0]?.processed).toBe(11);
});

test("the next due time is shown in epoch milliseconds", async () => {
  const { as, system, settle, advance, clock } = await listening();
  as(({ timers }) => {
    timers.once("late", 90_000, { type: "late" });
    timers.every("soon", { intervalMs: 60_000 }, { type: "soon" });
  });
  await settle();
  expect(system.snapshot()[0]?.nextTimerAtMs).toBe(clock.nowMs() + 60_000);
  await advance(60_000);
  expect(system.snapshot()[0]?.nextTimerAtMs).toBe(clock.nowMs() + 30_000);
});
