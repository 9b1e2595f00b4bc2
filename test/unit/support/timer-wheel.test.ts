import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../../../src/support/clock.ts";
import { TimerWheel } from "../../../src/support/timer-wheel.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

/** A clock that the test moves by hand, and that tells which timers are armed. */
class HandClock implements Clock {
  ms = 0;
  readonly armed = new Map<number, { dueMs: number; callback: () => void }>();
  armings = 0;

  nowMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
  setImmediate(): void {}
  setTimer(callback: () => void, delayMs: number): () => void {
    const id = this.armings++;
    this.armed.set(id, { dueMs: this.ms + delayMs, callback });
    return () => void this.armed.delete(id);
  }
  /** Moves time to `ms` at once, as after a blocked event loop, and only then fires what is armed and due. */
  jumpTo(ms: number): void {
    this.ms = ms;
    for (let due = this.#takeDue(); due !== undefined; due = this.#takeDue()) due();
  }
  #takeDue(): (() => void) | undefined {
    for (const [id, { dueMs, callback }] of this.armed) {
      if (dueMs > this.ms) continue;
      this.armed.delete(id);
      return callback;
    }
    return undefined;
  }
}

const start = (tickMs = 100) => {
  const clock = new HandClock();
  return { clock, wheel: new TimerWheel(clock, tickMs) };
};

test("fires at the first tick at or after the due time, never early", () => {
  const { clock, wheel } = start();
  const fired: number[] = [];
  for (const delayMs of [1, 99, 100, 101, 250]) wheel.schedule(delayMs, () => fired.push(delayMs));
  clock.jumpTo(99);
  expect(fired).toEqual([]);
  clock.jumpTo(100);
  expect(fired).toEqual([1, 99, 100]);
  clock.jumpTo(200);
  expect(fired).toEqual([1, 99, 100, 101]);
  clock.jumpTo(300);
  expect(fired).toEqual([1, 99, 100, 101, 250]);
});

test("never fires within the call, nor twice in one tick, however short the delay", () => {
  const { clock, wheel } = start();
  let fired = 0;
  const again = (): void => {
    fired++;
    wheel.schedule(0, again);
  };
  wheel.schedule(-5, again);
  expect(fired).toBe(0);
  clock.jumpTo(100);
  expect(fired).toBe(1);
  for (let ms = 200; ms <= 1_000; ms += 100) clock.jumpTo(ms);
  expect(fired).toBe(10);
});

test("never fires in the tick in which it was set, at its very beginning and while others wait", () => {
  const { clock, wheel } = start();
  const fired: string[] = [];
  wheel.schedule(1_000, () => fired.push("waits"));
  clock.jumpTo(300);
  wheel.schedule(0, () => fired.push("set at 300"));
  clock.jumpTo(399);
  expect(fired).toEqual([]);
  clock.jumpTo(400);
  expect(fired).toEqual(["set at 300"]);
});

test("holds the clock's timer only while something is scheduled, and one at most", () => {
  const { clock, wheel } = start();
  expect(clock.armed.size).toBe(0);
  const far = wheel.schedule(1_000_000, () => {});
  const near = wheel.schedule(500, () => {});
  expect(clock.armed.size).toBe(1);
  expect([...clock.armed.values()][0]?.dueMs).toBe(500);
  near.cancel();
  far.cancel();
  expect([clock.armed.size, wheel.size]).toEqual([0, 0]);
  wheel.schedule(200, () => {});
  clock.jumpTo(200);
  expect([clock.armed.size, wheel.size]).toEqual([0, 0]);
});

test("sleeps through empty ticks", () => {
  const { clock, wheel } = start();
  let firedAtMs = 0;
  wheel.schedule(3_600_000, () => {
    firedAtMs = clock.ms;
  });
  let wakeUps = 0;
  while (clock.armed.size > 0) {
    wakeUps++;
    clock.jumpTo([...clock.armed.values()][0]?.dueMs ?? 0);
  }
  expect(firedAtMs).toBe(3_600_000);
  expect(wakeUps).toBeLessThanOrEqual(4);
});

