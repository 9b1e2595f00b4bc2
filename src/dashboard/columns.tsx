// The columns of the fleet table, in order. To add a column to the page, add an entry here: its title, how a cell is
// rendered and, where it can be sorted, how two rows compare.
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import type { ReactNode } from "react";
import { Age } from "./age.tsx";
import { isStale, parseStamp } from "./ages.ts";
import { type ClusterRow, displayNameOf, healthOf } from "./api.ts";
import { compareBrokenFirst, compareNames, compareNumbers } from "./fleet-order.ts";
import { HealthLabel } from "./health-label.tsx";
import { useTick } from "./hooks.ts";
import { formatBytes, formatCores, formatOf } from "./units.ts";
import type { Column } from "./virtual-table.tsx";

export interface FleetColumn extends Column<ClusterRow> {
  /** Ascending (1) or descending (-1). Without it the column does not sort. */
  compare?(a: ClusterRow, b: ClusterRow, sign: 1 | -1): number;
}

export const fleetColumns: readonly FleetColumn[] = [
  {
    key: "cluster",
    title: "Cluster",
    width: "16%",
    render: (row) => <TwoLines first={<strong>{displayNameOf(row)}</strong>} second={hostOf(row.spec.endpoint)} />,
    compare: (a, b, sign) => compareNames(a, b) * sign,
  },
  {
    key: "health",
    title: "Health",
    width: "7.5rem",
    render: (row) => (
      <>
        <HealthLabel health={healthOf(row)} />
        {healthOf(row) !== "healthy" && <div className="cp-line cp-subtle cp-narrow-only">{row.status.reason}</div>}
      </>
    ),
    compare: (a, b, sign) => compareBrokenFirst(a, b) * sign,
  },
  {
    key: "reason",
    title: "Reason",
    fromPx: 768,
    render: (row) => <Reason row={row} />,
  },
  {
    key: "version",
    title: "Version",
    width: "7rem",
    fromPx: 1024,
    render: (row) => (
      <Numbers row={row} part="info">
        <TwoLines first={row.info.version ?? "–"} second={row.info.platform} />
      </Numbers>
    ),
  },
  {
    key: "nodes",
    title: "Nodes",
    hint: "Nodes ready / all nodes",
    width: "5rem",
    align: "end",
    fromPx: 768,
    render: (row) => (
      <Numbers row={row} part="nodes" isLacking={(row.metrics.nodes_ready ?? 0) < (row.metrics.nodes ?? 0)}>
        {formatOf(row.metrics.nodes_ready, row.metrics.nodes)}
      </Numbers>
    ),
    compare: (a, b, sign) => compareNumbers(a.metrics.nodes, b.metrics.nodes, sign),
  },
  {
    key: "pods",
    title: "Pods",
    hint: "Pods running / all pods",
    width: "7.5rem",
    align: "end",
    fromPx: 768,
    render: (row) => (
      <Numbers row={row} part="pods">
        {formatOf(row.metrics.pods_running, row.metrics.pods)}
      </Numbers>
    ),
    compare: (a, b, sign) => compareNumbers(a.metrics.pods, b.metrics.pods, sign),
  },
  {
    key: "cpu",
    title: "CPU",
    hint: "Cores of all nodes",
    width: "6rem",
    align: "end",
    fromPx: 1280,
    render: (row) => (
      <Numbers row={row} part="nodes">
        {formatCores(row.metrics.cpu_capacity)}
      </Numbers>
    ),
    compare: (a, b, sign) => compareNumbers(a.metrics.cpu_capacity, b.metrics.cpu_capacity, sign),
  },
  {
    key: "memory",
    title: "Memory",
    hint: "Memory of all nodes",
    width: "5.5rem",
    align: "end",
    fromPx: 1280,
    render: (row) => (
      <Numbers row={row} part="nodes">
        {formatBytes(row.metrics.memory_capacity)}
      </Numbers>
    ),
    compare: (a, b, sign) => compareNumbers(a.metrics.memory_capacity, b.metrics.memory_capacity, sign),
  },
  {
    key: "data",
    title: "Data age",
    hint: "How long ago the numbers of this row were collected",
    width: "7.25rem",
    align: "end",
    render: (row) => <Age atMs={parseStamp(row.asOf)} staleAfterMs={parseStamp(row.staleAfter)} what="Collected" />,
    compare: (a, b, sign) => compareNumbers(parseStamp(b.asOf), parseStamp(a.asOf), sign),
  },
  {
    key: "check",
    title: "Last check",
    hint: "How long ago the hub last tried to reach the cluster",
    width: "6.5rem",
    align: "end",
    fromPx: 1024,
    render: (row) => <Age atMs={parseStamp(row.status.last_check)} what="Checked" />,
    compare: (a, b, sign) => compareNumbers(parseStamp(b.status.last_check), parseStamp(a.status.last_check), sign),
  },
];

function TwoLines({ first, second }: { readonly first: ReactNode; readonly second: string | undefined }) {
  return (
    <>
      <div className="cp-line">{first}</div>
      {second && (
        <div className="cp-line cp-subtle" title={second}>
          {second}
        </div>
      )}
    </>
  );
}

function Reason({ row }: { readonly row: ClusterRow }) {
  const { reason, message } = row.status;
  return (
    <div title={message}>
      <div className="cp-line">
        {reason || "–"}
        {row.missing.map((part) => (
          <Label key={part} isCompact variant="outline" color="orange" className="cp-missing" title={missingHint(part)}>
            missing: {part}
          </Label>
        ))}
      </div>
      {message && <div className="cp-line cp-subtle">{message}</div>}
    </div>
  );
}

function missingHint(part: string): string {
  return `The last successful collection could not get ${part}`;
}

interface NumbersProps {
  readonly row: ClusterRow;
  /** The part of a collection that these numbers come from. */
  readonly part: string;
  readonly isLacking?: boolean;
  readonly children: ReactNode;
}

/** Numbers that are dimmed when they are not of now: stale, of a cluster that is gone, or of a part that is missing. */
function Numbers({ row, part, isLacking = false, children }: NumbersProps) {
  const stale = useTick((nowMs) => isStale(parseStamp(row.staleAfter), nowMs));
  const isOld = stale || healthOf(row) === "unhealthy" || row.missing.includes(part);
  const hint = row.missing.includes(part) ? missingHint(part) : "The last numbers collected; see the age of the data";
  return (
    <div className={isOld ? "cp-old" : isLacking ? "cp-lacking" : undefined} title={isOld ? hint : undefined}>
      {children}
    </div>
  );
}

function hostOf(endpoint: string | undefined): string | undefined {
  return endpoint?.replace(/^https?:\/\//, "").replace(/\/$/, "");
}
