// The conditions of one pass over one parent: keyed by type, merged over what the parent already says. A condition that no step touches
// stays as it was, with the generation it spoke of; one that is set again keeps its transition time while its status stays.
import { type Clock, rfc3339 } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";

/** A condition as the Kubernetes API defines it. `lastTransitionTime` is RFC 3339. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}

/** What a step says; times and generation are added. */
export type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;

/** What a pass runs over: any Kubernetes object, typed or not. */
export interface Parent {
  readonly metadata: { readonly name: string; readonly generation?: number | undefined };
  readonly status?: { readonly conditions?: readonly Condition[] | undefined } | undefined;
}

/** Most conditions of one parent, so that a loop with a growing type cannot fill the object. */
export const maxConditions = 256;
/** What a person reads of a message; API servers take more. */
export const maxMessageLength = 1_024;
// The patterns of the API server: it refuses a status as a whole when one condition breaks them.
const typePattern =
  /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$/;
const reasonPattern = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;

export class Conditions {
  readonly #clock: Clock;
  readonly #generation: number | undefined;
  readonly #previous: ReadonlyMap<string, Condition>;
  readonly #current: Map<string, Condition>;
  readonly #set = new Set<string>();

  constructor(parent: Parent, clock: Clock) {
    this.#clock = clock;
    this.#generation = parent.metadata.generation;
    this.#previous = new Map((parent.status?.conditions ?? []).map((condition) => [condition.type, condition]));
    this.#current = new Map(this.#previous);
  }

  /**
   * Sets a condition; a later call for the same type replaces it. Messages are cut at 1,024 characters.
   * Throws CONDITION_INVALID for a type or reason that the API server would refuse, CONDITION_LIMIT beyond `maxConditions`.
   */
  set(verdict: Verdict): void {
    checkConditionType(verdict.type);
    if (verdict.reason.length > 1_024 || !reasonPattern.test(verdict.reason)) {
      throw new ClusterPulseError("CONDITION_INVALID", "the reason of a condition must be a CamelCase word");
    }
    if (!this.#current.has(verdict.type) && this.#current.size >= maxConditions) {
      throw new ClusterPulseError("CONDITION_LIMIT", `an object may have at most ${maxConditions} conditions`);
    }
    this.#put(verdict);
  }

  /** Sets a condition of the conductor's own unless this pass has set one of that type. Never throws. */
  setDefault(verdict: Verdict): void {
    if (!this.#set.has(verdict.type)) this.#put(verdict);
  }

  #put(verdict: Verdict): void {
    const { type } = verdict;
    this.#set.add(type);
    this.#current.set(type, conditionOf(verdict, this.#previous.get(type), this.#generation, this.#clock.nowMs()));
  }

  /** The parent's conditions in their order, then those of this pass in the order they were first set. */
  list(): readonly Condition[] {
    return [...this.#current.values()];
  }
}

/** The verdict as a condition: it keeps the transition time of the one before while the status stays. */
function conditionOf(
  { type, status, reason, message }: Verdict,
  before: Condition | undefined,
  observedGeneration: number | undefined,
  nowMs: number,
): Condition {
  return {
    type,
    status,
    reason,
    message: message.slice(0, maxMessageLength),
    lastTransitionTime: before?.status === status ? before.lastTransitionTime : rfc3339(nowMs),
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
  };
}

/** The conditions of a status that is said as a whole, in the order of the verdicts. Pure; equal inputs give equal conditions. */
export function conditionsFrom(
  verdicts: readonly Verdict[],
  previous: readonly Condition[],
  observedGeneration: number | undefined,
  nowMs: number,
): Condition[] {
  return verdicts.map((verdict) => {
    const before = previous.find(({ type }) => type === verdict.type);
    return conditionOf(verdict, before, observedGeneration, nowMs);
  });
}

/** Throws CONDITION_INVALID for a type that the API server would refuse. */
export function checkConditionType(type: string): void {
  if (type.length <= 316 && typePattern.test(type)) return;
  throw new ClusterPulseError(
    "CONDITION_INVALID",
    "the type of a condition must be a CamelCase word, possibly with a domain",
  );
}

/** `CONNECT_TIMEOUT` as the reason of a condition: `ConnectTimeout`. */
export function reasonOf(code: string): string {
  const words = code.split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  const reason = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase()).join("");
  return /^[A-Za-z]/.test(reason) ? reason.slice(0, 256) : "Failed";
}
