// Writes to the hub's own API on behalf of all actors: the newest wish per key only, a bounded number at once and per second. An
// API server that is slow or down delays wishes and nothing else; whoever wishes never waits.
// Wishes outlive a restart of the writer. A write that fails is tried again with backoff, unless its error makes it pointless.
import { fullJitterMs } from "../../src/support/backoff.ts";
import type { SafeError } from "../../src/support/errors.ts";
import type { Logger } from "../../src/support/log.ts";
import type { Actor, ActorContext, ActorDefinition, RunOutcome, StopReason } from "../system/index.ts";

export interface WriterLimits {
  /** Writes in flight at once. */
  readonly maxInFlight: number;
  /** Writes begun per turn, and the time between two turns: together the rate. */
  readonly perTurn: number;
  readonly turnMs: number;
  readonly writeDeadlineMs: number;
  readonly backoffMs: { readonly firstMs: number; readonly maxMs: number };
  /** Keys whose wishes may wait; beyond it new ones are refused and counted. */
  readonly maxPending: number;
  readonly stopDeadlineMs: number;
}

export const defaultWriterLimits: WriterLimits = {
  maxInFlight: 8,
  perTurn: 10,
  turnMs: 100,
  writeDeadlineMs: 10_000,
  backoffMs: { firstMs: 1_000, maxMs: 60_000 },
  maxPending: 20_000,
  stopDeadlineMs: 2_000,
};

export interface WriterOptions<Value> {
  /** The class of actor, and the name in its log. */
  readonly kind: string;
  readonly limits: WriterLimits;
  /** Writes one value. Throws ClusterPulseError. */
  write(value: Value, signal: AbortSignal): Promise<void>;
  /** Whether a write that failed with this code is worth another try. */
  isWorthRetrying(code: string, value: Value): boolean;
  /** Called when a value was written (null) or given up. */
  onSettled?(key: string, value: Value, error: SafeError | null, log: Logger): void;
}

export type WriterMessage<Value> =
  | { readonly type: "wishes-waiting" }
  | { readonly type: "turn" }
  | {
      readonly type: "written";
      readonly key: string;
      readonly wish: Wish<Value>;
      readonly outcome: RunOutcome<void>;
    };

interface Wish<Value> {
  readonly value: Value;
  readonly failures: number;
  readonly notBeforeMs: number;
}

export interface WriterStats {
  readonly pending: number;
  readonly written: number;
  /** Failed and tried again. */
  readonly failed: number;
  /** Turned away because too many were waiting. */
  readonly refused: number;
  readonly lastError: SafeError | null;
}

/** The side that other actors hold. Nothing here blocks or throws. */
export interface WriterSink<Value> {
  /** Wishes `value` under `key`, in place of one that still waits. */
  put(key: string, value: Value): void;
  /** What waits under `key`. */
  pending(key: string): Value | undefined;
  /** Takes back what waits under `key`. */
  forget(key: string): void;
  stats(): WriterStats;
}

/** What outlives a restart of the writer. */
interface Outbox<Value> {
  readonly pending: Map<string, Wish<Value>>;
  wake: () => void;
  written: number;
  failed: number;
  refused: number;
  lastError: SafeError | null;
}

/** The definition of a writer, and the sink that it empties once it runs. */
export function keyedWriter<Value>(options: WriterOptions<Value>): {
  definition: ActorDefinition<WriterMessage<Value>>;
  sink: WriterSink<Value>;
} {
  const outbox: Outbox<Value> = {
    pending: new Map(),
    wake: () => undefined,
    written: 0,
    failed: 0,
    refused: 0,
    lastError: null,
  };
  return {
    definition: {
      kind: options.kind,
      create(context) {
        outbox.wake = () => void context.self.tell({ type: "wishes-waiting" });
        return new KeyedWriterActor(context, options, outbox);
      },
      keyOf: (message) => (message.type === "written" ? undefined : message.type),
    },
    sink: {
      put(key, value) {
        const waiting = outbox.pending.get(key);
        if (waiting === undefined && outbox.pending.size >= options.limits.maxPending) {
          outbox.refused++;
          return;
        }
        const { failures = 0, notBeforeMs = 0 } = waiting ?? {};
        outbox.pending.set(key, { value, failures, notBeforeMs });
        outbox.wake();
      },
      pending: (key) => outbox.pending.get(key)?.value,
      forget: (key) => void outbox.pending.delete(key),
      stats() {
        const { pending, written, failed, refused, lastError } = outbox;
        return { pending: pending.size, written, failed, refused, lastError };
      },
    },
  };
}

