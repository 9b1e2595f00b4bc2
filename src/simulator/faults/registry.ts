// The faults that are switched on, at most one per cluster. Switching is serialised, so that two callers never leave a listener
// half open.
import { type Clock, systemClock } from "../../support/clock.ts";
import type { Origin } from "../http/listeners.ts";
import { ActiveFault } from "./active.ts";
import type { BodyFault, RequestVerdict, Transition, WatchEditor } from "./effects.ts";
import type { RequestFacts } from "./facts.ts";
import type { FaultRule } from "./rule.ts";

/** A rule that was switched on, and what came of it. */
export interface FaultRecord extends FaultRule {
  /** How many requests, connections or outages it met. */
  readonly fired: number;
  /** False before its time and after it. */
  readonly isOn: boolean;
}

const shownTransitions = 10;
const pass: RequestVerdict = { type: "pass" };
const untouched: BodyFault = { type: "none" };

export class FaultRegistry {
  readonly #originOf: (name: string) => Origin;
  readonly #clock: Clock;
  readonly #revisionOf: (origin: Origin) => number;
  readonly #active = new Map<string, ActiveFault>();
  /** How much the faults of a name met that are healed. */
  readonly #healed = new Map<string, number>();
  #switching: Promise<void> = Promise.resolve();

  /**
   * @param originOf finds a cluster's listener; throws ClusterPulseError for an unknown name
   * @param revisionOf the newest resourceVersion of a server; 0 where there is none
   */
  constructor(
    originOf: (name: string) => Origin,
    clock: Clock = systemClock,
    revisionOf: (origin: Origin) => number = () => 0,
  ) {
    this.#originOf = originOf;
    this.#clock = clock;
    this.#revisionOf = revisionOf;
  }

  /** Switches the fault on, in place of the one that the cluster had. Throws for an unknown cluster. */
  add(rule: FaultRule): Promise<void> {
    const origin = this.#originOf(rule.cluster);
    return this.#inTurn(async () => {
      await this.#switchOff(origin);
      const revision = (): number => this.#revisionOf(origin);
      const active = new ActiveFault(rule, { origin, clock: this.#clock, revision });
      this.#active.set(rule.cluster, active);
      await active.switchOn();
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
    const nowMs = this.#clock.monotonicMs();
    const sinceEpochMs = this.#clock.nowMs() - nowMs;
    const next = this.#active.get(cluster)?.transitions(nowMs, shownTransitions) ?? [];
    return next.map(({ atMs, to }) => ({ atMs: atMs + sinceEpochMs, to }));
  }

  list(): readonly FaultRecord[] {
    return [...this.#active.values()].map(({ rule, fired, isOn }) => ({ ...rule, fired, isOn }));
  }

  /** What the faults of each name met since the beginning, healed ones too. */
  fired(): ReadonlyMap<string, number> {
    const all = new Map(this.#healed);
    for (const { rule, fired } of this.#active.values()) all.set(rule.fault, (all.get(rule.fault) ?? 0) + fired);
    return all;
  }

  /** Stage B. */
  verdict(cluster: string, facts: RequestFacts): RequestVerdict {
    return this.#active.get(cluster)?.verdict(facts) ?? pass;
  }

  /** Stage C, as of now: an answer that is under way asks again. */
  body(cluster: string, facts: RequestFacts): BodyFault {
    return this.#active.get(cluster)?.body(facts) ?? untouched;
  }

  /** Stage C of a watch, as of now; undefined: its lines are sent as they are. */
  editor(cluster: string, facts: RequestFacts): WatchEditor | undefined {
    return this.#active.get(cluster)?.editor(facts);
  }

  /** Whether the answer must be JSON for the fault to show. */
  wantsJson(cluster: string, facts: RequestFacts): boolean {
    return this.#active.get(cluster)?.wantsJson(facts) ?? false;
  }

  /** The value of X-Sim-Fault; undefined: there is none. */
  mark(cluster: string, facts: RequestFacts): string | undefined {
    return this.#active.get(cluster)?.mark(facts);
  }

  async #switchOff(origin: Origin): Promise<boolean> {
    const active = this.#active.get(origin.name);
    if (active === undefined) return false;
    this.#active.delete(origin.name);
    await active.switchOff();
    const { fault } = active.rule;
    this.#healed.set(fault, (this.#healed.get(fault) ?? 0) + active.fired);
    return true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(work);
    this.#switching = done.catch(() => {});
    return done;
  }
}
