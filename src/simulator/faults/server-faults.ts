// The rules of one server, in their order: of each request the first that matches it holds, whatever the others would do. What meets
// connections comes before requests, wherever it stands. Pure but for what the rules count.
import type { ActiveFault } from "./active.ts";
import type { RequestFacts } from "./facts.ts";
import { isOfConnections } from "./rule.ts";

export class ServerFaults {
  /** In the order in which they were added. */
  #rules: readonly ActiveFault[] = [];
  /** The same in the order in which a request meets them. */
  #byStage: readonly ActiveFault[] = [];

  get rules(): readonly ActiveFault[] {
    return this.#rules;
  }

  /** The rule that meets connections; a server has one at most. */
  get ofConnections(): ActiveFault | undefined {
    return this.#rules.find(({ rule }) => isOfConnections(rule));
  }

  /** Puts the rule in the place of that with its id, which is returned, or behind the others. */
  put(active: ActiveFault): ActiveFault | undefined {
    const former = this.#rules.find(({ id }) => id === active.id);
    this.#set(
      former === undefined ? [...this.#rules, active] : this.#rules.map((one) => (one === former ? active : one)),
    );
    return former;
  }

  /** Takes out the rule with the id, or all; returns them. */
  take(id?: string): readonly ActiveFault[] {
    const taken = this.#rules.filter((one) => id === undefined || one.id === id);
    this.#set(this.#rules.filter((one) => !taken.includes(one)));
    return taken;
  }

  /** The rule that holds for the request. Counts it. */
  ruleFor(facts: RequestFacts): ActiveFault | undefined {
    return this.#byStage.find((one) => one.takes(facts));
  }

  #set(rules: readonly ActiveFault[]): void {
    this.#rules = rules;
    const isFirst = ({ rule }: ActiveFault): boolean => isOfConnections(rule);
    this.#byStage = [...rules.filter(isFirst), ...rules.filter((one) => !isFirst(one))];
  }
}