class KeyedWriterActor<Value> implements Actor<WriterMessage<Value>> {
  readonly #context: ActorContext<WriterMessage<Value>>;
  readonly #options: WriterOptions<Value>;
  readonly #outbox: Outbox<Value>;
  readonly #inFlight = new Set<string>();
  #scheduled = false;

  constructor(context: ActorContext<WriterMessage<Value>>, options: WriterOptions<Value>, outbox: Outbox<Value>) {
    this.#context = context;
    this.#options = options;
    this.#outbox = outbox;
  }

  onStart(): void {
    this.#schedule();
  }

  onMessage(message: WriterMessage<Value>): void {
    switch (message.type) {
      case "wishes-waiting":
        this.#schedule();
        return;
      case "turn":
        this.#scheduled = false;
        this.#turn();
        return;
      case "written":
        this.#written(message.key, message.wish, message.outcome);
        return;
    }
  }

  onStop(reason: StopReason): void {
    if (reason === "restarting" || this.#outbox.pending.size === 0) return;
    const { limits, write } = this.#options;
    const last = [...this.#outbox.pending.values()];
    this.#context.finalRun("last-writes", { deadlineMs: limits.stopDeadlineMs }, async (signal) => {
      const next = last.values();
      const lane = async (): Promise<void> => {
        for (const { value } of next) if (!signal.aborted) await write(value, signal).catch(() => undefined);
      };
      await Promise.all(Array.from({ length: limits.maxInFlight }, lane));
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#outbox.pending.size === 0) return;
    this.#scheduled = true;
    this.#context.timers.once("turn", this.#options.limits.turnMs, { type: "turn" });
  }

  #turn(): void {
    const { limits, write } = this.#options;
    const nowMs = this.#context.clock.monotonicMs();
    let begun = 0;
    for (const [key, wish] of this.#outbox.pending) {
      if (begun >= limits.perTurn || this.#inFlight.size >= limits.maxInFlight) break;
      if (this.#inFlight.has(key) || wish.notBeforeMs > nowMs) continue;
      begun++;
      this.#inFlight.add(key);
      this.#context.run<void>(
        `write ${key}`,
        { deadlineMs: limits.writeDeadlineMs, onEnd: (outcome) => ({ type: "written", key, wish, outcome }) },
        (signal) => write(wish.value, signal),
      );
    }
    this.#schedule();
  }

  #written(key: string, wish: Wish<Value>, outcome: RunOutcome<void>): void {
    this.#inFlight.delete(key);
    const { limits, onSettled, isWorthRetrying } = this.#options;
    const error = outcome.status === "ok" ? null : errorOf(outcome, limits.writeDeadlineMs);
    const newest = this.#outbox.pending.get(key);
    if (error === null) {
      this.#outbox.written++;
      this.#outbox.lastError = null;
    }
    if (error === null || !isWorthRetrying(error.code, wish.value)) {
      if (newest?.value === wish.value) this.#outbox.pending.delete(key);
      onSettled?.(key, wish.value, error, this.#context.log);
      this.#schedule();
      return;
    }
    this.#outbox.failed++;
    this.#outbox.lastError = error;
    // Another writer came first: nothing is wrong, and the next try reads the newest state.
    const level = error.code === "CONFLICT" ? "debug" : "warn";
    this.#context.log[level](
      { error, object: key },
      `a write of the ${this.#options.kind} failed; it will be tried again`,
    );
    if (newest !== undefined) {
      const failures = wish.failures + 1;
      const backoffMs = fullJitterMs(limits.backoffMs, failures, this.#context.random);
      const notBeforeMs = this.#context.clock.monotonicMs() + backoffMs;
      this.#outbox.pending.set(key, { value: newest.value, failures, notBeforeMs });
    }
    this.#schedule();
  }
}

function errorOf(outcome: Exclude<RunOutcome<void>, { status: "ok" }>, deadlineMs: number): SafeError {
  if (outcome.status === "failed") return outcome.error;
  return { code: "WRITE_DEADLINE", message: `no answer within ${deadlineMs} ms` };
}
