import { describe, expect, it } from "vitest";
import { type FlapSchedule, flapTransitions } from "../../../../src/simulator/faults/flap.ts";

const even: FlapSchedule = { upMs: 100, downMs: 50, jitter: 0, salt: 0 };
const next = (schedule: FlapSchedule, nowMs: number, count: number, endsMs = Number.POSITIVE_INFINITY) =>
  flapTransitions(schedule, { beginsMs: 1_000, endsMs, nowMs, count });

describe("flapping", () => {
  it("goes by a schedule that is known beforehand, from any moment on", () => {
    const all = next(even, 1_000, 6);
    expect(all.map(({ atMs, to }) => `${atMs} ${to}`)).toEqual([
      ...["1050 up", "1150 down", "1200 up", "1300 down", "1350 up", "1450 down"],
    ]);
    for (let nowMs = 1_000; nowMs < 1_300; nowMs += 7) {
      expect(next(even, nowMs, 2)).toEqual(all.filter(({ atMs }) => atMs > nowMs).slice(0, 2));
    }
    expect(next(even, 1e9, 1)[0]?.atMs).toBeGreaterThan(1e9);
  });

  it("that waits for its time, or ends by itself, says so", () => {
    expect(next(even, 400, 2)).toEqual([
      { atMs: 1_000, to: "down" },
      { atMs: 1_050, to: "up" },
    ]);
    expect(next(even, 1_060, 9, 1_170)).toEqual([
      { atMs: 1_150, to: "down" },
      { atMs: 1_170, to: "up" },
    ]);
    expect(next(even, 1_060, 9, 1_120)).toEqual([]);
    expect(next(even, 1_180, 9, 1_170)).toEqual([]);
  });

  it.each([1, 77, 4_000_000_000])(
    "with jitter of seed %i it is moved, stays in order, and is the same again",
    (salt) => {
      const schedule = { ...even, jitter: 1, salt };
      const all = next(schedule, 1_000, 200);
      expect(all).toEqual(next(schedule, 1_000, 200));
      expect(all.map(({ to }) => to)).toEqual(all.map((_, index) => (index % 2 === 0 ? "up" : "down")));
      for (const [index, { atMs }] of all.entries()) expect(atMs).toBeGreaterThan(all[index - 1]?.atMs ?? 1_000);
      const moved = all.map(({ atMs }, index) => atMs - (next(even, 1_000, 200)[index]?.atMs ?? 0));
      expect(Math.max(...moved.map(Math.abs))).toBeLessThanOrEqual(25);
      expect(new Set(moved).size).toBeGreaterThan(10);
      for (let nowMs = 1_000; nowMs < 9_000; nowMs += 13) {
        expect(next(schedule, nowMs, 3)).toEqual(all.filter(({ atMs }) => atMs > nowMs).slice(0, 3));
      }
    },
  );
});
