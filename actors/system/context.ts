// What one incarnation of an actor is given, and owns. When the incarnation ends, whatever it started ends with it; a context
// that somebody kept (in a promise, in an event listener) does nothing any more, and cannot spawn.
import type { Clock } from "../../src/support/clock.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import type { Logger } from "../../src/support/log.ts";
import type { Random } from "../../src/support/random.ts";
import { type RunOwner, Runs } from "./runs.ts";
import type { Runtime } from "./runtime.ts";
import { type TimerOwner, Timers } from "./timers.ts";
import type {
  ActorContext,
  ActorDefinition,
  ActorRef,
  ActorState,
  ActorTimers,
  RunOptions,
  SpawnOptions,
} from "./types.ts";

interface StoppableRef extends ActorRef<never> {
  readonly state: ActorState | "gone";
  stop(reason: "stopped"): void;
}

/** The cell that a context speaks for. */
export interface Host<M> extends ActorRef<M>, TimerOwner<M>, RunOwner<M> {
  readonly path: string;
  readonly runtime: Runtime;
  tell: ActorRef<M>["tell"];
  spawn<C>(definition: ActorDefinition<C>, options: SpawnOptions): ActorRef<C>;
  childNamed(name: string): StoppableRef | undefined;
  childCells(): readonly StoppableRef[];
  stopSelf(): void;
  watch(ref: ActorRef<never>, message: M): void;
  unwatch(ref: ActorRef<never>): void;
}

export class Context<M> implements ActorContext<M> {
  readonly #host: Host<M>;
  #phase: "open" | "stopping" | "closed" = "open";
  #timers: Timers<M> | undefined;
  #runs: Runs<M> | undefined;

  constructor(host: Host<M>) {
    this.#host = host;
  }

  get self(): ActorRef<M> {
    return this.#host;
  }

  get clock(): Clock {
    return this.#host.runtime.clock;
  }

  get random(): Random {
    return this.#host.runtime.random;
  }

  get log(): Logger {
    return this.#host.runtime.log;
  }

  get timers(): ActorTimers<M> {
    if (this.#timers === undefined) {
      this.#timers = new Timers(this.#host.runtime, this.#host);
      if (this.#phase !== "open") this.#timers.close();
    }
    return this.#timers;
  }

  spawn<C>(definition: ActorDefinition<C>, options: SpawnOptions): ActorRef<C> {
    if (this.#phase !== "open") {
      throw new ClusterPulseError("ACTOR_GONE", `${this.#host.path} has ended and cannot start ${options.name}`);
    }
    return this.#host.spawn(definition, options);
  }

  child(name: string): ActorRef<never> | undefined {
    return this.#host.childNamed(name);
  }

  children(): readonly ActorRef<never>[] {
    return this.#host.childCells();
  }

  stop(child: ActorRef<never>): void {
    const own = this.#host.childNamed(child.name);
    if (this.#phase === "open" && own === child) own.stop("stopped");
  }

  awaitsRestart(child: ActorRef<never>): boolean {
    const own = this.#host.childNamed(child.name);
    return own === child && (own.state === "backoff" || own.state === "degraded");
  }

  stopSelf(): void {
    if (this.#phase === "open") this.#host.stopSelf();
  }

  watch(ref: ActorRef<never>, message: M): void {
    if (this.#phase === "open") this.#host.watch(ref, message);
  }

  unwatch(ref: ActorRef<never>): void {
    if (this.#phase === "open") this.#host.unwatch(ref);
  }

  run<T>(name: string, options: RunOptions<T, M>, work: (signal: AbortSignal) => Promise<T>): boolean {
    if (this.#phase !== "open") return false;
    return this.#ownRuns().start(name, options, work);
  }

  abortRun(name: string): boolean {
    return this.#runs?.abort(name) ?? false;
  }

  isRunning(name: string): boolean {
    return this.#runs?.isRunning(name) ?? false;
  }

  finalRun(name: string, options: { deadlineMs: number }, work: (signal: AbortSignal) => Promise<void>): void {
    if (this.#phase !== "stopping") {
      throw new ClusterPulseError("FINAL_RUN", `final run ${name} of ${this.#host.path} was started outside of onStop`);
    }
    this.#ownRuns().startFinal(name, options.deadlineMs, work);
  }

  #ownRuns(): Runs<M> {
    this.#runs ??= new Runs(this.#host.runtime, this.#host);
    return this.#runs;
  }

  /** Ends timers and runs, and refuses new ones. */
  close(): void {
    this.#phase = "closed";
    this.#timers?.close();
    this.#runs?.close();
  }

  /** Calls the actor's onStop; while it is on the stack, and only then, final runs may be started. */
  stopping(onStop: () => void): void {
    this.#phase = "stopping";
    try {
      onStop();
    } finally {
      this.#phase = "closed";
    }
  }

  /** Aborts the final runs. */
  abandon(): void {
    this.#runs?.abandon();
  }

  get finalRuns(): number {
    return this.#runs?.finalRuns ?? 0;
  }

  get nextTimerDueMs(): number | undefined {
    return this.#timers?.nextDueMs();
  }

  listRuns(): ReturnType<Runs<M>["list"]> {
    return this.#runs?.list() ?? [];
  }
}
