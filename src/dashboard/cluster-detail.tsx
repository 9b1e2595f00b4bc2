// Everything about one cluster, beside the table: the full message, what was collected when, and its nodes.
import {
  DescriptionList,
  DescriptionListDescription,
  DescriptionListGroup,
  DescriptionListTerm,
} from "@patternfly/react-core/dist/esm/components/DescriptionList";
import {
  DrawerActions,
  DrawerCloseButton,
  DrawerHead,
  DrawerPanelBody,
  DrawerPanelContent,
} from "@patternfly/react-core/dist/esm/components/Drawer";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import { type ReactNode, useEffect } from "react";
import { Age } from "./age.tsx";
import { parseStamp } from "./ages.ts";
import { type ClusterRow, displayNameOf, healthOf } from "./api.ts";
import { HealthLabel } from "./health-label.tsx";
import { NodeList } from "./node-list.tsx";
import { formatBytes, formatCores, formatCount, formatOf } from "./units.ts";

export function ClusterDetail({ row, onClose }: { readonly row: ClusterRow; onClose(): void }) {
  useEffect(() => {
    const closeOnEscape = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    document.addEventListener("keydown", closeOnEscape);
    return () => document.removeEventListener("keydown", closeOnEscape);
  }, [onClose]);

  const { status, spec, info, metrics } = row;
  const labels = Object.entries(spec.labels ?? {});
  return (
    <DrawerPanelContent className="cp-detail" aria-label={`Details of ${displayNameOf(row)}`}>
      <DrawerHead>
        <div className="cp-detail__name">
          <h2 className="cp-detail__title">{displayNameOf(row)}</h2>
          <HealthLabel health={healthOf(row)} />
        </div>
        <DrawerActions>
          <DrawerCloseButton onClick={onClose} />
        </DrawerActions>
      </DrawerHead>
      <DrawerPanelBody className="cp-detail__body">
        <p className={`cp-detail__message cp-edge--${healthOf(row)}`}>
          <strong>{status.reason || "No reason given"}</strong>
          {status.message && <span>{status.message}</span>}
        </p>
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
      </DrawerPanelBody>
    </DrawerPanelContent>
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
