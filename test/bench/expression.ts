// What an evaluation costs against the same written by hand in JavaScript, with the language's coercions: thirteen expressions over 64 contexts
// each, in one process. First each alone, held against the original's own ratio to the hand-written form; then the geometric mean of all.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { compileExpression } from "../../src/metric-source/expression/compile.ts";
import type { Slot, Value, ValueType } from "../../src/metric-source/value.ts";
import { geometricMeanMs, type Measure } from "./harness.ts";
import { expressions as handWritten } from "./reference/expressions.mjs";

interface Recorded {
  readonly id: string;
  readonly expr: string;
  readonly int64: readonly string[];
  readonly ctxs: readonly Readonly<Record<string, Value>>[];
}

/** Nanoseconds of the original over nanoseconds of the hand-written form. */
const originalRatios: Readonly<Record<string, number>> = {
  x02: 41 / 8,
  x03: 77 / 6,
  x04: 59 / 5.7,
  x06: 57 / 5.2,
  x07: 82 / 10.7,
  x08: 36 / 5.7,
  x09: 129 / 15.5,
  x12: 267 / 22.6,
  x13: 221 / 61,
  x14: 218 / 212,
  E1: 131 / 12.4,
  E2: 185 / 17.5,
  E3: 216 / 25.4,
};
const passes = 2_000;

function typeOf(value: Value | undefined, isInteger: boolean): ValueType {
  if (isInteger) return "integer";
  return typeof value === "boolean" ? "boolean" : typeof value === "number" ? "float" : "string";
}

/** Runs a function over all inputs, many times; the results are looked at, so that nothing is left out. */
function spin<T>(evaluate: (input: T) => unknown, inputs: readonly T[]): number {
  let nulls = 0;
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 0; i < inputs.length; i++) if (evaluate(inputs[i] as T) === null) nulls++;
  }
  return nulls;
}

interface Pair {
  readonly id: string;
  readonly reference: () => unknown;
  readonly subject: () => unknown;
  readonly evaluations: number;
}

function pairOf({ id, expr, int64, ctxs }: Recorded): Pair {
  const words = new Set([...ctxs.flatMap((context) => Object.keys(context)), ...(expr.match(/[a-z]\w*/gi) ?? [])]);
  const environment = new Map<string, Slot>();
  for (const name of words) {
    const some = ctxs.find((context) => name in context)?.[name];
    environment.set(name, { slot: environment.size, type: typeOf(some, int64.includes(name)) });
  }
  const rows = ctxs.map((context) => Array.from(words, (name) => context[name] ?? null));
  const compiled = compileExpression(expr, environment);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const byHand = handWritten[id] as (context: Record<string, unknown>) => unknown;
  const nowMs = Date.now();
  for (const [i, context] of ctxs.entries()) {
    const [ours, theirs] = [compiled.evaluate(rows[i] as Value[], nowMs), byHand(context)];
    if (id !== "x06" && id !== "x14" && ours !== theirs)
      throw new Error(`${id}: ${String(ours)}, not ${String(theirs)}`);
  }
  const { evaluate } = compiled;
  return {
    id,
    evaluations: passes * ctxs.length,
    reference: () => spin(byHand, ctxs),
    subject: () => spin((row) => evaluate(row, nowMs), rows),
  };
}

export async function* measures(): AsyncIterable<Measure> {
  const file = new URL("../fixtures/golden/engine/expressions.json.gz", import.meta.url);
  const recorded = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Recorded[];
  const pairs = recorded.filter(({ id }) => id in handWritten).map(pairOf);
  if (pairs.length !== Object.keys(originalRatios).length) throw new Error(`${pairs.length} expressions`);
  for (const { id, reference, subject, evaluations } of pairs) {
    const goal = Number((originalRatios[id] as number).toFixed(2));
    yield { name: `expression-${id}`, goal, unit: "evaluation", unitsPerRound: evaluations, reference, subject };
  }
  yield {
    name: "expression",
    goal: 2,
    unit: "evaluation",
    unitsPerRound: pairs[0]?.evaluations ?? 1,
    ownCost: true,
    reference: () => geometricMeanMs(pairs.map(({ reference }) => reference)),
    subject: () => geometricMeanMs(pairs.map(({ subject }) => subject)),
  };
}
