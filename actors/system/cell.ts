// An actor as the runtime holds it: address, mailbox, current instance, children and the state machine between them.
//
//   starting ──▶ running ──▶ stopping ──▶ gone
//      ▲            │ crash
//      ├─ backoff ◀─┤
//      └─ degraded ◀┘
//
// Guarantees: everything of the actor's own (create, hooks, handlers) runs in the cell's turn, never within another actor's;
// an incarnation that ends (stop or crash) first loses its timers, runs and watches, then its children, then hears onStop,
// then its final runs end. The address outlives all of that.
import { ClusterPulseError, InvalidInputError, type SafeError, safeError } from "../../src/support/errors.ts";
import { Annex } from "./annex.ts";
import { ask } from "./asks.ts";
import { Context, type Host } from "./context.ts";
import { type LetterTally, newTally } from "./dead-letters.ts";
import { type Blueprint, blueprintOf } from "./definition.ts";
import { childrenGone } from "./departure.ts";
import type { Dispatcher, Runnable } from "./dispatcher.ts";
import type { Lane } from "./lane.ts";
import { Mailbox, nothing } from "./mailbox.ts";
import type { Runtime } from "./runtime.ts";
import { type Failures, maxCrashesPerMessage, type RestartPlan } from "./supervision.ts";
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
} from "./types.ts";
import { unwatch, unwatchAll, watch } from "./watches.ts";

export type AnyCell = Cell<never>;

const validName = /^[A-Za-z0-9._:-]{1,253}$/;

export class Cell<M> extends Mailbox<M> implements Host<M>, Runnable {
  state: ActorState | "gone" = "starting";
  behind: Runnable | undefined | null = null;
  #actor: Actor<M> | undefined;
  processed = 0;
  /** The most messages that waited when a turn began. */
  highWater = 0;
  readonly dispatcher: Dispatcher;
  readonly runtime: Runtime;
  readonly name: string;
  readonly parent: AnyCell | undefined;
  context: Context<M> | undefined;
  annex: Annex<AnyCell> | undefined;

  constructor(runtime: Runtime, blueprint: Blueprint<M>, name: string, parent: AnyCell | undefined) {
    super(blueprint);
    this.runtime = runtime;
    this.dispatcher = runtime.dispatcher;
    this.name = name;
    this.parent = parent;
  }

  get path(): string {
    return this.parent === undefined ? "" : `${this.parent.path}/${this.name}`;
  }

  get kind(): string {
    return this.blueprint.definition.kind;
  }

  ask<T>(make: (reply: ReplyTo<T>) => M, options: { timeoutMs: number; signal?: AbortSignal }): Promise<T> {
    return ask(this, this.runtime.wheel, make, options);
  }

  // Turns

  turn(budget: number): number {
    const message = this.first;
    if (message === nothing || this.state !== "running") return this.#longTurn(budget);
    // The short way of a message that found the actor idle: most turns are this and nothing else.
    this.first = nothing;
    try {
      (this.#actor as Actor<M>).onMessage(message);
    } catch (error) {
      this.#failed(error, { message, lane: undefined });
      return this.#longTurn(budget);
    }
    this.processed++;
    // Whatever came meanwhile is in a lane; what else may have happened shows in the state.
    if (this.user !== undefined || this.system !== undefined || this.state !== "running") {
      return 1 + this.#longTurn(budget - 1);
    }
    this.idle = true;
    return 1;
  }

  /** Starts, drains the lanes, or leaves. */
  #longTurn(budget: number): number {
    if (this.state === "starting") this.#start();
    const handled = this.state === "running" ? this.#handleLanes(budget) : 0;
    if (this.state !== "running") this.#depart();
    else if (this.waiting === 0) this.idle = true;
    else this.dispatcher.schedule(this);
    return handled;
  }

