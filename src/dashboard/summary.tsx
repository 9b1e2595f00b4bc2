// The strip above the table: how many clusters of each health (a click filters by it), and the sums of the fleet.
import type { ReactNode } from "react";
import { Age } from "./age.tsx";
import type { Health } from "./api.ts";
import { type FleetSummary, healthOrder } from "./fleet-order.ts";
import { healthTitles } from "./health-label.tsx";
import { formatCount, formatOf } from "./units.ts";

interface SummaryProps {
  readonly summary: FleetSummary;
  readonly healths: ReadonlySet<Health>;
  onToggle(health: Health): void;
}

export function Summary({ summary, healths, onToggle }: SummaryProps) {
  return (
    <section className="cp-summary" aria-label="Summary of the fleet">
      <div className="cp-proportions" aria-hidden="true">
        {healthOrder.map((health) => (
          <div key={health} className={`cp-bg--${health}`} style={{ flexGrow: summary.byHealth[health] }} />
        ))}
      </div>
      <div className="cp-tiles">
        {healthOrder.map((health) => (
          <button
            key={health}
            type="button"
            className={`cp-tile cp-tile--button${summary.byHealth[health] === 0 ? " cp-tile--none" : ""}`}
            aria-pressed={healths.has(health)}
            data-health={health}
            title={healths.has(health) ? "Show all again" : `Show only clusters that are ${health}`}
            onClick={() => onToggle(health)}
          >
            <span className={`cp-dot cp-bg--${health}`} />
            <span className="cp-tile__title">{healthTitles[health]}</span>
            <span className={`cp-tile__value cp-text--${health}`}>{formatCount(summary.byHealth[health])}</span>
          </button>
        ))}
        <Fact title="Nodes ready" value={formatOf(summary.nodesReady, summary.nodes)} />
        <Fact title="Pods running" value={formatOf(summary.podsRunning, summary.pods)} />
        <Fact
          title="Oldest data"
          value={
            summary.oldestDataAtMs === null ? (
              "–"
            ) : (
              <Age atMs={summary.oldestDataAtMs} what="Oldest numbers collected" />
            )
          }
          note={summary.neverCollected === 0 ? "" : `${summary.neverCollected} never collected`}
        />
      </div>
    </section>
  );
}

function Fact({ title, value, note }: { readonly title: string; readonly value: ReactNode; readonly note?: string }) {
  return (
    <div className="cp-tile">
      <span className="cp-tile__title">{title}</span>
      <span className="cp-tile__value">{value}</span>
      {note && <span className="cp-subtle">{note}</span>}
    </div>
  );
}
