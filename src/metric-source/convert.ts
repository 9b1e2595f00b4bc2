// From what a path leads to, to a value of the field's type. What cannot be converted is undefined, never a zero in disguise; the field's
// default stands in for it, or null. Integers are exact over the whole range of 64 bits.
import { parseQuantity, parseQuantityNanos } from "../support/quantity.ts";
import { decimalText, integerText, numericText } from "./coercions.ts";
import { compositeLength, compositeText, isComposite } from "./composite.ts";
import type { PathStep } from "./path.ts";
import { parseRfc3339 } from "./rfc3339.ts";
import { integerValue, type Value } from "./value.ts";

/** Converts what was found, which is not null; undefined: that is not possible. */
export type Convert = (found: unknown) => Value | undefined;

/** Characters of a stored text. Longer ones, such as a whole ConfigMap, count as not convertible. */
export const maxStoredText = 65_536;

/**
 * The conversion to a declared type; a type that does not exist is text, as in the original.
 * @param steps the field's path: a quantity of CPU is counted in millicores, see {@link quantityUnit}
 */
export function conversionTo(type: string, steps: readonly PathStep[]): Convert {
  switch (type) {
    case "integer":
      return toInteger;
    case "float":
      return toFloat;
    case "boolean":
      return toBoolean;
    case "quantity": {
      const unit = quantityUnit(steps);
      return (found) => toQuantity(found, unit);
    }
    case "timestamp":
      return (found) => (typeof found === "string" && (found === "" || isTimestamp(found)) ? found : undefined);
    case "arrayLength":
      return compositeLength;
    default:
      return toStored;
  }
}

/** What a default stands for. Texts are taken as they are; other types convert like values, and what does not convert is their zero. */
export function convertDefault(type: string, text: string, convert: Convert): { value: Value; fits: boolean } {
  switch (type) {
    case "integer":
    case "float":
    case "quantity": {
      const value = convert(text);
      return { value: value ?? 0, fits: value !== undefined };
    }
    case "arrayLength": {
      const value = toInteger(text);
      return { value: value ?? 0, fits: value !== undefined };
    }
    case "boolean":
      return { value: convert(text) ?? false, fits: /^(?:true|false|0|1)$/i.test(text) };
    case "timestamp":
      return { value: text, fits: convert(text) !== undefined };
    default:
      return { value: text, fits: text.length <= maxStoredText };
  }
}

const isTimestamp = (text: string): boolean => parseRfc3339(text) !== undefined;

function toStored(found: unknown): Value | undefined {
  const text = textOf(found);
  return text === undefined || text.length > maxStoredText ? undefined : text;
}

function textOf(found: unknown): string | undefined {
  switch (typeof found) {
    case "string":
      return found;
    case "number":
      return decimalText(found);
    case "boolean":
    case "bigint":
      return String(found);
    default:
      return isComposite(found) ? compositeText(found, maxStoredText) : undefined;
  }
}

const twoTo63 = 1n << 63n;
const int64 = (value: bigint): number | bigint | undefined =>
  value < twoTo63 && value >= -twoTo63 ? integerValue(value) : undefined;

function toInteger(found: unknown): Value | undefined {
  if (typeof found === "number") {
    const whole = Math.trunc(found) + 0;
    return Number.isSafeInteger(whole) ? whole : int64(BigInt(whole));
  }
  if (typeof found === "bigint") return int64(found);
  if (typeof found !== "string") return undefined;
  const value = integerText(found);
  return value === undefined ? undefined : int64(value);
}

function toFloat(found: unknown): Value | undefined {
  if (typeof found === "number") return found;
  if (typeof found === "bigint") return Number(found);
  return typeof found === "string" ? numericText(found) : undefined;
}

function toBoolean(found: unknown): Value | undefined {
  switch (typeof found) {
    case "boolean":
      return found;
    case "number":
      return found !== 0;
    case "bigint":
      return found !== 0n;
    case "string":
      return found === "1" || found.toLowerCase() === "true";
    default:
      return undefined;
  }
}

/**
 * What one unit of a quantity's value is. `milli`: thousandths, always; the unit of CPU. `whole`: bytes, or whatever the quantity counts;
 * for memory and storage. `written`: thousandths for a text that ends in "m", else whole units: what the original does everywhere.
 */
export type QuantityUnit = "milli" | "whole" | "written";

/** The unit by the resource's name, with which paths of quantities end: `.resources.requests.cpu`, `.hard['limits.memory']`. */
export function quantityUnit(steps: readonly PathStep[]): QuantityUnit {
  const last = steps.findLast((step) => step.kind === "key");
  const resource = last?.kind === "key" ? last.key.replace(/^(?:requests|limits)\./, "") : "";
  if (resource === "cpu") return "milli";
  return /^(?:memory|storage|ephemeral-storage|hugepages-.*)$/.test(resource) ? "whole" : "written";
}

function toQuantity(found: unknown, unit: QuantityUnit): Value | undefined {
  if (typeof found === "string") return quantityText(found, unit);
  if (typeof found === "bigint") return unit === "milli" ? int64(found * 1000n) : int64(found);
  if (typeof found !== "number") return undefined;
  return unit === "milli" ? quantityText(decimalText(found), unit) : found;
}

const milliText = /[\d.]m\s*$/;

function quantityText(text: string, unit: QuantityUnit): Value | undefined {
  if (unit === "milli") return scaled(text, 6n);
  if (unit === "written" && milliText.test(text)) return scaled(text, 6n);
  const value = parseQuantity(text);
  if (value === undefined || Number.isSafeInteger(value)) return value;
  if (!Number.isInteger(value)) return hasLargeSuffix(text) ? Math.trunc(value) : value;
  return scaled(text, 9n);
}

/** Whole units cannot be cut in parts: 1.1Mi is 1153433 bytes. Text without a suffix, or with a small one, asks for its fraction. */
const hasLargeSuffix = (text: string): boolean => /[kKMGTPEi]\s*$/.test(text);

/** The quantity in units of 10^(exponent-9), exactly where that is a whole number. */
function scaled(text: string, exponent: 6n | 9n): Value | undefined {
  const nanos = parseQuantityNanos(text);
  if (nanos === undefined) return undefined;
  const divisor = 10n ** exponent;
  return nanos % divisor === 0n ? integerValue(nanos / divisor) : Number(nanos) / Number(divisor);
}
