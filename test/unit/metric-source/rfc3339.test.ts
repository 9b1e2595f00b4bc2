import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRfc3339 } from "../../../src/metric-source/rfc3339.ts";

describe("RFC 3339 timestamps", () => {
  it("are read to the millisecond as the runtime reads them, in any year and zone", () => {
    const from = new Date("0000-01-01T00:00:00Z");
    const to = new Date("9999-12-31T23:59:59.999Z");
    fc.assert(
      fc.property(
        fc.date({ min: from, max: to, noInvalidDate: true }),
        fc.integer({ min: -1439, max: 1439 }),
        (date, offset) => {
          const text = date.toISOString();
          expect(parseRfc3339(text)).toBe(date.getTime());
          const two = (n: number): string => String(n).padStart(2, "0");
          const zone = `${offset < 0 ? "-" : "+"}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
          const local = text.replace("Z", zone);
          expect(parseRfc3339(local)).toBe(date.getTime() - offset * 60_000);
        },
      ),
    );
  });

  it("keep their fraction of a millisecond", () => {
    expect(parseRfc3339("1970-01-01T00:00:00.123456789Z")).toBeCloseTo(123.456789, 9);
  });

  it.each([
    "2025-06-14T24:00:00Z",
    "2025-06-14T23:59:60Z",
    "2025-02-29T00:00:00Z",
    "2025-06-31T00:00:00Z",
    "2025-00-10T00:00:00Z",
    "2025-06-14t12:00:00Z",
    "2025-06-14T12:00:00z",
    "2025-06-14T12:00:00",
    "2025-06-14 12:00:00Z",
    " 2025-06-14T12:00:00Z",
    "2025-06-14T12:00:00Z ",
    "2025-06-14T12:00:00.Z",
    "2025-06-14T12:00:00+0200",
    "2025-06-14T12:00:00+24:00",
    "2025-06-14",
    "",
  ])("%j is none", (text) => expect(parseRfc3339(text)).toBeUndefined());
});
