// A table of which only the rows in sight exist in the document, so that 2,000 rows scroll as smoothly as 20. Rows are
// measured, not guessed; two spacer rows stand for what is above and below. Screen readers get the true counts.
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useCallback, useLayoutEffect, useMemo, useRef } from "react";
import { useWindowWidth } from "./hooks.ts";

export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** Explains the column on hover. */
  readonly hint?: string;
  /** CSS width. Columns without one share what is left. */
  readonly width?: string;
  /** The least width of the window, in pixels, at which the column is shown. Default: always. */
  readonly fromPx?: number;
  readonly align?: "end";
  render(row: Row): ReactNode;
}

export interface Sort {
  readonly key: string;
  readonly direction: "asc" | "desc";
}

interface VirtualTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly role?: "grid" | "treegrid";
  readonly rowHeightPx: number;
  rowKey(row: Row): string;
  /** Extra attributes of a row's element: classes, aria-level, data attributes. */
  rowProps?(row: Row): Record<string, unknown> & { className?: string };
  readonly onRowClick?: (row: Row) => void;
  /** Which columns sort, the sort in force, and what a click asks for. */
  readonly sorting?: { readonly keys: ReadonlySet<string>; readonly sort: Sort | null; change(sort: Sort): void };
}

const noAttributes = {};

export function VirtualTable<Row>(props: VirtualTableProps<Row>) {
  const { label, rows, role = "grid", rowHeightPx, rowKey, rowProps, onRowClick, sorting } = props;
  const windowPx = useWindowWidth();
  const columns = useMemo(
    () => props.columns.filter(({ fromPx = 0 }) => windowPx >= fromPx),
    [props.columns, windowPx],
  );
  // One function for all rows and renders, which calls the newest handler.
  const newestClick = useRef(onRowClick);
  useLayoutEffect(() => {
    newestClick.current = onRowClick;
  });
  const click = useCallback((row: unknown) => newestClick.current?.(row as Row), []);
  // Something must take what is left of the window: the first column, when all shown columns have a width.
  const isFirstElastic = columns.every(({ width }) => width !== undefined);
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeightPx,
    getItemKey: (index) => rowKey(rows[index] as Row),
    overscan: 4,
  });
  const items = virtualizer.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtualizer.getTotalSize() - (items.at(-1)?.end ?? 0);
  const sortIndex = columns.findIndex((column) => column.key === sorting?.sort?.key);

  return (
    <div className="cp-scroller" ref={scroller}>
      <Table
        aria-label={label}
        aria-rowcount={rows.length + 1}
        role={role}
        variant="compact"
        gridBreakPoint=""
        isStickyHeader
        className="cp-table"
      >
        <colgroup>
          {columns.map(({ key, width }, index) => (
            <col key={key} style={{ width: width === undefined || (index === 0 && isFirstElastic) ? "auto" : width }} />
          ))}
        </colgroup>
        <Thead>
          <Tr aria-rowindex={1}>
            {columns.map((column, index) => (
              <Th
                key={column.key}
                className={columnClass(column)}
                title={column.hint}
                {...(sorting?.keys.has(column.key) && {
                  sort: {
                    columnIndex: index,
                    sortBy: { index: sortIndex, direction: sorting.sort?.direction ?? "asc" },
                    onSort: (_event: unknown, _index: number, direction: "asc" | "desc") =>
                      sorting.change({ key: column.key, direction }),
                  },
                })}
              >
                {column.title}
              </Th>
            ))}
          </Tr>
        </Thead>
        <Tbody>
          <Spacer heightPx={above} columns={columns.length} />
          {items.map((item) => {
            const row = rows[item.index] as Row;
            return (
              <MemoRow
                key={item.key}
                row={row}
                index={item.index}
                columns={columns as readonly Column<unknown>[]}
                measure={virtualizer.measureElement}
                attributes={rowProps?.(row) ?? noAttributes}
                onClick={onRowClick === undefined ? undefined : click}
              />
            );
          })}
          <Spacer heightPx={below} columns={columns.length} />
        </Tbody>
      </Table>
    </div>
  );
}

interface RowProps {
  readonly row: unknown;
  readonly index: number;
  readonly columns: readonly Column<unknown>[];
  measure(element: Element | null): void;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly onClick: ((row: unknown) => void) | undefined;
}

/** Renders again only when its own row has changed: of a burst of events, most rows in sight are not concerned. */
const MemoRow = memo(
  ({ row, index, columns, measure, attributes, onClick }: RowProps) => (
    <Tr
      ref={measure}
      data-index={index}
      aria-rowindex={index + 2}
      {...attributes}
      {...(onClick && { isClickable: true, onRowClick: () => onClick(row) })}
    >
      {columns.map((column) => (
        <Td key={column.key} className={columnClass(column)}>
          {column.render(row)}
        </Td>
      ))}
    </Tr>
  ),
  (before, after) =>
    before.row === after.row &&
    before.index === after.index &&
    before.columns === after.columns &&
    before.onClick === after.onClick &&
    haveSameMembers(before.attributes, after.attributes),
);

function haveSameMembers(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function columnClass<Row>({ align }: Column<Row>): string {
  return align === "end" ? "cp-end" : "";
}

function Spacer({ heightPx, columns }: { readonly heightPx: number; readonly columns: number }) {
  if (heightPx <= 0) return null;
  return (
    <Tr aria-hidden="true" className="cp-spacer">
      <Td colSpan={columns} style={{ height: heightPx }} />
    </Tr>
  );
}
