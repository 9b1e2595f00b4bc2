// The faults that are switched on, server by server. Switching is serialised, so that two callers never leave a listener half open.
import { type Clock, systemClock } from "../../support/clock.ts";
import type { Origin } from "../http/listeners.ts";
import { ActiveFault } from "./active.ts";
import type { BodyFault, RequestVerdict, Transition, WatchEditor } from "./effects.ts";
import type { RequestFacts } from "./facts.ts";
import { checkBeside, type FaultRule, isTooMany } from "./rule.ts";
import { ServerFaults } from "./server-faults.ts";

/** A rule that was switched on, and what came of it. */
export interface FaultRecord extends FaultRule {
  readonly id: string;
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
  /** Of servers that have a rule. */
  readonly #servers = new Map<string, ServerFaults>();
  /** How much the faults of a name met that are healed. */
  readonly #healed = new Map<string, number>();
  #switching: Promise<void> = Promise.resolve();
  #refused = 0;

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

  /**
   * Switches the fault on, behind the rules that the cluster has, or in the place of that with the same id. Throws for an unknown
   * cluster; rejects with InvalidInputError for a rule that cannot stand beside the others, or is one too many.
   */
  add(rule: FaultRule): Promise<void> {
    const origin = this.#originOf(rule.cluster);
    return this.#inTurn(async () => {
      const server = this.#servers.get(rule.cluster) ?? new ServerFaults();
      const others = server.rules.map((one) => one.rule);
      if (isTooMany(rule, others)) this.#refused++;
      checkBeside(rule, others);
      this.#servers.set(rule.cluster, server);
      const revision = (): number => this.#revisionOf(origin);
      const ruleFor = (facts: RequestFacts): ActiveFault | undefined => server.ruleFor(facts);
      const active = new ActiveFault(rule, { origin, clock: this.#clock, revision, ruleFor });
      const former = server.put(active);
      if (former !== undefined) await this.#switchOff(former);
      await active.switchOn();
    });
  }

  /**
   * Switches the rule with the id off, or all rules of the cluster; what it serves is its own again when this resolves. False when
   * there was nothing to switch off. Throws for an unknown cluster.
   */
  async remove(cluster: string, id?: string): Promise<boolean> {
    const { name } = this.#originOf(cluster);
    let had = false;
    await this.#inTurn(async () => {
      const server = this.#servers.get(name);
      const taken = server?.take(id) ?? [];
      if (server?.rules.length === 0) this.#servers.delete(name);
      had = taken.length > 0;
      for (const active of taken) await this.#switchOff(active);
    });
    return had;
  }

  /** Switches every fault off: timers of faults end with it. */
  async clear(): Promise<void> {
    for (const name of [...this.#servers.keys()]) await this.remove(name);
  }

  /** Whether a fault lets nobody have a good connection to the cluster now. */
  isDown(cluster: string): boolean {
    return this.#servers.get(cluster)?.ofConnections?.isDown ?? false;
  }

  /** When the cluster's connections go and come back next, in epoch milliseconds; empty where no fault is known to begin or end. */
  transitions(cluster: string): readonly Transition[] {
    const nowMs = this.#clock.monotonicMs();
    const sinceEpochMs = this.#clock.nowMs() - nowMs;
    const next = this.#servers.get(cluster)?.ofConnections?.transitions(nowMs, shownTransitions) ?? [];
    return next.map(({ atMs, to }) => ({ atMs: atMs + sinceEpochMs, to }));
  }

  /** Server by server, the rules of each in their order. */
  list(): readonly FaultRecord[] {
    return this.#all().map(({ rule, id, fired, isOn }) => ({ ...rule, id, fired, isOn }));
  }

  /** What the faults of each name met since the beginning, healed ones too. */
  fired(): ReadonlyMap<string, number> {
    const all = new Map(this.#healed);
    for (const { rule, fired } of this.#all()) all.set(rule.fault, (all.get(rule.fault) ?? 0) + fired);
    return all;
  }

  /** Rules that were one too many for their server. */
  get refused(): number {
    return this.#refused;
  }

  /** Stage B. */
  verdict(cluster: string, facts: RequestFacts): RequestVerdict {
    return this.#ruleFor(cluster, facts)?.verdict(facts) ?? pass;
  }

  /** Stage C, as of now: an answer that is under way asks again. */
  body(cluster: string, facts: RequestFacts): BodyFault {
    return this.#ruleFor(cluster, facts)?.body(facts) ?? untouched;
  }

  /** Stage C of a watch, as of now; undefined: its lines are sent as they are. */
  editor(cluster: string, facts: RequestFacts): WatchEditor | undefined {
    return this.#ruleFor(cluster, facts)?.editor(facts);
  }

  /** Whether the answer must be JSON for the fault to show. */
  wantsJson(cluster: string, facts: RequestFacts): boolean {
    return this.#ruleFor(cluster, facts)?.wantsJson ?? false;
  }

  /** The value of X-Sim-Fault; undefined: there is none. */
  mark(cluster: string, facts: RequestFacts): string | undefined {
    return this.#ruleFor(cluster, facts)?.mark;
  }

  #ruleFor(cluster: string, facts: RequestFacts): ActiveFault | undefined {
    return this.#servers.get(cluster)?.ruleFor(facts);
  }

  #all(): readonly ActiveFault[] {
    return [...this.#servers.values()].flatMap(({ rules }) => rules);
  }

  async #switchOff(active: ActiveFault): Promise<void> {
    await active.switchOff();
    const { fault } = active.rule;
    this.#healed.set(fault, (this.#healed.get(fault) ?? 0) + active.fired);
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(work);
    this.#switching = done.catch(() => {});
    return done;
  }
}
