// Which rows the fleet table shows, in which order, and what the summary counts. Pure.

import { parseStamp } from "./ages.ts";
import { type ClusterRow, displayNameOf, type Health, healthOf } from "./api.ts";

/** Worst first: the order of the table and of the summary. */
export const healthOrder: readonly Health[] = ["unhealthy", "degraded", "unknown", "healthy"];

const names = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Display names in human order: "edge-2" before "edge-10". The unique name decides between equals. */
export function compareNames(a: ClusterRow, b: ClusterRow): number {
  return names.compare(displayNameOf(a), displayNameOf(b)) || names.compare(a.name, b.name);
}

/** Broken first, then by name. */
export function compareBrokenFirst(a: ClusterRow, b: ClusterRow): number {
  return healthOrder.indexOf(healthOf(a)) - healthOrder.indexOf(healthOf(b)) || compareNames(a, b);
}

/** Absent values sort last, whatever the direction is. */
export function compareNumbers(a: number | null | undefined, b: number | null | undefined, sign: 1 | -1): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  return (a - b) * sign;
}

export interface FleetFilter {
  /** The healths shown; empty: all. */
  readonly healths: ReadonlySet<Health>;
  /** Every word must occur in name, endpoint, reason, message, version, platform, a missing part or a label ("key=value"). */
  readonly text: string;
}

/** A test for rows; the filter's text is taken apart once. */
export function createFilter({ healths, text }: FleetFilter): (row: ClusterRow) => boolean {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    if (healths.size > 0 && !healths.has(healthOf(row))) return false;
    if (words.length === 0) return true;
    const haystack = searchText(row);
    return words.every((word) => haystack.includes(word));
  };
}

function searchText(row: ClusterRow): string {
  const { spec, status, info } = row;
  const labels = Object.entries(spec.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return [row.name, spec.displayName, spec.endpoint, status.reason, status.message, info.version, info.platform]
    .concat(row.missing, labels)
    .join("\n")
    .toLowerCase();
}

export interface FleetSummary {
  readonly byHealth: Readonly<Record<Health, number>>;
  readonly clusters: number;
  readonly nodes: number;
  readonly nodesReady: number;
  readonly pods: number;
  readonly podsRunning: number;
  /** Collection time of the oldest numbers that are shown; null when there are none. */
  readonly oldestDataAtMs: number | null;
  /** Clusters whose numbers have never been collected, and are therefore in no sum. */
  readonly neverCollected: number;
}

/** Sums over all rows. */
export function summarise(rows: Iterable<ClusterRow>): FleetSummary {
  const byHealth = { unhealthy: 0, degraded: 0, unknown: 0, healthy: 0 };
  const sums = { clusters: 0, nodes: 0, nodesReady: 0, pods: 0, podsRunning: 0, neverCollected: 0 };
  let oldestDataAtMs: number | null = null;
  for (const row of rows) {
    byHealth[healthOf(row)] += 1;
    sums.clusters += 1;
    sums.nodes += row.metrics.nodes ?? 0;
    sums.nodesReady += row.metrics.nodes_ready ?? 0;
    sums.pods += row.metrics.pods ?? 0;
    sums.podsRunning += row.metrics.pods_running ?? 0;
    const asOfMs = parseStamp(row.asOf);
    if (asOfMs === null) sums.neverCollected += 1;
    else if (oldestDataAtMs === null || asOfMs < oldestDataAtMs) oldestDataAtMs = asOfMs;
  }
  return { byHealth, ...sums, oldestDataAtMs };
}