  #start(): void {
    const failures = this.annex?.failures;
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
    if (this.annex?.departure !== undefined) return;
    this.state = "running";
    failures?.running(this.runtime.clock.monotonicMs());
  }

  #handleLanes(budget: number): number {
    const actor = this.#actor as Actor<M>;
    let handled = 0;
    let lane: Lane<M> | undefined;
    let message: M | undefined;
    this.highWater = Math.max(this.highWater, this.waiting);
    try {
      for (; handled < budget && this.state === "running"; handled++) {
        lane = this.nextLane();
        if (lane === undefined) break;
        message = this.takeFrom(lane);
        actor.onMessage(message);
      }
    } catch (error) {
      this.#failed(error, { message: message as M, lane });
    }
    this.processed += handled;
    return handled;
  }

  protected override getReady(): void {
    this.idle = false;
    this.dispatcher.schedule(this);
  }

  // Crashes

  /** A crash outside of a handler: in a hook, or in what makes a message. */
  crash(thrown: unknown): void {
    this.#failed(thrown, undefined);
  }

  /** @param at the message that crashed the actor, and the lane it was taken from unless it never was in one */
  #failed(thrown: unknown, at: { message: M; lane: Lane<M> | undefined } | undefined): void {
    const { runtime } = this;
    const error = safeError(thrown);
    const failures = this.ownAnnex().recordFailure({ ...error, atMs: runtime.clock.nowMs() });
    const directive = this.#directive(error);
    if (directive === "resume") {
      if (at !== undefined) this.deadLetter("resumed", at.message);
      return;
    }
    runtime.log.warn({ actor: this.path, directive, error }, "actor crashed");
    if (directive === "restart") {
      if (at !== undefined) this.#putBack(at.message, at.lane);
      const { strategy } = (this.parent as AnyCell).blueprint;
      const plan = failures.planRestart(strategy, runtime.clock.monotonicMs(), runtime.random);
      this.#leave(plan.state, "restarting", plan);
      if (plan.state === "degraded") this.parent?.childDegraded(this as unknown as AnyCell, error);
      return;
    }
    if (at !== undefined) this.deadLetter("stopped", at.message);
    this.stop("stopped");
    if (directive === "escalate" && this.parent?.state === "running") this.parent.crash(thrown);
  }

  childDegraded(child: AnyCell, error: SafeError): void {
    const { definition } = this.blueprint;
    if (definition.onChildDegraded === undefined || this.isClosed()) return;
    try {
      this.deliver(definition.onChildDegraded(child, error));
    } catch (thrown) {
      this.runtime.log.error({ actor: this.path, err: thrown }, "onChildDegraded threw: nothing is told");
    }
  }

  /** The next instance gets the message again, unless it has crashed too many. */
  #putBack(message: M, takenFrom: Lane<M> | undefined): void {
    const lane = takenFrom ?? this.laneFor(message);
    const crashes = lane.putBack(message, takenFrom !== undefined);
    if (crashes >= maxCrashesPerMessage) this.deadLetter("poison", this.takeFrom(lane));
  }

  #directive(error: SafeError): Directive {
    if (this.state === "stopping") return "stop";
    let directive: Directive = "restart";
    try {
      directive = (this.parent as AnyCell).blueprint.strategy.decide(error, this);
    } catch (thrown) {
      this.runtime.log.error({ actor: this.path, err: thrown }, "the supervisor's decide threw: restart");
    }
    // Without a running instance there is nothing to resume.
    return directive === "resume" && this.state !== "running" ? "restart" : directive;
  }

  // The way out

  /** Starts to stop; again, or when gone: does nothing. */
  stop(reason: "stopped" | "shutdown"): void {
    if (!this.isClosed()) this.#leave("stopping", reason, undefined);
  }

  stopSelf(): void {
    this.stop("stopped");
  }

  #leave(state: "stopping" | "backoff" | "degraded", reason: StopReason, plan: RestartPlan | undefined): void {
    const annex = this.ownAnnex();
    this.state = state;
    this.idle = false;
    annex.departure = { reason, plan, children: [...(annex.children?.values() ?? [])] };
    annex.failures?.wake?.cancel();
    this.context?.close();
    unwatchAll(this);
    this.dispatcher.schedule(this);
  }

  /** Goes as far on the way out as it can; called again whenever a child has gone or the final runs have ended. */
  #depart(): void {
    const departure = this.annex?.departure;
    if (departure === undefined || !childrenGone(departure)) return;
    const actor = this.#actor;
    this.#actor = undefined;
    try {
      if (actor !== undefined) this.context?.stopping(() => actor.onStop?.(departure.reason));
    } catch (error) {
      this.runtime.log.error({ actor: this.path, err: error }, "onStop threw");
    }
    if (this.context !== undefined && this.context.finalRuns > 0) return;
    this.ownAnnex().departure = undefined;
    this.context = undefined;
    if (departure.plan === undefined) this.#vanish();
    else this.#startAgainAfter(departure.plan.delayMs);
  }

  #startAgainAfter(delayMs: number): void {
    (this.annex?.failures as Failures).wake = this.runtime.wheel.schedule(delayMs, () => {
      this.state = "starting";
      this.dispatcher.schedule(this);
    });
  }

  finalRunsEnded(): void {
    this.dispatcher.schedule(this);
  }

  #vanish(): void {
    this.state = "gone";
    for (let lane = this.nextLane(); lane !== undefined; lane = this.nextLane()) {
      this.deadLetter("stopped", this.takeFrom(lane));
    }
    for (const giveUp of this.annex?.asks?.values() ?? []) giveUp();
    for (const tellWatcher of this.annex?.watchers?.values() ?? []) tellWatcher();
    this.annex = undefined;
    const { parent } = this;
    parent?.annex?.children?.delete(this.name);
    if (parent?.annex?.departure !== undefined) this.runtime.dispatcher.schedule(parent);
  }

  /** Ends this actor and all below it at once, without onStop, and returns their paths, parents first. */
  abandon(): string[] {
    const paths = [this.path];
    for (const child of this.childCells()) paths.push(...child.abandon());
    this.stop("shutdown");
    this.context?.abandon();
    this.context = undefined;
    this.#actor = undefined;
    this.#vanish();
    return paths;
  }

  protected override isClosed(): boolean {
    return this.state === "stopping" || this.state === "gone";
  }

  protected override deadLetter(reason: DeadLetterReason, message: M): void {
    if (reason === "overflow") this.runtime.totals.overflowed++;
    this.runtime.deadLetters.record(this, reason, message);
    this.annex?.asks?.get(message)?.();
  }

  protected override superseded(message: M): void {
    this.runtime.totals.coalesced++;
    this.annex?.asks?.get(message)?.();
  }

  // Children and watches

  spawn<C>(definition: ActorDefinition<C>, { name }: SpawnOptions): ActorRef<C> {
    if (!validName.test(name)) {
      throw new InvalidInputError([
        `name of a ${definition.kind} actor: letters, digits and . - _ : only, 1 to 253 of them`,
      ]);
    }
    const annex = this.ownAnnex();
    annex.children ??= new Map();
    if (annex.children.has(name)) throw new ClusterPulseError("NAME_TAKEN", `${this.path}/${name} is still there`);
    const child = new Cell(this.runtime, blueprintOf(definition), name, this as unknown as AnyCell);
    annex.children.set(name, child as unknown as AnyCell);
    this.runtime.dispatcher.schedule(child);
    return child;
  }

  childCells(): AnyCell[] {
    return [...(this.annex?.children?.values() ?? [])];
  }

  childNamed(name: string): AnyCell | undefined {
    return this.annex?.children?.get(name);
  }

  watch(ref: ActorRef<never>, message: M): void {
    watch(this, ref as AnyCell, () => this.deliver(message));
  }

  unwatch(ref: ActorRef<never>): void {
    unwatch(this, ref as AnyCell);
  }

  // What is kept in the annex

  ownAnnex(): Annex<AnyCell> {
    this.annex ??= new Annex();
    return this.annex;
  }

  get asks(): Map<unknown, () => void> {
    const annex = this.ownAnnex();
    annex.asks ??= new Map();
    return annex.asks;
  }

  get letters(): LetterTally {
    const annex = this.ownAnnex();
    annex.letters ??= newTally();
    return annex.letters;
  }

  countSkippedRun(): void {
    this.ownAnnex().skippedRuns++;
    this.runtime.totals.runsSkipped++;
  }

  countSkippedTicks(ticks: number): void {
    this.ownAnnex().skippedTicks += ticks;
    this.runtime.totals.ticksSkipped += ticks;
  }
}
