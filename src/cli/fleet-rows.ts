// The fleet in the terminal: how a row of GET /api/v1/clusters becomes a line of text. Pure; the ages are computed here, from
// the absolute times that the hub sends, so that they are right however long the answer was under way.

/** What `fleet` reads of a row; the hub may send more. */
export interface FleetRow {
  readonly name: string;
  readonly spec?: { readonly displayName?: string };
  readonly info?: { readonly version?: string };
  readonly metrics?: {
    readonly nodes?: number;
    readonly nodes_ready?: number;
    readonly pods?: number;
    readonly pods_running?: number;
    readonly cpu_capacity?: number;
    readonly memory_capacity?: number;
  };
  readonly status?: {
    readonly health?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly last_check?: string;
  };
  readonly asOf: string | null;
  readonly staleAfter: string | null;
  readonly missing?: readonly string[];
}

const ranks: Readonly<Record<string, number>> = { unhealthy: 0, degraded: 1, unknown: 2, healthy: 3 };
const rank = (row: FleetRow): number => ranks[row.status?.health ?? "unknown"] ?? 2;

/** Broken first, then by name. */
export function byUrgency(rows: Iterable<FleetRow>): FleetRow[] {
  return [...rows].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

export const isUnhealthy = (row: FleetRow): boolean => row.status?.health !== "healthy";

/** `12s`, `3m`, `5h`, `2d`; "never" for null. */
export function age(stamp: string | null | undefined, nowMs: number): string {
  const at = stamp === null || stamp === undefined ? Number.NaN : Date.parse(stamp);
  if (Number.isNaN(at)) return "never";
  const seconds = Math.max(0, Math.floor((nowMs - at) / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function memory(bytes: number | undefined): string {
  return bytes === undefined ? "-" : `${(bytes / 2 ** 30).toFixed(bytes < 10 * 2 ** 30 ? 1 : 0)}Gi`;
}

const ratio = (part: number | undefined, whole: number | undefined): string =>
  whole === undefined ? "-" : `${part ?? "?"}/${whole}`;

// Text from clusters is untrusted: control characters would let a name move the cursor or recolour the terminal.
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is removed
const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "?");

const columns: readonly { readonly title: string; cell(row: FleetRow, nowMs: number): string }[] = [
  { title: "NAME", cell: (row) => row.name },
  { title: "HEALTH", cell: (row) => row.status?.health ?? "unknown" },
  { title: "REASON", cell: (row) => row.status?.reason ?? "-" },
  { title: "VERSION", cell: (row) => row.info?.version ?? "-" },
  { title: "NODES", cell: (row) => ratio(row.metrics?.nodes_ready, row.metrics?.nodes) },
  { title: "PODS", cell: (row) => ratio(row.metrics?.pods_running, row.metrics?.pods) },
  { title: "CPU", cell: (row) => row.metrics?.cpu_capacity?.toString() ?? "-" },
  { title: "MEMORY", cell: (row) => memory(row.metrics?.memory_capacity) },
  {
    title: "AS OF",
    cell: (row, nowMs) =>
      `${age(row.asOf, nowMs)}${row.staleAfter !== null && Date.parse(row.staleAfter) < nowMs ? " (stale)" : ""}`,
  },
  { title: "CHECKED", cell: (row, nowMs) => age(row.status?.last_check, nowMs) },
  {
    title: "MESSAGE",
    cell: (row) =>
      [row.status?.message ?? "", ...(row.missing?.length ? [`missing: ${row.missing.join(", ")}`] : [])].join("; "),
  },
];

/** The rows as aligned columns, one line each, under a line of titles. */
export function fleetTable(rows: readonly FleetRow[], nowMs: number): string {
  const lines = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((column) => printable(column.cell(row, nowMs)))),
  ];
  const widths = columns.map((_column, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** `25 clusters: 2 unhealthy, 1 degraded, 22 healthy`. */
export function fleetSummary(rows: readonly FleetRow[]): string {
  const counts = Object.keys(ranks).map(
    (health) => [health, rows.filter((row) => (row.status?.health ?? "unknown") === health).length] as const,
  );
  const parts = counts.filter(([, count]) => count > 0).map(([health, count]) => `${count} ${health}`);
  return `${rows.length} clusters${parts.length > 0 ? `: ${parts.join(", ")}` : ""}`;
}
