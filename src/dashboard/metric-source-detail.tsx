// Everything about one MetricSource, beside the table: what is wrong in full, how its paths resolved, and the sums of each cluster.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Skeleton } from "@patternfly/react-core/dist/esm/components/Skeleton";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useCallback } from "react";
import { Age } from "./age.tsx";
import { parseStamp } from "./ages.ts";
import { fetchMetricSource, type MetricSourceRow, type SourceInCluster } from "./api.ts";
import { DetailPanel } from "./detail-panel.tsx";
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
  const { reason, message } = whyOf(row);
  const fields = row.status.fieldValidation.filter(({ status }) => status !== "valid");
  const why = (
    <>
      <strong>{reason}</strong>
      {message !== "" && <span>{message}</span>}
      {fields.map(({ field, message: said }) => (
        <span key={field}>
          {field}: {said}
        </span>
      ))}
      {row.status.lane === "json" && <span>Read as JSON: {row.status.laneReason}</span>}
    </>
  );
  return (
    <DetailPanel title={name} health={healthOfSource(row)} why={why} onClose={onClose}>
      {problem !== null && (
        <Alert isInline isPlain variant="danger" title={`Its clusters could not be loaded. ${problem}`} />
      )}
      {answer === null && problem === null && <Skeleton screenreaderText="Loading its clusters" />}
      {answer !== null && <Clusters clusters={answer} />}
    </DetailPanel>
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
