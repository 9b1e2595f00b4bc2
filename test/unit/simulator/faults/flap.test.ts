import { expect, it } from "vitest";
import { defaultFlap, nextTransitions } from "../../../../src/simulator/faults/flap.ts";

it("flapping goes by a schedule that is known beforehand, from any moment on", () => {
  const times = { upMs: 100, downMs: 50 };
  const all = nextTransitions(1_000, times, 1_000, 6);
  expect(all.map(({ atMs, to }) => `${atMs} ${to}`)).toEqual([
    ...["1050 up", "1150 down", "1200 up", "1300 down", "1350 up", "1450 down"],
  ]);
  for (let nowMs = 1_000; nowMs < 1_300; nowMs += 7) {
    expect(nextTransitions(1_000, times, nowMs, 2)).toEqual(all.filter(({ atMs }) => atMs > nowMs).slice(0, 2));
  }
  expect(nextTransitions(0, defaultFlap, 1e9, 1)[0]?.atMs).toBeGreaterThan(1e9);
});
