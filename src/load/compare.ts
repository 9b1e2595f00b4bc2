// Two load runs side by side. Pure.
import type { LoadReport } from "./report.ts";

const compared: readonly (readonly [string, (report: LoadReport) => number | null | undefined])[] = [
  ["healthy.latenessMs.p50", ({ healthy }) => healthy.latenessMs.p50],
  ["healthy.latenessMs.p99", ({ healthy }) => healthy.latenessMs.p99],
  ["healthy.latenessMs.max", ({ healthy }) => healthy.latenessMs.max],
  ["healthy.missedCycles", ({ healthy }) => healthy.missedCycles],
  ["tickMs.p50", ({ tickMs }) => tickMs.p50],
  ["tickMs.p99", ({ tickMs }) => tickMs.p99],
  ["baseline.healthy.latenessMs.p99", ({ baseline }) => baseline?.healthy.latenessMs.p99],
  ["healthyToBaselineP99", ({ healthyToBaselineP99 }) => healthyToBaselineP99],
  ["firstFullViewMs", ({ firstFullViewMs }) => firstFullViewMs],
  ["hub.cpuMsPerClusterCycle", ({ hub }) => hub.cpuMsPerClusterCycle],
  ["hub.cpuPerClusterCycleU", ({ hub }) => hub.cpuPerClusterCycleU],
  ["unitMs", ({ unitMs }) => unitMs],
  ["hub.handshakesPeak", ({ hub }) => hub.handshakesPeak],
  ["hub.rssBytes", ({ hub }) => hub.rssBytes],
  ["hub.sockets", ({ hub }) => hub.sockets],
  ["broken.latenessMs.p99", ({ broken }) => broken.latenessMs.p99],
  ["broken.maxSocketsPerCluster", ({ broken }) => broken.maxSocketsPerCluster],
  ["simulator.cpuMsPerClusterCycle", ({ simulator }) => simulator.cpuMsPerClusterCycle],
];

/** A table of both runs' figures and their ratio (second over first), one line each. What a report of an earlier version lacks is a dash. */
export function compareReports(first: LoadReport, second: LoadReport): string[] {
  const number = (value: number | null): string =>
    value === null ? "-" : Number.isInteger(value) ? String(value) : value.toFixed(2);
  const rows = compared.map(([name, read]) => {
    const [a, b] = [read(first) ?? null, read(second) ?? null];
    const ratio = a === null || b === null || a === 0 ? "-" : `${(b / a).toFixed(2)}x`;
    return [name, number(a), number(b), ratio];
  });
  const table = [["", "first", "second", "second / first"], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((row) => (row[column] ?? "").length)));
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}
