// The timers of one incarnation of an actor, by key, all on the shared wheel. They end with it.
// A repeating timer keeps its absolute due times: lateness never adds up, and turns that were missed are skipped and counted.
import { ClusterPulseError } from "../../src/support/errors.ts";
import type { TimerHandle } from "../../src/support/timer-wheel.ts";
import type { Runtime } from "./runtime.ts";
import type { ActorTimers, TellOutcome } from "./types.ts";

/** The actor a timer belongs to. */
export interface TimerOwner<M> {
  countSkippedTicks(ticks: number): void;
  tell(message: M): TellOutcome;
}

export class Timers<M> implements ActorTimers<M> {
  readonly #runtime: Runtime;
  readonly #owner: TimerOwner<M>;
  readonly #handles = new Map<string, TimerHandle>();
  #closed = false;

  constructor(runtime: Runtime, owner: TimerOwner<M>) {
    this.#runtime = runtime;
    this.#owner = owner;
  }

  once(key: string, delayMs: number, message: M): void {
    this.#set(key, this.#runtime.clock.monotonicMs() + Math.max(0, delayMs), () => {
      this.#handles.delete(key);
      this.#owner.tell(message);
    });
  }

  every(key: string, options: { intervalMs: number; firstDelayMs?: number }, message: M): void {
    const { intervalMs, firstDelayMs = intervalMs } = options;
    if (!(intervalMs > 0)) throw new ClusterPulseError("TIMER_INTERVAL", `intervalMs of timer ${key} must be above 0`);
    const { clock } = this.#runtime;
    let dueMs = clock.monotonicMs() + Math.max(0, firstDelayMs);
    const fire = (): void => {
      const missed = Math.max(0, Math.floor((clock.monotonicMs() - dueMs) / intervalMs));
      if (missed > 0) this.#owner.countSkippedTicks(missed);
      dueMs += (missed + 1) * intervalMs;
      this.#set(key, dueMs, fire);
      this.#owner.tell(message);
    };
    this.#set(key, dueMs, fire);
  }

  cancel(key: string): void {
    this.#handles.get(key)?.cancel();
    this.#handles.delete(key);
  }

  /** Cancels all and refuses new ones. */
  close(): void {
    this.#closed = true;
    for (const handle of this.#handles.values()) handle.cancel();
    this.#handles.clear();
  }

  /** When the next one is due, on the monotonic clock. */
  nextDueMs(): number | undefined {
    let next: number | undefined;
    for (const { dueMs } of this.#handles.values()) if (next === undefined || dueMs < next) next = dueMs;
    return next;
  }

  #set(key: string, dueMs: number, fire: () => void): void {
    if (this.#closed) return;
    this.#handles.get(key)?.cancel();
    this.#handles.set(key, this.#runtime.wheel.scheduleAt(dueMs, fire));
  }
}
