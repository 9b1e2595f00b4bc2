// An actor as the runtime holds it: address, mailbox, current instance, children and the state machine between them.
//
//   starting ──▶ running ──▶ stopping ──▶ gone
//      ▲            │ crash
//      └─ backoff ◀─┤
//      └─ degraded ◀┘
//
// Guarantees: everything of the actor's own (create, hooks, handlers) runs in the cell's turn, never within another actor's;
// an incarnation that ends (stop or crash) first loses its timers, runs and watches, then its children, then hears onStop,
// then its final runs end. The address outlives all of that.
import { ClusterPulseError, InvalidInputError, type SafeError, safeError } from "../../src/support/errors.ts";
import { ask } from "./asks.ts";
import { Context, type Host } from "./context.ts";
import type { LetterTally } from "./dead-letters.ts";
import { type Blueprint, blueprintOf } from "./definition.ts";
import type { Runnable } from "./dispatcher.ts";
import { Lane } from "./lane.ts";
import type { Runtime } from "./runtime.ts";
import { Failures, maxCrashesPerMessage, type RestartPlan } from "./supervision.ts";
import type {
  Actor,
  ActorDefinition,
  ActorRef,
  ActorState,
  DeadLetterReason,
  Directive,
  ReplyTo,
  SpawnOptions,
  StopReason,
  TellOutcome,
} from "./types.ts";

/** An incarnation on its way out. */
interface Departure {
  readonly reason: StopReason;
  /** Children that have to go first, the next one last. */
  readonly children: AnyCell[];
  /** What follows; undefined: nothing. */
  readonly plan: RestartPlan | undefined;
}

export type AnyCell = Cell<never>;

const validName = /^[A-Za-z0-9._:-]{1,253}$/;

export class Cell<M> implements Host<M>, Runnable {
  readonly runtime: Runtime;
  readonly blueprint: Blueprint<M>;
  readonly name: string;
  readonly parent: AnyCell | undefined;
  state: ActorState | "gone" = "starting";
  /** Running, and not in the run queue: the next message has to put it there. */
  #idle = false;
  #actor: Actor<M> | undefined;
  context: Context<M> | undefined;
  user: Lane<M> | undefined;
  system: Lane<M> | undefined;
  children: Map<string, AnyCell> | undefined;
  failures: Failures | undefined;
  letters: LetterTally | undefined;
  asks: Map<unknown, () => void> | undefined;
  #watchers: Map<object, () => void> | undefined;
  #watching: Set<AnyCell> | undefined;
  #departure: Departure | undefined;
  processed = 0;
  highWater = 0;
  skippedRuns = 0;
  skippedTicks = 0;

  constructor(runtime: Runtime, blueprint: Blueprint<M>, name: string, parent: AnyCell | undefined) {
    this.runtime = runtime;
    this.blueprint = blueprint;
    this.name = name;
    this.parent = parent;
  }

  get path(): string {
    return this.parent === undefined ? "" : `${this.parent.path}/${this.name}`;
  }

  get kind(): string {
    return this.blueprint.definition.kind;
  }

  // Mailbox

  tell(message: M): TellOutcome {
    if (this.state === "stopping" || this.state === "gone") {
      this.#deadLetter("stopped", message);
      return "dead";
    }
    const { blueprint } = this;
    const lane =
      blueprint.hasLanes && blueprint.definition.laneOf?.(message) === "system" ? this.#systemLane() : this.#userLane();
    const key = blueprint.hasKeys ? blueprint.definition.keyOf?.(message) : undefined;
    if (key !== undefined) {
      const replaced = lane.coalesce(key, message);
      if (replaced !== undefined) {
        this.runtime.totals.coalesced++;
        this.asks?.get(replaced.former)?.();
        return "coalesced";
      }
    }
    if (lane.isFull) {
      lane.overflowed++;
      this.runtime.totals.overflowed++;
      this.#deadLetter("overflow", message);
      return "overflow";
    }
    if (key === undefined) lane.push(message);
    else lane.pushKeyed(key, message);
    if (this.#idle) this.#getReady();
    return "accepted";
  }

  ask<T>(make: (reply: ReplyTo<T>) => M, options: { timeoutMs: number; signal?: AbortSignal }): Promise<T> {
    return ask(this, this.runtime.wheel, make, options);
  }

  deliver(message: M): void {
    this.#systemLane().push(message);
    if (this.#idle) this.#getReady();
  }

  get waiting(): number {
    return (this.user?.size ?? 0) + (this.system?.size ?? 0);
  }

  #userLane(): Lane<M> {
    this.user ??= new Lane(this.blueprint.userCapacity);
    return this.user;
  }

  #systemLane(): Lane<M> {
    this.system ??= new Lane(this.blueprint.systemCapacity);
    return this.system;
  }

