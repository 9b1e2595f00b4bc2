import { describe, expect, it } from "vitest";
import { compareReports } from "../../../src/load/compare.ts";
import { reportHtml } from "../../../src/load/html.ts";
import { exceededLimits } from "../../../src/load/limits.ts";
import {
  histogramOf,
  type LoadLimits,
  type LoadReport,
  type LoadSample,
  memoryOf,
  p99Between,
  worstOf,
} from "../../../src/load/report.ts";
import type { Recovery } from "../../../src/load/timeline.ts";
import { group, report } from "./a-report.ts";

describe("the limits of a load run", () => {
  it("hold for healthy clusters' lateness at p99, the limit included, and forbid missed cycles with it", () => {
    expect(exceededLimits(report, { maxLatenessP99Ms: 90 })).toEqual([]);
    expect(exceededLimits(report, { maxLatenessP99Ms: 89 })).toEqual([
      "lateness of healthy clusters at p99: 90 ms; the limit is 89 ms",
    ]);
    const missing = { ...report, healthy: { ...group, missedCycles: 2 } };
    expect(exceededLimits(missing, { maxLatenessP99Ms: 90 })).toHaveLength(1);
    expect(exceededLimits(missing, {})).toEqual([]);
  });

  it.each<[keyof LoadLimits, number, string]>([
    ["maxP99Ratio", 1.5, "1.5x"],
    ["maxRssMb", 200, "200 MB"],
    ["maxCpuU", 0.1, "0.1 U"],
    ["maxFirstViewSeconds", 2, "2 s"],
    ["maxRecoverySeconds", 40, "40 s"],
  ])("%s: %d is within it, a little less is over it", (name, value, shown) => {
    expect(exceededLimits(report, { [name]: value })).toEqual([]);
    expect(exceededLimits(report, { [name]: value * 0.9 })).toEqual([expect.stringContaining(`: ${shown}; the limit`)]);
  });

  it("are exceeded by what could not be taken: no healthy cluster, a full view that never came, no time before", () => {
    const [first] = report.recoveries;
    const nothing = {
      ...report,
      healthy: { ...group, cycles: 0, latenessMs: { p50: 0, p99: 0, max: 0 } },
      firstFullViewMs: null,
      healthyToBaselineP99: null,
      recoveries: [{ ...(first as (typeof report.recoveries)[0]), missing: 1, fullViewMs: null }],
    };
    const limits = { maxLatenessP99Ms: 250, maxFirstViewSeconds: 60, maxP99Ratio: 1.1, maxRecoverySeconds: 90 };
    const lines = exceededLimits(nothing, limits);
    expect(lines.filter((line) => line.includes("could not be taken"))).toHaveLength(4);
    expect(lines).toHaveLength(4);
    expect(exceededLimits({ ...report, recoveries: [] }, { maxRecoverySeconds: 90 })).toEqual([
      "full view after a heal: could not be taken; the limit is 90 s",
    ]);
  });
});

