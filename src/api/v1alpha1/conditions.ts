// The conditions of an object as it was read. Pure.
import type { Condition } from "./meta.ts";
import { isRecord } from "./structural.ts";

/** Anything malformed is left out. */
export function conditionsOf(object: unknown): Condition[] {
  const status = isRecord(object) ? object["status"] : undefined;
  const conditions = isRecord(status) ? status["conditions"] : undefined;
  return Array.isArray(conditions) ? conditions.filter(isCondition) : [];
}

const isCondition = (value: unknown): value is Condition =>
  isRecord(value) &&
  ["type", "status", "reason", "message", "lastTransitionTime"].every((member) => typeof value[member] === "string");
