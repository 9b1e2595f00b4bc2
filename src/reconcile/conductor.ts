// Runs reconcilers over one parent, in the order they were registered. One at a time, each under its own deadline and guarded against
// whatever it throws. Everything of a pass lives in that pass: passes of one conductor may run at once and never mix.
// It does not decide when the next pass runs, nor retry: it says what the steps wish, and the host schedules.
import type { Clock } from "../support/clock.ts";
import { type Ending, runBounded } from "./bounded.ts";
import { Conditions, checkConditionType, type Parent } from "./conditions.ts";
import { failureOf, type Gate, gateOf, outcomeOf, speakFor, sumUp, verdictOf, wishOf } from "./outcome.ts";
import { StepPass } from "./pass.ts";
import type { Reconciler, Result } from "./reconciler.ts";
import type { Failure, NextPass, PassReport, StepReport } from "./report.ts";
import { type Slot, State } from "./state.ts";

export interface ConductorOptions<P> {
  readonly clock: Clock;
  /** Deadline of each step that names none, and of `flush`. */
  readonly stepDeadlineMs?: number;
  /**
   * Takes the parent's conditions: called once in every pass, however it ended. Throwing makes the pass one to retry.
   * Its signal is not the pass's own, so that an aborted pass can still say what it found.
   */
  readonly flush?: (end: PassEnd<P>) => void | Promise<void>;
}

/** What `flush` gets. */
export interface PassEnd<P> extends Pick<PassReport, "verdict" | "failures" | "conditions"> {
  readonly parent: P;
  readonly signal: AbortSignal;
  /** A value that a step bound, or undefined. */
  find<T>(slot: Slot<T>): T | undefined;
}

const defaultStepDeadlineMs = 60_000;

export class Conductor<P extends Parent> {
  readonly #options: ConductorOptions<P>;
  /** In the order in which they run. */
  readonly reconcilers: readonly Reconciler<P>[];

  private constructor(options: ConductorOptions<P>, reconcilers: readonly Reconciler<P>[]) {
    this.#options = options;
    this.reconcilers = reconcilers;
  }

  /** A conductor without reconcilers. */
  static create<P extends Parent>(options: ConductorOptions<P>): Conductor<P> {
    return new Conductor<P>(options, []);
  }

  /**
   * A conductor with one more reconciler at its end; this one stays as it is. The same reconciler may be there twice.
   * Throws CONDITION_INVALID when the reconciler's condition is not a type of condition.
   */
  register(reconciler: Reconciler<P>): Conductor<P> {
    if (reconciler.condition !== undefined) checkConditionType(reconciler.condition);
    return new Conductor(this.#options, [...this.reconcilers, reconciler]);
  }

  /**
   * One pass over `parent`. Never rejects. Aborting `signal` ends the step that runs and starts no other.
   * Conditions `Ready` and `Degraded` sum the pass up, unless a step sets them.
   */
  async conduct(parent: P, signal?: AbortSignal): Promise<PassReport> {
    const { clock } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const state = new State();
    const conditions = new Conditions(parent, clock);
    const steps: StepReport[] = [];
    const failures: Failure[] = [];
    let next: NextPass | null = null;
    let gate: Gate | null = null;
    let aborted = false;

    for (const reconciler of this.reconcilers) {
      const { name, optional = false } = reconciler;
      aborted ||= signal?.aborted === true;
      if (aborted || gate !== null || failures.some((failure) => !failure.optional)) {
        steps.push({ name, outcome: "not-reached", durationMs: 0 });
        continue;
      }
      const stepAtMs = clock.monotonicMs();
      const ending = await this.#run(reconciler, parent, state, conditions, signal);
      steps.push({ name, outcome: outcomeOf(ending), durationMs: clock.monotonicMs() - stepAtMs });
      aborted = ending.kind === "aborted";
      const failure = failureOf(name, optional, ending);
      if (failure !== null) failures.push(failure);
      const wish = wishOf(name, ending);
      if (wish !== null && (next === null || wish.afterMs < next.afterMs)) next = wish;
      gate = gateOf(name, ending);
      speakFor(conditions, reconciler, failure, ending);
    }

    if (!aborted) sumUp(conditions, failures, gate);
    const end = { parent, verdict: verdictOf(aborted, failures), failures, conditions: conditions.list() };
    const flushed = await this.#flush(end, state);
    const all = flushed === null ? failures : [...failures, flushed];
    return {
      verdict: verdictOf(aborted, all),
      requeue: next,
      failures: all,
      conditions: end.conditions,
      steps,
      durationMs: clock.monotonicMs() - startedAtMs,
    };
  }

  async #run(
    reconciler: Reconciler<P>,
    parent: P,
    state: State,
    conditions: Conditions,
    signal: AbortSignal | undefined,
  ): Promise<Ending<Result>> {
    const { clock, stepDeadlineMs = defaultStepDeadlineMs } = this.#options;
    let pass: StepPass<P> | undefined;
    const ending = await runBounded(clock, reconciler.deadlineMs ?? stepDeadlineMs, signal, async (own) => {
      pass = new StepPass(parent, own, clock, state, conditions);
      return (await reconciler.reconcile(pass)) as Result;
    });
    pass?.close();
    return ending;
  }

  async #flush(end: Omit<PassEnd<P>, "signal" | "find">, state: State): Promise<Failure | null> {
    const { clock, flush, stepDeadlineMs = defaultStepDeadlineMs } = this.#options;
    if (flush === undefined) return null;
    const find = <T>(slot: Slot<T>): T | undefined => state.find(slot);
    const ending = await runBounded(clock, stepDeadlineMs, undefined, (signal) => flush({ ...end, signal, find }));
    return failureOf("flush", false, ending);
  }
}
