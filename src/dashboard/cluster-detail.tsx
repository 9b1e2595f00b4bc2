// Everything about one cluster, beside the table: the full message, what was collected when, and its nodes.
import {
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
} from "@patternfly/react-core/dist/esm/components/DescriptionList";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import type { ReactNode } from "react";
import { Age } from "./age.tsx";
import { parseStamp } from "./ages.ts";
import { type ClusterRow, displayNameOf, healthOf } from "./api.ts";
import { DetailPanel } from "./detail-panel.tsx";
import { NodeList } from "./node-list.tsx";
import { formatBytes, formatCores, formatCount, formatOf } from "./units.ts";

export function ClusterDetail({ row, onClose }: { readonly row: ClusterRow; onClose(): void }) {
  const { status, spec, info, metrics } = row;
  const labels = Object.entries(spec.labels ?? {});
  const why = (
    <>
      <strong>{status.reason || "No reason given"}</strong>
      {status.message && <span>{status.message}</span>}
    </>
  );
  return (
    <DetailPanel title={displayNameOf(row)} health={healthOf(row)} why={why} onClose={onClose}>
      <DescriptionList isCompact columnModifier={{ default: "2Col" }}>
        <Item term="Data age">
          <Age atMs={parseStamp(row.asOf)} staleAfterMs={parseStamp(row.staleAfter)} what="Collected" />
        </Item>
        <Item term="Last check">
          <Age atMs={parseStamp(status.last_check)} what="Checked" />
        </Item>
        <Item term="Version">{[info.version, info.platform].filter(Boolean).join(" · ") || "–"}</Item>
        <Item term="Checked every">
          {spec.monitoring?.interval
            ? `${spec.monitoring.interval} s, at most ${spec.monitoring.timeout ?? "–"} s`
            : "–"}
        </Item>
        <Item term="Nodes ready">{formatOf(metrics.nodes_ready, metrics.nodes)}</Item>
        <Item term="Pods running">{formatOf(metrics.pods_running, metrics.pods)}</Item>
        <Item term="Capacity">
          {formatCores(metrics.cpu_capacity)}, {formatBytes(metrics.memory_capacity)}
        </Item>
        <Item term="Namespaces, deployments">
          {formatCount(metrics.namespaces)}, {formatCount(metrics.deployments)}
        </Item>
      </DescriptionList>
      <DescriptionList isCompact>
        <Item term="Endpoint">
          <span className="cp-break">{spec.endpoint ?? "–"}</span>
        </Item>
        {row.missing.length > 0 && <Item term="Missing from the last collection">{row.missing.join(", ")}</Item>}
        {labels.length > 0 && (
          <Item term="Labels">
            <span className="cp-labels">
              {labels.map(([key, value]) => (
                <Label key={key} isCompact variant="outline">
                  {key}={value}
                </Label>
              ))}
            </span>
          </Item>
        )}
      </DescriptionList>
      <NodeList cluster={row.name} asOf={row.asOf} />
    </DetailPanel>
  );
}

function Item({ term, children }: { readonly term: string; readonly children: ReactNode }) {
  return (
    <DescriptionListGroup>
      <DescriptionListTerm>{term}</DescriptionListTerm>
      <DescriptionListDescription>{children}</DescriptionListDescription>
    </DescriptionListGroup>
  );
}
