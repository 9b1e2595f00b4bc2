// The page: header, summary, and one of four sections: the fleet, the registries, the MetricSources, or the supervision tree of the hub itself.
import { SearchInput } from "@patternfly/react-core/dist/esm/components/SearchInput";
import { ToggleGroup, ToggleGroupItem } from "@patternfly/react-core/dist/esm/components/ToggleGroup";
import { useEffect, useMemo, useSyncExternalStore } from "react";
import type { Health } from "./api.ts";
import { createFilter, type FleetSummary, summarise } from "./fleet-order.ts";
import type { FleetState, FleetStore } from "./fleet-store.ts";
import { FleetView } from "./fleet-view.tsx";
import { ConnectionBanner, Header } from "./header.tsx";
import { LatenessLine } from "./lateness-line.tsx";
import { MetricSourcesView } from "./metric-sources-view.tsx";
import { RegistriesView } from "./registries-view.tsx";
import { Summary } from "./summary.tsx";
import { SupervisionTree } from "./supervision-tree.tsx";
import { useTheme } from "./theme.ts";
import { useLocationState } from "./use-location.ts";

const filters = {
  fleet: { label: "Filter clusters", placeholder: "Name, reason, version, label=value" },
  registries: { label: "Filter registries", placeholder: "Name, endpoint, health, reason" },
  metricsources: { label: "Filter MetricSources", placeholder: "Name, kind, health, reason" },
  actors: { label: "Filter actors", placeholder: "Path or kind" },
} as const;

export function App({ store }: { readonly store: FleetStore }) {
  const fleet = useSyncExternalStore(store.subscribe, store.state);
  const [theme, setTheme] = useTheme();
  const [location, setLocation] = useLocationState();
  const { view, healths, text, cluster } = location;
  const summary = useMemo(() => summarise(fleet.rows.values()), [fleet.rows]);
  const rows = useMemo(
    () => [...fleet.rows.values()].filter(createFilter({ healths, text })),
    [fleet.rows, healths, text],
  );
  useTabTitle(fleet, summary);

  const toggleHealth = (health: Health) => {
    const next = new Set(healths);
    if (!next.delete(health)) next.add(health);
    setLocation({ view: "fleet", healths: next });
  };
  return (
    <div className="cp-page">
      <Header fleet={fleet} theme={theme} onTheme={setTheme} />
      <main className="cp-main">
        <ConnectionBanner connection={fleet.connection} />
        <Summary summary={summary} healths={healths} onToggle={toggleHealth} />
        <LatenessLine />
        <div className="cp-toolbar">
          <ToggleGroup aria-label="Section of the page">
            <ToggleGroupItem
              text={`Fleet (${summary.clusters})`}
              buttonId="view-fleet"
              isSelected={view === "fleet"}
              onChange={() => setLocation({ view: "fleet" })}
            />
            <ToggleGroupItem
              text="Registries"
              buttonId="view-registries"
              isSelected={view === "registries"}
              onChange={() => setLocation({ view: "registries" })}
            />
            <ToggleGroupItem
              text="MetricSources"
              buttonId="view-metricsources"
              isSelected={view === "metricsources"}
              onChange={() => setLocation({ view: "metricsources" })}
            />
            <ToggleGroupItem
              text="Supervision tree"
              buttonId="view-actors"
              isSelected={view === "actors"}
              onChange={() => setLocation({ view: "actors" })}
            />
          </ToggleGroup>
          {view === "fleet" && rows.length < fleet.rows.size && (
            <span className="cp-subtle" role="status">
              {rows.length} of {fleet.rows.size} clusters
            </span>
          )}
          <SearchInput
            className="cp-search"
            aria-label={filters[view].label}
            placeholder={filters[view].placeholder}
            value={text}
            onChange={(_event, value) => setLocation({ text: value.slice(0, 200) })}
            onClear={() => setLocation({ text: "" })}
          />
        </div>
        <div className="cp-panel">
          {view === "fleet" ? (
            <FleetView
              fleet={fleet}
              rows={rows}
              selected={cluster}
              onSelect={(name) => setLocation({ cluster: name })}
              onClearFilter={() => setLocation({ healths: new Set(), text: "" })}
            />
          ) : view === "registries" ? (
            <RegistriesView text={text} />
          ) : view === "metricsources" ? (
            <MetricSourcesView text={text} />
          ) : (
            <SupervisionTree text={text} />
          )}
        </div>
      </main>
    </div>
  );
}

/** The tab says how many clusters are broken, so that it can stay in the background. */
function useTabTitle({ connection }: FleetState, { byHealth }: FleetSummary): void {
  const isLost = "sinceMs" in connection;
  const news = isLost ? "Not live" : byHealth.unhealthy > 0 ? `${byHealth.unhealthy} unhealthy` : "";
  useEffect(() => {
    document.title = news === "" ? "ClusterPulse Hub" : `${news} · ClusterPulse Hub`;
  }, [news]);
}