  #getReady(): void {
    this.#idle = false;
    this.runtime.dispatcher.schedule(this);
  }

  // Turns

  turn(budget: number): number {
    if (this.state === "starting") this.#start();
    const handled = this.state === "running" ? this.#drain(budget) : 0;
    if (this.#departure !== undefined) this.#depart(this.#departure);
    return handled;
  }

  #start(): void {
    const { failures } = this;
    this.context = new Context(this);
    try {
      const actor = this.blueprint.definition.create(this.context);
      this.#actor = actor;
      if (failures !== undefined) {
        failures.restarts++;
        this.runtime.totals.restarts++;
        actor.onRestart?.({ code: failures.last.code, message: failures.last.message });
      }
      actor.onStart?.();
    } catch (error) {
      this.crash(error);
      return;
    }
    if (this.#departure !== undefined) return;
    this.state = "running";
    failures?.running(this.runtime.clock.monotonicMs());
  }

  #drain(budget: number): number {
    const actor = this.#actor as Actor<M>;
    const waiting = this.waiting;
    if (waiting > this.highWater) this.highWater = waiting;
    let handled = 0;
    let lane: Lane<M> | undefined;
    let message: M | undefined;
    try {
      for (; handled < budget && this.state === "running"; handled++) {
        lane = this.system !== undefined && this.system.size > 0 ? this.system : this.user;
        if (lane === undefined || lane.size === 0) break;
        const sequence = lane.headSequence;
        message = lane.shift() as M;
        if (this.blueprint.hasKeys) this.#releaseKey(lane, message, sequence);
        actor.onMessage(message);
      }
    } catch (error) {
      this.#failed(error, { lane: lane as Lane<M>, message: message as M });
    }
    this.processed += handled;
    this.runtime.totals.processed += handled;
    if (this.state === "running") {
      if (this.waiting > 0) this.runtime.dispatcher.schedule(this);
      else this.#idle = true;
    }
    return handled;
  }

  #releaseKey(lane: Lane<M>, message: M, sequence: number): void {
    const key = this.blueprint.definition.keyOf?.(message);
    if (key !== undefined) lane.releaseKey(key, sequence);
  }

  // Crashes

  crash(thrown: unknown): void {
    this.#failed(thrown, undefined);
  }

  #failed(thrown: unknown, at: { lane: Lane<M>; message: M } | undefined): void {
    const { runtime } = this;
    const error = safeError(thrown);
    const last = { ...error, atMs: runtime.clock.nowMs() };
    if (this.failures === undefined) this.failures = new Failures(last);
    else this.failures.last = last;

    const directive = this.#directive(error);
    if (directive === "resume") {
      if (at !== undefined) this.#deadLetter("resumed", at.message);
      return;
    }
    runtime.log.warn({ actor: this.path, directive, err: error }, "actor crashed");
    if (directive === "restart") {
      if (at !== undefined && at.lane.putBack(at.message) >= maxCrashesPerMessage) {
        at.lane.shift();
        this.#deadLetter("poison", at.message);
      }
      const strategy = (this.parent as AnyCell).blueprint.strategy;
      const plan = this.failures.planRestart(strategy, runtime.clock.monotonicMs(), runtime.random);
      this.#leave(plan.state, "restarting", plan);
      return;
    }
    if (at !== undefined) this.#deadLetter("stopped", at.message);
    this.stop("stopped");
    if (directive === "escalate" && this.parent?.state === "running") this.parent.crash(thrown);
  }

  #directive(error: SafeError): Directive {
    if (this.state === "stopping") return "stop";
    let directive: Directive = "restart";
    try {
      directive = (this.parent as AnyCell).blueprint.strategy.decide(error, this);
    } catch (thrown) {
      this.runtime.log.error({ actor: this.path, err: safeError(thrown) }, "the supervisor's decide threw: restart");
    }
    // Without a running instance there is nothing to resume.
    return directive === "resume" && this.state !== "running" ? "restart" : directive;
  }

  // The way out

  /** Starts to stop; again, or when gone: does nothing. */
  stop(reason: "stopped" | "shutdown"): void {
    if (this.state === "stopping" || this.state === "gone") return;
    this.#leave("stopping", reason, undefined);
  }

  stopSelf(): void {
    this.stop("stopped");
  }

  #leave(state: "stopping" | "backoff" | "degraded", reason: StopReason, plan: RestartPlan | undefined): void {
    this.state = state;
    this.#idle = false;
    this.#departure = { reason, plan, children: [...(this.children?.values() ?? [])] };
    this.failures?.wake?.cancel();
    this.context?.close();
    for (const watched of this.#watching ?? []) watched.#watchers?.delete(this);
    this.#watching = undefined;
    this.runtime.dispatcher.schedule(this);
  }

  #depart(departure: Departure): void {
    if (!this.#childrenGone(departure)) return;
    const actor = this.#actor;
    this.#actor = undefined;
    try {
      if (actor !== undefined) this.context?.stopping(() => actor.onStop?.(departure.reason));
    } catch (error) {
      this.runtime.log.error({ actor: this.path, err: safeError(error) }, "onStop threw");
    }
    if (this.context !== undefined && this.context.finalRuns > 0) return;
    this.#departure = undefined;
    this.context = undefined;
    if (departure.plan === undefined) this.#vanish();
    else this.#startAgainAfter(departure.plan.delayMs);
  }

  #startAgainAfter(delayMs: number): void {
    (this.failures as Failures).wake = this.runtime.wheel.schedule(delayMs, () => {
      this.state = "starting";
      this.runtime.dispatcher.schedule(this);
    });
  }

  /**
   * Asks the children to stop, the last started first. Neighbours of one kind are peers and stop together, so that the final
   * runs of a thousand of them take as long as one; a child of another kind is asked only when all after it are gone.
   */
  #childrenGone({ reason, children }: Departure): boolean {
    for (;;) {
      const last = children.at(-1);
      if (last === undefined) return true;
      if (last.state === "stopping") return false;
      if (last.state === "gone") {
        children.pop();
        continue;
      }
      for (let i = children.length - 1; i >= 0 && children[i]?.kind === last.kind; i--) {
        children[i]?.stop(reason === "shutdown" ? "shutdown" : "stopped");
      }
    }
  }

  finalRunsEnded(): void {
    this.runtime.dispatcher.schedule(this);
  }

  #vanish(): void {
    this.state = "gone";
    for (const lane of [this.system, this.user]) {
      while (lane !== undefined && lane.size > 0) this.#deadLetter("stopped", lane.shift() as M);
    }
    for (const giveUp of this.asks?.values() ?? []) giveUp();
    for (const tellWatcher of this.#watchers?.values() ?? []) tellWatcher();
    this.#watchers = undefined;
    const parent = this.parent;
    if (parent === undefined) return;
    parent.children?.delete(this.name);
    if (parent.#departure !== undefined) parent.runtime.dispatcher.schedule(parent);
  }

  /** Ends this actor and all below it at once, without onStop, and returns their paths, parents first. */
  abandon(): string[] {
    const paths = [this.path];
    for (const child of [...(this.children?.values() ?? [])]) paths.push(...child.abandon());
    this.stop("shutdown");
    this.#departure = undefined;
    this.context?.abandon();
    this.#actor = undefined;
    this.#vanish();
    return paths;
  }

  #deadLetter(reason: DeadLetterReason, message: M): void {
    this.runtime.deadLetters.record(this, reason, message);
    this.asks?.get(message)?.();
  }

  // Children and watches

  spawn<C>(definition: ActorDefinition<C>, { name }: SpawnOptions): ActorRef<C> {
    if (!validName.test(name)) {
      throw new InvalidInputError([
        `name of a ${definition.kind} actor: letters, digits and . - _ : only, at most 253`,
      ]);
    }
    this.children ??= new Map();
    if (this.children.has(name)) throw new ClusterPulseError("NAME_TAKEN", `${this.path}/${name} is still there`);
    const child = new Cell(this.runtime, blueprintOf(definition), name, this as unknown as AnyCell);
    this.children.set(name, child as unknown as AnyCell);
    this.runtime.dispatcher.schedule(child);
    return child;
  }

  childNamed(name: string): ActorRef<never> | undefined {
    return this.children?.get(name);
  }

  childList(): readonly ActorRef<never>[] {
    return [...(this.children?.values() ?? [])];
  }

  stopChild(child: ActorRef<never>): void {
    const own = this.children?.get(child.name);
    if (own === child) own.stop("stopped");
  }

  watch(ref: ActorRef<never>, message: M): void {
    const watched = ref as AnyCell;
    if (watched.state === "gone") {
      this.deliver(message);
      return;
    }
    watched.#watchers ??= new Map();
    watched.#watchers.set(this, () => {
      this.#watching?.delete(watched);
      this.deliver(message);
    });
    this.#watching ??= new Set();
    this.#watching.add(watched);
  }

  unwatch(ref: ActorRef<never>): void {
    const watched = ref as AnyCell;
    watched.#watchers?.delete(this);
    this.#watching?.delete(watched);
  }
}
