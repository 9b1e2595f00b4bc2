// The compiled language against a tree-walking evaluator that shares no code with it, on random trees and rows; and fuzzing of lexer and
// parser, gated on what they count, never on time. fast-check prints the seed of a failure.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileExpression } from "../../../../src/metric-source/expression/compile.ts";
import { lex } from "../../../../src/metric-source/expression/lexer.ts";
import { maxProblems } from "../../../../src/metric-source/expression/limits.ts";
import { parse } from "../../../../src/metric-source/expression/parser.ts";
import type { Value } from "../../../../src/metric-source/value.ts";
import { type Compile, expressionsAgree, resultsAgree, textsAreOrdered } from "../../../support/engine-properties.ts";

describe("compiled expressions", { timeout: 60_000 }, () => {
  it("are worth what the tree-walking evaluator says, over any row", () => {
    fc.assert(expressionsAgree(), { numRuns: 1500 });
  });

  it("become the type that is declared as a slow reference says", () => {
    fc.assert(resultsAgree(), { numRuns: 500 });
    fc.assert(textsAreOrdered(), { numRuns: 500 });
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
    const details = fc.check(expressionsAgree(broken), { numRuns: 1500, seed: 1 });
    expect(details.failed).toBe(true);
  });
});

describe("lexer and parser, on any text", { timeout: 60_000 }, () => {
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

  it("E-35: take steps in proportion to the text, report a bounded number of problems, and never throw", () => {
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
          expect(compiled.problems.length).toBeLessThanOrEqual(maxProblems);
          expect(JSON.stringify(compiled.problems).length).toBeLessThanOrEqual(maxProblems * (source.length + 400));
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
