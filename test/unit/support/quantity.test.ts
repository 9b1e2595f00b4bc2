import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  parseBytes,
  parseCpuCores,
  parseCpuNanocores,
  parseQuantity,
  parseQuantityNanos,
} from "../../../src/support/quantity.ts";

interface Vector {
  readonly name: string;
  readonly kind: "cpu" | "memory";
  readonly input: string;
  readonly expected: unknown;
  readonly goQuirk?: boolean;
  readonly saneExpected?: unknown;
}
const vectors = (
  JSON.parse(readFileSync(new URL("../../fixtures/vectors/quantity.json", import.meta.url), "utf8")) as {
    vectors: Vector[];
  }
).vectors;

function asNumber(value: unknown): number {
  if (typeof value === "number") return value;
  return Number((value as { $int64: string }).$int64);
}

describe("recorded vectors", () => {
  it("are all there", () => expect(vectors.length).toBe(60));

  it.each(vectors)("$name", ({ kind, input, expected, goQuirk, saneExpected }) => {
    const wanted = asNumber(goQuirk === true ? saneExpected : expected);
    // The vectors write 0 for what is not a quantity; here that is undefined, and the caller decides.
    const got = (kind === "cpu" ? parseCpuCores : parseBytes)(input) ?? 0;
    // Fractions of a byte may go to either neighbour.
    const tolerance = kind === "memory" && !Number.isInteger(wanted) ? 1 : 1e-9 * Math.max(1, Math.abs(wanted));
    const fractionOfByte = kind === "memory" && /\.|m$|n$/.test(input) ? 1 : 0;
    expect(Math.abs(got - wanted)).toBeLessThanOrEqual(Math.max(tolerance, fractionOfByte));
  });
});

describe("quantities", () => {
  it.each([
    ["1E", 1e18],
    ["1Ei", 2 ** 60],
    ["1e3", 1000],
    ["1E3", 1000],
    ["1e-3", 0.001],
    ["1e+2", 100],
    ["1k", 1000],
    ["1m", 0.001],
    ["100u", 0.0001],
    [".5", 0.5],
    ["+.5Ki", 512],
    ["-1.5Gi", -1610612736],
    ["  7 ", 7],
    ["", 0],
    ["0e999", 0],
    ["1001m", 1.001],
  ])("%j is %d", (text, value) => expect(parseQuantity(text)).toBe(value));

  it.each([
    ".",
    "+",
    "-",
    "m",
    "Ki",
    "1 Gi",
    "1,5",
    "1t",
    "1g",
    "1Kib",
    "0x10",
    "Inf",
    "NaN",
    "1..2",
    "1e",
    "1e1.5",
    "--1",
    "1_000",
    "١",
    "1mi",
    `${"1".repeat(300)}`,
  ])("%j is not a quantity", (text) => {
    for (const parse of [parseQuantity, parseBytes, parseCpuCores, parseCpuNanocores, parseQuantityNanos]) {
      expect(parse(text)).toBeUndefined();
    }
  });

  it("rounds fractions of a byte away from zero", () => {
    expect(parseBytes("1m")).toBe(1);
    expect(parseBytes("1.1Mi")).toBe(1153434);
    expect(parseBytes("-1.5")).toBe(-2);
    expect(parseBytes("1000m")).toBe(1);
    expect(parseBytes("128974848000m")).toBe(128974848);
  });

  it("rounds what is finer than a billionth away from zero", () => {
    expect(parseQuantityNanos("0.1n")).toBe(1n);
    expect(parseQuantityNanos("1e-400")).toBe(1n);
    expect(parseQuantityNanos("-0.0000000001")).toBe(-1n);
    expect(parseQuantityNanos("1e-999999999999")).toBe(1n);
  });

  it("clamps at the largest 64-bit integer", () => {
    const largest = ((1n << 63n) - 1n) * 1_000_000_000n;
    for (const text of ["1e400", "9223372036854775808", "16Ei", "1e99999999999"]) {
      expect(parseQuantityNanos(text)).toBe(largest);
      expect(parseQuantityNanos(`-${text}`)).toBe(-largest);
    }
    expect(parseQuantityNanos("9223372036854775807")).toBe(largest);
  });

  it("keeps integers beyond 2^53 exact in billionths", () => {
    expect(parseQuantityNanos("9007199254740993")).toBe(9007199254740993n * 1_000_000_000n);
  });

  it("sums of nanocores do not drift", () => {
    const sum = Array.from({ length: 1000 }, () => parseCpuNanocores("100m") ?? 0).reduce((a, b) => a + b, 0);
    expect(sum / 1e9).toBe(100);
  });

  const suffix = fc.constantFrom("", "n", "u", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti");
  it("the short way and the exact way agree", () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999_999 }), suffix, (digits, unit) => {
        const text = `${digits}${unit}`;
        const nanos = parseQuantityNanos(text) as bigint;
        // A leading "+" is never taken by the short way.
        expect(parseQuantity(text)).toBe(parseQuantity(`+${text}`));
        expect(parseCpuNanocores(text)).toBe(Number(nanos));
        expect(parseBytes(text)).toBe(Number((nanos + 999_999_999n) / 1_000_000_000n));
      }),
    );
  });

  it("a decimal and its milli form agree", () => {
    fc.assert(
      fc.property(fc.nat({ max: 1e9 }), (milli) => {
        const text = `${Math.floor(milli / 1000)}.${String(milli % 1000).padStart(3, "0")}`;
        expect(parseQuantityNanos(text)).toBe(parseQuantityNanos(`${milli}m`));
        expect(parseQuantity(text)).toBe(Number(text));
      }),
    );
  });

  it("never throws and never yields a non-finite number", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[-+.0-9eEkKMGTPinum ]{0,40}$/)), (text) => {
        const value = parseQuantity(text);
        expect(value === undefined || Number.isFinite(value)).toBe(true);
        expect(parseBytes(text) === undefined).toBe(value === undefined);
      }),
    );
  });
});
