// What time does to a whole fleet, in virtual time: clocks that jump, answers that take long, a store that is away for long.
import { afterEach, describe, expect, test } from "vitest";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

const intervalMs = 30_000;
/** The timer wheel turns every 100 ms. */
const tickMs = 100;
const names = Array.from({ length: 12 }, (_, i) => `cluster-${i}`);

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet.stop();
});

/** The times between the polls of `name` from `fromMs` on. */
function gapsMs(name: string, fromMs: number): number[] {
  const polls = (fleet.pollsMs.get(name) ?? []).filter((at) => at >= fromMs);
  return polls.slice(1).map((at, i) => at - (polls[i] as number));
}

function expectEveryInterval(name: string, fromMs: number): void {
  const gaps = gapsMs(name, fromMs);
  expect(gaps.length, name).toBeGreaterThanOrEqual(Math.floor((fleet.clock.monotonicMs() - fromMs) / intervalMs) - 1);
  for (const gap of gaps) expect(Math.abs(gap - intervalMs), `${name}: ${gap} ms`).toBeLessThanOrEqual(tickMs);
}

describe("E-14 the wall clock", () => {
  test.each([
    ["an hour ahead", 3_600_000],
    ["an hour back", -3_600_000],
    ["a leap second back", -1_000],
    ["a year ahead", 365 * 86_400_000],
  ])("jumps %s: every cluster is polled on time all the same, and no more often", async (_name, byMs) => {
    fleet = startVirtualFleet(names);
    await fleet.clock.advance(120_000);
    const skipped = fleet.hub.system.counters().ticksSkipped;
    fleet.clock.jumpWallClock(byMs);
    await fleet.clock.advance(300_000);
    for (const name of names) {
      expectEveryInterval(name, 60_000);
      expect(fleet.row(name).status, name).toMatchObject({ health: "healthy" });
      // What is known is as old as it is, by the clock as it stands now.
      const ageMs = fleet.clock.nowMs() - Date.parse(fleet.row(name).asOf ?? "");
      expect(ageMs, name).toBeGreaterThanOrEqual(0);
      expect(ageMs, name).toBeLessThanOrEqual(intervalMs + 1_000);
    }
    expect(fleet.hub.system.counters().ticksSkipped).toBe(skipped);
  });
});

describe("E-15 answers that take 10, 100, 1,000 and 5,000 ms", () => {
  const latenciesMs = [10, 100, 1_000, 5_000];
  const latencyMs = (name: string): number => latenciesMs[names.indexOf(name) % latenciesMs.length] ?? 0;

  test("the polls of a cluster never overlap, the slowest say that they are too slow, and all others are polled on time", async () => {
    fleet = startVirtualFleet(names, { latencyMs });
    let runs = 0;
    for (let i = 0; i < 600; i++) {
      await fleet.clock.advance(1_000);
      for (const actor of fleet.hub.system.snapshot()) {
        const polls = actor.runs.filter(({ name }) => name === "poll").length;
        expect(polls, actor.path).toBeLessThanOrEqual(1);
        runs += polls;
      }
    }
    expect(runs).toBeGreaterThan(50);
    for (const name of names) {
      if (latencyMs(name) < 5_000) expectEveryInterval(name, 60_000);
      // A poll asks one thing after another: with such answers it does not end in time, and says so.
      else expect(fleet.row(name).status, name).toMatchObject({ health: "unhealthy", reason: "CollectionTimeout" });
    }
  });

  test("a poll that is due while the one before still runs is skipped and counted", async () => {
    fleet = startVirtualFleet(names, { latencyMs });
    // Never ends by itself, and may take as long as the interval.
    fleet.declare("cluster-3", { generation: 2, spec: { monitoring: { interval: 30, timeout: 60 } } });
    fleet.behaviours.set("cluster-3", "deaf");
    await fleet.clock.advance(180_000);
    expect(fleet.hub.system.counters().runsSkipped).toBeGreaterThan(0);
    for (const name of names.filter((other) => latencyMs(other) < 5_000)) expectEveryInterval(name, 60_000);
  });
});

describe("E-26 a store that is away for ten minutes", () => {
  test("polls go on, a bounded number of values waits, rows tell their age, and all is written after", async () => {
    fleet = startVirtualFleet(names);
    await fleet.clock.advance(120_000);
    const asOf = fleet.row("cluster-0").asOf ?? "";
    fleet.breakStore(true);
    await fleet.clock.advance(120_000);
    const early = fleet.hub.store.stats();
    await fleet.clock.advance(480_000);
    const late = fleet.hub.store.stats();
    expect(early.documents).toBeGreaterThan(0);
    expect(late.dropped).toBe(0);
    // The newest value of each key waits; only points of history and messages add up, one of each per poll.
    const polls = names.length * (480_000 / intervalMs + 1);
    expect(late.documents - early.documents).toBeLessThanOrEqual(2 * polls);
    expect(late.bytes - early.bytes).toBeLessThan(1_024 * 2 * polls);
    expect(late.lastError).toMatchObject({ code: "STORE_DOWN" });
    for (const name of names) expectEveryInterval(name, 60_000);
    // What is served says how old it is.
    expect(Date.parse(fleet.row("cluster-0").asOf ?? "") - Date.parse(asOf)).toBeLessThanOrEqual(intervalMs + tickMs);
    expect(Date.parse(fleet.row("cluster-0").staleAfter ?? "")).toBeLessThan(fleet.clock.nowMs());

    fleet.breakStore(false);
    await fleet.clock.advance(2 * intervalMs);
    expect(fleet.hub.store.stats()).toMatchObject({ documents: 0, dropped: 0, lastError: null });
    for (const name of names) {
      const { status, asOf: now } = fleet.row(name);
      expect(status, name).toMatchObject({ health: "healthy" });
      expect(fleet.clock.nowMs() - Date.parse(now ?? ""), name).toBeLessThanOrEqual(intervalMs + 1_000);
    }
  });
});
