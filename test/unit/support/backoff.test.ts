import fc from "fast-check";
import { expect, test } from "vitest";
import { exponentialMs, fullJitterMs } from "../../../src/support/backoff.ts";

const range = { firstMs: 100, maxMs: 10_000 };

test("the delay doubles from the first attempt up to its limit", () => {
  expect([1, 2, 3, 7, 8, 9, 5_000].map((attempt) => exponentialMs(range, attempt))).toEqual([
    100, 200, 400, 6_400, 10_000, 10_000, 10_000,
  ]);
});

test("an attempt below 1 counts as the first", () => {
  expect(exponentialMs(range, 0)).toBe(100);
});

test("full jitter draws evenly from nothing up to the exponential delay", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, drawn) => {
      expect(fullJitterMs(range, attempt, () => drawn)).toBe(drawn * exponentialMs(range, attempt));
    }),
  );
});
