// When clusters are polled: how the fleet is spread over an interval, what one poll may take, and who waits for whom.
import { afterEach, describe, expect, test } from "vitest";
import {
  defaultScheduleLimits,
  delayToSpreadMs,
  scheduleOf,
  sinceTurnMs,
  untilTurnMs,
} from "../../../../actors/cluster/schedule.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

describe("a schedule", () => {
  test.each([
    ["nothing", undefined, 30_000, 10_000, 20_000],
    ["zeros", { interval: 0, timeout: 0 }, 30_000, 10_000, 20_000],
    ["a negative interval", { interval: -5 }, 30_000, 10_000, 20_000],
    ["less than the hub allows", { interval: 1, timeout: 0.1 }, 30_000, 1_000, 2_000],
    ["minutes", { interval: 300, timeout: 60 }, 300_000, 60_000, 120_000],
    ["a timeout as long as the interval", { interval: 60, timeout: 60 }, 60_000, 60_000, 60_000],
  ])("of %s", (_what, monitoring, intervalMs, requestTimeoutMs, runDeadlineMs) => {
    expect(scheduleOf(monitoring, defaultScheduleLimits)).toEqual({ intervalMs, requestTimeoutMs, runDeadlineMs });
  });
});

describe("the turns of five thousand clusters", () => {
  const names = Array.from({ length: 5_000 }, (_, i) => `region-${i % 7}-cluster-${i}`);
  const intervalMs = 60_000;

  test("are spread evenly over the interval: in no second more than twice its share", () => {
    const bySecond = new Array<number>(60).fill(0);
    for (const name of names) {
      const second = Math.floor(untilTurnMs(name, intervalMs, 0) / 1_000);
      bySecond[second] = (bySecond[second] ?? 0) + 1;
    }
    expect(Math.max(...bySecond)).toBeLessThanOrEqual((2 * names.length) / 60);
    expect(Math.min(...bySecond)).toBeGreaterThanOrEqual(names.length / 60 / 2);
  });

  test("come half to one and a half intervals after the first poll, and where they are at any start of the hub", () => {
    for (const startMs of [0, 12_345, 7_654_321]) {
      for (const name of names) {
        const delayMs = delayToSpreadMs(name, intervalMs, startMs);
        expect(delayMs).toBeGreaterThanOrEqual(intervalMs / 2);
        expect(delayMs).toBeLessThan(1.5 * intervalMs);
        expect((startMs + delayMs) % intervalMs).toBe(untilTurnMs(name, intervalMs, 0));
      }
    }
  });

  test("that came a hair early are on time", () => {
    const turnMs = untilTurnMs("a", intervalMs, 0) + 5 * intervalMs;
    expect(sinceTurnMs("a", intervalMs, turnMs)).toBe(0);
    expect(sinceTurnMs("a", intervalMs, turnMs + 250)).toBe(250);
    expect(sinceTurnMs("a", intervalMs, turnMs - 0.5)).toBe(0);
  });
});

describe("a fleet of which most is dead, and short of slots for handshakes", () => {
  const dead = Array.from({ length: 80 }, (_, i) => `dead-${i}`);
  let fleet: ReturnType<typeof startVirtualFleet>;
  afterEach(async () => {
    await fleet.stop();
  });

  test("a cluster that appears is asked before the dead ones that wait, which keep their cause", async () => {
    fleet = startVirtualFleet(dead, { hub: { limits: { maxHandshakes: 4, failuresBeforePause: 1_000 } } });
    for (const name of dead) fleet.behaviours.set(name, "blackhole");
    await fleet.clock.advance(600_000);
    for (const name of ["new-1", "new-2", "new-3"]) {
      expect(fleet.hub.admission.stats().waiting, name).toBeGreaterThan(10);
      // Who waits for a handshake does not hold the memory for its answer.
      expect(fleet.hub.answers().polls.holders, name).toBeLessThanOrEqual(4);
      fleet.declare(name);
      await fleet.clock.advance(1_000);
      expect(fleet.row(name).status, name).toMatchObject({ health: "healthy" });
    }
    const reasons = new Set(dead.map((name) => fleet.row(name).status.reason));
    expect(reasons).toEqual(new Set(["ConnectTimeout"]));
  });
});
