import { describe, expect, it } from "vitest";
import { Recoveries, Timeline } from "../../../src/load/timeline.ts";

const startMs = 1_000_000;
const spell = (cluster: string, fromMs: number, toMs: number | null, fault = "hang") => ({
  ...{ cluster, fault, fromMs, toMs },
});

describe("who is broken when", () => {
  it("is a cluster in its spells, from the first moment on and not in the last", () => {
    const timeline = new Timeline(new Map(), [spell("a", 100, 200), spell("a", 300, null, "refuse")], startMs);
    const isBroken = (sinceMs: number): boolean => timeline.isBroken("a", startMs + sinceMs);
    expect([99, 100, 199, 200, 299, 300, 1e9].map(isBroken)).toEqual([false, true, true, false, false, true, true]);
    expect(timeline.isBroken("b", startMs + 150)).toBe(false);
    expect([...timeline.faults]).toEqual([["a", "hang"]]);
  });

  it("is one that was broken from the beginning, until a scenario heals it", () => {
    const lasting = new Map([
      ["a", "blackhole"],
      ["b", "blackhole"],
    ]);
    const timeline = new Timeline(lasting, [spell("b", 100, 200)], startMs);
    expect(timeline.isBroken("a", startMs + 1e9)).toBe(true);
    expect([50, 150, 250].map((sinceMs) => timeline.isBroken("b", startMs + sinceMs))).toEqual([true, true, false]);
  });
});

describe("a recovery", () => {
  const outage = ["a", "b", "c"].map((cluster) => spell(cluster, 0, 100));

  it("lasts until the last of those that healed together has had a good outcome", () => {
    const recoveries = new Recoveries(outage, new Set(), startMs);
    recoveries.good("a", startMs + 90);
    recoveries.handshakes(startMs + 95, 10);
    for (const [cluster, sinceMs] of [
      ["a", 150],
      ["b", 160],
      ["b", 700],
    ] as const)
      recoveries.good(cluster, startMs + sinceMs);
    recoveries.handshakes(startMs + 200, 20);
    expect(recoveries.report(startMs + 1_000)).toEqual([
      { atSeconds: 0.1, clusters: 3, missing: 1, fullViewMs: null, handshakesPeak: 20 },
    ]);
    recoveries.good("c", startMs + 800);
    recoveries.handshakes(startMs + 900, 30);
    // Of a later wave.
    recoveries.handshakes(startMs + 950, 50);
    expect(recoveries.report(startMs + 1_000)).toEqual([
      { atSeconds: 0.1, clusters: 3, missing: 0, fullViewMs: 700, handshakesPeak: 30 },
    ]);
  });

  it("does not wait for clusters that go and come back, and tells nothing of what heals after the end", () => {
    const recoveries = new Recoveries([...outage, spell("d", 0, 5_000)], new Set(["c"]), startMs);
    recoveries.good("a", startMs + 150);
    recoveries.good("b", startMs + 160);
    expect(recoveries.report(startMs + 1_000)).toMatchObject([{ clusters: 2, missing: 0, fullViewMs: 60 }]);
  });

  it("is missed by a cluster that breaks again before anybody saw it well", () => {
    const recoveries = new Recoveries([spell("a", 0, 100), spell("a", 200, 300)], new Set(), startMs);
    recoveries.good("a", startMs + 250);
    recoveries.good("a", startMs + 350);
    expect(recoveries.report(startMs + 1_000)).toMatchObject([
      { atSeconds: 0.1, missing: 1, fullViewMs: null },
      { atSeconds: 0.3, missing: 0, fullViewMs: 50 },
    ]);
  });

  it("is none where a heal and a fault fall together", () => {
    const recoveries = new Recoveries([spell("a", 0, 100), spell("a", 100, null)], new Set(), startMs);
    expect(recoveries.report(startMs + 1_000)).toEqual([]);
  });

  it("is followed in time that grows with the number of clusters alone", () => {
    const spells = Array.from({ length: 100_000 }, (_, i) => spell(`c${i % 5_000}`, i, i + 4_000));
    const recoveries = new Recoveries(spells, new Set(), startMs);
    recoveries.good("c0", startMs + 4_100);
    expect(recoveries.report(startMs + 4_001)).toMatchObject([{ clusters: 1, fullViewMs: 100 }]);
  });
});
