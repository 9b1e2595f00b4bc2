// The compiled language against a tree-walking evaluator that shares no code with it, on random trees and rows; and fuzzing of lexer and
// parser, gated on what they count, never on time. fast-check prints the seed of a failure.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileExpression } from "../../../../src/metric-source/expression/compile.ts";
import { lex } from "../../../../src/metric-source/expression/lexer.ts";
import { parse } from "../../../../src/metric-source/expression/parser.ts";
import type { Slot, Value, ValueType } from "../../../../src/metric-source/value.ts";
import { evaluate, type Plain, type Tree, textOf } from "../../../support/reference-expression.ts";

const nowMs = Date.parse("2026-03-01T12:00:00Z");

const text = fc.oneof(
  fc.constantFrom(
    "",
    "a",
    "10",
    "9",
    "-2.5",
    "1e3",
    "abc",
    "true",
    "ß",
    "é日🚀",
    "x\ny",
    'q"u',
    "b\\s",
    "2026-01-01T00:00:00Z",
  ),
  fc.constantFrom(
    "2024-02-30T00:00:00Z",
    "2024-02-29T23:59:59.25+02:00",
    "0001-01-01T00:00:00Z",
    "2026-01-01T24:00:00Z",
  ),
  fc.string({ unit: "grapheme", maxLength: 6 }),
);
const number = fc.oneof(
  fc.integer({ min: -10, max: 10 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, 0.5, 2.5, 1024, 1152, 2 ** 53, 2 ** 62, 1e23, 1e-7, 1e308, 123456.789),
);
const names: Record<string, fc.Arbitrary<Plain>> = {
  s: text,
  i: fc.integer(),
  f: number,
  b: fc.boolean(),
  n: fc.constant(null),
};
const types: Record<string, ValueType> = { s: "string", i: "integer", f: "float", b: "boolean", n: "float" };
const contexts = fc
  .record(names)
  .chain((all) => fc.subarray(Object.keys(all)).map((kept) => new Map(kept.map((name) => [name, all[name] ?? null]))));

const arities: Record<string, [number, number]> = {
  concat: [1, 3],
  lower: [1, 1],
  upper: [1, 1],
  len: [1, 1],
  substr: [2, 3],
  contains: [2, 2],
  startsWith: [2, 2],
  endsWith: [2, 2],
  round: [1, 2],
  floor: [1, 1],
  ceil: [1, 1],
  abs: [1, 1],
  min: [2, 2],
  max: [2, 2],
  coalesce: [1, 3],
  if: [3, 3],
  now: [0, 0],
  formatBytes: [1, 1],
  toString: [1, 1] as [number, number],
  toNumber: [1, 1],
};
const signs = ["??", "||", "&&", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%"];

const trees: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(
      fc.constantFrom(...Object.keys(names)).map((name): Tree => ({ is: "name", name })),
      fc
        .oneof(fc.constantFrom<Plain>(0, 1, 2.5, 1024, true, false, null), text)
        .map((value): Tree => ({ is: "literal", value })),
    ),
    fc.record({ is: fc.constant("unary" as const), sign: fc.constantFrom("-", "!"), of: tie("tree") }),
    fc.record({
      is: fc.constant("binary" as const),
      sign: fc.constantFrom(...signs),
      left: tie("tree"),
      right: tie("tree"),
    }),
    fc.constantFrom(...Object.keys(arities)).chain((name): fc.Arbitrary<Tree> => {
      const [minLength, maxLength] = arities[name] as [number, number];
      return fc.array(tie("tree"), { minLength, maxLength }).map((args) => ({ is: "call", name, args }));
    }),
    // Only names and texts can be times; other arguments may be refused when compiling.
    fc
      .oneof(
        fc.constant<Tree>({ is: "name", name: "s" }),
        text.map((value): Tree => ({ is: "literal", value })),
      )
      .map((arg): Tree => ({ is: "call", name: "age", args: [arg] })),
  ),
})).tree;

type Compile = typeof compileExpression;

/** Null when the two agree. */
function difference(tree: Tree, context: ReadonlyMap<string, Plain>, compile: Compile): string | null {
  const environment = new Map<string, Slot>(
    Object.entries(types).map(([name, type], slot): [string, Slot] => [name, { slot, type }]),
  );
  const row: Value[] = Object.keys(types).map((name) => context.get(name) ?? null);
  const source = textOf(tree);
  const compiled = compile(source, environment);
  if (!compiled.ok) return `${source}: ${JSON.stringify(compiled.problems)}`;
  const expected = evaluate(tree, context, nowMs);
  const actual = compiled.evaluate(row, nowMs);
  const isSame =
    typeof expected === "number" && typeof actual === "number" ? expected === actual : Object.is(expected, actual);
  return isSame ? null : `${source} over ${JSON.stringify([...context])}: ${String(expected)}, not ${String(actual)}`;
}

describe("compiled expressions", () => {
  it("are worth what the tree-walking evaluator says, over any row", () => {
    fc.assert(
      fc.property(trees, contexts, (tree, context) => {
        expect(difference(tree, context, compileExpression)).toBeNull();
      }),
      { numRuns: 1500 },
    );
  });

  const faults: [string, (value: Value) => Value][] = [
    ["null that counts as false", (value) => value ?? false],
    ["texts without their case", (value) => (typeof value === "string" ? value.toLowerCase() : value)],
    ["truths that are numbers", (value) => (typeof value === "boolean" ? Number(value) : value)],
    ["integers that are cut to 32 bits", (value) => (Number.isInteger(value) ? (value as number) | 0 : value)],
  ];
  it.each(faults)("would not pass with %s", (_, fault) => {
    const broken: Compile = (source, environment) => {
      const compiled = compileExpression(source, environment);
      if (!compiled.ok) return compiled;
      return { ...compiled, evaluate: (row, at) => fault(compiled.evaluate(row, at)) };
    };
    const details = fc.check(
      fc.property(trees, contexts, (tree, context) => difference(tree, context, broken) === null),
      { numRuns: 1500 },
    );
    expect(details.failed).toBe(true);
  });
});

describe("lexer and parser, on any text", () => {
  const fragment = fc.constantFrom(
    "(",
    ")",
    "concat(",
    ",",
    "a",
    "1",
    "1.5",
    '"',
    "'",
    "\\",
    "-",
    "!",
    "??",
    "&",
    "|",
    "==",
    " ",
    "🚀",
    "\u0000",
  );
  const soup = fc.oneof(
    fc.array(fragment, { maxLength: 200 }).map((parts) => parts.join("")),
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.tuple(fragment, fc.nat({ max: 1500 })).map(([part, times]) => part.repeat(times)),
  );

  it("take steps in proportion to the text, and never throw", () => {
    fc.assert(
      fc.property(soup, (source) => {
        const lexed = lex(source);
        expect(lexed.steps).toBeLessThanOrEqual(8 * source.length + 8);
        expect(lexed.tokens.length).toBeLessThanOrEqual(source.length + 1);
        const parsed = parse(lexed.tokens);
        // Each level of precedence may look at a token once more.
        expect(parsed.steps).toBeLessThanOrEqual(20 * lexed.tokens.length);
        const compiled = compileExpression(source, new Map());
        if (!compiled.ok) {
          expect(compiled.problems.length).toBeGreaterThan(0);
          for (const { column } of compiled.problems) {
            expect(column).toBeGreaterThanOrEqual(1);
            expect(column).toBeLessThanOrEqual(source.length + 1);
          }
        }
      }),
      { numRuns: 800 },
    );
  });
});
