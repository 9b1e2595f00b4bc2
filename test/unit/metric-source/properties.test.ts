// Paths, conversions and globs against slow references that share no code with them, and the path parser against noise. Seeds are printed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversionTo } from "../../../src/metric-source/convert.ts";
import { matchesGlob } from "../../../src/metric-source/namespaces.ts";
import { maxPathSteps, maxPathWarnings, parsePath } from "../../../src/metric-source/path.ts";
import { pathsReadBack, pathsResolve, quantitiesAreExact } from "../../support/engine-properties.ts";

describe("paths", { timeout: 60_000 }, () => {
  it("lead where a slow reference goes", () => {
    fc.assert(pathsResolve(), { numRuns: 2000 });
  });

  it("read back as they were written, whatever the keys hold", () => {
    fc.assert(pathsReadBack(), { numRuns: 500 });
  });

  it("E-35: the parser takes any text in steps and bytes that are bounded by its length", () => {
    const piece = fc.constantFrom(
      ".",
      "[",
      "]",
      "'",
      '"',
      "\\",
      "*",
      "0",
      "-",
      "a",
      "$",
      "é",
      "['",
      "']",
      "[-1:]",
      "{",
      "🚀",
    );
    const noise = fc.oneof(
      fc.array(piece, { maxLength: 300 }).map((pieces) => pieces.join("")),
      fc.tuple(piece, fc.nat({ max: 2048 }), piece).map(([one, times, other]) => one.repeat(times) + other),
      fc.string({ unit: "binary", maxLength: 300 }),
    );
    fc.assert(
      fc.property(noise, (text) => {
        const parsed = parsePath(text);
        expect(parsed.looks).toBeLessThanOrEqual(4 * text.length + 4);
        if (!parsed.ok) {
          expect(parsed.problem.column).toBeGreaterThan(0);
          expect(parsed.problem.column).toBeLessThanOrEqual(text.length + 1);
          return;
        }
        const size = parsed.steps.reduce((sum, s) => sum + (s.kind === "key" ? s.key.length : 1), 0);
        expect(size).toBeLessThanOrEqual(text.length);
        expect(parsed.steps.length).toBeLessThanOrEqual(maxPathSteps);
        expect(JSON.stringify(parsed.warnings).length).toBeLessThanOrEqual(400 * maxPathWarnings);
      }),
      { numRuns: 3000 },
    );
  });

  it("has limits for length and steps, and works at them", () => {
    expect(parsePath(".a".repeat(maxPathSteps))).toMatchObject({ ok: true });
    expect(parsePath(".a".repeat(maxPathSteps + 1))).toMatchObject({ ok: false });
    expect(parsePath("a".repeat(2048))).toMatchObject({ ok: true });
    expect(parsePath("a".repeat(2049))).toMatchObject({ ok: false });
  });
});

describe("conversions", { timeout: 60_000 }, () => {
  const quantity = conversionTo("quantity", []);
  it("quantities are exact to the integer, in bytes, millicores and thousandths", () => {
    fc.assert(quantitiesAreExact(), { numRuns: 500 });
  });

  it("thousandths are counted, not divided and multiplied: 1001m is 1001", () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 200_000 }), (milli) => quantity(`${milli}m`) === milli));
  });

  it("CPU is counted in millicores and memory in bytes, however they are written", () => {
    const of = (name: string) => conversionTo("quantity", [{ kind: "key", key: name }]);
    expect(["2", "2000m", "0.5", "100m"].map((text) => of("cpu")(text))).toEqual([2000, 2000, 500, 100]);
    expect(of("requests.cpu")("1")).toBe(1000);
    expect(of("memory")("128974848000m")).toBe(128974848);
  });

  it("integers keep 64 bits and refuse more", () => {
    const integer = conversionTo("integer", []);
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }), (exact) => {
        const fits = exact >= -(2n ** 63n) && exact < 2n ** 63n;
        const value = integer(String(exact));
        expect(value === undefined ? undefined : BigInt(value as number | bigint)).toBe(fits ? exact : undefined);
      }),
    );
  });

  it("texts longer than the limit do not convert, texts at the limit do", () => {
    const text = conversionTo("string", []);
    expect(text("x".repeat(65_536))).toHaveLength(65_536);
    expect(text("x".repeat(65_537))).toBeUndefined();
    expect(text({ a: "x".repeat(65_537) })).toBeUndefined();
    const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
    expect(text(nested(64))).toHaveLength(129);
    expect(text(nested(65))).toBeUndefined();
  });
});

it("E-33: globs match like a reference that tries everything, and in steps that no pattern multiplies", {
  timeout: 60_000,
}, () => {
  const reference = (pattern: string, text: string): boolean => {
    if (pattern === "") return text === "";
    if (pattern[0] === "*")
      return reference(pattern.slice(1), text) || (text !== "" && reference(pattern, text.slice(1)));
    return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) && reference(pattern.slice(1), text.slice(1));
  };
  const letters = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 8 });
  const patterns = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 6 });
  fc.assert(
    fc.property(patterns, letters, (pattern, text) => matchesGlob(pattern, text) === reference(pattern, text)),
    {
      numRuns: 2000,
    },
  );
  expect(matchesGlob("*a".repeat(100), `${"a".repeat(200)}b`)).toBe(false);
});
