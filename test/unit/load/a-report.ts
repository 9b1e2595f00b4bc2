// A load report to try things out on.
import type { GroupReport, LoadReport, Machine } from "../../../src/load/report.ts";
import { histogramOf } from "../../../src/load/report.ts";

export const machine: Machine = {
  cpu: "Imagined 3000",
  cores: 2,
  memoryBytes: 8e9,
  system: "linux x64",
  node: "v26.0.0",
  version: "0.1.0",
  loadAverage: 0.25,
};

export const group: GroupReport = {
  clusters: 20,
  cycles: 80,
  latenessMs: { p50: 30, p99: 90, max: 120 },
  missedCycles: 0,
  tickMs: { p50: 25, p99: 80, max: 110 },
  maxSocketsPerCluster: 2,
};

const sample = { hubRssBytes: 1e8, hubSockets: 40, hubCores: 0.1 };
export const report: LoadReport = {
  version: 1,
  startedAt: "2026-01-02T03:04:05Z",
  command: "clusterpulse load --clusters 25 --faults blackhole=20%",
  machine,
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
  baseline: { durationSeconds: 60, healthy: { ...group, latenessMs: { p50: 30, p99: 60, max: 70 } } },
  healthyToBaselineP99: 1.5,
  worst: [{ cluster: "prod-fra-01", latenessMs: 120, missedCycles: 0 }],
  scenario: { actions: 50, done: 50, failed: 1, lastError: "heal prod-fra-01: it cannot listen" },
  recoveries: [{ atSeconds: 30, clusters: 25, missing: 0, fullViewMs: 40_000, handshakesPeak: 50 }],
  tickMs: group.tickMs,
  unitMs: 40,
  unitRangeMs: [39, 41],
  hub: {
    cpuMsPerClusterCycle: 4,
    cpuPerClusterCycleU: 0.1,
    rssBytes: 200e6,
    rss: { startBytes: 190e6, endBytes: 200e6, slopeBytesPerHour: 300e6 },
    sockets: 40,
    handshakesPeak: 50,
  },
  simulator: { cpuMsPerClusterCycle: 3, rssBytes: 100e6 },
  limits: {},
  exceeded: [],
  series: [
    { ...sample, atSeconds: -60, phase: "baseline", healthyLatenessP99Ms: 60, brokenLatenessP99Ms: 0 },
    { ...sample, atSeconds: 5, phase: "measuring", healthyLatenessP99Ms: 90, brokenLatenessP99Ms: 5_000 },
    { ...sample, atSeconds: 10, phase: "measuring", healthyLatenessP99Ms: 80, brokenLatenessP99Ms: 9_000 },
  ],
  histogram: { healthy: histogramOf([1, 30, 40, 90]), broken: histogramOf([90_000]) },
};
