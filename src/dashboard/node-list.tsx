// The nodes of one cluster as last collected: fetched when opened and again whenever newer data was collected.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import { Skeleton } from "@patternfly/react-core/dist/esm/components/Skeleton";
import { Table, Tbody, Td, Th, Thead, Tr } from "@patternfly/react-table";
import { useEffect, useState } from "react";
import { explainFailure, fetchNodes, type NodeRow } from "./api.ts";
import { Bar } from "./bar.tsx";
import { formatBytes, formatCores, formatOf, formatPercent } from "./units.ts";

/** More than this are shown on request only. */
const shownAtFirst = 100;

interface NodeListProps {
  readonly cluster: string;
  /** When the cluster's data was collected: a change fetches again. */
  readonly asOf: string | null;
}

export function NodeList({ cluster, asOf }: NodeListProps) {
  const [nodes, setNodes] = useState<readonly NodeRow[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [showsAll, setShowsAll] = useState(false);

  // biome-ignore lint/correctness/useExhaustiveDependencies: asOf says that there is something newer to fetch
  useEffect(() => {
    const abort = new AbortController();
    fetchNodes(cluster, abort.signal).then(
      (answer) => {
        setNodes(answer.toSorted((a, b) => Number(a.status === "Ready") - Number(b.status === "Ready")));
        setProblem(null);
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setProblem(explainFailure(error));
      },
    );
    return () => abort.abort();
  }, [cluster, asOf]);

  return (
    <section aria-label="Nodes">
      <h3 className="cp-detail__heading">Nodes</h3>
      {problem !== null && <Alert isInline isPlain variant="danger" title={`Nodes could not be loaded. ${problem}`} />}
      {nodes === null && problem === null && <Skeleton screenreaderText="Loading nodes" />}
      {nodes?.length === 0 && (
        <p className="cp-subtle">
          {asOf === null
            ? "Never collected: there is nothing to show until the cluster answers once."
            : "The cluster has no nodes."}
        </p>
      )}
      {nodes !== null && nodes.length > 0 && (
        <Table variant="compact" gridBreakPoint="" aria-label="Nodes" className="cp-nodes">
          <Thead>
            <Tr>
              <Th>Node</Th>
              <Th>Status</Th>
              <Th title="Requested by pods, of what is allocatable">CPU</Th>
              <Th title="Requested by pods, of what is allocatable">Memory</Th>
              <Th className="cp-end">Pods</Th>
            </Tr>
          </Thead>
          <Tbody>
            {nodes.slice(0, showsAll ? undefined : shownAtFirst).map((node) => (
              <Tr key={node.name} data-node={node.name}>
                <Td>
                  <div className="cp-line" title={node.name}>
                    {node.name}
                  </div>
                  <div className="cp-line cp-subtle">{node.roles.join(", ") || "no role"}</div>
                </Td>
                <Td>
                  <Label
                    isCompact
                    variant="outline"
                    {...(node.status !== "Ready" && { status: "warning", variant: "filled" })}
                  >
                    {node.status}
                  </Label>
                </Td>
                <Td title={`of ${formatCores(node.cpu_capacity)}`}>
                  <Share percent={node.cpu_usage_percent} />
                </Td>
                <Td title={`of ${formatBytes(node.memory_capacity)}`}>
                  <Share percent={node.memory_usage_percent} />
                </Td>
                <Td className="cp-end" title="Pods running / all pods">
                  {formatOf(node.pods_running, node.pods_total)}
                </Td>
              </Tr>
            ))}
          </Tbody>
        </Table>
      )}
      {nodes !== null && nodes.length > shownAtFirst && !showsAll && (
        <Button variant="link" onClick={() => setShowsAll(true)}>
          Show all {nodes.length} nodes
        </Button>
      )}
    </section>
  );
}

function Share({ percent }: { readonly percent: number | undefined }) {
  return (
    <>
      {formatPercent(percent)}
      <Bar share={(percent ?? 0) / 100} warnsFrom={0.9} />
    </>
  );
}
