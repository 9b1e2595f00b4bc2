// Number texts as the original's writers made them.

/**
 * Two decimals, as Go's `%.2f`: a value that lies exactly between two hundredths goes to the even one, where toFixed rounds up.
 * Only multiples of 1/8 can lie there. A value that is not finite gives "0.00".
 */
export function twoDecimals(value: number): string {
  if (!Number.isFinite(value)) return "0.00";
  if (Math.abs(value * 8) % 2 !== 1) return value.toFixed(2);
  const lower = Math.trunc(value * 100);
  return ((lower % 2 === 0 ? lower : lower + Math.sign(value)) / 100).toFixed(2);
}
