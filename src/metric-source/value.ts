// What a field or a computed value can be, and what its declared type says about it. A row is an array of values; a name stands for a
// slot of it, decided once when a MetricSource is compiled. Numbers are finite: NaN and infinities never get into a row, null does.

/**
 * One value of a row. Lists and maps are never values: a path that ends in one yields its length, or its JSON as text.
 * A bigint stands only for an integer beyond ±2^53, which a number cannot hold exactly; see {@link integerValue}.
 */
export type Value = string | number | bigint | boolean | null;

/** The values of one object, by slot. */
export type Row = readonly Value[];

/** The declared type of a field; see {@link resultTypes} for computed values. A timestamp is text in RFC 3339, kept as it came. */
export type ValueType = "string" | "integer" | "float" | "boolean" | "quantity" | "timestamp" | "arrayLength";

/** The types that a computed value may declare. */
export type ResultType = "string" | "integer" | "float" | "boolean";

export const valueTypes: readonly ValueType[] = [
  "string",
  "integer",
  "float",
  "boolean",
  "quantity",
  "timestamp",
  "arrayLength",
];
export const resultTypes: readonly ResultType[] = ["string", "integer", "float", "boolean"];

/** Where a name stands in a row, and what is there. */
export interface Slot {
  readonly slot: number;
  readonly type: ValueType;
}

/** The names that an expression or an aggregation may use. */
export type Environment = ReadonlyMap<string, Slot>;

/** An integer as a value: a number where that is exact, else the bigint itself. */
export function integerValue(exact: bigint): number | bigint {
  const number = Number(exact);
  return Number.isSafeInteger(number) ? number : exact;
}
