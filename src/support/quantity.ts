// Kubernetes quantities ("100m", "1.5Gi", "2e3"), read exactly: the value is an integer number of billionths, so that sums do
// not drift. Like the API server it rounds what is finer than a billionth away from zero and clamps at ±(2^63-1).
// A superset of the API server's grammar in four points that people write: blanks around the text, empty text is 0, "K" means
// "k", and an exponent may be followed by a suffix ("1e3Ki"). Anything else that is not a quantity is undefined, never 0.

const NANO = 1_000_000_000n;
const MAX = ((1n << 63n) - 1n) * NANO;
const MAX_TEXT = 256;

const decimalExponents: Readonly<Record<string, number>> = {
  n: -9,
  u: -6,
  m: -3,
  "": 0,
  k: 3,
  K: 3,
  M: 6,
  G: 9,
  T: 12,
  P: 15,
  E: 18,
};
const binaryExponents: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkKMGTPE])?$/;

/** The exact value in billionths of the base unit (cores, bytes), or undefined when the text is not a quantity. */
export function parseQuantityNanos(text: string): bigint | undefined {
  if (text.length > MAX_TEXT) return undefined;
  const trimmed = text.trim();
  if (trimmed === "") return 0n;
  const match = pattern.exec(trimmed);
  if (match === null) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0", suffix = ""] = match;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (whole === "" && fraction === "") return undefined;
  if (digits === "") return 0n;
  const binary = binaryExponents[suffix];
  const exponent10 =
    Number(exponent) + (binary === undefined ? (decimalExponents[suffix] ?? 0) : 0) - fraction.length + 9;
  // The magnitude is decided before any big power is computed: "1e999999999" must cost nothing.
  const magnitude = digits.length + exponent10;
  const nanos = magnitude > 40 ? MAX : magnitude < -30 ? 1n : scaled(BigInt(digits) << BigInt(binary ?? 0), exponent10);
  const clamped = nanos > MAX ? MAX : nanos;
  return sign === "-" ? -clamped : clamped;
}

/** `value` × 10^exponent10 for a positive value, rounded up. */
function scaled(value: bigint, exponent10: number): bigint {
  if (exponent10 >= 0) return value * 10n ** BigInt(exponent10);
  const divisor = 10n ** BigInt(-exponent10);
  return (value + divisor - 1n) / divisor;
}

/** The double nearest to the exact value, in base units: "100m" is 0.1, "1.5Gi" is 1610612736. */
export function parseQuantity(text: string): number | undefined {
  const simple = parseSimple(text, 0);
  if (simple !== undefined) return simple;
  const nanos = parseQuantityNanos(text);
  if (nanos === undefined) return undefined;
  if (nanos % NANO === 0n) return Number(nanos / NANO);
  const magnitude = nanos < 0n ? -nanos : nanos;
  // Decimal text is converted to the nearest double in one rounding; dividing two doubles would be two.
  const number = Number(`${magnitude / NANO}.${String(magnitude % NANO).padStart(9, "0")}`);
  return nanos < 0n ? -number : number;
}

/** CPU in cores: "250m" is 0.25. For sums use {@link parseCpuNanocores}. */
export const parseCpuCores: (text: string) => number | undefined = parseQuantity;

/** CPU in whole billionths of a core: exact, and sums of them stay exact up to nine million cores. */
export function parseCpuNanocores(text: string): number | undefined {
  const simple = parseSimple(text, 9);
  if (simple !== undefined) return simple;
  const nanos = parseQuantityNanos(text);
  return nanos === undefined ? undefined : Number(nanos);
}

/** Whole bytes; a fraction of a byte is rounded away from zero, as Kubernetes does. */
export function parseBytes(text: string): number | undefined {
  const simple = parseSimple(text, 0);
  if (simple !== undefined && Number.isInteger(simple)) return simple;
  const nanos = parseQuantityNanos(text);
  if (nanos === undefined) return undefined;
  return Number(nanos >= 0n ? (nanos + NANO - 1n) / NANO : (nanos - NANO + 1n) / NANO);
}

/**
 * The usual forms without a regular expression or a bigint: up to 15 digits and a suffix. Undefined means "not decided here".
 * The result is value × 10^scale10, correctly rounded because it is one operation on two integers that doubles hold exactly.
 */
function parseSimple(text: string, scale10: 0 | 9): number | undefined {
  const length = text.length;
  let at = 0;
  let value = 0;
  for (; at < length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  if (at === 0 || at > 15 || length - at > 2) return undefined;
  const suffix = text.slice(at);
  const binary = suffix.length === 2 ? binaryExponents[suffix] : undefined;
  const decimal = suffix.length === 2 ? 0 : decimalExponents[suffix];
  if (decimal === undefined || (suffix.length === 2 && binary === undefined)) return undefined;
  const exponent10 = decimal + scale10;
  if (exponent10 < 0) return value / 10 ** -exponent10;
  const result = value * 10 ** exponent10 * 2 ** (binary ?? 0);
  return Number.isSafeInteger(result) ? result : undefined;
}
