// Ages and times as text, from absolute stamps. Pure: the present is an argument.

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** The epoch milliseconds of an RFC 3339 stamp, or null when there is none. */
export function parseStamp(stamp: string | null | undefined): number | null {
  if (!stamp) return null;
  const ms = Date.parse(stamp);
  return Number.isNaN(ms) ? null : ms;
}

/** A duration in its two largest units: "12 s", "3 min 05 s", "2 h 10 min", "4 d 3 h". Negative counts as 0. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)} s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)} min ${pad(Math.floor((ms % minuteMs) / secondMs))} s`;
  if (ms < dayMs) return `${Math.floor(ms / hourMs)} h ${pad(Math.floor((ms % hourMs) / minuteMs))} min`;
  return `${Math.floor(ms / dayMs)} d ${Math.floor((ms % dayMs) / hourMs)} h`;
}

/** The age of a stamp, or "never" where there is none. A stamp of the future, by clock skew, is 0 s old. */
export function formatAge(stampMs: number | null, nowMs: number): string {
  return stampMs === null ? "never" : formatDuration(nowMs - stampMs);
}

/** Date and time of the reader's time zone and UTC, for a tooltip. */
export function formatMoment(stampMs: number): string {
  const local = new Date(stampMs).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
  return `${local} (${new Date(stampMs).toISOString().slice(0, 19)}Z)`;
}

/** True once `staleAfter` has passed. Without a stamp nothing can be stale: it was never fresh. */
export function isStale(staleAfterMs: number | null, nowMs: number): boolean {
  return staleAfterMs !== null && nowMs > staleAfterMs;
}

function pad(value: number): string {
  return String(value).padStart(2, "0");
}
