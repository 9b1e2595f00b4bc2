// The first section of the page: search, table, details of one cluster; and what is said when there is nothing to show.
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Drawer, DrawerContent, DrawerContentBody } from "@patternfly/react-core/dist/esm/components/Drawer";
import { EmptyState, EmptyStateBody } from "@patternfly/react-core/dist/esm/components/EmptyState";
import { Spinner } from "@patternfly/react-core/dist/esm/components/Spinner";
import CubesIcon from "@patternfly/react-icons/dist/esm/icons/cubes-icon";
import SearchIcon from "@patternfly/react-icons/dist/esm/icons/search-icon";
import UnpluggedIcon from "@patternfly/react-icons/dist/esm/icons/unplugged-icon";
import type { ClusterRow } from "./api.ts";
import { ClusterDetail } from "./cluster-detail.tsx";
import type { FleetState } from "./fleet-store.ts";
import { FleetTable } from "./fleet-table.tsx";

interface FleetViewProps {
  readonly fleet: FleetState;
  /** The rows that pass the filter. */
  readonly rows: readonly ClusterRow[];
  /** The name of the cluster whose details are open. */
  readonly selected: string | null;
  onSelect(name: string | null): void;
  onClearFilter(): void;
}

export function FleetView({ fleet, rows, selected, onSelect, onClearFilter }: FleetViewProps) {
  if (rows.length === 0) return <NothingToShow fleet={fleet} onClearFilter={onClearFilter} />;
  const detail = selected === null ? undefined : fleet.rows.get(selected);
  return (
    <Drawer isExpanded={detail !== undefined} className="cp-drawer">
      <DrawerContent
        panelContent={
          detail === undefined ? null : <ClusterDetail key={detail.name} row={detail} onClose={() => onSelect(null)} />
        }
      >
        <DrawerContentBody className="cp-fill">
          <FleetTable
            rows={rows}
            changes={fleet.changes}
            selected={selected}
            onSelect={(name) => onSelect(name === selected ? null : name)}
          />
        </DrawerContentBody>
      </DrawerContent>
    </Drawer>
  );
}

function NothingToShow({ fleet, onClearFilter }: { readonly fleet: FleetState; onClearFilter(): void }) {
  if (!fleet.loaded) {
    if (fleet.connection.state === "connecting") {
      return <EmptyState titleText="Loading the fleet" icon={Spinner} headingLevel="h2" />;
    }
    return (
      <EmptyState titleText="The hub does not answer" icon={UnpluggedIcon} status="danger" headingLevel="h2">
        <EmptyStateBody>
          This page has not received anything yet and keeps trying. Check that the hub is running and that this address
          reaches it: <code>{window.location.host}</code>
        </EmptyStateBody>
      </EmptyState>
    );
  }
  if (fleet.rows.size > 0) {
    return (
      <EmptyState titleText="No cluster matches the filter" icon={SearchIcon} headingLevel="h2">
        <EmptyStateBody>
          <Button variant="link" onClick={onClearFilter}>
            Show all {fleet.rows.size} clusters
          </Button>
        </EmptyStateBody>
      </EmptyState>
    );
  }
  return (
    <EmptyState titleText="No clusters yet" icon={CubesIcon} headingLevel="h2">
      <EmptyStateBody>
        Create a ClusterConnection where the hub watches, and it appears here within a second. For an example:
        <pre className="cp-code">kubectl apply -k config/samples</pre>
        Clusters that your account may not see are not listed.
      </EmptyStateBody>
    </EmptyState>
  );
}
