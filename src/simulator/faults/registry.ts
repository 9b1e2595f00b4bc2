// The faults that are switched on, at most one per cluster. Switching is serialised, so that two callers never leave a listener
// half open.
import type { Origin } from "../http/listeners.ts";
import { type FaultBehaviour, faultBehaviours, type RequestVerdict } from "./kinds.ts";
import type { FaultRule } from "./rule.ts";

export class FaultRegistry {
  readonly #originOf: (name: string) => Origin;
  readonly #rules = new Map<string, FaultRule>();
  #switching: Promise<void> = Promise.resolve();

  /** @param originOf finds a cluster's listener; throws ClusterPulseError for an unknown name */
  constructor(originOf: (name: string) => Origin) {
    this.#originOf = originOf;
  }

  /** Switches the fault on, in place of the one that the cluster had. Throws for an unknown cluster. */
  add(rule: FaultRule): Promise<void> {
    const origin = this.#originOf(rule.cluster);
    return this.#inTurn(async () => {
      await this.#switchOff(origin);
      this.#rules.set(rule.cluster, rule);
      await behaviourOf(rule).start?.(origin);
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

  list(): readonly FaultRule[] {
    return [...this.#rules.values()];
  }

  /** Stage B. */
  verdict(cluster: string): RequestVerdict {
    const rule = this.#rules.get(cluster);
    return (rule === undefined ? undefined : behaviourOf(rule).request?.(rule)) ?? { type: "pass" };
  }

  /** Stage C. */
  holdsBody(cluster: string): boolean {
    const rule = this.#rules.get(cluster);
    return rule !== undefined && behaviourOf(rule).holdsBody === true;
  }

  async #switchOff(origin: Origin): Promise<boolean> {
    const rule = this.#rules.get(origin.name);
    if (rule === undefined) return false;
    this.#rules.delete(origin.name);
    await behaviourOf(rule).stop?.(origin);
    return true;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#switching.then(work);
    this.#switching = done.catch(() => {});
    return done;
  }
}

const behaviourOf = (rule: FaultRule): FaultBehaviour => faultBehaviours[rule.fault];
