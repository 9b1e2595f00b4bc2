// What a user of this room writes: one reconciler for each step. And what it gets and returns.
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import type { Verdict } from "./conditions.ts";
import type { Slot } from "./state.ts";

/** One step of a pass. Level-triggered: it looks at the parent as it is and never at what changed. */
export interface Reconciler<P> {
  /** Names the step in reports, metrics and messages. */
  readonly name: string;
  /** One sentence for people. */
  readonly description?: string;
  /** A failure of an optional step is reported and the pass goes on. A failure of any other stops the pass. */
  readonly optional?: boolean;
  /** How long the step may take, in milliseconds; the conductor's `stepDeadlineMs` unless given. */
  readonly deadlineMs?: number;
  /**
   * A condition that speaks for this step, unless the step sets it itself: True after it ended well, False after it failed or while it
   * waits. A step that the pass does not reach leaves its condition as it was.
   */
  readonly condition?: string;
  /** Throwing is failing: with a `TerminalError` for good, with anything else until a later pass. */
  // biome-ignore lint/suspicious/noConfusingVoidType: a step that returns nothing has ended well
  reconcile(pass: Pass<P>): Result | void | Promise<Result | void>;
}

/** A step's view of the pass. Once the step has ended or its signal is aborted, every method throws STEP_ENDED. */
export interface Pass<P> {
  readonly parent: P;
  /** Aborted when the pass is aborted or the step's deadline has passed. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Hands a value to later steps. Throws SLOT_EXISTS. */
  bind<T>(slot: Slot<T>, value: T): void;
  /** A value that an earlier step bound. Throws SLOT_NOT_FOUND, SLOT_MISMATCH. */
  get<T>(slot: Slot<T>): T;
  /** As `get`, and undefined when nothing is bound. */
  find<T>(slot: Slot<T>): T | undefined;
  /** Takes a value away again. */
  unbind<T>(slot: Slot<T>): void;
  /** Sets a condition of the parent. Throws CONDITION_INVALID, CONDITION_LIMIT. */
  setCondition(verdict: Verdict): void;
}

/** How a step ended: well (undefined, or nothing returned), with a wish for another pass, or waiting for something before later steps may run. */
export type Result = Requeue | Wait | undefined;

export interface Requeue extends Wish {
  readonly kind: "requeue";
}
export interface Wait extends Wish {
  readonly kind: "wait";
}
export interface Wish {
  /** For people: what for. */
  readonly reason: string;
  /** Absent: as soon as the host's rate limit allows. Zero, less, and what is no number: not by time, but when something changes. */
  readonly afterMs?: number;
}

/** The step has done its part and wants another pass; later steps run in this one. Without a wish by time it is the same as undefined. */
export function requeue(reason: string, afterMs?: number): Requeue {
  return afterMs === undefined ? { kind: "requeue", reason } : { kind: "requeue", reason, afterMs };
}

/** The steps after this one have to wait: none of them runs in this pass, whatever the delay. */
export function wait(reason: string, afterMs?: number): Wait {
  return afterMs === undefined ? { kind: "wait", reason } : { kind: "wait", reason, afterMs };
}

/** A failure that another pass over the same parent cannot mend. Every other error is worth another try. */
export class TerminalError extends ClusterPulseError {
  readonly terminal = true;

  constructor(code: string, message: string) {
    super(code, message);
    this.name = "TerminalError";
  }

  /** True for errors of this class, also across two loaded copies of this module. */
  static override is(value: unknown): value is TerminalError {
    return ClusterPulseError.is(value) && "terminal" in value && value.terminal === true;
  }
}
