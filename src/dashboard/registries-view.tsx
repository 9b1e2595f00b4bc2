// The container registries: health, reason, response time, how long the certificate is good for, and how old all of that is.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { EmptyState, EmptyStateBody } from "@patternfly/react-core/dist/esm/components/EmptyState";
import { Spinner } from "@patternfly/react-core/dist/esm/components/Spinner";
import { useMemo } from "react";
import { Age } from "./age.tsx";
import { formatDuration, formatMoment, parseStamp } from "./ages.ts";
import { fetchRegistries, knownHealth, type RegistryRow } from "./api.ts";
import { healthOrder } from "./fleet-order.ts";
import { HealthLabel } from "./health-label.tsx";
import { useTick } from "./hooks.ts";
import { usePolled } from "./use-polled.ts";
import { type Column, VirtualTable } from "./virtual-table.tsx";

const pollMs = 5000;

const columns: readonly Column<RegistryRow>[] = [
  {
    key: "registry",
    title: "Registry",
    width: "22%",
    render: ({ name, spec }) => (
      <>
        <div className="cp-line">
          <strong>{spec.display_name || name}</strong>
        </div>
        <div className="cp-line cp-subtle">{spec.endpoint}</div>
      </>
    ),
  },
  {
    key: "health",
    title: "Health",
    width: "7.5rem",
    render: ({ status }) => <HealthLabel health={knownHealth(status.health)} />,
  },
  {
    key: "reason",
    title: "Reason",
    render: ({ status: { reason, message } }) => (
      <div title={message}>
        <div className="cp-line">{reason || "–"}</div>
        {message && <div className="cp-line cp-subtle">{message}</div>}
      </div>
    ),
  },
  {
    key: "response",
    title: "Response",
    hint: "How long the registry took to answer the last check",
    width: "6.5rem",
    align: "end",
    fromPx: 768,
    render: ({ status: { available, response_time: responseMs } }) =>
      available === true && responseMs !== undefined ? `${Math.round(responseMs)} ms` : "–",
  },
  {
    key: "certificate",
    title: "Certificate",
    hint: "How long the registry's certificate is good for",
    width: "8rem",
    align: "end",
    fromPx: 1024,
    render: ({ status }) => <Expiry atMs={parseStamp(status.certificate_expires_at)} />,
  },
  {
    key: "check",
    title: "Last check",
    hint: "How long ago the hub last checked the registry",
    width: "7.25rem",
    align: "end",
    render: ({ asOf, staleAfter }) => (
      <Age atMs={parseStamp(asOf)} staleAfterMs={parseStamp(staleAfter)} what="Checked" />
    ),
  },
];

export function RegistriesView({ text }: { readonly text: string }) {
  const { answer: rows, problem } = usePolled(fetchRegistries, pollMs);
  const shown = useMemo(() => brokenFirst((rows ?? []).filter((row) => matches(row, text))), [rows, text]);
  if (rows === null) {
    return problem === null ? (
      <EmptyState titleText="Loading the registries" icon={Spinner} headingLevel="h2" />
    ) : (
      <EmptyState titleText={`The registries could not be loaded. ${problem}`} status="danger" headingLevel="h2" />
    );
  }
  return (
    <div className="cp-fill cp-tree">
      {problem !== null && <Alert isInline variant="danger" title={`Not current: ${problem} Trying again.`} />}
      {shown.length === 0 ? (
        <EmptyState
          titleText={rows.length === 0 ? "No registries yet" : "No registry matches the filter"}
          headingLevel="h2"
        >
          {rows.length === 0 && (
            <EmptyStateBody>Create a RegistryConnection where the hub watches, and it appears here.</EmptyStateBody>
          )}
        </EmptyState>
      ) : (
        <VirtualTable
          label="Registries"
          columns={columns}
          rows={shown}
          rowHeightPx={46}
          rowKey={({ name }) => name}
          rowProps={({ name, status }) => ({
            className: `cp-row--${knownHealth(status.health)}`,
            "data-registry": name,
            "data-health": knownHealth(status.health),
          })}
        />
      )}
    </div>
  );
}

function Expiry({ atMs }: { readonly atMs: number | null }) {
  const text = useTick((nowMs) => {
    if (atMs === null) return "–";
    return atMs <= nowMs ? "expired" : formatDuration(atMs - nowMs);
  });
  return <span title={atMs === null ? "No certificate was seen" : `Good until ${formatMoment(atMs)}`}>{text}</span>;
}

function brokenFirst(rows: readonly RegistryRow[]): readonly RegistryRow[] {
  const rank = ({ status }: RegistryRow): number => healthOrder.indexOf(knownHealth(status.health));
  return rows.toSorted((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
}

function matches({ name, spec, status }: RegistryRow, text: string): boolean {
  const searched = [name, spec.display_name, spec.endpoint, status.health, status.reason].join(" ").toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => searched.includes(word));
}
