// An age that ticks, with the absolute time on hover.
import OutlinedClockIcon from "@patternfly/react-icons/dist/esm/icons/outlined-clock-icon";
import { formatAge, formatMoment, isStale } from "./ages.ts";
import { useTick } from "./hooks.ts";

interface AgeProps {
  /** Epoch milliseconds; null: never. */
  readonly atMs: number | null;
  /** Later than this the age is shown as a warning. */
  readonly staleAfterMs?: number | null;
  /** What happened then, for the tooltip: "Collected". */
  readonly what: string;
}

export function Age({ atMs, staleAfterMs = null, what }: AgeProps) {
  const text = useTick((nowMs) => formatAge(atMs, nowMs));
  const stale = useTick((nowMs) => isStale(staleAfterMs, nowMs));
  const moment = atMs === null ? `${what}: never` : `${what} ${formatMoment(atMs)}`;
  return (
    <span
      className={`cp-age${stale ? " cp-age--stale" : ""}`}
      title={stale ? `${moment}. Stale: older than two intervals` : moment}
    >
      {stale && <OutlinedClockIcon aria-label="stale" />} {text}
    </span>
  );
}
