// Quantities as short human text. An absent number is an en dash, never a zero.

const none = "–";
const binaryUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** "384 GiB", "1.5 TiB": three digits at most, powers of 1024. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return none;
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${shorten(value)} ${binaryUnits[unit]}`;
}

/** "96 cores", "1 core", "1.5 cores". */
export function formatCores(cores: number | undefined): string {
  if (cores === undefined) return none;
  return `${cores >= 1000 ? formatCount(Math.round(cores)) : shorten(cores)} ${cores === 1 ? "core" : "cores"}`;
}

/** "12,345". */
export function formatCount(count: number | undefined): string {
  return count === undefined ? none : count.toLocaleString("en-US");
}

/** "4 / 5": how many of how many, where either may be absent. */
export function formatOf(part: number | undefined, whole: number | undefined): string {
  return part === undefined && whole === undefined ? none : `${formatCount(part)} / ${formatCount(whole)}`;
}

/** "31 %". */
export function formatPercent(percent: number | undefined): string {
  return percent === undefined ? none : `${Math.round(percent)} %`;
}

function shorten(value: number): string {
  return String(value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);
}
