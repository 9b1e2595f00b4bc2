import { describe, expect, it } from "vitest";
import { coerceResult, decimalText } from "../../../../src/metric-source/coercions.ts";
import { compileExpression } from "../../../../src/metric-source/expression/compile.ts";
import { ExpressionLimitError, maxTextLength } from "../../../../src/metric-source/expression/limits.ts";
import type { Slot, Value } from "../../../../src/metric-source/value.ts";

const environment = new Map<string, Slot>([
  ["capacity", { slot: 0, type: "quantity" }],
  ["phase", { slot: 1, type: "string" }],
  ["created", { slot: 2, type: "timestamp" }],
  ["größe", { slot: 3, type: "float" }],
]);

const problemsOf = (text: string): string[] => {
  const compiled = compileExpression(text, environment);
  return compiled.ok ? [] : compiled.problems.map(({ column, message }) => `${column}: ${message}`);
};
function evaluate(text: string, row: Value[] = []): Value {
  const compiled = compileExpression(text, environment);
  if (!compiled.ok) throw new Error(problemsOf(text).join());
  return compiled.evaluate(row, Date.parse("2026-01-01T00:00:00Z"));
}

describe("what is wrong with an expression", () => {
  it.each([
    ["capcity / 2", ['1: "capcity" is neither a field nor an earlier computed value; did you mean "capacity"?']],
    ["Lower(phase)", ['1: there is no function "Lower"; did you mean "lower"?']],
    ["min(1)", ["1: min() takes 2 arguments, not 1"]],
    ["lower()", ["1: lower() takes 1 argument, not 0"]],
    ["round(1, 2, 3)", ["1: round() takes 1 or 2 arguments, not 3"]],
    ["concat()", ["1: concat() takes at least 1 argument, not 0"]],
    ["created / 86400", ['1: "created" is a timestamp and never a number; age(created) is its age in seconds']],
    ["age(capacity)", ['5: age() takes a timestamp, "capacity" has the type quantity']],
    ["capacity = 3", ['10: "=" means nothing here; compare with ==']],
    ["5m + 1", ['1: "5m" is not a number: numbers are digits with a point or an exponent, without units']],
    ["1.2.3", ['1: "1.2.3" is not a number: it has one point too many']],
    ["1e999", ['1: "1e999" is too large for a number']],
    ["'abc", ["1: this text has no closing '"]],
    ["", ["1: the expression is empty"]],
    ["1 2", ['3: expected an operator or the end, found "2"']],
    ["1)", ['2: this ")" closes nothing']],
    ["(1", ['3: expected ")" for the "(" of column 1, found the end']],
    ["1\u00a0+ 2", ["2: the character U+00A0 means nothing here"]],
  ])("%j is said with its column and what would be right", (text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it("is reported all at once, in the order of the text", () => {
    expect(problemsOf("nope + capacity ? othr(1) : 'x")).toEqual([
      expect.stringMatching(/^1: "nope" is neither/),
      expect.stringMatching(/^17: "\?" means nothing here; write if/),
      expect.stringMatching(/^19: there is no function "othr"/),
      expect.stringMatching(/^27: ":" means nothing/),
      expect.stringMatching(/^29: this text has no closing/),
    ]);
  });
});

describe("limits of an expression (E-35)", () => {
  const nested = (depth: number): string => `${"(".repeat(depth)}1${")".repeat(depth)}`;
  const called = (depth: number): string => `${"abs(".repeat(depth)}1${")".repeat(depth)}`;

  it("groups and unary operators nest to 64, calls to 128; deeper ones are refused with the limit", () => {
    expect(evaluate(nested(64))).toBe(1);
    expect(evaluate(`${"!".repeat(64)}capacity`, [1])).toBe(true);
    expect(evaluate(called(128))).toBe(1);
    expect(problemsOf(nested(65))).toEqual([expect.stringMatching(/^65: nested too deep: at most 64 /)]);
    expect(problemsOf(`${"-".repeat(65)}1`)).toEqual([expect.stringMatching(/at most 64 /)]);
    expect(problemsOf(called(129))).toEqual([expect.stringMatching(/at most 128 calls /)]);
  });

  it("texts are at most 4096 characters long, and the longest can be evaluated", () => {
    const sum = `${"größe+".repeat(682)}1+1`;
    expect(sum.length).toBe(4095);
    expect(evaluate(sum, [null, null, null, 1])).toBe(684);
    expect(problemsOf(`${sum}+1`)).toEqual(["4097: the expression has 4097 characters: at most 4096 are allowed"]);
  });

  it("an evaluation that makes too long a text is stopped, and the error says by which limit", () => {
    const long = "x".repeat(maxTextLength);
    expect(evaluate("concat(phase)", [0, long])).toBe(long);
    expect(() => evaluate("concat(phase, 'y')", [0, long])).toThrow(/may have 65536 characters/);
    expect(() => evaluate("phase + phase", [0, long])).toThrow(ExpressionLimitError);
    expect(evaluate("phase ?? 'none'", [0, `${long}${long}`])).toHaveLength(2 * maxTextLength);
  });

  it("an evaluation that works on too much text is stopped, and the next one is not", () => {
    const many = Array.from({ length: 20 }, () => "len(lower(phase))").join(" + ");
    const compiled = compileExpression(many, environment);
    if (!compiled.ok) throw new Error("it compiles");
    expect(() => compiled.evaluate([0, "x".repeat(maxTextLength)], 0)).toThrow(/1048576 characters together/);
    expect(compiled.evaluate([0, "xy"], 0)).toBe(40);
  });
});

describe("values", () => {
  it("names may be of any script, and escapes are decoded, unknown ones kept", () => {
    expect(evaluate("größe * 2", [0, "", "", 21])).toBe(42);
    expect(evaluate(String.raw`'a\n\'\q\\'`)).toBe("a\n'\\q\\");
  });

  it("integers beyond 2^53 keep their digits as text and as integers", () => {
    const exact = 9007199254740993n;
    expect(evaluate("toString(capacity)", [exact])).toBe("9007199254740993");
    expect(coerceResult(evaluate("capacity", [exact]), "integer")).toBe(exact);
    expect(evaluate("capacity == '9007199254740993'", [exact])).toBe(true);
    expect(coerceResult(1e300, "integer")).toBeNull();
  });

  it("numbers become plain decimals of any size", () => {
    expect([1e21, 1.5e-7, -2.5e22, 1e23, 2 ** 60, 0.1].map(decimalText)).toEqual([
      "1000000000000000000000",
      "0.00000015",
      "-25000000000000000000000",
      "100000000000000000000000",
      "1152921504606846976",
      "0.1",
    ]);
  });

  it("exact halves of formatted sizes go to the even digit", () => {
    expect(evaluate("formatBytes(1152)")).toBe("1.12Ki");
    expect(evaluate("formatBytes(1408)")).toBe("1.38Ki");
  });
});
