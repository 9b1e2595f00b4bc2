// Durations as the status of a MetricSource writes them: `56ms`, `1.235s`, `1m1.235s`, `2h0m5s`.

/** Rounded to milliseconds; `0s` for none. */
export function durationText(durationMs: number): string {
  const ms = Math.max(0, Math.round(durationMs));
  if (ms === 0) return "0s";
  if (ms < 1_000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  const seconds = (ms % 60_000) / 1_000;
  const small = `${seconds}s`;
  if (hours > 0) return `${hours}h${minutes}m${small}`;
  return minutes > 0 ? `${minutes}m${small}` : small;
}
