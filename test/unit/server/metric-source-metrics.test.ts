// Metrics of MetricSources: bounded by sources, with clusters only as the three that cost the most.
import { expect, test } from "vitest";
import { metricSourceMetrics } from "../../../src/server/metric-source-metrics.ts";

const row = (name: string, change: object = {}) => ({
  name,
  revision: 1,
  bytes: Buffer.from(
    JSON.stringify({
      status: {
        phase: "Active",
        lane: "protobuf",
        resourcesCollected: 12,
        cost: {
          cpuMs: 1_500,
          bytes: 2_048,
          objects: 14,
          storedBytes: 900,
          topClusters: [{ cluster: "west", cpuMs: 1_000 }],
        },
        conditions: [{ type: "Degraded", status: "True", reason: "Quarantined" }],
      },
      clusters: { collected: 2, failed: 1, unreachable: 0, pending: 0 },
      groups: { most: 900, limit: 1_000 },
      asOf: "2026-01-02T03:04:05Z",
      ...change,
    }),
  ),
});
const nowMs = Date.parse("2026-01-02T03:04:15Z");

test("each source has its state, its age, its clusters and what its last collection cost", () => {
  const text = metricSourceMetrics([row("team/pods")], nowMs);
  for (const line of [
    "clusterpulse_metricsources 1",
    'clusterpulse_metricsource_active{source="team/pods"} 1',
    'clusterpulse_metricsource_quarantined{source="team/pods"} 1',
    'clusterpulse_metricsource_protobuf{source="team/pods"} 1',
    'clusterpulse_metricsource_clusters{source="team/pods",state="failed"} 1',
    'clusterpulse_metricsource_resources{source="team/pods"} 12',
    'clusterpulse_metricsource_age_seconds{source="team/pods"} 10',
    'clusterpulse_metricsource_run_cpu_seconds{source="team/pods"} 1.5',
    'clusterpulse_metricsource_run_read_bytes{source="team/pods"} 2048',
    'clusterpulse_metricsource_run_objects{source="team/pods"} 14',
    'clusterpulse_metricsource_run_stored_bytes{source="team/pods"} 900',
    'clusterpulse_metricsource_top_cluster_cpu_seconds{source="team/pods",cluster="west"} 1',
    'clusterpulse_metricsource_groups{source="team/pods"} 900',
  ])
    expect(text.split("\n")).toContain(line);
});

test("a source that never collected has no age and no cost, and is not active", () => {
  const text = metricSourceMetrics([row("team/new", { status: { phase: "Error" }, asOf: null })], nowMs);
  expect(text).toContain('clusterpulse_metricsource_active{source="team/new"} 0');
  expect(text).not.toMatch(/_(age|run_\w+|protobuf)\w*\{source="team\/new"/);
});

test("sources beyond the limit are counted and have no series", () => {
  const rows = Array.from({ length: 1_003 }, (_, i) => row(`team/s${i}`));
  const text = metricSourceMetrics(rows, nowMs);
  expect(text).toContain("clusterpulse_metricsources 1003");
  expect(text).toContain("clusterpulse_metricsources_without_series 3");
  expect(text).not.toContain('source="team/s1000"');
});
