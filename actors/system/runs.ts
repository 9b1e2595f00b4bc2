// Asynchronous work of one incarnation of an actor. Every run has a name, one AbortSignal and one deadline.
// Guarantees: the end of a run is reported once; deadline and abort are reported at once, whether or not the work heeds its
// signal; what the work settles with after that is dropped, a rejection included. After `close` no run reports anything.
import { ClusterPulseError, safeError } from "../../src/support/errors.ts";
import { ownTrouble } from "../../src/support/own-trouble.ts";
import type { TimerHandle } from "../../src/support/timer-wheel.ts";
import type { Runtime } from "./runtime.ts";
import type { RunOptions, RunOutcome } from "./types.ts";

const maxRuns = 64;

/** The actor a run belongs to. */
export interface RunOwner<M> {
  readonly path: string;
  countSkippedRun(): void;
  /** Puts a message in the system lane, whatever waits there. */
  deliver(message: M): void;
  crash(thrown: unknown): void;
  /** Called when the last final run has ended. */
  finalRunsEnded(): void;
}

interface Run {
  readonly name: string;
  readonly startedMs: number;
  readonly deadlineMs: number;
  readonly controller: AbortController;
  deadline: TimerHandle;
  /** Undefined once the run has ended. */
  end: ((outcome: RunOutcome<unknown>) => void) | undefined;
}

export class Runs<M> {
  readonly #runtime: Runtime;
  readonly #owner: RunOwner<M>;
  readonly #running = new Map<string, Run>();
  readonly #finals = new Map<string, Run>();

  constructor(runtime: Runtime, owner: RunOwner<M>) {
    this.#runtime = runtime;
    this.#owner = owner;
  }

  /** See ActorContext.run. Throws RUN_LIMIT when 64 are going. */
  start<T>(name: string, options: RunOptions<T, M>, work: (signal: AbortSignal) => Promise<T>): boolean {
    const going = this.#running.get(name);
    const { totals } = this.#runtime;
    if (going !== undefined && options.supersede !== true) {
      this.#owner.countSkippedRun();
      return false;
    }
    if (going !== undefined) this.#drop(this.#running, going);
    this.#begin(this.#running, name, options.deadlineMs, work, (outcome) => {
      if (outcome.status === "deadline") totals.runsDeadlined++;
      if (options.onEnd !== undefined) this.#owner.deliver(options.onEnd(outcome));
    });
    totals.runsStarted++;
    return true;
  }

  /** See ActorContext.finalRun. A failure has nobody left to hear of it and is logged. */
  startFinal(name: string, deadlineMs: number, work: (signal: AbortSignal) => Promise<void>): void {
    const { log } = this.#runtime;
    if (this.#finals.has(name)) throw new ClusterPulseError("FINAL_RUN", `final run ${name} is already going`);
    this.#begin(this.#finals, name, deadlineMs, work, (outcome) => {
      if (outcome.status !== "ok") log.warn({ actor: this.#owner.path, run: name, outcome }, "final run failed");
      if (this.#finals.size === 0) this.#owner.finalRunsEnded();
    });
  }

  abort(name: string): boolean {
    const run = this.#running.get(name);
    if (run === undefined) return false;
    this.#end(this.#running, run, { status: "aborted", elapsedMs: this.#elapsedMs(run) });
    run.controller.abort(ownTrouble("RUN_ABORTED", `run ${name} was aborted`));
    return true;
  }

  isRunning(name: string): boolean {
    return this.#running.has(name);
  }

  get finalRuns(): number {
    return this.#finals.size;
  }

  list(): readonly { readonly name: string; readonly startedMs: number; readonly deadlineMs: number }[] {
    return [...this.#running.values(), ...this.#finals.values()];
  }

  /** Aborts all runs without a report. */
  close(): void {
    for (const run of this.#running.values()) this.#drop(this.#running, run);
  }

  /** Aborts the final runs too. */
  abandon(): void {
    for (const run of this.#finals.values()) this.#drop(this.#finals, run);
  }

  #begin<T>(
    table: Map<string, Run>,
    name: string,
    deadlineMs: number,
    work: (signal: AbortSignal) => Promise<T>,
    end: (outcome: RunOutcome<T>) => void,
  ): void {
    if (table.size >= maxRuns) throw new ClusterPulseError("RUN_LIMIT", `more than ${maxRuns} runs at once`);
    const startedMs = this.#runtime.clock.monotonicMs();
    const run: Run = {
      name,
      startedMs,
      deadlineMs: startedMs + deadlineMs,
      controller: new AbortController(),
      deadline: this.#runtime.wheel.schedule(deadlineMs, () => {
        this.#settle(table, run, { status: "deadline", elapsedMs: this.#elapsedMs(run) });
        run.controller.abort(new ClusterPulseError("RUN_DEADLINE", `run ${name} took more than ${deadlineMs} ms`));
      }),
      end: end as (outcome: RunOutcome<unknown>) => void,
    };
    table.set(name, run);
    startWork(work, run.controller.signal).then(
      (value) => this.#settle(table, run, { status: "ok", value, elapsedMs: this.#elapsedMs(run) }),
      (thrown: unknown) =>
        this.#settle(table, run, { status: "failed", error: safeError(thrown), elapsedMs: this.#elapsedMs(run) }),
    );
  }

  #elapsedMs(run: Run): number {
    return this.#runtime.clock.monotonicMs() - run.startedMs;
  }

  /** Ends a run from outside of any handler: a throw of the actor's own onEnd crashes the actor. */
  #settle(table: Map<string, Run>, run: Run, outcome: RunOutcome<unknown>): void {
    try {
      this.#end(table, run, outcome);
    } catch (error) {
      this.#owner.crash(error);
    }
  }

  #end(table: Map<string, Run>, run: Run, outcome: RunOutcome<unknown>): void {
    const { end } = run;
    if (end === undefined) return;
    run.end = undefined;
    run.deadline.cancel();
    table.delete(run.name);
    end(outcome);
  }

  #drop(table: Map<string, Run>, run: Run): void {
    run.end = undefined;
    run.deadline.cancel();
    table.delete(run.name);
    run.controller.abort(ownTrouble("RUN_ABORTED", `run ${run.name} was aborted`));
  }
}

/** Calls `work` now; a synchronous throw becomes a rejection. */
async function startWork<T>(work: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
  return work(signal);
}
