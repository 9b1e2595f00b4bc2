// When a MetricSource may run, after runs that harmed the threads they ran on. Guarantees: three such runs in a row put it into quarantine, each
// further one doubles the wait up to a limit, and one good run ends it. Until then it is under suspicion: it runs last, and leaves others threads.
// Pure: time is given, the state is plain data, and equal calls give equal answers. Does not run anything itself.
import { ownTroubleOf } from "../support/own-trouble.ts";

/** Nothing is held against a source in the state {@link trusted}. */
export interface Quarantine {
  /** Guilty runs in a row. */
  readonly strikes: number;
  /** Monotonic milliseconds; 0 unless the source is in quarantine. */
  readonly untilMs: number;
  /** Code of the last guilty run; "" without one. */
  readonly code: string;
}

export const trusted: Quarantine = { strikes: 0, untilMs: 0, code: "" };

/** Guilty runs in a row that are taken for bad luck. */
export const STRIKES = 3;
export const FIRST_QUARANTINE_MS = 60_000;
export const MAX_QUARANTINE_MS = 3_600_000;

/** Ends of a run that are the source's own doing: time, memory, its thread, the limit on steps. */
export function isGuilty(code: string): boolean {
  return code === "STEP_LIMIT" || ownTroubleOf(code) === "harmed";
}

/** After a run that ended well, on any cluster. */
export function afterSuccess(): Quarantine {
  return trusted;
}

/**
 * After a run that failed with `code`. Codes that say nothing of the source, such as an abort or a cluster that is down, change nothing.
 * Neither do guilty runs that end during a quarantine: they began before it.
 */
export function afterFailure(state: Quarantine, code: string, nowMs: number): Quarantine {
  if (!isGuilty(code) || nowMs < state.untilMs) return state;
  const strikes = state.strikes + 1;
  if (strikes < STRIKES) return { strikes, untilMs: 0, code };
  const waitMs = Math.min(FIRST_QUARANTINE_MS * 2 ** Math.min(strikes - STRIKES, 30), MAX_QUARANTINE_MS);
  return { strikes, untilMs: nowMs + waitMs, code };
}

/** What a run may do now: `run`, `run-suspected` (last and alone), or not at all before `untilMs`. */
export function verdict(
  { strikes, untilMs }: Quarantine,
  nowMs: number,
): { readonly kind: "run" | "run-suspected" } | { readonly kind: "quarantined"; readonly untilMs: number } {
  if (nowMs < untilMs) return { kind: "quarantined", untilMs };
  return { kind: strikes > 0 ? "run-suspected" : "run" };
}
