import { describe, expect, it } from "vitest";
import { formatAge, formatDuration, formatMoment, isStale, parseStamp } from "../../../src/dashboard/ages.ts";
import { explainStatus, healthOf, toClusterRow } from "../../../src/dashboard/api.ts";
import { formatBytes, formatCores, formatCount, formatOf, formatPercent } from "../../../src/dashboard/units.ts";

describe("ages", () => {
  it.each([
    [-5000, "0 s"],
    [0, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min 00 s"],
    [3_599_999, "59 min 59 s"],
    [3_600_000, "1 h 00 min"],
    [86_399_999, "23 h 59 min"],
    [86_400_000, "1 d 0 h"],
    [100 * 86_400_000, "100 d 0 h"],
  ])("says %i ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("says never, and does not count into the future", () => {
    expect(formatAge(null, 1000)).toBe("never");
    expect(formatAge(5000, 1000)).toBe("0 s");
    expect(formatAge(1000, 43_000)).toBe("42 s");
  });

  it("reads stamps and nothing else", () => {
    expect(parseStamp("2026-01-02T03:04:05Z")).toBe(Date.UTC(2026, 0, 2, 3, 4, 5));
    for (const stamp of [null, undefined, "", "soon"]) expect(parseStamp(stamp)).toBeNull();
  });

  it("is stale only after the stamp, and never without one", () => {
    expect(isStale(1000, 1000)).toBe(false);
    expect(isStale(1000, 1001)).toBe(true);
    expect(isStale(null, 1001)).toBe(false);
  });

  it("shows a moment with its UTC time", () => {
    expect(formatMoment(Date.UTC(2026, 0, 2, 3, 4, 5))).toContain("2026-01-02T03:04:05Z");
  });
});

describe("units", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1 KiB"],
    [160 * 2 ** 30, "160 GiB"],
    [1.5 * 2 ** 40, "1.5 TiB"],
    [2 ** 60, "1024 PiB"],
    [undefined, "–"],
  ])("says %s bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("says cores, counts, shares and percent", () => {
    expect([formatCores(1), formatCores(1.5), formatCores(96), formatCores(12_345)]).toEqual([
      "1 core",
      "1.5 cores",
      "96 cores",
      "12,345 cores",
    ]);
    expect([formatCount(0), formatCount(12_345), formatCount(undefined)]).toEqual(["0", "12,345", "–"]);
    expect([formatOf(4, 5), formatOf(undefined, 5), formatOf(undefined, undefined)]).toEqual(["4 / 5", "– / 5", "–"]);
    expect([formatPercent(31.33), formatPercent(undefined)]).toEqual(["31 %", "–"]);
  });
});

describe("rows as they come", () => {
  it("fills in what is left out or null", () => {
    expect(toClusterRow({ name: "a" })).toEqual({
      name: "a",
      spec: {},
      info: {},
      metrics: {},
      status: {},
      asOf: null,
      staleAfter: null,
      missing: [],
    });
    expect(healthOf(toClusterRow({ name: "a" }))).toBe("unknown");
  });

  it("says what to do about a refusal", () => {
    expect(explainStatus(401)).toContain("Sign in");
    expect(explainStatus(403)).toContain("access policy");
    expect(explainStatus(503, "warming up")).toBe("The hub answered 503: warming up.");
  });
});
