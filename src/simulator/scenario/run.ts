// Plays a planned scenario: one action after the other, each as soon as its time has come. An action that fails is counted and
// does not hold up the next. At its end the churn is that of before; what else it did stays.
import { isDeepStrictEqual } from "node:util";
import type { Cancel, Clock } from "../../support/clock.ts";
import { safeError } from "../../support/errors.ts";
import type { ChurnSettings } from "../churn/settings.ts";
import type { FaultRule } from "../faults/rule.ts";
import type { Action, ScenarioPlan } from "./plan.ts";

/** What the actions act on. */
export interface ScenarioSubject {
  /** In place of whatever rules it had. */
  breakCluster(cluster: string, rules: readonly FaultRule[]): Promise<void>;
  healCluster(cluster: string): Promise<void>;
  /** Its ClusterConnection comes and goes; the cluster itself serves all the time. */
  addCluster(cluster: string): void;
  removeCluster(cluster: string): void;
  readonly churn: {
    set(settings: ChurnSettings): void | Promise<void>;
    stop(): void | Promise<void>;
    state(): { readonly settings: ChurnSettings | null } | Promise<{ readonly settings: ChurnSettings | null }>;
  };
}

/** Churn as it was before the scenario changed it, and as the scenario left it. */
interface ChurnChange {
  readonly before: ChurnSettings | null;
  readonly own: ChurnSettings | null;
}

export interface ScenarioState {
  readonly actions: number;
  readonly done: number;
  readonly failed: number;
  /** Why the last one failed; null: none did. */
  readonly lastError: string | null;
  readonly running: boolean;
}

export class ScenarioRun {
  readonly plan: ScenarioPlan;
  readonly #subject: ScenarioSubject;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #done = 0;
  #failed = 0;
  #lastError: string | null = null;
  #stopped = false;
  #cancel: Cancel = () => undefined;
  /** Undefined: it did not touch it. */
  #churn: ChurnChange | undefined;
  #playing: Promise<void>;

  /** Begins at once, or once what was there before is over. */
  constructor(plan: ScenarioPlan, subject: ScenarioSubject, clock: Clock, former: Promise<void> = Promise.resolve()) {
    this.#playing = former.catch(() => undefined);
    this.plan = plan;
    this.#subject = subject;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
    this.#wait();
  }

  get state(): ScenarioState {
    const { actions } = this.plan;
    const running = !this.#stopped && this.#done < actions.length;
    return { actions: actions.length, done: this.#done, failed: this.#failed, lastError: this.#lastError, running };
  }

  /** Leaves everything as it is now. */
  abandon(): void {
    this.#stopped = true;
    this.#cancel();
  }

  /** Nothing more happens, and churn is again what it was before, unless somebody else has changed it since. Rejects when that fails. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#playing;
    const change = this.#churn;
    this.#churn = undefined;
    if (change === undefined || isDeepStrictEqual(change.before, change.own)) return;
    const { churn } = this.#subject;
    if (!isDeepStrictEqual((await churn.state()).settings, change.own)) return;
    await (change.before === null ? churn.stop() : churn.set(change.before));
  }

  #wait(): void {
    const next = this.plan.actions[this.#done];
    if (next === undefined || this.#stopped) return;
    const delayMs = Math.max(0, this.#startedMs + next.atMs - this.#clock.monotonicMs());
    this.#cancel = this.#clock.setTimer(() => {
      this.#playing = this.#playing.then(() => this.#playDue());
    }, delayMs);
  }

  async #playDue(): Promise<void> {
    const sinceMs = this.#clock.monotonicMs() - this.#startedMs;
    for (;;) {
      const next = this.plan.actions[this.#done];
      if (this.#stopped || next === undefined || next.atMs > sinceMs) break;
      await this.#play(next);
      this.#done++;
    }
    this.#wait();
  }

  async #play(action: Action): Promise<void> {
    try {
      switch (action.kind) {
        case "break":
          return await this.#subject.breakCluster(action.cluster, action.rules);
        case "heal":
          return await this.#subject.healCluster(action.cluster);
        case "add":
          return this.#subject.addCluster(action.cluster);
        case "remove":
          return this.#subject.removeCluster(action.cluster);
        case "churn":
          return await this.#changeChurn(action.churn);
      }
    } catch (error) {
      this.#failed++;
      const what = action.kind === "churn" ? action.kind : `${action.kind} ${action.cluster}`;
      this.#lastError = `${what}: ${safeError(error).message}`;
    }
  }

  async #changeChurn(settings: ChurnSettings | "stop"): Promise<void> {
    const { churn } = this.#subject;
    const before = this.#churn === undefined ? (await churn.state()).settings : this.#churn.before;
    try {
      await (settings === "stop" ? churn.stop() : churn.set(settings));
    } finally {
      this.#churn = { before, own: (await churn.state()).settings };
    }
  }
}
