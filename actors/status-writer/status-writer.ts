// Patches the status of custom resources: only on change, the newest wish per object only, a bounded number at once and per
// second. An API server of the hub that is slow or down delays statuses and nothing else.

import { fullJitterMs } from "../../src/support/backoff.ts";
import type { SafeError } from "../../src/support/errors.ts";
import type { Actor, ActorContext, ActorDefinition, RunOutcome, StopReason } from "../system/index.ts";

/** The object whose status is meant. The uid keeps a re-created object of the same name from getting its forerunner's status. */
export interface StatusTarget {
  /** Plural resource name: "clusterconnections". */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** Writes one status. Throws ClusterPulseError NOT_FOUND when the object is gone (also when its uid is another). */
export interface StatusPatcher {
  patch(target: StatusTarget, status: object, signal: AbortSignal): Promise<void>;
}

export interface StatusWriterLimits {
  /** Patches in flight at once. */
  readonly maxInFlight: number;
  /** Patches begun per turn, and the time between two turns: together the rate. */
  readonly perTurn: number;
  readonly turnMs: number;
  readonly patchDeadlineMs: number;
  readonly backoffMs: { readonly firstMs: number; readonly maxMs: number };
  /** Objects whose wishes may wait; beyond it new ones are refused and counted. */
  readonly maxPending: number;
  readonly stopDeadlineMs: number;
}

export const defaultStatusWriterLimits: StatusWriterLimits = {
  maxInFlight: 8,
  perTurn: 10,
  turnMs: 100,
  patchDeadlineMs: 10_000,
  backoffMs: { firstMs: 1_000, maxMs: 60_000 },
  maxPending: 20_000,
  stopDeadlineMs: 2_000,
};

export type StatusWriterMessage =
  | { readonly type: "statuses-waiting" }
  | { readonly type: "turn" }
  | { readonly type: "patched"; readonly key: string; readonly wish: Wish; readonly outcome: RunOutcome<void> };

interface Wish {
  readonly target: StatusTarget;
  readonly json: string;
  readonly failures: number;
  readonly notBeforeMs: number;
}

export interface StatusWriterStats {
  readonly pending: number;
  readonly patched: number;
  readonly failed: number;
  readonly refused: number;
  readonly lastError: SafeError | null;
}

/** The side that other actors hold. */
export interface StatusSink {
  /** Wishes this status for the object; nothing happens when it is what was written last. */
  set(target: StatusTarget, status: object): void;
  /** Forgets an object that is gone. */
  forget(target: StatusTarget): void;
  stats(): StatusWriterStats;
}

/** What outlives a restart of the writer. */
interface Outbox {
  readonly pending: Map<string, Wish>;
  readonly written: Map<string, string>;
  wake: () => void;
  patched: number;
  failed: number;
  refused: number;
  lastError: SafeError | null;
}

const keyOf = (target: StatusTarget): string => `${target.resource}/${target.namespace}/${target.name}/${target.uid}`;

/** The definition of the status writer, and the sink that it empties once it runs. */
export function statusWriter(
  patcher: StatusPatcher,
  limits: StatusWriterLimits = defaultStatusWriterLimits,
): { definition: ActorDefinition<StatusWriterMessage>; sink: StatusSink } {
  const outbox: Outbox = {
    pending: new Map(),
    written: new Map(),
    wake: () => undefined,
    patched: 0,
    failed: 0,
    refused: 0,
    lastError: null,
  };
  return {
    definition: {
      kind: "status-writer",
      create(context) {
        outbox.wake = () => void context.self.tell({ type: "statuses-waiting" });
        return new StatusWriterActor(context, patcher, outbox, limits);
      },
      keyOf: (message) => (message.type === "patched" ? undefined : message.type),
    },
    sink: {
      set(target, status) {
        const key = keyOf(target);
        const json = JSON.stringify(status);
        const waiting = outbox.pending.get(key);
        if ((waiting?.json ?? outbox.written.get(key)) === json) return;
        if (waiting === undefined && outbox.pending.size >= limits.maxPending) {
          outbox.refused++;
          return;
        }
        const { failures = 0, notBeforeMs = 0 } = waiting ?? {};
        outbox.pending.set(key, { target, json, failures, notBeforeMs });
        outbox.wake();
      },
      forget(target) {
        outbox.pending.delete(keyOf(target));
        outbox.written.delete(keyOf(target));
      },
      stats() {
        const { pending, patched, failed, refused, lastError } = outbox;
        return { pending: pending.size, patched, failed, refused, lastError };
      },
    },
  };
}

class StatusWriterActor implements Actor<StatusWriterMessage> {
  readonly #context: ActorContext<StatusWriterMessage>;
  readonly #patcher: StatusPatcher;
  readonly #outbox: Outbox;
  readonly #limits: StatusWriterLimits;
  readonly #inFlight = new Set<string>();
  #scheduled = false;

