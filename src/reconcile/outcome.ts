// From how steps ended to what is said of them. Pure.
import { safeError } from "../support/errors.ts";
import type { Ending } from "./bounded.ts";
import { type Conditions, reasonOf } from "./conditions.ts";
import { type Reconciler, type Result, TerminalError } from "./reconciler.ts";
import type { Failure, NextPass, PassReport, StepReport } from "./report.ts";

/** What the steps that were not reached are waiting for. */
export type Gate = Pick<NextPass, "step" | "reason">;

const returned = (ending: Ending<Result>): Result => (ending.kind === "returned" ? ending.value : undefined);

/** The wish for another pass by time, if there is one. */
export function wishOf(step: string, ending: Ending<Result>): NextPass | null {
  const result = returned(ending);
  if (result === undefined) return null;
  const { reason, afterMs } = result;
  if (afterMs === undefined) return { afterMs: 0, step, reason };
  return afterMs > 0 && Number.isFinite(afterMs) ? { afterMs, step, reason } : null;
}

export function gateOf(step: string, ending: Ending<Result>): Gate | null {
  const result = returned(ending);
  return result?.kind === "wait" ? { step, reason: result.reason } : null;
}

export function outcomeOf(ending: Ending<Result>): StepReport["outcome"] {
  switch (ending.kind) {
    case "threw":
      return "failed";
    case "aborted":
      return "aborted";
    case "returned":
      return ending.value?.kind === "requeue" && wishOf("", ending) === null ? "done" : (ending.value?.kind ?? "done");
  }
}

export function failureOf(step: string, optional: boolean, ending: Ending<unknown>): Failure | null {
  if (ending.kind !== "threw") return null;
  const kind = TerminalError.is(ending.error) ? "terminal" : "retry";
  return { step, kind, optional, ...safeError(ending.error) };
}

export function verdictOf(aborted: boolean, failures: readonly Failure[]): PassReport["verdict"] {
  if (aborted) return "aborted";
  const stopping = failures.filter((failure) => !failure.optional);
  const retry = (stopping.length > 0 ? stopping : failures).some((failure) => failure.kind === "retry");
  if (retry) return "retry";
  return stopping.length > 0 ? "terminal" : "done";
}

/** The condition that a reconciler declared, as its step's end says it. */
export function speakFor<P>(
  conditions: Conditions,
  { condition: type }: Reconciler<P>,
  failure: Failure | null,
  ending: Ending<Result>,
): void {
  if (type === undefined || ending.kind === "aborted") return;
  const gate = gateOf("", ending);
  if (failure !== null) {
    conditions.setDefault({ type, status: "False", reason: reasonOf(failure.code), message: failure.message });
  } else if (gate !== null) {
    conditions.setDefault({ type, status: "False", reason: "Waiting", message: gate.reason });
  } else {
    conditions.setDefault({ type, status: "True", reason: "Reconciled", message: "" });
  }
}

/** `Ready` and `Degraded`: whether the pass got through, and whether something failed on the way. */
export function sumUp(conditions: Conditions, failures: readonly Failure[], gate: Gate | null): void {
  const said = ({ step, message }: Failure): string => `${step}: ${message}`;
  const stopped = failures.find((failure) => !failure.optional);
  conditions.setDefault({
    type: "Ready",
    ...(stopped !== undefined
      ? { status: "False", reason: reasonOf(stopped.code), message: said(stopped) }
      : gate !== null
        ? { status: "False", reason: "Waiting", message: `${gate.step}: ${gate.reason}` }
        : { status: "True", reason: "Reconciled", message: "" }),
  });
  const [first] = failures;
  conditions.setDefault({
    type: "Degraded",
    ...(first === undefined
      ? { status: "False", reason: "AsExpected", message: "" }
      : { status: "True", reason: reasonOf(first.code), message: failures.map(said).join("; ") }),
  });
}
