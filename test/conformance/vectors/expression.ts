// expression.json: a context becomes a row, its members the environment; the result is coerced where the vector declares a type.
import { coerceResult } from "../../../src/metric-source/coercions.ts";
import { compileExpression } from "../../../src/metric-source/expression/compile.ts";
import {
  type ResultType,
  resultTypes,
  type Slot,
  type Value,
  type ValueType,
} from "../../../src/metric-source/value.ts";
import { type Actual, plain, type Suite, type Vector } from "./suite.ts";

const wordsOf = (expression: string): string[] => expression.match(/[\p{L}_][\p{L}\p{N}\p{M}_]*/gu) ?? [];

function typeOf(value: Value, isInteger: boolean): ValueType {
  if (isInteger) return "integer";
  if (typeof value === "boolean") return "boolean";
  return typeof value === "number" || typeof value === "bigint" ? "float" : "string";
}

function run(vector: Vector): Actual {
  const expression = String(vector["expression"]);
  const context = plain(vector["context"] ?? {}) as Record<string, Value>;
  const integers = new Set((vector["int64Fields"] ?? []) as string[]);
  const environment = new Map<string, Slot>();
  const row: Value[] = [];
  // A name that the context lacks is a field that has no value.
  for (const name of new Set([...Object.keys(context), ...wordsOf(expression)])) {
    const value = context[name] ?? null;
    environment.set(name, { slot: row.length, type: typeOf(value, integers.has(name)) });
    row.push(value);
  }
  const compiled = compileExpression(expression, environment);
  if (!compiled.ok) {
    return { error: compiled.problems.map(({ column, message }) => `column ${column}: ${message}`).join("; ") };
  }
  const references = vector["references"] as readonly string[] | undefined;
  if (references !== undefined && references.toSorted().join() !== compiled.references.toSorted().join()) {
    return { value: { references: compiled.references } };
  }
  const raw = compiled.evaluate(row, vector.now === undefined ? 0 : Date.parse(vector.now));
  const type = resultTypes.find((known) => known === vector["resultType"]) as ResultType | undefined;
  return { value: type === undefined ? raw : coerceResult(raw, type) };
}

export const expression: Suite = { run };
