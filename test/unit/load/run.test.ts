// A whole load run in virtual time, over a scripted fleet: when it begins to measure, and what it makes of what it sees.
import { describe, expect, it } from "vitest";
import { plannedSeconds, runLoad } from "../../../src/load/run.ts";
import type { LoadPlan, LoadSubject, Progress } from "../../../src/load/subject.ts";
import type { Spell } from "../../../src/load/timeline.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { machine } from "./a-report.ts";

const plan: LoadPlan = {
  command: "clusterpulse load",
  machine,
  seed: 1,
  preset: "small",
  intervalSeconds: 30,
  warmUpSeconds: 60,
  baselineSeconds: 0,
  durationSeconds: 90,
  limits: {},
};

interface Script {
  readonly firstPollMs?: number;
  readonly silentLooks?: number;
  readonly baselineSeconds?: number;
  readonly durationSeconds?: number;
  readonly spells?: readonly Spell[];
  /** `d` answers until the fleet is broken. */
  readonly breaksLater?: boolean;
  /** How late outcomes are once the fleet is broken. */
  readonly laterMs?: number;
}

/** Four clusters, polled at their turn from `firstPollMs` on; `d` never answers. Outcomes are bad while a spell lasts. */
function startRun(script: Script) {
  const { firstPollMs = 1_000, silentLooks = 0, spells = [], breaksLater = false, laterMs = 40 } = script;
  const clock = new VirtualClock();
  const clusters = ["a", "b", "c", "d"];
  const asked = new Map<string, number>();
  const startMs = clock.nowMs();
  let looks = 0;
  let scenarioMs = Number.POSITIVE_INFINITY;
  let brokenMs = breaksLater ? Number.POSITIVE_INFINITY : startMs;
  let residentBytes = 1e8;
  const units = [30, 32];
  const isGood = (name: string): boolean => {
    const sinceMs = clock.nowMs() - scenarioMs;
    return !spells.some(
      ({ cluster, fromMs, toMs }) => cluster === name && sinceMs >= fromMs && sinceMs < (toMs ?? Number.MAX_VALUE),
    );
  };
  const subject: LoadSubject = {
    clusters,
    broken: new Map([["d", "blackhole"]]),
    breakFleet: () => {
      brokenMs = clock.nowMs();
      return Promise.resolve();
    },
    outcomes: { listener: () => undefined },
    polls: () => {
      if (looks++ < silentLooks) return Promise.reject(new Error("silent"));
      return Promise.resolve([...asked].map(([cluster, atMs]) => ({ cluster, atMs })));
    },
    connections: () => Promise.resolve(clusters.map((cluster, i) => ({ cluster, sockets: i }))),
    hubCost: () => {
      residentBytes += 1e6;
      return Promise.resolve({ cpuMs: clock.nowMs() - startMs, residentBytes, handshakesPeak: 7 });
    },
    hubSockets: () => Promise.resolve(5),
    simulatorCost: () => Promise.resolve({ cpuMs: 0, residentBytes: 1e8 }),
    unitMs: () => Promise.resolve(units.shift() ?? 0),
    scenario: () => Promise.resolve({ actions: 4, done: 4, failed: 1, lastError: "heal a: no", running: false }),
    startScenario: () => {
      scenarioMs = clock.nowMs();
      return Promise.resolve({ spells, churned: [] });
    },
  };
  for (const [i, cluster] of clusters.entries()) {
    const poll = (): void => {
      clock.setTimer(poll, 30_000);
      if (cluster === "d" && clock.nowMs() >= brokenMs) return;
      asked.set(cluster, clock.nowMs());
      const tookMs = clock.nowMs() >= brokenMs ? laterMs : 40;
      clock.setTimer(() => subject.outcomes.listener(cluster, clock.nowMs(), isGood(cluster)), tookMs);
    };
    clock.setTimer(poll, firstPollMs + i * 1_000);
  }
  const lines: Progress[] = [];
  const options = { clock, signal: new AbortController().signal, progress: (line: Progress) => void lines.push(line) };
  const { baselineSeconds = 0, durationSeconds = 90 } = script;
  const planned = { ...plan, baselineSeconds, durationSeconds };
  return { clock, lines, planned, report: runLoad(planned, subject, options) };
}

async function measured(script: Script) {
  const { clock, lines, planned, report } = startRun(script);
  report.catch(() => undefined);
  await clock.advance(1_000_000);
  return { lines, planned, report: await report };
}

