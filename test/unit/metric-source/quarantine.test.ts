import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  afterFailure,
  afterSuccess,
  FIRST_QUARANTINE_MS,
  MAX_QUARANTINE_MS,
  STRIKES,
  trusted,
  verdict,
} from "../../../src/metric-source/quarantine.ts";

const guiltyCodes = ["COMPUTE_DEADLINE", "COMPUTE_OUT_OF_MEMORY", "COMPUTE_CRASHED", "STEP_LIMIT"];

/** The state after guilty runs, each as soon as it is allowed, and when the last of them ended. */
function afterStrikes(count: number) {
  let state = trusted;
  let nowMs = 1_000;
  for (let i = 0; i < count; i++) {
    nowMs = Math.max(nowMs, state.untilMs);
    state = afterFailure(state, "COMPUTE_DEADLINE", nowMs);
  }
  return { state, nowMs };
}

describe("a source that harms its threads", () => {
  it.each(guiltyCodes)("E-20: is in quarantine after the third %s in a row, not before", (code) => {
    let state = trusted;
    const verdicts = [verdict(state, 0).kind];
    for (let i = 0; i < STRIKES; i++) {
      state = afterFailure(state, code, 0);
      verdicts.push(verdict(state, 0).kind);
    }
    expect(verdicts).toEqual(["run", "run-suspected", "run-suspected", "quarantined"]);
    expect(state).toEqual({ strikes: 3, untilMs: FIRST_QUARANTINE_MS, code });
  });

  it("may try again when its time is up, under suspicion, and is trusted again after one good run", () => {
    const { state } = afterStrikes(STRIKES);
    expect(verdict(state, state.untilMs - 1)).toEqual({ kind: "quarantined", untilMs: state.untilMs });
    expect(verdict(state, state.untilMs)).toEqual({ kind: "run-suspected" });
    expect(verdict(afterSuccess(), state.untilMs)).toEqual({ kind: "run" });
  });

  it("waits twice as long each time, up to the limit", () => {
    const waits = [3, 4, 5, 8, 9, 10, 500].map((count) => {
      const { state, nowMs } = afterStrikes(count);
      return state.untilMs - nowMs;
    });
    expect(waits).toEqual([
      60_000,
      120_000,
      240_000,
      1_920_000,
      MAX_QUARANTINE_MS,
      MAX_QUARANTINE_MS,
      MAX_QUARANTINE_MS,
    ]);
  });

  it("is not blamed for what others do, nor twice for runs on many clusters that began before the quarantine", () => {
    const { state, nowMs } = afterStrikes(STRIKES);
    expect(afterFailure(state, "COMPUTE_DEADLINE", nowMs + 1)).toBe(state);
    const codes = fc.string().filter((code) => !guiltyCodes.includes(code));
    const others = fc.oneof(fc.constantFrom("COMPUTE_ABORTED", "COMPUTE_QUEUE_FULL", "BODY_MALFORMED"), codes);
    fc.assert(
      fc.property(others, (code) => {
        expect(afterFailure(state, code, state.untilMs)).toBe(state);
      }),
    );
  });
});
