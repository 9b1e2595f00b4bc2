// The faults that are switched on, at most one per cluster. Switching is serialised, so that two callers never leave a listener
// half open.
import { type Clock, systemClock } from "../../support/clock.ts";
import type { Origin } from "../http/listeners.ts";
import type { BodyFault, Heal, RequestVerdict } from "./effects.ts";
import { defaultFlap, nextTransitions, type Transition } from "./flap.ts";
import { type FaultBehaviour, faultBehaviours } from "./kinds.ts";
import type { FaultRule } from "./rule.ts";

interface Active {
  readonly rule: FaultRule;
  readonly startedMs: number;
  heal: Heal;
}

const shownTransitions = 10;
const pass: RequestVerdict = { type: "pass" };
const untouched: BodyFault = { type: "none" };

export class FaultRegistry {
  readonly #originOf: (name: string) => Origin;
  readonly #clock: Clock;
  readonly #active = new Map<string, Active>();
  #switching: Promise<void> = Promise.resolve();

  /** @param originOf finds a cluster's listener; throws ClusterPulseError for an unknown name */
  constructor(originOf: (name: string) => Origin, clock: Clock = systemClock) {
    this.#originOf = originOf;
    this.#clock = clock;
  }

  /** Switches the fault on, in place of the one that the cluster had. Throws for an unknown cluster. */
  add(rule: FaultRule): Promise<void> {
    const origin = this.#originOf(rule.cluster);
    return this.#inTurn(async () => {
      await this.#switchOff(origin);
      const active: Active = { rule, startedMs: this.#clock.monotonicMs(), heal: () => {} };
      this.#active.set(rule.cluster, active);
      active.heal = (await behaviourOf(rule).start?.(origin, rule, this.#clock)) ?? active.heal;
    });
  }

  /** Switches the cluster's fault off; it serves again when this resolves. False when it had none. Throws for an unknown cluster. */
  async remove(cluster: string): Promise<boolean> {
    const origin = this.#originOf(cluster);
    let had = false;
    await this.#inTurn(async () => {
      had = await this.#switchOff(origin);
    });
    return had;
  }

  /** Switches every fault off: timers of faults end with it. */
  async clear(): Promise<void> {
    for (const name of [...this.#active.keys()]) await this.remove(name);
  }

  /** When the cluster goes and comes back next, in epoch milliseconds; empty unless it flaps. */
  transitions(cluster: string): readonly Transition[] {
    const active = this.#active.get(cluster);
    if (active?.rule.fault !== "flap") return [];
    const times = { ...defaultFlap, ...active.rule.parameters };
    const nowMs = this.#clock.monotonicMs();
    const sinceEpochMs = this.#clock.nowMs() - nowMs;
    return nextTransitions(active.startedMs, times, nowMs, shownTransitions).map(({ atMs, to }) => ({
      atMs: atMs + sinceEpochMs,
      to,
    }));
  }

  list(): readonly FaultRule[] {
    return [...this.#active.values()].map(({ rule }) => rule);
  }

  /** Stage B. */
  verdict(cluster: string, request: { readonly isWatch: boolean }): RequestVerdict {
    const rule = this.#active.get(cluster)?.rule;
    return (rule === undefined ? undefined : behaviourOf(rule).request?.(rule, request)) ?? pass;
  }

  /** Stage C, as of now: an answer that is under way asks again. */
  body(cluster: string, answer: { readonly isWatch: boolean }): BodyFault {
    const rule = this.#active.get(cluster)?.rule;
    return (rule === undefined ? undefined : behaviourOf(rule).body?.(rule, answer)) ?? untouched;
  }

  async #switchOff(origin: Origin): Promise<boolean> {
    const active = this.#active.get(origin.name);
    if (active === undefined) return false;
    this.#active.delete(origin.name);
    await active.heal();
    return true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(work);
    this.#switching = done.catch(() => {});
    return done;
  }
}

const behaviourOf = (rule: FaultRule): FaultBehaviour => faultBehaviours[rule.fault];
