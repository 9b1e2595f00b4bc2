// The conditions of a status: as they were read, and as they are to be written. Pure; equal inputs give equal conditions.
import { rfc3339 } from "../../support/clock.ts";
import type { Condition } from "./meta.ts";
import { isRecord } from "./structural.ts";

/** What is to be said, without when it began to be so. */
export type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;

/** The longest message that the API server takes for a condition is 32,768; this is what a person reads. */
export const maxMessageLength = 1_024;

export const truth = (isTrue: boolean): "True" | "False" => (isTrue ? "True" : "False");

/** The conditions to write, in the order of the verdicts. One keeps its transition time while its status stays. */
export function conditionsFrom(
  verdicts: readonly Verdict[],
  previous: readonly Condition[],
  observedGeneration: number | undefined,
  nowMs: number,
): Condition[] {
  return verdicts.map((verdict) => {
    const before = previous.find(({ type }) => type === verdict.type);
    const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : rfc3339(nowMs);
    const observed = observedGeneration === undefined ? {} : { observedGeneration };
    return { ...verdict, message: verdict.message.slice(0, maxMessageLength), lastTransitionTime, ...observed };
  });
}

/** The conditions of an object as it was read; anything malformed is left out. */
export function conditionsOf(object: unknown): Condition[] {
  const status = isRecord(object) ? object["status"] : undefined;
  const conditions = isRecord(status) ? status["conditions"] : undefined;
  return Array.isArray(conditions) ? conditions.filter(isCondition) : [];
}

const isCondition = (value: unknown): value is Condition =>
  isRecord(value) &&
  ["type", "status", "reason", "message", "lastTransitionTime"].every((member) => typeof value[member] === "string");
