// One step's view of a pass. It closes with the step: what a step that was left behind says later reaches nobody.
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import type { Conditions, Verdict } from "./conditions.ts";
import type { Pass } from "./reconciler.ts";
import type { Slot, State } from "./state.ts";

export class StepPass<P> implements Pass<P> {
  readonly parent: P;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly #state: State;
  readonly #conditions: Conditions;
  #closed = false;

  constructor(parent: P, signal: AbortSignal, clock: Clock, state: State, conditions: Conditions) {
    this.parent = parent;
    this.signal = signal;
    this.clock = clock;
    this.#state = state;
    this.#conditions = conditions;
  }

  bind<T>(slot: Slot<T>, value: T): void {
    this.#checkOpen();
    this.#state.bind(slot, value);
  }

  get<T>(slot: Slot<T>): T {
    this.#checkOpen();
    return this.#state.get(slot);
  }

  find<T>(slot: Slot<T>): T | undefined {
    this.#checkOpen();
    return this.#state.find(slot);
  }

  unbind<T>(slot: Slot<T>): void {
    this.#checkOpen();
    this.#state.unbind(slot);
  }

  setCondition(verdict: Verdict): void {
    this.#checkOpen();
    this.#conditions.set(verdict);
  }

  close(): void {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed || this.signal.aborted) throw new ClusterPulseError("STEP_ENDED", "the step has ended already");
  }
}