test("wakes up now and then for a delay longer than the clock's timers reach", () => {
  const { clock, wheel } = start();
  const days60 = 60 * 86_400_000;
  let firedAtMs = 0;
  wheel.schedule(days60, () => {
    firedAtMs = clock.ms;
  });
  while (clock.armed.size > 0) {
    const [timer] = clock.armed.values();
    expect((timer?.dueMs ?? 0) - clock.ms).toBeLessThan(2 ** 31);
    clock.jumpTo(timer?.dueMs ?? 0);
  }
  expect(firedAtMs).toBe(days60);
});

test("refuses a delay that is no finite number", () => {
  const { wheel } = start();
  for (const delayMs of [Number.NaN, Number.POSITIVE_INFINITY, 2 ** 60]) {
    expect(() => wheel.schedule(delayMs, () => {})).toThrow(expect.objectContaining({ code: "TIMER_DELAY" }));
  }
  expect(wheel.size).toBe(0);
});

test("a callback may cancel another one of the same tick", () => {
  const { clock, wheel } = start();
  const fired: string[] = [];
  wheel.schedule(10, () => {
    fired.push("first");
    second.cancel();
  });
  const second = wheel.schedule(20, () => fired.push("second"));
  clock.jumpTo(100);
  expect(fired).toEqual(["first"]);
  expect(wheel.size).toBe(0);
});

test("a callback that throws does not keep the others from firing", () => {
  const { clock, wheel } = start();
  const fired: string[] = [];
  wheel.schedule(10, () => {
    throw new Error("from a callback");
  });
  wheel.schedule(20, () => fired.push("same tick"));
  wheel.schedule(150, () => fired.push("next tick"));
  expect(() => clock.jumpTo(100)).toThrow("from a callback");
  clock.jumpTo(101);
  expect(fired).toEqual(["same tick"]);
  clock.jumpTo(200);
  expect(fired).toEqual(["same tick", "next tick"]);
});

test("runs on a clock that moves by itself", async () => {
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const firedAtMs: number[] = [];
  for (const delayMs of [50, 40_000, 330, 4_000_000])
    wheel.schedule(delayMs, () => firedAtMs.push(clock.monotonicMs()));
  await clock.advance(5_000_000);
  expect(firedAtMs).toEqual([100, 400, 40_000, 4_000_000]);
});

type Step =
  | { readonly kind: "schedule"; readonly delayMs: number }
  | { readonly kind: "cancel"; readonly which: number }
  | { readonly kind: "move"; readonly byMs: number };

const delay = fc.oneof(
  fc.integer({ min: 0, max: 500 }),
  fc.integer({ min: 0, max: 20_000 }),
  fc.integer({ min: 0, max: 10_000_000 }),
  fc.double({ min: 0, max: 5_000, noNaN: true }),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("schedule" as const), delayMs: delay }),
  fc.record({ kind: fc.constant("cancel" as const), which: fc.nat() }),
  fc.record({ kind: fc.constant("move" as const), byMs: delay }),
);

test("agrees with a sorted list: what is due has fired, in order of due time, then of scheduling; nothing else has", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.constantFrom(1, 10, 100), (steps, tickMs) => {
      const { clock, wheel } = start(tickMs);
      const waiting: { id: number; dueMs: number; cancel: () => void }[] = [];
      const fired: number[] = [];
      let id = 0;
      for (const next of steps) {
        if (next.kind === "schedule") {
          const own = id++;
          const handle = wheel.schedule(next.delayMs, () => fired.push(own));
          waiting.push({ id: own, dueMs: handle.dueMs, cancel: () => handle.cancel() });
        } else if (next.kind === "cancel") {
          const [victim] = waiting.splice(next.which % Math.max(1, waiting.length), 1);
          victim?.cancel();
        } else {
          const fromTick = Math.floor(clock.ms / tickMs);
          clock.jumpTo(clock.ms + next.byMs);
          const nowTick = Math.floor(clock.ms / tickMs);
          if (nowTick === fromTick) continue;
          const due = waiting.filter(({ dueMs }) => Math.ceil(dueMs / tickMs) <= nowTick);
          due.sort((a, b) => a.dueMs - b.dueMs || a.id - b.id);
          expect(fired).toEqual(due.map(({ id }) => id));
          fired.length = 0;
          for (const timer of due) waiting.splice(waiting.indexOf(timer), 1);
        }
        expect(wheel.size).toBe(waiting.length);
        expect(clock.armed.size).toBe(waiting.length > 0 ? 1 : 0);
      }
    }),
    { numRuns: 300 },
  );
});
