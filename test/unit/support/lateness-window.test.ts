import { expect, test } from "vitest";
import { LatenessWindow } from "../../../src/support/lateness-window.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

test("gives a percentile for each ten seconds in which something ended", async () => {
  const clock = new VirtualClock();
  const window = new LatenessWindow(clock);
  const startMs = clock.nowMs();
  for (let i = 1; i <= 200; i++) window.note(i);
  await clock.advance(25_000);
  window.note(7);
  expect(window.samples()).toEqual([
    { atMs: startMs, cycles: 200, p99Ms: 198, maxMs: 200 },
    { atMs: startMs + 20_000, cycles: 1, p99Ms: 7, maxMs: 7 },
  ]);
});

test("forgets after ten minutes, also when nothing follows", async () => {
  const clock = new VirtualClock();
  const window = new LatenessWindow(clock);
  for (let i = 0; i < 100; i++) {
    window.note(i);
    await clock.advance(10_000);
  }
  expect(window.samples()).toHaveLength(59);
  await clock.advance(700_000);
  expect(window.samples()).toEqual([]);
});

test("keeps a bounded number of values, and counts all", () => {
  const window = new LatenessWindow(new VirtualClock());
  for (let i = 0; i < 20_000; i++) window.note(i < 10_000 ? 5 : 90);
  expect(window.samples()).toMatchObject([{ cycles: 20_000, p99Ms: 5, maxMs: 90 }]);
});