describe("a load run", () => {
  it("measures after the warm-up, each group apart, with the sockets that its servers saw", async () => {
    const { lines, report } = await measured({});
    expect(report).toMatchObject({
      warmUpSeconds: 60,
      firstFullViewMs: 3_040,
      healthy: { clusters: 3, cycles: 9, missedCycles: 0, latenessMs: { max: 40 }, maxSocketsPerCluster: 2 },
      broken: { clusters: 1, cycles: 3, missedCycles: 3, maxSocketsPerCluster: 3 },
      baseline: null,
      healthyToBaselineP99: null,
      recoveries: [],
    });
    expect(report.worst.map(({ cluster }) => cluster).sort()).toEqual(["a", "b", "c"]);
    expect(lines[0]).toMatchObject({ phase: "warm-up", secondsLeft: 150 });
    expect(lines.at(-1)).toMatchObject({ phase: "measuring", secondsLeft: 0 });
  });

  it("tells the hub's cost in units that were taken before and after, its memory at both ends, and its handshakes", async () => {
    const { report } = await measured({});
    expect(report).toMatchObject({ unitMs: 31, unitRangeMs: [30, 32], hub: { handshakesPeak: 7 } });
    // A core of the hub for 90 s, and 4 clusters of 3 cycles.
    expect(report.hub.cpuMsPerClusterCycle).toBe(7_500);
    expect(report.hub.cpuPerClusterCycleU).toBeCloseTo(7_500 / 31);
    const { startBytes, endBytes, slopeBytesPerHour } = report.hub.rss;
    // A megabyte more with every look, once in five seconds.
    expect(endBytes - startBytes).toBe(17e6);
    expect(slopeBytesPerHour).toBe(720e6);
    expect(report.hub.rssBytes).toBeGreaterThan(endBytes);
  });

  it("waits for a fleet that is slow to start: until every cluster has come at its own turn", async () => {
    const { lines, report } = await measured({ firstPollMs: 80_000 });
    expect(report).toMatchObject({ firstFullViewMs: 82_040, warmUpSeconds: 127, healthy: { missedCycles: 0 } });
    expect(lines[0]?.unseen).toBe(3);
  });

  it("measures after four times the warm-up, whatever is still missing", async () => {
    const { report } = await measured({ firstPollMs: 10_000_000 });
    expect(report).toMatchObject({ firstFullViewMs: null, warmUpSeconds: 240, healthy: { missedCycles: 9 } });
  });

  it("survives a simulator that answers late three times in a row, and not four times", async () => {
    expect((await measured({ silentLooks: 3 })).report.healthy.missedCycles).toBe(0);
    await expect(measured({ silentLooks: 4 })).rejects.toThrow("silent");
  });

  it("with a time without faults compares the same clusters with and without them, and counts all of it as time left", async () => {
    const { lines, planned, report } = await measured({ baselineSeconds: 120, breaksLater: true, laterMs: 44 });
    expect(report).toMatchObject({
      warmUpSeconds: 60,
      baseline: { durationSeconds: 120, healthy: { clusters: 3, cycles: 12, latenessMs: { p99: 40 } } },
      healthy: { clusters: 3, cycles: 9, latenessMs: { p99: 44 } },
      // Its third one was not over at the end.
      broken: { clusters: 1, cycles: 3, missedCycles: 2 },
      healthyToBaselineP99: 1.1,
    });
    expect(plannedSeconds(planned)).toBe(60 + 120 + 60 + 90);
    expect(lines[0]).toMatchObject({ phase: "warm-up", secondsLeft: 330 });
    const left = lines.map(({ secondsLeft }) => secondsLeft);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    expect([...new Set(lines.map(({ phase }) => phase))]).toEqual(["warm-up", "baseline", "settling", "measuring"]);
    expect(report.series[0]).toMatchObject({ atSeconds: -175, phase: "baseline" });
    expect(report.series.at(-1)).toMatchObject({ atSeconds: 90, phase: "measuring" });
  });

  it("takes clusters that a scenario breaks for a while for broken meanwhile, and tells when they were back", async () => {
    const spell = { fault: "refuse", fromMs: 20_000, toMs: 80_000 };
    const spells = ["a", "b"].map((cluster) => ({ cluster, ...spell }));
    const { report } = await measured({ durationSeconds: 180, spells });
    expect(report).toMatchObject({
      faults: { blackhole: 1, refuse: 2 },
      healthy: { clusters: 1, cycles: 6, missedCycles: 0 },
      broken: { clusters: 3 },
      scenario: { actions: 4, done: 4, failed: 1, lastError: "heal a: no" },
      recoveries: [{ atSeconds: 80, clusters: 2, missing: 0, handshakesPeak: 7 }],
    });
    // A black hole's cycle is late by what was left of the time, not of the moment between two looks.
    expect(Math.max(...report.series.map(({ brokenLatenessP99Ms }) => brokenLatenessP99Ms ?? 0))).toBe(
      report.broken.latenessMs.max,
    );
    // Of the two those cycles alone that came due in their bad minute, and all six of the black hole.
    expect(report.broken.cycles).toBe(2 * 2 + 6);
    const [recovery] = report.recoveries;
    expect(recovery?.fullViewMs).toBeGreaterThan(0);
    expect(recovery?.fullViewMs).toBeLessThan(30_000);
  });
});
