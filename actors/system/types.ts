// The vocabulary of the actor runtime: what an actor implements, what it is given, what others see of it.
// The runtime knows no Kubernetes and imports src/support only.

import type { Clock } from "../../src/support/clock.ts";
import type { SafeError } from "../../src/support/errors.ts";
import type { Logger } from "../../src/support/log.ts";
import type { Random } from "../../src/support/random.ts";

/** Why an actor's `onStop` is called. `restarting`: a fresh instance follows. */
export type StopReason = "stopped" | "restarting" | "shutdown";

/**
 * An actor's behaviour. One instance lives from start to stop or crash; a restart makes a new one, so state is fresh.
 * Handlers are synchronous: whatever takes time is a run (see ActorContext.run), whose end arrives as a message.
 * A handler that throws has crashed; the parent's strategy decides what follows.
 */
export interface Actor<M> {
  /** Called before the first message, after every (re)start. */
  onStart?(): void;
  /** Called on the fresh instance, before onStart, when the previous one crashed. */
  onRestart?(error: SafeError): void;
  /** One message at a time, in the order of each sender. */
  onMessage(message: M): void;
  /** Called once on the way out, after the children have stopped. May start final runs; must not throw. */
  onStop?(reason: StopReason): void;
}

/** Everything that makes a class of actors: how to create one and the bounds it lives in. */
export interface ActorDefinition<M> {
  /** The class of actor, as in metrics and snapshots: "cluster", "store-writer". */
  readonly kind: string;
  create(context: ActorContext<M>): Actor<M>;
  /**
   * The coalescing key of a message, or undefined for none. Messages of one key occupy one mailbox slot however often they
   * are sent; the newest message takes the place of the waiting one. Keys are told apart by lane. Must not throw: a throw
   * counts as no key.
   */
  keyOf?(message: M): string | undefined;
  /** The lane of a message: the system lane is drained before the user lane. Default, also for a throw: "user". */
  laneOf?(message: M): "system" | "user";
  /** Bounds of the two lanes, in messages. Defaults: 256 user, 64 system. */
  readonly mailbox?: { readonly userCapacity?: number; readonly systemCapacity?: number };
  /**
   * Makes the message that tells this actor that a child has become degraded: it crashes too often, and is not started again for a
   * while. The message goes to the system lane. Must not throw: a throw counts as nothing to tell.
   */
  onChildDegraded?(child: ActorRef<never>, error: SafeError): M;
  /**
   * What introspection shows beside the runtime's counters: short words by name, such as the state of a circuit breaker. Read without
   * the mailbox, also while no instance is there. Cheap; must not throw: a throw counts as nothing to show.
   */
  facts?(): Readonly<Record<string, string>>;
  /** How this actor supervises its children. */
  readonly supervision?: SupervisionStrategy;
}

/** What a supervisor decides of a child that crashed. resume: keep the instance, drop the message. */
export type Directive = "resume" | "restart" | "stop" | "escalate";

/** One-for-one supervision with OTP restart intensity. All members have defaults. */
export interface SupervisionStrategy {
  /** Default: restart. */
  decide?(error: SafeError, child: ActorRef<never>): Directive;
  /** More than this many restarts within `withinMs` make the child degraded. Default 10. */
  readonly maxRestarts?: number;
  /** Default 60,000 ms. */
  readonly withinMs?: number;
  /** Exponential backoff with full jitter before a restart. Defaults: 100 ms doubling to 10,000 ms. */
  readonly backoffMs?: { readonly first?: number; readonly max?: number };
  /** A degraded child is started again after this long, doubling each time. Defaults: 300,000 ms doubling to 3,600,000 ms. */
  readonly degradedRetryMs?: { readonly first?: number; readonly max?: number };
}

/** What became of a told message. `overflow` and `dead` are counted and end in dead letters. */
export type TellOutcome = "accepted" | "coalesced" | "overflow" | "dead";

/** The answer side of an ask. Only the first call counts. */
export interface ReplyTo<T> {
  resolve(value: T): void;
  reject(error: SafeError): void;
}

/** The address of an actor. Outlives restarts; after the actor stopped it stays valid and everything sent to it is a dead letter. */
export interface ActorRef<M> {
  /** Slash-separated names from the root: "/hub/clusters/prod-1". */
  readonly path: string;
  readonly name: string;
  readonly kind: string;
  tell(message: M): TellOutcome;
  /**
   * Sends the message made by `make` and waits for its reply.
   * Rejects with ClusterPulseError: ASK_TIMEOUT after `timeoutMs`, ASK_ABORTED by `signal`, ASK_DEAD when the message cannot
   * be delivered or the actor stops, or the code given to `reject`.
   */
  ask<T>(make: (reply: ReplyTo<T>) => M, options: { timeoutMs: number; signal?: AbortSignal }): Promise<T>;
}

/** How a run ended. `deadline` and `aborted` are reported at once, even if the work ignores its signal. */
export type RunOutcome<T> =
  | { readonly status: "ok"; readonly value: T; readonly elapsedMs: number }
  | { readonly status: "failed"; readonly error: SafeError; readonly elapsedMs: number }
  | { readonly status: "deadline"; readonly elapsedMs: number }
  | { readonly status: "aborted"; readonly elapsedMs: number };

export interface RunOptions<T, M> {
  /** The run is aborted, and reported as `deadline`, after this long. */
  readonly deadlineMs: number;
  /** Makes the message that tells the end; it goes to the system lane and is never lost short of the actor's stop. */
  readonly onEnd?: (outcome: RunOutcome<T>) => M;
  /** True: a run of the same name that is still going is aborted, its end is not reported, and this one starts. Default false. */
  readonly supersede?: boolean;
}

