import { describe, expect, it } from "vitest";
import { distributionOf, LatenessLedger } from "../../../src/load/lateness.ts";

const intervalMs = 30_000;

/** A cluster asked at its turn plus `late`, and answered `tookMs` after. */
function ledgerOf(asks: readonly number[], tookMs: number | readonly (number | null)[]): LatenessLedger {
  const ledger = new LatenessLedger(intervalMs);
  for (const [index, atMs] of asks.entries()) {
    ledger.asked("a", atMs);
    const took = typeof tookMs === "number" ? tookMs : tookMs[index];
    if (took !== null && took !== undefined) ledger.written("a", atMs + took);
  }
  return ledger;
}

describe("lateness seen from outside the hub", () => {
  it("is the time from a cluster's turn to its outcome, for every cycle", () => {
    const ledger = ledgerOf([5_000, 35_000, 65_000], 40);
    expect(ledger.cycles(["a"], 0, 90_000)).toEqual([
      { cluster: "a", dueMs: 5_000, latenessMs: 40 },
      { cluster: "a", dueMs: 35_000, latenessMs: 40 },
      { cluster: "a", dueMs: 65_000, latenessMs: 40 },
    ]);
  });

  it("takes the earliest turn as the one that is due, also when the first was late", () => {
    const ledger = ledgerOf([5_300, 35_000, 65_100], 40);
    expect(ledger.cycles(["a"], 0, 90_000).map(({ latenessMs }) => latenessMs)).toEqual([340, 40, 140]);
  });

  it("shows a timer that drifts as growing lateness", () => {
    const ledger = ledgerOf([5_000, 35_500, 66_000], 0);
    expect(ledger.cycles(["a"], 0, 90_000).map(({ latenessMs }) => latenessMs)).toEqual([0, 500, 1_000]);
  });

  it("counts a cycle without outcome before the next is due as missed, and late until one comes", () => {
    const ledger = ledgerOf([5_000, 35_000, 65_000], [40, null, 40]);
    expect(ledger.report(["a"], 0, 90_000)).toMatchObject({
      cycles: 3,
      missedCycles: 1,
      latenessMs: { max: 30_040 },
    });
  });

  it("counts a cycle that is unfinished at the end with its age", () => {
    const ledger = ledgerOf([5_000, 35_000], [40, null]);
    expect(ledger.report(["a"], 0, 45_000)).toMatchObject({ missedCycles: 0, latenessMs: { max: 10_000 } });
  });

  it("judges a cluster that was never asked by its outcomes, and one that never had any as missed throughout", () => {
    const ledger = new LatenessLedger(intervalMs);
    for (const atMs of [10_000, 40_000, 72_000]) ledger.written("unreachable", atMs);
    expect(ledger.report(["unreachable"], 0, 90_000).latenessMs.max).toBe(2_000);
    expect(ledger.report(["silent"], 0, 90_000)).toMatchObject({ cycles: 3, missedCycles: 3 });
  });

  it("measures a tick from its first request to its outcome, once however often the request is seen", () => {
    const ledger = new LatenessLedger(intervalMs);
    for (const atMs of [5_000, 5_000, 35_000]) ledger.asked("a", atMs);
    ledger.written("a", 5_070);
    ledger.written("a", 35_020);
    expect(ledger.report(["a"], 0, 60_000).tickMs).toEqual({ p50: 20, p99: 70, max: 70 });
  });

  it("keeps clusters apart: one that is late leaves the figures of the others alone", () => {
    const ledger = ledgerOf([5_000, 35_000], 40);
    ledger.asked("b", 6_000);
    expect(ledger.report(["a"], 0, 60_000).latenessMs.max).toBe(40);
    expect(ledger.report(["a", "b"], 0, 60_000).latenessMs.max).toBe(54_000);
  });
});

describe("a distribution", () => {
  it("gives nearest ranks", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(distributionOf(values)).toEqual({ p50: 100, p99: 198, max: 200 });
    expect(distributionOf([])).toEqual({ p50: 0, p99: 0, max: 0 });
  });
});
