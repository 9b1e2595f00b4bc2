// What is said of a pass: to the host that schedules the next one, to metrics, and to people.
import type { Condition } from "./conditions.ts";

/** A step that failed. The message is safe to log and show. */
export interface Failure {
  readonly step: string;
  /** Whether another pass over the same parent may mend it. */
  readonly kind: "retry" | "terminal";
  readonly optional: boolean;
  readonly code: string;
  readonly message: string;
}

export interface StepReport {
  readonly name: string;
  readonly outcome: "done" | "requeue" | "wait" | "failed" | "aborted" | "not-reached";
  /** By the monotonic clock; 0 for a step that was not reached. */
  readonly durationMs: number;
}

/** When the host should run the next pass. */
export interface NextPass {
  /** 0: as soon as the host's rate limit allows. */
  readonly afterMs: number;
  readonly step: string;
  readonly reason: string;
}

export interface PassReport {
  /**
   * `done`: nothing is left to try. `retry`: a step failed, or the conditions could not be handed over, in a way that another pass may
   * mend: the host runs one after its backoff. `terminal`: the pass was stopped by a failure that only a change of the parent can mend.
   * `aborted`: the pass was told to stop before its end.
   */
  readonly verdict: "done" | "retry" | "terminal" | "aborted";
  /** The earliest wish of all steps that ran, whatever the verdict; null when there was none. */
  readonly requeue: NextPass | null;
  /** In the order they happened: any of optional steps, one of a step that stopped the pass, one of `flush`. */
  readonly failures: readonly Failure[];
  /** The parent's conditions as they are now. */
  readonly conditions: readonly Condition[];
  /** One for each reconciler, in the order of registration. */
  readonly steps: readonly StepReport[];
  readonly durationMs: number;
}
