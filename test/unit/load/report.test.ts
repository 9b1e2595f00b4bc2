import { describe, expect, it } from "vitest";
import { reportHtml } from "../../../src/load/html.ts";
import { compareReports, exceededLimits, histogramOf, type LoadReport } from "../../../src/load/report.ts";

const group = {
  clusters: 20,
  cycles: 80,
  latenessMs: { p50: 30, p99: 90, max: 120 },
  missedCycles: 0,
  tickMs: { p50: 25, p99: 80, max: 110 },
  maxSocketsPerCluster: 2,
};
const report: LoadReport = {
  version: 1,
  startedAt: "2026-01-02T03:04:05Z",
  seed: 1,
  preset: "small",
  clusters: 25,
  intervalSeconds: 30,
  warmUpSeconds: 60,
  durationSeconds: 120,
  faults: { blackhole: 5 },
  churned: 0,
  firstFullViewMs: 2_000,
  healthy: group,
  broken: { ...group, clusters: 5, missedCycles: 4 },
  tickMs: group.tickMs,
  hub: { cpuMsPerClusterCycle: 4, rssBytes: 200_000_000, sockets: 40 },
  simulator: { cpuMsPerClusterCycle: 3, rssBytes: 100_000_000 },
  limits: {},
  exceeded: [],
  series: [
    {
      atSeconds: 5,
      hubCores: 0.1,
      hubRssBytes: 1e8,
      hubSockets: 40,
      healthyLatenessP99Ms: 90,
      brokenLatenessP99Ms: 5_000,
    },
    {
      atSeconds: 10,
      hubCores: 0.2,
      hubRssBytes: 2e8,
      hubSockets: 40,
      healthyLatenessP99Ms: 80,
      brokenLatenessP99Ms: 9_000,
    },
  ],
  histogram: { healthy: histogramOf([1, 30, 40, 90]), broken: histogramOf([90_000]) },
};

describe("the limits of a load run", () => {
  it("hold for healthy clusters' lateness at p99, the limit included, and forbid missed cycles with it", () => {
    expect(exceededLimits(group, { maxLatenessP99Ms: 90 })).toEqual([]);
    expect(exceededLimits(group, { maxLatenessP99Ms: 89 })).toEqual([
      "healthy clusters were late by 90 ms at p99; the limit is 89 ms",
    ]);
    expect(exceededLimits({ ...group, missedCycles: 2 }, { maxLatenessP99Ms: 90 })).toHaveLength(1);
    expect(exceededLimits({ ...group, missedCycles: 2 }, {})).toEqual([]);
  });
});

describe("two load runs", () => {
  it("are compared figure by figure, with the second over the first", () => {
    const slower = { ...report, hub: { ...report.hub, cpuMsPerClusterCycle: 6, sockets: null } };
    const lines = compareReports(report, slower);
    expect(lines.find((line) => line.startsWith("hub.cpuMsPerClusterCycle"))).toMatch(/ 4 +6 +1\.50x$/);
    expect(lines.find((line) => line.startsWith("hub.sockets"))).toMatch(/ 40 +- +-$/);
  });
});

describe("the histogram of lateness", () => {
  it("counts every cycle once", () => {
    const bars = histogramOf([0, 5, 6, 250, 60_001, 1e9]);
    expect(bars.reduce((sum, { cycles }) => sum + cycles, 0)).toBe(6);
    expect(bars[0]).toEqual({ toMs: 5, cycles: 2 });
    expect(bars.at(-1)).toEqual({ toMs: null, cycles: 2 });
  });
});

describe("the report as a page", () => {
  it("needs nothing from elsewhere and shows the figures of both groups", () => {
    const page = reportHtml(report);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|src=|href=|https?:/);
    expect(page).toContain("blackhole on 5");
    expect(page.match(/<svg/g)).toHaveLength(6);
  });

  it("writes foreign text as text", () => {
    expect(reportHtml({ ...report, preset: "<img onerror=x>" })).not.toContain("<img");
  });
});
