import fc from "fast-check";
import { expect, test } from "vitest";
import { rfc3339 } from "../../../src/support/clock.ts";

const byDate = (epochMs: number): string => `${new Date(epochMs).toISOString().slice(0, 19)}Z`;

test("a time is written as the runtime writes it, without parts of a second", () => {
  const epochMs = fc.oneof(
    fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
    fc.integer({ min: Date.UTC(2020), max: Date.UTC(2030) }),
    fc.constantFrom(-1, -0, 0, 999, 86_399_999, 86_400_000, Date.UTC(2024, 1, 29), 253_402_300_799_999),
  );
  fc.assert(
    fc.property(epochMs, (at) => {
      expect(rfc3339(at)).toBe(byDate(at));
    }),
    { numRuns: 5_000 },
  );
  expect(rfc3339(1.7e12 + 0.5)).toBe(byDate(1.7e12));
});

test("what is no time is refused", () => {
  expect(() => rfc3339(Number.NaN)).toThrow(RangeError);
  expect(() => rfc3339(Number.POSITIVE_INFINITY)).toThrow(RangeError);
});
