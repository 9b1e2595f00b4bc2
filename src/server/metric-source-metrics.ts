// Metrics of MetricSources, from their rows: counts, ages, and what a collection costs. Bounded: sources beyond the limit are counted, not
// written; clusters appear by name only as the three that cost the most of a source.
import type { ViewRow } from "../view/ports.ts";
import { type Labels, seriesText } from "./metrics-text.ts";

const maxSources = 1_000;
const states = ["collected", "failed", "unreachable", "pending"];

interface Row {
  readonly kind?: string;
  readonly status?: {
    readonly phase?: string;
    readonly lane?: string;
    readonly resourcesCollected?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
    readonly cost?: {
      readonly cpuMs?: number;
      readonly bytes?: number;
      readonly objects?: number;
      readonly storedBytes?: number;
      readonly topClusters?: readonly { readonly cluster: string; readonly cpuMs: number }[];
    };
  };
  readonly clusters?: Readonly<Record<string, number>>;
  readonly groups?: { readonly most: number; readonly limit: number };
  readonly asOf?: string | null;
}

type Sample = readonly [Labels, number];

/** Prometheus text. */
export function metricSourceMetrics(rows: readonly ViewRow[], nowMs: number): string {
  const sources = rows.slice(0, maxSources).map(({ name, bytes }) => {
    return { source: name, row: JSON.parse(bytes.toString()) as Row };
  });
  const gauge = (name: string, help: string, of: (row: Row, labels: { source: string }) => readonly Sample[]): string =>
    seriesText(
      `clusterpulse_metricsource${name}`,
      "gauge",
      help,
      sources.flatMap(({ source, row }) => of(row, { source })),
    );
  const one = (labels: Labels, value: number | undefined): readonly Sample[] =>
    value === undefined || Number.isNaN(value) ? [] : [[labels, value]];
  return [
    seriesText("clusterpulse_metricsources", "gauge", "MetricSources in the list.", [[{}, rows.length]]),
    seriesText("clusterpulse_metricsources_without_series", "gauge", "MetricSources beyond the limit of series.", [
      [{}, rows.length - sources.length],
    ]),
    gauge(
      "_active",
      "1 while the MetricSource is collected, 0 while its definition or its collection fails.",
      (row, labels) => one(labels, Number(row.status?.phase === "Active")),
    ),
    gauge("_quarantined", "1 while the MetricSource is left alone because its runs were stopped.", (row, labels) =>
      one(
        labels,
        Number(row.status?.conditions?.some(({ type, reason }) => type === "Degraded" && reason === "Quarantined")),
      ),
    ),
    gauge("_protobuf", "1 where its objects are read as protobuf, 0 where as JSON.", (row, labels) =>
      row.status?.lane === undefined ? [] : one(labels, Number(row.status.lane === "protobuf")),
    ),
    gauge("_clusters", "Clusters by what became of the MetricSource there.", (row, labels) =>
      states.map((state) => [{ ...labels, state }, row.clusters?.[state] ?? 0] as const),
    ),
    gauge("_resources", "Resources of the last collection, over all clusters.", (row, labels) =>
      one(labels, row.status?.resourcesCollected),
    ),
    gauge("_age_seconds", "Age of the oldest of the values that its sums are made of.", (row, labels) =>
      one(labels, Math.max(0, nowMs - Date.parse(row.asOf ?? "")) / 1_000),
    ),
    gauge("_run_cpu_seconds", "CPU time of its last collection, over all clusters.", (row, labels) =>
      one(labels, (row.status?.cost?.cpuMs ?? Number.NaN) / 1_000),
    ),
    gauge("_run_read_bytes", "Bytes of the answers of its last collection, without compression.", (row, labels) =>
      one(labels, row.status?.cost?.bytes),
    ),
    gauge("_run_objects", "Objects that its last collection looked at.", (row, labels) =>
      one(labels, row.status?.cost?.objects),
    ),
    gauge("_run_stored_bytes", "Bytes of rows and sums that its last collection stored.", (row, labels) =>
      one(labels, row.status?.cost?.storedBytes),
    ),
    gauge(
      "_top_cluster_cpu_seconds",
      "CPU time of its last collection in the clusters that took the most, at most three.",
      (row, labels) =>
        (row.status?.cost?.topClusters ?? []).map(
          ({ cluster, cpuMs }) => [{ ...labels, cluster }, cpuMs / 1_000] as const,
        ),
    ),
    gauge(
      "_groups",
      "Groups of its largest aggregate in one cluster, from 80 % of the limit on; 0 below.",
      (row, labels) => one(labels, row.groups?.most),
    ),
  ].join("");
}
