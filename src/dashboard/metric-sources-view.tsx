// The MetricSources: what each collects, from how many clusters, what that costs, and how old the oldest part of its sums is.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Drawer, DrawerContent, DrawerContentBody } from "@patternfly/react-core/dist/esm/components/Drawer";
import { EmptyState, EmptyStateBody } from "@patternfly/react-core/dist/esm/components/EmptyState";
import { Spinner } from "@patternfly/react-core/dist/esm/components/Spinner";
import { useMemo, useState } from "react";
import { Age } from "./age.tsx";
import { parseStamp } from "./ages.ts";
import { fetchMetricSources, type MetricSourceRow } from "./api.ts";
import { healthOrder } from "./fleet-order.ts";
import { HealthLabel } from "./health-label.tsx";
import { MetricSourceDetail } from "./metric-source-detail.tsx";
import { healthOfSource, idOf, whyOf } from "./metric-source-health.ts";
import { formatBytes, formatCount, formatOf } from "./units.ts";
import { usePolled } from "./use-polled.ts";
import { type Column, VirtualTable } from "./virtual-table.tsx";

const pollMs = 5000;

const columns: readonly Column<MetricSourceRow>[] = [
  {
    key: "source",
    title: "MetricSource",
    width: "22%",
    render: ({ name, kind, apiVersion }) => (
      <>
        <div className="cp-line">
          <strong>{name}</strong>
        </div>
        <div className="cp-line cp-subtle">{[apiVersion, kind].filter(Boolean).join(" ") || "–"}</div>
      </>
    ),
  },
  {
    key: "health",
    title: "Health",
    width: "7.5rem",
    render: (row) => <HealthLabel health={healthOfSource(row)} />,
  },
  {
    key: "reason",
    title: "Reason",
    render: (row) => {
      const { reason, message } = whyOf(row);
      return (
        <div title={message}>
          <div className="cp-line">{reason}</div>
          {message !== "" && <div className="cp-line cp-subtle">{message}</div>}
        </div>
      );
    },
  },
  {
    key: "resources",
    title: "Resources",
    hint: "Resources of the last collection, over all clusters",
    width: "6.5rem",
    align: "end",
    fromPx: 768,
    render: ({ status }) => formatCount(status.resourcesCollected),
  },
  {
    key: "clusters",
    title: "Clusters",
    hint: "Clusters whose resources are in the sums / all clusters",
    width: "6.5rem",
    align: "end",
    fromPx: 768,
    render: ({ clusters }) =>
      formatOf(
        clusters.collected,
        Object.values(clusters).reduce((sum, count) => sum + count, 0),
      ),
  },
  {
    key: "cost",
    title: "Cost",
    hint: "What one collection in all clusters takes: time on a processor, and bytes that are stored",
    width: "8rem",
    align: "end",
    fromPx: 1024,
    render: ({ status: { cost } }) => <Cost cost={cost} />,
  },
  {
    key: "age",
    title: "Data age",
    hint: "Age of the oldest part of the sums",
    width: "7.25rem",
    align: "end",
    render: ({ asOf, staleAfter }) => (
      <Age atMs={parseStamp(asOf)} staleAfterMs={parseStamp(staleAfter)} what="Collected" />
    ),
  },
];

export function MetricSourcesView({ text }: { readonly text: string }) {
  const { answer: rows, problem } = usePolled(fetchMetricSources, pollMs);
  const [selected, setSelected] = useState<string | null>(null);
  const shown = useMemo(() => brokenFirst((rows ?? []).filter((row) => matches(row, text))), [rows, text]);
  if (rows === null) {
    return problem === null ? (
      <EmptyState titleText="Loading the MetricSources" icon={Spinner} headingLevel="h2" />
    ) : (
      <EmptyState titleText={`The MetricSources could not be loaded. ${problem}`} status="danger" headingLevel="h2" />
    );
  }
  const detail = rows.find((row) => idOf(row) === selected);
  return (
    <div className="cp-fill cp-tree">
      {problem !== null && <Alert isInline variant="danger" title={`Not current: ${problem} Trying again.`} />}
      {shown.length === 0 ? (
        <EmptyState
          titleText={rows.length === 0 ? "No MetricSources yet" : "No MetricSource matches the filter"}
          headingLevel="h2"
        >
          {rows.length === 0 && (
            <EmptyStateBody>
              Create a MetricSource where the hub watches, and it appears here. For two that come along:
              <pre className="cp-code">kubectl apply -k config/samples</pre>
            </EmptyStateBody>
          )}
        </EmptyState>
      ) : (
        <Drawer isExpanded={detail !== undefined} className="cp-drawer">
          <DrawerContent
            panelContent={
              detail === undefined ? null : (
                <MetricSourceDetail key={selected} row={detail} onClose={() => setSelected(null)} />
              )
            }
          >
            <DrawerContentBody className="cp-fill">
              <VirtualTable
                label="MetricSources"
                columns={columns}
                rows={shown}
                rowHeightPx={46}
                rowKey={idOf}
                onRowClick={(row) => setSelected(idOf(row) === selected ? null : idOf(row))}
                rowProps={(row) => ({
                  className: `cp-row--${healthOfSource(row)}`,
                  "data-source": idOf(row),
                  "data-health": healthOfSource(row),
                })}
              />
            </DrawerContentBody>
          </DrawerContent>
        </Drawer>
      )}
    </div>
  );
}

function Cost({ cost }: { readonly cost: MetricSourceRow["status"]["cost"] }) {
  if (cost === undefined) return "–";
  const most = (cost.topClusters ?? []).map(({ cluster, cpuMs }) => `${cluster}: ${cpuMs} ms`).join(", ");
  return (
    <div title={most === "" ? undefined : `Most in ${most}`}>
      <div className="cp-line">{formatCount(cost.cpuMs)} ms</div>
      <div className="cp-line cp-subtle">{formatBytes(cost.storedBytes)}</div>
    </div>
  );
}

function brokenFirst(rows: readonly MetricSourceRow[]): readonly MetricSourceRow[] {
  const rank = (row: MetricSourceRow): number => healthOrder.indexOf(healthOfSource(row));
  return rows.toSorted((a, b) => rank(a) - rank(b) || idOf(a).localeCompare(idOf(b), undefined, { numeric: true }));
}

function matches(row: MetricSourceRow, text: string): boolean {
  const { reason, message } = whyOf(row);
  const searched = [idOf(row), row.kind, row.apiVersion, healthOfSource(row), reason, message].join(" ").toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => searched.includes(word));
}
