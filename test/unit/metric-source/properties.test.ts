// Paths, conversions and globs against slow references that share no code with them, and the path parser against noise. Seeds are printed.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { conversionTo } from "../../../src/metric-source/convert.ts";
import { matchesGlob } from "../../../src/metric-source/namespaces.ts";
import { maxPathSteps, type PathStep, parsePath } from "../../../src/metric-source/path.ts";
import { compilePath } from "../../../src/metric-source/resolve.ts";

const key = fc.constantFrom("a", "b", "a.b/c", "it's", 'q"', "back\\slash", "[0]", "__proto__", "constructor", "é");
const step: fc.Arbitrary<PathStep> = fc.oneof(
  { weight: 4, arbitrary: key.map((k): PathStep => ({ kind: "key", key: k })) },
  fc.integer({ min: -3, max: 2 }).map((at): PathStep => ({ kind: "index", at })),
  fc.constant<PathStep>({ kind: "wildcard" }),
);
const object = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, 1, "t", true),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

const quoted = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
const written = (steps: readonly PathStep[]): string =>
  steps
    .map((s) =>
      s.kind === "key" ? `[${quoted(s.key)}]` : s.kind === "index" ? `[${s.at}${s.at < 0 ? ":" : ""}]` : "[*]",
    )
    .join("");

/** All the values at the end of the steps, one step at a time, by entries and never by member access. */
function slow(value: unknown, steps: readonly PathStep[]): unknown {
  const [first, ...rest] = steps;
  if (first === undefined) return value;
  if (Array.isArray(value)) {
    if (first.kind === "index") return slow(value[first.at < 0 ? value.length + first.at : first.at], rest);
    if (first.kind !== "wildcard") return undefined;
    return value.map((part) => slow(part, rest)).filter((part) => part !== undefined);
  }
  if (first.kind !== "key" || value === null || typeof value !== "object") return undefined;
  const entry = Object.entries(value).find(([name]) => name === first.key);
  return entry === undefined ? undefined : slow(entry[1], rest);
}

function resolvesAsReference(compile: typeof compilePath): void {
  fc.assert(
    fc.property(object, fc.array(step, { maxLength: 4 }), (value, steps) => {
      expect(compile(steps)(value)).toEqual(slow(value, steps));
    }),
    { numRuns: 2000 },
  );
}

describe("paths", () => {
  it("lead where a slow reference goes", () => {
    resolvesAsReference(compilePath);
  });

  it("planted faults are caught: inherited members, wildcards that keep holes", () => {
    const inherited: typeof compilePath = (steps) => (value) =>
      steps.reduce<unknown>(
        (at, s) => (s.kind === "key" ? (at as Record<string, unknown> | null)?.[s.key] : undefined),
        value,
      );
    expect(() => resolvesAsReference(inherited)).toThrow();
    const holes: typeof compilePath = (steps) => {
      const resolve = compilePath(steps);
      return (value) => {
        const found = resolve(value);
        return Array.isArray(found) && steps.some((s) => s.kind === "wildcard") ? [...found, undefined] : found;
      };
    };
    expect(() => resolvesAsReference(holes)).toThrow();
  });

  it("read back as they were written, whatever the keys hold", () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        expect(parsePath(written(steps))).toMatchObject({ ok: true, steps, warnings: [] });
      }),
    );
  });

  it("the parser takes any text, and makes no more of it than there is", () => {
    const noise = fc.string({
      unit: fc.constantFrom(".", "[", "]", "'", '"', "\\", "*", "0", "-", "a", "$", "é"),
      maxLength: 300,
    });
    fc.assert(
      fc.property(noise, (text) => {
        const parsed = parsePath(text);
        if (!parsed.ok) {
          expect(parsed.problem.column).toBeGreaterThan(0);
          expect(parsed.problem.column).toBeLessThanOrEqual(text.length + 1);
          return;
        }
        const size = parsed.steps.reduce((sum, s) => sum + (s.kind === "key" ? s.key.length : 1), 0);
        expect(size).toBeLessThanOrEqual(text.length);
        expect(parsed.steps.length).toBeLessThanOrEqual(maxPathSteps);
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

describe("conversions", () => {
  const quantity = conversionTo("quantity", []);
  const suffixes: [string, bigint, bigint][] = [
    ["", 1n, 1n],
    ["k", 1000n, 1n],
    ["M", 1000n ** 2n, 1n],
    ["Ki", 1024n, 1n],
    ["Gi", 1024n ** 3n, 1n],
    ["Ti", 1024n ** 4n, 1n],
  ];

  it("whole quantities are exact to the integer", () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }),
        fc.constantFrom(...suffixes),
        (digits, [suffix, unit]) => {
          expect(BigInt(quantity(`${digits}${suffix}`) as number | bigint)).toBe(digits * unit);
        },
      ),
    );
  });

  it("thousandths are counted, not divided and multiplied: 1001m is 1001", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), (milli) => {
        expect(quantity(`${milli}m`)).toBe(milli);
      }),
    );
    const planted = (text: string): number => Math.trunc((Number(text.slice(0, -1)) / 1000) * 1000);
    expect(planted("1001m")).not.toBe(quantity("1001m"));
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

it("globs match like a reference that tries everything", () => {
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
