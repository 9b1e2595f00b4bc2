// Ages as kubectl shows them: two units at most, fewer the older something is.

/** `45s`, `3m12s`, `15m`, `2h5m`, `9h`, `3d4h`, `12d`, `1y20d`, `9y`. */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return two(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return two(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return two(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? two(years, "y", days % 365, "d") : `${years}y`;
}

const two = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;

/** The age of a moment in RFC 3339; `<unknown>` without one, `<invalid>` when it is none. */
export function ageOf(moment: unknown, nowMs: number): string {
  if (moment === undefined || moment === null) return "<unknown>";
  const at = Date.parse(String(moment));
  return Number.isNaN(at) ? "<invalid>" : humanDuration(nowMs - at);
}
