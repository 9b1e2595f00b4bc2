// A clock that goes forward when it is told, over one that stands still or goes.
import { beforeEach, describe, expect, test } from "vitest";
import { AdvancingClock, controlOf, maxAdvanceMs } from "../../../src/simulator/advancing-clock.ts";
import { systemClock } from "../../../src/support/clock.ts";
import { InvalidInputError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

describe("a clock that can be told to go forward", () => {
  let base: VirtualClock;
  let clock: AdvancingClock;
  let seen: string[];
  beforeEach(() => {
    base = new VirtualClock(1_000_000);
    clock = new AdvancingClock(base);
    seen = [];
  });
  const note = (what: string) => (): void => void seen.push(`${clock.monotonicMs()} ${what}`);
  /** The clock below stands still meanwhile, but gives turns of the event loop. */
  const until = async (done: Promise<unknown>): Promise<void> => {
    let isDone = false;
    const over = (): void => {
      isDone = true;
    };
    done.then(over, over);
    while (!isDone) await base.settle();
    await done;
  };
  const advance = (byMs: number): Promise<void> => until(clock.advance(byMs));

  test("goes as the one below it until then", async () => {
    clock.setTimer(note("late"), 20);
    const cancel = clock.setTimer(note("never"), 5);
    clock.setTimer(note("early"), 10);
    cancel();
    await base.advance(30);
    expect(seen).toEqual(["10 early", "20 late"]);
    expect([clock.monotonicMs(), clock.nowMs()]).toEqual([30, 1_000_030]);
  });

  test("lets happen what is due in the time that is skipped, in its order and at its time, also what follows from it", async () => {
    clock.setTimer(note("b"), 200);
    clock.setTimer(() => {
      note("a")();
      clock.setTimer(note("after a"), 50);
      void Promise.resolve().then(() => clock.setTimer(note("by a promise"), 60));
    }, 100);
    clock.setTimer(note("b too"), 200);
    const cancel = clock.setTimer(note("never"), 150);
    clock.setTimer(cancel, 140);
    clock.setTimer(note("later"), 1_000);
    await advance(500);
    expect(seen).toEqual(["100 a", "150 after a", "160 by a promise", "200 b", "200 b too"]);
    expect([clock.monotonicMs(), clock.nowMs(), base.monotonicMs()]).toEqual([500, 1_000_500, 0]);
    await base.advance(499);
    expect(seen).toHaveLength(5);
    await base.advance(1);
    expect(seen.at(-1)).toBe("1000 later");
  });

  test("goes forward for one after the other", async () => {
    clock.setTimer(note("a"), 150);
    const first = clock.advance(100).then(note("first"));
    const second = clock.advance(100).then(note("second"));
    await until(Promise.all([first, second]));
    expect(seen).toEqual(["100 first", "150 a", "200 second"]);
  });

  test("goes on after a callback that threw, and says so", async () => {
    clock.setTimer(() => {
      throw new Error("no");
    }, 10);
    clock.setTimer(note("next"), 2_000);
    await expect(advance(100)).rejects.toThrow("no");
    await advance(1_900);
    expect(seen).toEqual(["2000 next"]);
  });

  test.each([0, -1, 1.5, maxAdvanceMs + 1, "5m", undefined])("cannot be told to go forward by %j", async (byMs) => {
    await expect(controlOf(clock).advance(byMs as number)).rejects.toThrow(InvalidInputError);
  });

  test("is asked for at most an hour at once", async () => {
    const control = controlOf(clock);
    await control.advance(maxAdvanceMs);
    expect(control.nowMs()).toBe(1_000_000 + maxAdvanceMs);
  });

  test("says so where the clock that was given cannot", async () => {
    await expect(controlOf(systemClock).advance(1)).rejects.toMatchObject({ code: "CLOCK_FIXED" });
  });
});
