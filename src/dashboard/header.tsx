// The top of the page: what this is, whether it is live, light or dark; and the banner when it is not live.
import { Alert } from "@patternfly/react-core/dist/esm/components/Alert";
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import MoonIcon from "@patternfly/react-icons/dist/esm/icons/moon-icon";
import SunIcon from "@patternfly/react-icons/dist/esm/icons/sun-icon";
import { formatAge, formatMoment } from "./ages.ts";
import type { Connection, FleetState } from "./fleet-store.ts";
import { useTick } from "./hooks.ts";
import iconUrl from "./icon.svg";
import type { Theme } from "./theme.ts";

const stateTitles: Readonly<Record<Connection["state"], string>> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Not live",
  polling: "Not live",
};

interface HeaderProps {
  readonly fleet: FleetState;
  readonly theme: Theme;
  onTheme(theme: Theme): void;
}

export function Header({ fleet, theme, onTheme }: HeaderProps) {
  const other = theme === "dark" ? "light" : "dark";
  return (
    <header className="cp-header">
      <img src={iconUrl} alt="" width="28" height="28" />
      <h1 className="cp-header__title">
        ClusterPulse <span>Hub</span>
      </h1>
      <Liveness fleet={fleet} />
      <Button
        variant="plain"
        aria-label={`Use the ${other} theme`}
        title={`Use the ${other} theme`}
        icon={theme === "dark" ? <SunIcon /> : <MoonIcon />}
        onClick={() => onTheme(other)}
      />
    </header>
  );
}

function Liveness({ fleet }: { readonly fleet: FleetState }) {
  const { state } = fleet.connection;
  const { lastEventAtMs } = fleet;
  const age = useTick((nowMs) => formatAge(lastEventAtMs, nowMs));
  return (
    <div
      className={`cp-live cp-live--${state}`}
      data-connection={state}
      title={lastEventAtMs === null ? undefined : formatMoment(lastEventAtMs)}
    >
      <span className="cp-live__dot" />
      <strong role="status">{stateTitles[state]}</strong>
      {lastEventAtMs !== null && <span className="cp-subtle">last event {age} ago</span>}
    </div>
  );
}

/** Says that the page is not live, since when and why. Nothing while it is. */
export function ConnectionBanner({ connection }: { readonly connection: Connection }) {
  const sinceMs = "sinceMs" in connection ? connection.sinceMs : null;
  const age = useTick((nowMs) => formatAge(sinceMs, nowMs));
  if (!("sinceMs" in connection)) return null;
  const isPolling = connection.state === "polling";
  return (
    <Alert
      isInline
      variant={isPolling ? "warning" : "danger"}
      className="cp-banner"
      title={isPolling ? "No live updates: the list is fetched again every few seconds" : `Connection lost ${age} ago`}
    >
      {connection.problem} {isPolling ? "" : "What you see is from before; ages keep growing. "}Trying again.
    </Alert>
  );
}
