// Aggregations once more, one at a time and without haste: filter the rows, split them into groups, apply the function to each. Shares no
// code with src/metric-source; the property tests hold the one-pass form against it.
import { type Plain, textOfValue } from "./reference-expression.ts";

export interface ReferenceDefinition {
  readonly name: string;
  readonly function: string;
  readonly field?: string;
  readonly filter?: { readonly field: string; readonly operator: string; readonly value: string };
  readonly groupBy?: string;
  readonly percentile?: number;
}
export type ReferenceRow = Readonly<Record<string, Plain>>;

const valueIn = (row: ReferenceRow, name: string | undefined): Plain =>
  name !== undefined && Object.hasOwn(row, name) ? (row[name] ?? null) : null;

/** A decimal number, then perhaps a unit of a quantity; nothing else. */
function magnitude(text: string): number | null {
  const found = /^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([numkKMGTPE]|[KMGTPE]i)?\s*$/i.exec(text);
  if (found === null) return null;
  const powers: Record<string, number> = { n: 1e-9, u: 1e-6, m: 1e-3, k: 1e3, K: 1e3, M: 1e6, G: 1e9, T: 1e12 };
  const binary: Record<string, number> = { Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 };
  const unit = found[2] ?? "";
  const scale = unit === "" ? 1 : (powers[unit] ?? binary[unit]);
  return scale === undefined ? null : Number(found[1]) * scale;
}
const isNumber = (text: string): boolean => /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
const timeOf = (text: string): number | null =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) && !Number.isNaN(Date.parse(text)) ? Date.parse(text) : null;

function order(value: Plain, operand: string): number | null {
  const threshold = magnitude(operand);
  if (threshold !== null) {
    const own = typeof value === "number" ? value : typeof value === "string" ? magnitude(value) : null;
    return own === null ? null : own - threshold;
  }
  const [own, time] = [typeof value === "string" ? timeOf(value) : null, timeOf(operand)];
  return own === null || time === null ? null : own - time;
}

function matches(row: ReferenceRow, filter: ReferenceDefinition["filter"]): boolean {
  if (filter === undefined) return true;
  const value = valueIn(row, filter.field);
  if (value === null) return false;
  const { operator, value: operand } = filter;
  const text = textOfValue(value);
  const isEqual =
    typeof value === "number"
      ? isNumber(operand) && Number(operand) === value
      : typeof value === "string"
        ? value === operand
        : text === operand;
  const difference = order(value, operand);
  switch (operator) {
    case "equals":
      return isEqual;
    case "notEquals":
      return !isEqual;
    case "contains":
      return text.indexOf(operand) >= 0;
    case "startsWith":
      return text.indexOf(operand) === 0;
    case "endsWith":
      return (
        operand === "" || (text.length >= operand.length && text.lastIndexOf(operand) === text.length - operand.length)
      );
    case "greaterThan":
      return difference !== null && difference > 0;
    case "lessThan":
      return difference !== null && difference < 0;
    case "in":
      return operand
        .slice(operand.startsWith("[") ? 1 : 0, operand.endsWith("]") ? -1 : undefined)
        .split(",")
        .some((entry) => entry.trim() === text);
    case "matches":
      // Of patterns that JavaScript and RE2 read alike.
      return new RegExp(operand, "u").test(text);
    default:
      return false;
  }
}

function apply(definition: ReferenceDefinition, rows: readonly ReferenceRow[]): Plain {
  const values = rows.map((row) => valueIn(row, definition.field)).filter((value) => value !== null);
  const numbers = values.filter((value) => typeof value === "number");
  const sorted = numbers.toSorted((a, b) => a - b);
  const texts = values
    .filter((value) => typeof value === "string")
    .toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  switch (definition.function) {
    case "count":
      return rows.length;
    case "sum":
      return numbers.reduce((sum, value) => sum + value, 0);
    case "avg":
      return numbers.length === 0 ? null : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    case "min":
      return sorted[0] ?? texts[0] ?? null;
    case "max":
      return sorted.at(-1) ?? texts.at(-1) ?? null;
    case "distinct":
      return values.filter((value, i) => values.indexOf(value) === i).length;
    case "percentile": {
      if (sorted.length === 0) return null;
      const rank = ((definition.percentile ?? 95) / 100) * (sorted.length - 1);
      const below = sorted[Math.floor(rank)] as number;
      return below + ((sorted[Math.ceil(rank)] as number) - below) * (rank % 1);
    }
    default:
      return null;
  }
}

/** Results by name; where it groups, pairs of group and result in the order of the groups' texts. */
export function aggregateSlowly(
  definitions: readonly ReferenceDefinition[],
  rows: readonly ReferenceRow[],
): Map<string, Plain | [string, Plain][]> {
  const results = new Map<string, Plain | [string, Plain][]>();
  for (const definition of definitions) {
    const kept = rows.filter((row) => matches(row, definition.filter));
    if (definition.groupBy === undefined) {
      results.set(definition.name, apply(definition, kept));
      continue;
    }
    const keyOf = (row: ReferenceRow): string => {
      const value = valueIn(row, definition.groupBy);
      return value === null ? "_unknown_" : textOfValue(value);
    };
    const keys = [...new Set(kept.map(keyOf))].sort();
    results.set(
      definition.name,
      keys.map((key) => [
        key,
        apply(
          definition,
          kept.filter((row) => keyOf(row) === key),
        ),
      ]),
    );
  }
  return results;
}
