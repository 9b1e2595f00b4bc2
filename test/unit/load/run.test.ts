// A whole load run in virtual time, over a scripted fleet: when it begins to measure, and what it makes of what it sees.
import { describe, expect, it } from "vitest";
import { type LoadPlan, type LoadSubject, type Progress, runLoad } from "../../../src/load/run.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

const plan: LoadPlan = {
  seed: 1,
  preset: "small",
  intervalSeconds: 30,
  warmUpSeconds: 60,
  durationSeconds: 90,
  limits: {},
};

/** Four clusters, polled at their turn from `firstPollMs` on; `d` never answers. */
function startRun({ firstPollMs = 1_000, silentLooks = 0 } = {}) {
  const clock = new VirtualClock();
  const clusters = ["a", "b", "c", "d"];
  const asked = new Map<string, number>();
  const startMs = clock.nowMs();
  let looks = 0;
  const subject: LoadSubject = {
    clusters,
    broken: new Map([["d", "blackhole"]]),
    outcomes: { listener: () => undefined },
    polls: () => {
      if (looks++ < silentLooks) return Promise.reject(new Error("silent"));
      return Promise.resolve([...asked].map(([cluster, atMs]) => ({ cluster, atMs })));
    },
    connections: () => Promise.resolve(clusters.map((cluster, i) => ({ cluster, sockets: i }))),
    hubCost: () => Promise.resolve({ cpuMs: clock.nowMs() - startMs, residentBytes: 1e8 }),
    hubSockets: () => Promise.resolve(5),
    simulatorCost: () => Promise.resolve({ cpuMs: 0, residentBytes: 1e8 }),
  };
  for (const [i, cluster] of clusters.slice(0, 3).entries()) {
    const poll = (): void => {
      asked.set(cluster, clock.nowMs());
      clock.setTimer(() => subject.outcomes.listener(cluster, clock.nowMs()), 40);
      clock.setTimer(poll, 30_000);
    };
    clock.setTimer(poll, firstPollMs + i * 1_000);
  }
  const lines: Progress[] = [];
  const options = { clock, signal: new AbortController().signal, progress: (line: Progress) => void lines.push(line) };
  return { clock, lines, report: runLoad(plan, subject, options) };
}

async function measured(options: Parameters<typeof startRun>[0]) {
  const { clock, lines, report } = startRun(options);
  report.catch(() => undefined);
  await clock.advance(400_000);
  return { lines, report: await report };
}

describe("a load run", () => {
  it("measures after the warm-up, each group apart, with the sockets that its servers saw", async () => {
    const { lines, report } = await measured({});
    expect(report).toMatchObject({
      warmUpSeconds: 60,
      firstFullViewMs: 3_040,
      healthy: { clusters: 3, cycles: 9, missedCycles: 0, latenessMs: { max: 40 }, maxSocketsPerCluster: 2 },
      broken: { clusters: 1, cycles: 3, missedCycles: 3, maxSocketsPerCluster: 3 },
    });
    expect(lines[0]).toMatchObject({ phase: "warm-up", secondsLeft: 150 });
    expect(lines.at(-1)).toMatchObject({ phase: "measuring", secondsLeft: 0 });
  });

  it("waits for a fleet that is slow to start: until every cluster has come at its own turn", async () => {
    const { lines, report } = await measured({ firstPollMs: 80_000 });
    expect(report).toMatchObject({ firstFullViewMs: 82_040, warmUpSeconds: 127, healthy: { missedCycles: 0 } });
    expect(lines[0]?.unseen).toBe(3);
  });

  it("measures after four times the warm-up, whatever is still missing", async () => {
    const { report } = await measured({ firstPollMs: 1_000_000 });
    expect(report).toMatchObject({ firstFullViewMs: null, warmUpSeconds: 240, healthy: { missedCycles: 9 } });
  });

  it("survives a simulator that answers late three times in a row, and not four times", async () => {
    expect((await measured({ silentLooks: 3 })).report.healthy.missedCycles).toBe(0);
    await expect(measured({ silentLooks: 4 })).rejects.toThrow("silent");
  });
});