  constructor(
    context: ActorContext<StatusWriterMessage>,
    patcher: StatusPatcher,
    outbox: Outbox,
    limits: StatusWriterLimits,
  ) {
    this.#context = context;
    this.#patcher = patcher;
    this.#outbox = outbox;
    this.#limits = limits;
  }

  onStart(): void {
    this.#schedule();
  }

  onMessage(message: StatusWriterMessage): void {
    switch (message.type) {
      case "statuses-waiting":
        this.#schedule();
        return;
      case "turn":
        this.#scheduled = false;
        this.#turn();
        return;
      case "patched":
        this.#patched(message.key, message.wish, message.outcome);
        return;
    }
  }

  onStop(reason: StopReason): void {
    if (reason === "restarting" || this.#outbox.pending.size === 0) return;
    const last = [...this.#outbox.pending.values()];
    this.#context.finalRun("last-patches", { deadlineMs: this.#limits.stopDeadlineMs }, async (signal) => {
      const next = last.values();
      const lane = async (): Promise<void> => {
        for (const { target, json } of next)
          if (!signal.aborted) await this.#patcher.patch(target, JSON.parse(json), signal).catch(() => undefined);
      };
      await Promise.all(Array.from({ length: this.#limits.maxInFlight }, lane));
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#outbox.pending.size === 0) return;
    this.#scheduled = true;
    this.#context.timers.once("turn", this.#limits.turnMs, { type: "turn" });
  }

  #turn(): void {
    const nowMs = this.#context.clock.monotonicMs();
    let begun = 0;
    for (const [key, wish] of this.#outbox.pending) {
      if (begun >= this.#limits.perTurn || this.#inFlight.size >= this.#limits.maxInFlight) break;
      if (this.#inFlight.has(key) || wish.notBeforeMs > nowMs) continue;
      begun++;
      this.#inFlight.add(key);
      this.#context.run<void>(
        `patch ${key}`,
        { deadlineMs: this.#limits.patchDeadlineMs, onEnd: (outcome) => ({ type: "patched", key, wish, outcome }) },
        (signal) => this.#patcher.patch(wish.target, JSON.parse(wish.json), signal),
      );
    }
    this.#schedule();
  }

  #patched(key: string, wish: Wish, outcome: RunOutcome<void>): void {
    this.#inFlight.delete(key);
    const outbox = this.#outbox;
    const newest = outbox.pending.get(key);
    const gone = outcome.status === "failed" && outcome.error.code === "NOT_FOUND";
    if (outcome.status === "ok") {
      outbox.patched++;
      outbox.lastError = null;
      outbox.written.set(key, wish.json);
    }
    if (outcome.status === "ok" || gone) {
      if (newest?.json === wish.json) outbox.pending.delete(key);
      if (gone) outbox.written.delete(key);
      this.#schedule();
      return;
    }
    outbox.failed++;
    outbox.lastError =
      outcome.status === "failed"
        ? outcome.error
        : { code: "PATCH_DEADLINE", message: `no answer within ${this.#limits.patchDeadlineMs} ms` };
    this.#context.log.warn(
      { error: outbox.lastError, object: `${wish.target.namespace}/${wish.target.name}` },
      "a status patch failed; it will be tried again",
    );
    if (newest !== undefined) {
      const failures = wish.failures + 1;
      const notBeforeMs =
        this.#context.clock.monotonicMs() + fullJitterMs(this.#limits.backoffMs, failures, this.#context.random);
      outbox.pending.set(key, { ...newest, failures, notBeforeMs });
    }
    this.#schedule();
  }
}