describe("two load runs", () => {
  it("are compared figure by figure, with the second over the first", () => {
    const slower = { ...report, hub: { ...report.hub, cpuMsPerClusterCycle: 6, sockets: null } };
    const lines = compareReports(report, slower);
    expect(lines.find((line) => line.startsWith("hub.cpuMsPerClusterCycle"))).toMatch(/ 4 +6 +1\.50x$/);
    expect(lines.find((line) => line.startsWith("hub.sockets"))).toMatch(/ 40 +- +-$/);
  });

  it("are compared with a dash where an earlier version told nothing", () => {
    const { unitMs: _unit, baseline: _baseline, ...older } = report;
    const lines = compareReports(older as LoadReport, report);
    expect(lines.find((line) => line.startsWith("unitMs"))).toMatch(/ - +40 +-$/);
    expect(lines.find((line) => line.startsWith("baseline.healthy.latenessMs.p99"))).toMatch(/ - +60 +-$/);
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

describe("the clusters that were worst off", () => {
  it("are at most ten, those that missed cycles first, with their latest cycle", () => {
    const cycles = Array.from({ length: 24 }, (_, i) => ({ cluster: `c${i % 12}`, dueMs: i, latenessMs: i }));
    const worst = worstOf([...cycles, { cluster: "c3", dueMs: 99, latenessMs: 30_000 }], 30_000);
    expect(worst.map(({ cluster }) => cluster).slice(0, 3)).toEqual(["c3", "c11", "c10"]);
    expect(worst).toHaveLength(10);
    expect(worst[0]).toEqual({ cluster: "c3", latenessMs: 30_000, missedCycles: 1 });
  });
});

describe("lateness over time", () => {
  it("belongs to the time at which cycles were due, however late they were", () => {
    const cycles = [
      { cluster: "a", dueMs: 9, latenessMs: 90_000 },
      { cluster: "b", dueMs: 5, latenessMs: 10 },
      { cluster: "c", dueMs: 20, latenessMs: 7 },
      { cluster: "d", dueMs: 40, latenessMs: 1 },
    ];
    expect(p99Between(cycles, [10, 20, 30])).toEqual([90_000, null, 7]);
  });
});

describe("the hub's memory", () => {
  it("has a slope of least squares, an hour's worth", () => {
    const samples = [0, 10, 20].map((atSeconds) => ({ atSeconds, hubRssBytes: 1e8 + atSeconds * 100 }));
    expect(memoryOf(samples)).toEqual({ startBytes: 1e8, endBytes: 1e8 + 2_000, slopeBytesPerHour: 360_000 });
    expect(memoryOf(samples.slice(0, 1))).toMatchObject({ slopeBytesPerHour: 0 });
  });
});

/** The plot of that title. */
const plotOf = (page: string, title: string): string => page.split(`<h3>${title}</h3>`)[1]?.split("</svg>")[0] ?? "";

describe("the report as a page", () => {
  it("needs nothing from elsewhere and shows the figures of both groups", () => {
    const page = reportHtml(report);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|src=|href=|https?:/);
    expect(page).toContain("blackhole on 5");
    expect(page.match(/<svg/g)).toHaveLength(6);
    for (const told of [
      "<span>--clusters</span> <span>25</span>",
      "seed 1",
      "2 cores",
      "8.0 GB",
      "Node.js v26.0.0",
      "Hub 0.1.0",
      "prod-fra-01",
      "1 of them failed",
    ])
      expect(page).toContain(told);
  });

  it("draws each limit where it is near what was measured, and says which were met", () => {
    const limits = { maxLatenessP99Ms: 100, maxRssMb: 150, maxCpuU: 0.05 };
    const page = reportHtml({ ...report, limits, exceeded: ["x"] });
    expect(page).toContain(">limit 100 ms<");
    expect(page).toContain(">limit at p99 100 ms<");
    expect(page).toContain(">limit 150 MB<");
    expect(page.match(/✓ met/g)).toHaveLength(2);
    expect(page.match(/✗ missed/g)).toHaveLength(2);
    // So far above the line that it would press it flat.
    expect(reportHtml({ ...report, limits: { maxRssMb: 1_500 } })).not.toContain(">limit 1500 MB<");
  });

  it("tells when faults came and the measuring began without writing one over the other, however near they are", () => {
    const [sample] = report.series;
    const at = (atSeconds: number, phase: "baseline" | "settling" | "measuring") =>
      ({ ...(sample as LoadSample), atSeconds, phase }) as const;
    const page = (baselineSeconds: number, scenario = null as LoadReport["scenario"]) =>
      reportHtml({
        ...report,
        scenario,
        recoveries: [],
        series: [
          ...[at(-60 - baselineSeconds, "baseline"), at(-60, "settling"), at(0, "measuring")],
          at(baselineSeconds, "measuring"),
        ],
      });
    const near = page(3_600);
    expect(near).toMatch(/text-anchor="end">faults on</);
    expect(near).toMatch(/text-anchor="start">measured</);
    expect(page(60)).toMatch(/text-anchor="start">faults on</);
    // Whose faults may be all that there are, and begin later.
    expect(page(60, report.scenario)).not.toContain(">faults on<");
  });

  it("writes no label where there is no room for it, and tells it under the pointer", () => {
    const recoveries = [30, 31, 32, 33].map((atSeconds) => ({ ...(report.recoveries[0] as Recovery), atSeconds }));
    const series = [0, 60, 3_600].map((atSeconds) => ({ ...(report.series[1] as LoadSample), atSeconds }));
    const plot = plotOf(reportHtml({ ...report, series, recoveries }), "Resident memory");
    expect(plot.match(/<title>healed<\/title>/g)).toHaveLength(4);
    expect(plot.match(/>healed<\/text>/g)).toHaveLength(1);
  });

  it("joins no values between which a group was not there", () => {
    const series = [0, 30, 60, 300, 330].map((atSeconds) => ({ ...(report.series[1] as LoadSample), atSeconds }));
    const plot = plotOf(reportHtml({ ...report, series }), "Resident memory");
    expect(plot.match(/<polyline/g)).toHaveLength(2);
  });

  it("leaves out what there is nothing of", () => {
    const nobody = { ...group, clusters: 0, cycles: 0 };
    const series = report.series.map((sample) => ({ ...sample, healthyLatenessP99Ms: null, hubSockets: null }));
    const page = reportHtml({ ...report, healthy: nobody, baseline: null, series, worst: [], recoveries: [] });
    expect(page.match(/<svg/g)).toHaveLength(4);
    expect(page).not.toMatch(/Recoveries|worst off|NaN|undefined|null/);
  });

  it("writes foreign text as text", () => {
    const page = reportHtml({ ...report, preset: "<img onerror=x>", command: "clusterpulse load --report <b>" });
    expect(page).not.toMatch(/<img|<b>$/);
    expect(page).toContain("<span>--report</span> <span>&#60;b&#62;</span>");
  });
});
