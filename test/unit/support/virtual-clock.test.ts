import { expect, test } from "vitest";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

test("stands still until told to move", async () => {
  const clock = new VirtualClock(1_000);
  let fired = false;
  clock.setTimer(() => {
    fired = true;
  }, 10);
  await clock.settle();
  expect([clock.nowMs(), clock.monotonicMs(), fired]).toEqual([1_000, 0, false]);
  await clock.advance(9);
  expect([clock.nowMs(), fired]).toEqual([1_009, false]);
  await clock.advance(1);
  expect([clock.nowMs(), clock.monotonicMs(), fired]).toEqual([1_010, 10, true]);
});

test("runs callbacks at their own due time, in order of due time, then of registration", async () => {
  const clock = new VirtualClock(0);
  const seen: [string, number][] = [];
  const note = (name: string) => () => void seen.push([name, clock.nowMs()]);
  clock.setTimer(note("late"), 30);
  clock.setTimer(note("first of two"), 20);
  clock.setTimer(note("second of two"), 20);
  clock.setTimer(note("soon"), -1);
  await clock.advance(100);
  expect(seen).toEqual([
    ["soon", 0],
    ["first of two", 20],
    ["second of two", 20],
    ["late", 30],
  ]);
});

test("a cancelled timer does not run; cancelling again does nothing", async () => {
  const clock = new VirtualClock();
  let fired = false;
  const cancel = clock.setTimer(() => {
    fired = true;
  }, 10);
  cancel();
  cancel();
  await clock.advance(10);
  expect(fired).toBe(false);
});

test("promises and immediates settle before the next timer", async () => {
  const clock = new VirtualClock(0);
  const seen: string[] = [];
  clock.setTimer(() => {
    void Promise.resolve().then(() => seen.push("promise"));
    clock.setImmediate(() => clock.setTimer(() => seen.push(`timer of an immediate at ${clock.nowMs()}`), 5));
  }, 10);
  clock.setTimer(() => seen.push("next timer"), 20);
  await clock.advance(20);
  expect(seen).toEqual(["promise", "timer of an immediate at 15", "next timer"]);
});

test("the wall clock may jump while no time passes", () => {
  const clock = new VirtualClock(5_000);
  clock.jumpWallClock(-4_000);
  expect([clock.nowMs(), clock.monotonicMs()]).toEqual([1_000, 0]);
});
