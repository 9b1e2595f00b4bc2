// Reads a value by a structural schema as the API server does: unknown fields and nulls are dropped, defaults filled in (a default
// needs its parent object to be there), then every rule is checked. Lists all problems instead of stopping at the first, never throws,
// never changes its input, and walks each part of the value once. Only the schema words in `Schema` exist; tools/generate-api.ts
// refuses a definition that uses others, so none is silently ignored.
import { entryPath, type Problems } from "./problems.ts";

/** The part of a CustomResourceDefinition's schema that decides about values. */
export type Schema = ObjectSchema | MapSchema | ListSchema | TextSchema | IntegerSchema | BooleanSchema;

export interface ObjectSchema {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

export interface MapSchema {
  readonly type: "object";
  readonly additionalProperties: Schema;
}

export interface ListSchema {
  readonly type: "array";
  readonly items: Schema;
  /** The fields by which entries are told apart: no two entries may agree in all of them. */
  readonly keys?: readonly string[];
}

export interface TextSchema {
  readonly type: "string";
  readonly enum?: readonly string[];
  readonly format?: "date-time";
  readonly pattern?: string;
  /** Characters, counted as code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly default?: string;
}

export interface IntegerSchema {
  readonly type: "integer";
  /** 64 bits unless given. */
  readonly format?: "int32" | "int64";
  readonly minimum?: number;
  readonly maximum?: number;
  readonly default?: number;
}

export interface BooleanSchema {
  readonly type: "boolean";
  readonly default?: boolean;
}

/** The value with defaults and without what the schema does not know; parts with problems are left out of it. */
export function readValue(schema: Schema, value: unknown, path: string, problems: Problems): unknown {
  switch (schema.type) {
    case "object":
      if (!isRecord(value)) return problems.add(path, "must be an object");
      return "properties" in schema
        ? readObject(schema, value, path, problems)
        : readMap(schema, value, path, problems);
    case "array":
      return readList(schema, value, path, problems);
    case "string":
      return readText(schema, value, path, problems);
    case "integer":
      return readInteger(schema, value, path, problems);
    case "boolean":
      return typeof value === "boolean" ? value : problems.add(path, "must be true or false");
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Whether the value is an object that is neither null nor a list. */
export const isRecord = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readObject(schema: ObjectSchema, value: Fields, path: string, problems: Problems): Fields {
  const entries: [string, unknown][] = [];
  for (const [name, property] of Object.entries(schema.properties)) {
    const given = Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined;
    const field = path === "" ? name : `${path}.${name}`;
    if (given !== undefined) {
      const read = readValue(property, given, field, problems);
      if (read !== undefined) entries.push([name, read]);
    } else if ("default" in property) entries.push([name, property.default]);
    else if (schema.required?.includes(name)) problems.add(field, "must be set");
  }
  return Object.fromEntries(entries);
}

function readMap(schema: MapSchema, value: Fields, path: string, problems: Problems): Fields {
  const entries: [string, unknown][] = [];
  for (const [key, given] of Object.entries(value)) {
    if (given === null || given === undefined) continue;
    const read = readValue(schema.additionalProperties, given, entryPath(path, key), problems);
    if (read !== undefined) entries.push([key, read]);
  }
  // Not an assignment for each key: that would let a key named __proto__ change the object instead of becoming part of it.
  return Object.fromEntries(entries);
}

function readList(schema: ListSchema, value: unknown, path: string, problems: Problems): unknown {
  if (!Array.isArray(value)) return problems.add(path, "must be a list");
  const read = value.map((item: unknown, at) => readValue(schema.items, item, `${path}[${at}]`, problems));
  const { keys } = schema;
  if (keys === undefined) return read;
  const seen = new Set<string>();
  read.forEach((item, at) => {
    if (!isRecord(item)) return;
    const key = JSON.stringify(keys.map((name) => item[name]));
    if (seen.has(key)) problems.add(`${path}[${at}]`, `must differ from the earlier entries in ${keys.join(", ")}`);
    seen.add(key);
  });
  return read;
}

// RFC 3339, as the API server's own reader takes it.
const dateTime = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,20})?(?:[Zz]|[+-]\d{2}:\d{2})$/;
const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  const known = patterns.get(source);
  if (known !== undefined) return known;
  const pattern = new RegExp(source, "u");
  patterns.set(source, pattern);
  return pattern;
}

function readText(schema: TextSchema, value: unknown, path: string, problems: Problems): unknown {
  if (schema.enum !== undefined) {
    if (typeof value === "string" && schema.enum.includes(value)) return value;
    return problems.add(path, `must be one of ${schema.enum.join(", ")}`);
  }
  if (typeof value !== "string") return problems.add(path, "must be a string");
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (value.length < minLength) return problems.add(path, minLength === 1 ? "must not be empty" : tooShort(minLength));
  // A code point takes one or two units: only lengths between the two need counting.
  if (value.length > maxLength && (value.length > 2 * maxLength || [...value].length > maxLength)) {
    return problems.add(path, `must be at most ${maxLength} characters long`);
  }
  if (schema.format === "date-time" && !(dateTime.test(value) && !Number.isNaN(Date.parse(value)))) {
    return problems.add(path, "must be a time such as 2026-01-02T03:04:05Z");
  }
  if (schema.pattern !== undefined && !patternOf(schema.pattern).test(value)) {
    return problems.add(path, `must match ${schema.pattern}`);
  }
  return value;
}

const tooShort = (minLength: number): string => `must be at least ${minLength} characters long`;
const int32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const int64 = { min: -(2 ** 63), max: 2 ** 63 };

function readInteger(schema: IntegerSchema, value: unknown, path: string, problems: Problems): unknown {
  const range = schema.format === "int32" ? int32 : int64;
  const min = schema.minimum ?? range.min;
  const max = schema.maximum ?? range.max;
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value;
  if (range === int32 || (schema.minimum !== undefined && schema.maximum !== undefined)) {
    return problems.add(path, `must be a whole number from ${min} to ${max}`);
  }
  return problems.add(path, `must be a whole number${schema.minimum === undefined ? "" : ` of at least ${min}`}`);
}
