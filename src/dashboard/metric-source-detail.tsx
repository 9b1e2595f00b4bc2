// Everything about one MetricSource, beside the table: what is wrong in full, how its paths resolved, and the sums of each cluster.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import {
  DrawerActions,
  DrawerCloseButton,
  DrawerHead,
  DrawerPanelBody,
  DrawerPanelContent,
} from "@patternfly/react-core/dist/esm/components/Drawer";
import { Skeleton } from "@patternfly/react-core/dist/esm/components/Skeleton";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useCallback, useEffect } from "react";
import { Age } from "./age.tsx";
import { parseStamp } from "./ages.ts";
import { fetchMetricSource, type MetricSourceRow, type SourceInCluster } from "./api.ts";
import { HealthLabel } from "./health-label.tsx";
import { healthOfSource, whyOf } from "./metric-source-health.ts";
import { formatCount } from "./units.ts";
import { usePolled } from "./use-polled.ts";

const pollMs = 5000;
/** More clusters than this are not listed one by one. */
const maxShown = 200;

export function MetricSourceDetail({ row, onClose }: { readonly row: MetricSourceRow; onClose(): void }) {
  const { namespace, name } = row;
  const fetchAnswer = useCallback(
    (signal: AbortSignal) => fetchMetricSource(namespace, name, signal),
    [namespace, name],
  );
  const { answer, problem } = usePolled(fetchAnswer, pollMs);
  useEffect(() => {
    const closeOnEscape = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    document.addEventListener("keydown", closeOnEscape);
    return () => document.removeEventListener("keydown", closeOnEscape);
  }, [onClose]);
  const { reason, message } = whyOf(row);
  const fields = row.status.fieldValidation.filter(({ status }) => status !== "valid");
  return (
    <DrawerPanelContent className="cp-detail" aria-label={`Details of ${name}`}>
      <DrawerHead>
        <div className="cp-detail__name">
          <h2 className="cp-detail__title">{name}</h2>
          <HealthLabel health={healthOfSource(row)} />
        </div>
        <DrawerActions>
          <DrawerCloseButton onClick={onClose} />
        </DrawerActions>
      </DrawerHead>
      <DrawerPanelBody className="cp-detail__body">
        <p className={`cp-detail__message cp-edge--${healthOfSource(row)}`}>
          <strong>{reason}</strong>
          {message !== "" && <span>{message}</span>}
          {fields.map(({ field, message: why }) => (
            <span key={field}>
              {field}: {why}
            </span>
          ))}
          {row.status.lane === "json" && <span>Read as JSON: {row.status.laneReason}</span>}
        </p>
        {problem !== null && (
          <Alert isInline isPlain variant="danger" title={`Its clusters could not be loaded. ${problem}`} />
        )}
        {answer === null && problem === null && <Skeleton screenreaderText="Loading its clusters" />}
        {answer !== null && <Clusters clusters={answer} />}
      </DrawerPanelBody>
    </DrawerPanelContent>
  );
}

function Clusters({ clusters }: { readonly clusters: readonly SourceInCluster[] }) {
  if (clusters.length === 0) return <p className="cp-subtle">No cluster has been collected yet.</p>;
  return (
    <section aria-label="Clusters">
      <Table variant="compact" gridBreakPoint="" aria-label="Clusters" className="cp-nodes">
        <Thead>
          <Tr>
            <Th>Cluster</Th>
            <Th>Sums</Th>
            <Th className="cp-end">Age</Th>
          </Tr>
        </Thead>
        <Tbody>
          {clusters.slice(0, maxShown).map((cluster) => (
            <Tr key={cluster.cluster} data-source-cluster={cluster.cluster}>
              <Td>
                <div className="cp-line" title={cluster.cluster}>
                  {cluster.cluster}
                </div>
                <div className="cp-line cp-subtle" title={cluster.lastError}>
                  {formatCount(cluster.resourceCount)} resources
                  {cluster.truncated === true && ", cut off"}
                  {cluster.lastError !== undefined && `, ${cluster.lastError}`}
                </div>
              </Td>
              <Td>
                {Object.entries(cluster.aggregations ?? {}).map(([sum, value]) => (
                  <div key={sum} className="cp-line" title={`${sum}: ${textOf(value)}`}>
                    <span className="cp-subtle">{sum}</span> {textOf(value)}
                  </div>
                ))}
              </Td>
              <Td className="cp-end">
                <Age atMs={parseStamp(cluster.asOf)} staleAfterMs={parseStamp(cluster.staleAfter)} what="Collected" />
              </Td>
            </Tr>
          ))}
        </Tbody>
      </Table>
      {clusters.length > maxShown && (
        <p className="cp-subtle">and {formatCount(clusters.length - maxShown)} more: see the API</p>
      )}
    </section>
  );
}

/** A number, or the numbers of groups. */
function textOf(value: unknown): string {
  if (typeof value === "number") return formatCount(Math.round(value * 100) / 100);
  if (typeof value !== "object" || value === null) return value === null ? "–" : String(value);
  return Object.entries(value)
    .map(([group, of]) => `${group} ${textOf(of)}`)
    .join(", ");
}
