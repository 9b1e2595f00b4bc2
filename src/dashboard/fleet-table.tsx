// The fleet: filtered, ordered, virtualised. Broken clusters come first until the reader sorts by a column.
import { useMemo, useState } from "react";
import { type ClusterRow, healthOf } from "./api.ts";
import { type FleetColumn, fleetColumns } from "./columns.tsx";
import { compareBrokenFirst } from "./fleet-order.ts";
import type { RowChange } from "./fleet-store.ts";
import { hubNowMs } from "./ticker.ts";
import { type Sort, VirtualTable } from "./virtual-table.tsx";

const sortableKeys = new Set(fleetColumns.filter((column) => column.compare).map((column) => column.key));
const flashMs = 2000;

interface FleetTableProps {
  readonly rows: readonly ClusterRow[];
  readonly changes: ReadonlyMap<string, RowChange>;
  readonly selected: string | null;
  onSelect(name: string): void;
}

export function FleetTable({ rows, changes, selected, onSelect }: FleetTableProps) {
  const [sort, setSort] = useState<Sort | null>(null);
  const ordered = useMemo(() => order(rows, sort), [rows, sort]);
  const rowProps = (row: ClusterRow) => {
    const change = changes.get(row.name);
    const classes = [`cp-row--${healthOf(row)}`];
    // Two equal animations by turns: a second change shortly after the first starts the flash again.
    if (change !== undefined && hubNowMs() - change.atMs < flashMs) {
      classes.push(change.count % 2 === 0 ? "cp-flash-a" : "cp-flash-b");
    }
    return {
      className: classes.join(" "),
      isRowSelected: row.name === selected,
      "data-cluster": row.name,
      "data-health": healthOf(row),
    };
  };
  return (
    <VirtualTable
      label="Clusters"
      columns={fleetColumns}
      rows={ordered}
      rowHeightPx={46}
      rowKey={(row) => row.name}
      rowProps={rowProps}
      onRowClick={(row) => onSelect(row.name)}
      sorting={{ keys: sortableKeys, sort, change: setSort }}
    />
  );
}

function order(rows: readonly ClusterRow[], sort: Sort | null): readonly ClusterRow[] {
  const compare = fleetColumns.find((column: FleetColumn) => column.key === sort?.key)?.compare;
  const sign = sort?.direction === "desc" ? -1 : 1;
  return rows.toSorted((a, b) => compare?.(a, b, sign) || compareBrokenFirst(a, b));
}
