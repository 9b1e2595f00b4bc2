// How a value counts as a number, a text or a truth. Expressions, filters and groups share these rules, so that a value reads the same
// everywhere: null is 0, "" and false; numeric text is its number; numbers become plain decimals, never exponents.
import type { ResultType, Value } from "./value.ts";

const numeric = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const integer = /^[+-]?\d+$/;
const twoTo63 = 2 ** 63;

/** The number that a text spells in decimal, with an exponent if it likes, and nothing around it; undefined for any other text. */
export function numericText(text: string): number | undefined {
  if (!numeric.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** The whole number that a text spells; undefined for any other text. */
export function integerText(text: string): bigint | undefined {
  return text.length <= 400 && integer.test(text) ? BigInt(text) : undefined;
}

/** null is 0, true is 1, numeric text its number, any other text 0. */
export function toNumber(value: Value): number {
  if (typeof value === "number") return value;
  if (value === null) return 0;
  if (typeof value === "boolean") return value ? 1 : 0;
  if (typeof value === "bigint") return Number(value);
  return numericText(value) ?? 0;
}

/** null is the empty text. */
export function toText(value: Value): string {
  if (typeof value === "string") return value;
  if (value === null) return "";
  return typeof value === "number" ? decimalText(value) : String(value);
}

/** null, 0 and the empty text are false, everything else is true: also the text "false". */
export function toTruth(value: Value): boolean {
  if (typeof value === "boolean") return value;
  return value !== null && value !== 0 && value !== "" && value !== 0n;
}

/** A finite number as plain decimal text: all digits of integers below 2^63, otherwise the fewest that read back as the same number. */
export function decimalText(number: number): string {
  if (Number.isSafeInteger(number)) return String(number);
  if (Number.isInteger(number) && Math.abs(number) < twoTo63) return String(BigInt(number));
  const text = String(number);
  const at = text.indexOf("e");
  if (at < 0) return text;
  const sign = text.startsWith("-") ? "-" : "";
  const [whole = "", fraction = ""] = text.slice(sign.length, at).split(".");
  const digits = whole + fraction;
  const point = whole.length + Number(text.slice(at + 1));
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  return `${sign}${digits.padEnd(point, "0")}`;
}

/** Orders texts by code points, as their UTF-8 bytes would be. */
export function compareText(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let i = 0; i < shorter; i++) {
    const a = left.charCodeAt(i);
    const b = right.charCodeAt(i);
    if (a === b) continue;
    // Surrogates stand for code points above all that are one unit.
    return a >= 0xd800 && b >= 0xd800 ? ((a + 0x2000) & 0xffff) - ((b + 0x2000) & 0xffff) : a - b;
  }
  return left.length - right.length;
}

/** The result of an expression as the type that the computed value declares. null stays null; what no 64-bit integer holds is null. */
export function coerceResult(value: Value, type: ResultType): Value {
  if (value === null) return null;
  switch (type) {
    case "string":
      return toText(value);
    case "boolean":
      return toTruth(value);
    case "float":
      return toNumber(value);
    case "integer": {
      if (typeof value === "bigint") return value;
      const whole = Math.trunc(toNumber(value));
      return Math.abs(whole) < twoTo63 ? whole : null;
    }
  }
}