export interface SpawnOptions {
  /** Unique among the living children of the parent. Letters, digits, `.`, `-`, `_`, `:`. */
  readonly name: string;
}

/** What an actor is given. Every timer, run, child and watch made through it ends with the actor. */
export interface ActorContext<M> {
  readonly self: ActorRef<M>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Starts a child. Throws ClusterPulseError NAME_TAKEN for a name in use (also by a child that is still stopping). */
  spawn<C>(definition: ActorDefinition<C>, options: SpawnOptions): ActorRef<C>;
  /** The living child of that name, if any. */
  child(name: string): ActorRef<never> | undefined;
  children(): readonly ActorRef<never>[];
  /** Asks a child to stop: its children first, then itself. `watch` tells when it is gone. */
  stop(child: ActorRef<never>): void;
  /** Whether a child has crashed and waits for its next start. */
  awaitsRestart(child: ActorRef<never>): boolean;
  stopSelf(): void;
  /** Sends `message` to self, in the system lane, once `ref` has stopped; at once if it already has. */
  watch(ref: ActorRef<never>, message: M): void;
  unwatch(ref: ActorRef<never>): void;
  readonly timers: ActorTimers<M>;
  /**
   * Starts asynchronous work under a name, with one AbortSignal and one deadline, and returns at once.
   * False when a run of that name is going and `supersede` is not set: counted as skipped.
   */
  run<T>(name: string, options: RunOptions<T, M>, work: (signal: AbortSignal) => Promise<T>): boolean;
  /** Aborts a run; its end is reported as `aborted`. False when none of that name is going. */
  abortRun(name: string): boolean;
  isRunning(name: string): boolean;
  /** In onStop only: work that delays the actor's end until it settles or its deadline passes. For last flushes. */
  finalRun(name: string, options: { deadlineMs: number }, work: (signal: AbortSignal) => Promise<void>): void;
}

/** Timers of one actor, by key; setting a key again replaces it. */
export interface ActorTimers<M> {
  once(key: string, delayMs: number, message: M): void;
  /** Every `intervalMs`, first after `firstDelayMs` (default: one interval). A missed turn is skipped and counted, never piled up. */
  every(key: string, options: { intervalMs: number; firstDelayMs?: number }, message: M): void;
  cancel(key: string): void;
}

export type ActorState = "starting" | "running" | "backoff" | "degraded" | "stopping";

/** What introspection shows of one actor: read from counters, never through its mailbox. Times are epoch milliseconds. */
export interface ActorSnapshot {
  readonly path: string;
  readonly kind: string;
  readonly state: ActorState;
  readonly mailbox: {
    readonly user: number;
    readonly system: number;
    readonly userCapacity: number;
    readonly systemCapacity: number;
    /** The most messages that ever waited at once. */
    readonly highWater: number;
    readonly coalesced: number;
    readonly overflowed: number;
  };
  readonly processed: number;
  readonly restarts: number;
  readonly lastError: (SafeError & { readonly atMs: number }) | null;
  readonly runs: readonly { readonly name: string; readonly startedAtMs: number; readonly deadlineAtMs: number }[];
  /** Runs that were asked for while one of the same name was going. */
  readonly skippedRuns: number;
  /** Timer turns that came too late and were skipped. */
  readonly skippedTicks: number;
  readonly nextTimerAtMs: number | null;
  readonly deadLetters: number;
  /** What the definition tells, where it does. */
  readonly facts?: Readonly<Record<string, string>>;
}

export type DeadLetterReason = "overflow" | "stopped" | "poison" | "resumed";

export interface DeadLetter {
  readonly path: string;
  readonly reason: DeadLetterReason;
  /** The `type` member of the message where it has one. Never its content. */
  readonly messageType: string;
  readonly atMs: number;
  /** Dead letters of the same actor that the throttle held back since the last one it let through. */
  readonly suppressed: number;
}

export interface ActorSystemOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** At most this many messages of one actor before the next actor has its turn. Default 300. */
  readonly throughput?: number;
  /** Resolution of the shared timer wheel. Default 100 ms. */
  readonly timerTickMs?: number;
}

/** Counters since the start of the system, for metrics. */
export interface ActorSystemCounters {
  readonly processed: number;
  readonly restarts: number;
  readonly deadLetters: Readonly<Record<DeadLetterReason, number>>;
  readonly overflowed: number;
  readonly coalesced: number;
  readonly runsStarted: number;
  readonly runsSkipped: number;
  readonly runsDeadlined: number;
  readonly ticksSkipped: number;
}

export interface ActorSystem {
  /** Starts a root actor. */
  spawn<M>(definition: ActorDefinition<M>, options: SpawnOptions): ActorRef<M>;
  /** Every living actor, parents before children, children in start order. */
  snapshot(): ActorSnapshot[];
  counters(): ActorSystemCounters;
  /** Timers that wait: of actors, of the deadlines of their runs and asks, and of restarts. */
  timers(): number;
  /** Called for every dead letter that the throttle lets through. Returns the unsubscribe function. */
  onDeadLetter(listener: (letter: DeadLetter) => void): () => void;
  /**
   * Stops every root in reverse start order, children before parents. Resolves when all are gone or `deadlineMs` has passed,
   * with the paths of those that had to be abandoned.
   */
  stop(deadlineMs: number): Promise<{ abandoned: string[] }>;
}
