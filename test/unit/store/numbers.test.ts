import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { twoDecimals } from "../../../src/store/numbers.ts";

describe("twoDecimals", () => {
  it.each([
    [0.125, "0.12"],
    [0.375, "0.38"],
    [0.625, "0.62"],
    [0.875, "0.88"],
    [-0.125, "-0.12"],
    [2.5, "2.50"],
    [67.80000000000001, "67.80"],
    [1.005, "1.00"],
    [100, "100.00"],
    [0, "0.00"],
    [Number.NaN, "0.00"],
    [Number.POSITIVE_INFINITY, "0.00"],
  ])("writes %d as %s", (value, text) => {
    expect(twoDecimals(value)).toBe(text);
  });

  it("is never further from the value than half a hundredth", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (value) => {
        expect(Math.abs(Number(twoDecimals(value)) - value)).toBeLessThanOrEqual(0.005 + 1e-9);
      }),
    );
  });

  it("gives an even last digit for every exact tie", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1_000_000 }), (n) => {
        const text = twoDecimals((2 * n + 1) / 8);
        expect(Number(text.at(-1)) % 2).toBe(0);
      }),
    );
  });
});
