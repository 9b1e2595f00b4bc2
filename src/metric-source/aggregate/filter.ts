// Filters of aggregations, from their text to a test of one value. null and a missing value never match, not even notEquals; neither
// does what cannot be compared, nor a filter that makes no sense. greaterThan and lessThan compare numbers, quantities and timestamps.

import { parseQuantity } from "../../support/quantity.ts";
import { decimalText, integerText, numericText, toText } from "../coercions.ts";
import { compilePattern } from "../regex.ts";
import { parseRfc3339 } from "../rfc3339.ts";
import type { Value } from "../value.ts";
import type { FilterDefinition } from "./definition.ts";

type Present = Exclude<Value, null>;
type Test = (value: Present) => boolean;

/** A test for one value of the filter's field. */
export function compileFilter({ operator, value }: FilterDefinition): (value: Value) => boolean {
  const test = compileTest(operator, value);
  return (candidate) => candidate !== null && test(candidate);
}

function compileTest(operator: string, operand: string): Test {
  switch (operator) {
    case "equals":
      return equals(operand);
    case "notEquals": {
      const isEqual = equals(operand);
      return (value) => !isEqual(value);
    }
    case "contains":
      return (value) => toText(value).includes(operand);
    case "startsWith":
      return (value) => toText(value).startsWith(operand);
    case "endsWith":
      return (value) => toText(value).endsWith(operand);
    case "greaterThan":
      return ordered(operand, (difference) => difference > 0);
    case "lessThan":
      return ordered(operand, (difference) => difference < 0);
    case "in": {
      const entries = new Set(listEntries(operand));
      return (value) => entries.has(toText(value));
    }
    case "matches": {
      const pattern = compilePattern(operand);
      return pattern.ok ? (value) => pattern.test(toText(value)) : () => false;
    }
    default:
      return () => false;
  }
}

function equals(operand: string): Test {
  const number = numericText(operand);
  const integer = integerText(operand);
  const truth = operand === "true" ? true : operand === "false" ? false : undefined;
  return (value) => {
    switch (typeof value) {
      case "string":
        return value === operand;
      case "number":
        return value === number;
      case "bigint":
        return integer === undefined ? Number(value) === number : value === integer;
      case "boolean":
        return value === truth;
    }
  };
}

/** Texts that are blank are no quantities here, although 0 is what they stand for elsewhere. */
const magnitude = (text: string): number | undefined =>
  numericText(text) ?? (text.trim() === "" ? undefined : parseQuantity(text));

function ordered(operand: string, holds: (difference: number) => boolean): Test {
  const number = magnitude(operand);
  if (number !== undefined) {
    const integer = integerText(operand);
    return (value) => {
      if (typeof value === "number") return holds(value - number);
      if (typeof value === "bigint")
        return holds(integer === undefined ? Number(value) - number : Number(value - integer));
      if (typeof value === "boolean") return false;
      const own = magnitude(value);
      return own !== undefined && holds(own - number);
    };
  }
  const time = parseRfc3339(operand);
  if (time === undefined) return () => false;
  return (value) => {
    const own = typeof value === "string" ? parseRfc3339(value) : undefined;
    return own !== undefined && holds(own - time);
  };
}

/** `[a, b]`, `a,b` or a JSON list, as texts. */
function listEntries(operand: string): string[] {
  if (operand.includes('"')) {
    try {
      const list: unknown = JSON.parse(operand);
      if (Array.isArray(list))
        return list.map((entry) => (typeof entry === "number" ? decimalText(entry) : String(entry)));
    } catch {
      // Not JSON: the form without quotes, below.
    }
  }
  const inner = operand.replace(/^\[+|\]+$/g, "").replace(/^\]+|\[+$/g, "");
  return inner.split(",").map((entry) => entry.trim().replace(/^(["'])(.*)\1$/s, "$2"));
}
