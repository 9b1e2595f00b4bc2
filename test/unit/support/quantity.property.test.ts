// Quantities against fractions of integers, worked out digit by digit: no doubles, no shortcuts; and that a fault would be seen.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseBytes, parseQuantity, parseQuantityNanos } from "../../../src/support/quantity.ts";

interface Written {
  readonly sign: string;
  readonly whole: string;
  readonly fraction: string;
  readonly suffix: string;
}

const units: Record<string, [bigint, bigint]> = {
  "": [1n, 1n],
  n: [1n, 10n ** 9n],
  u: [1n, 10n ** 6n],
  m: [1n, 1000n],
  k: [1000n, 1n],
  M: [10n ** 6n, 1n],
  G: [10n ** 9n, 1n],
  T: [10n ** 12n, 1n],
  P: [10n ** 15n, 1n],
  E: [10n ** 18n, 1n],
  Ki: [2n ** 10n, 1n],
  Mi: [2n ** 20n, 1n],
  Gi: [2n ** 30n, 1n],
  Ti: [2n ** 40n, 1n],
  Pi: [2n ** 50n, 1n],
  Ei: [2n ** 60n, 1n],
};
const most = (2n ** 63n - 1n) * 10n ** 9n;

/** The value in billionths, what is finer rounded away from zero, as a numerator over a denominator. */
function slowNanos({ sign, whole, fraction, suffix }: Written): bigint {
  let numerator = 0n;
  let denominator = 1n;
  for (const digit of whole) numerator = numerator * 10n + BigInt(digit);
  for (const digit of fraction) {
    numerator = numerator * 10n + BigInt(digit);
    denominator *= 10n;
  }
  const exponent = /^e([+-]?\d+)$/.exec(suffix);
  const power = exponent === null ? 0 : Number(exponent[1]);
  const [up, down] =
    exponent === null
      ? (units[suffix] as [bigint, bigint])
      : [10n ** BigInt(Math.max(0, power)), 10n ** BigInt(Math.max(0, -power))];
  const [top, bottom] = [numerator * up * 10n ** 9n, denominator * down];
  const rounded = top / bottom + (top % bottom === 0n ? 0n : 1n);
  const clamped = rounded > most ? most : rounded;
  return sign === "-" ? -clamped : clamped;
}

const digits = (maxLength: number, minLength = 0) =>
  fc.stringMatching(new RegExp(`^[0-9]{${minLength},${maxLength}}$`));
const written: fc.Arbitrary<Written> = fc.record({
  sign: fc.constantFrom("", "-", "+"),
  whole: digits(22, 1),
  fraction: digits(12),
  suffix: fc.oneof(
    fc.constantFrom(...Object.keys(units)),
    fc.integer({ min: -25, max: 25 }).map((power) => `e${power}`),
  ),
});
const textOf = ({ sign, whole, fraction, suffix }: Written): string =>
  `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}${suffix}`;

const agrees = (parse: (text: string) => bigint | undefined) =>
  fc.property(written, (one) => parse(textOf(one)) === slowNanos(one));

describe("quantities", () => {
  it("are exact to the billionth", () => fc.assert(agrees(parseQuantityNanos), { numRuns: 3000 }));

  it("are the nearest double, and whole bytes away from zero", () => {
    fc.assert(
      fc.property(written, (one) => {
        const nanos = slowNanos(one);
        const magnitude = nanos < 0n ? -nanos : nanos;
        const exact = Number(`${magnitude / 10n ** 9n}.${String(magnitude % 10n ** 9n).padStart(9, "0")}`);
        expect(Math.abs(parseQuantity(textOf(one)) as number)).toBe(exact);
        const bytes = (magnitude + 10n ** 9n - 1n) / 10n ** 9n;
        expect(Math.abs(parseBytes(textOf(one)) as number)).toBe(Number(bytes));
      }),
      { numRuns: 3000 },
    );
  });

  const faults: [string, (text: string) => string][] = [
    ["k that is Ki", (text) => text.replace(/k$/, "Ki")],
    ["a milli that is cut off", (text) => text.replace(/\.\d+m$/, "m")],
    ["an exponent that is ignored", (text) => text.replace(/e[+-]?\d+$/, "")],
  ];
  it.each(faults)("would not pass with %s", (_, fault) => {
    expect(
      fc.check(
        agrees((text) => parseQuantityNanos(fault(text))),
        { numRuns: 3000, seed: 1 },
      ).failed,
    ).toBe(true);
  });
});
