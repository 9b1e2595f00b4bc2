// The scenario that a simulator plays, at most one at a time: started, looked at and stopped while everything runs.
import type { Clock } from "../../support/clock.ts";
import { planScenario, type Spell, spellsOf } from "./plan.ts";
import { ScenarioRun, type ScenarioState, type ScenarioSubject } from "./run.ts";
import { parseScenario } from "./steps.ts";

/** What a scenario will do, told at its start. */
export interface ScenarioOutline {
  readonly actions: number;
  readonly durationMs: number;
  /** First fault of each cluster that has one at some time. */
  readonly broken: Readonly<Record<string, string>>;
  /** From when to when each of them is broken. */
  readonly spells: readonly Spell[];
  /** Clusters whose ClusterConnection goes, or comes back, at some time. */
  readonly churned: readonly string[];
}

export interface ScenarioFleet extends ScenarioSubject {
  readonly names: readonly string[];
  readonly seed: number;
}

export class Scenarios {
  readonly #fleet: ScenarioFleet;
  readonly #clock: Clock;
  #run: ScenarioRun | undefined;

  constructor(fleet: ScenarioFleet, clock: Clock) {
    this.#fleet = fleet;
    this.#clock = clock;
  }

  /** Begins the scenario, in place of one that is under way; what that one did stays, but for churn. Throws InvalidInputError. */
  start(yaml: string): ScenarioOutline {
    const plan = planScenario(parseScenario(yaml), this.#fleet.names, this.#fleet.seed);
    this.#run = new ScenarioRun(plan, this.#fleet, this.#clock, this.stop());
    const { actions, durationMs, broken, churned } = plan;
    return {
      actions: actions.length,
      durationMs,
      broken: Object.fromEntries(broken),
      spells: spellsOf(plan),
      churned: [...churned],
    };
  }

  /** Of the newest one; null: there was none. */
  state(): ScenarioState | null {
    return this.#run?.state ?? null;
  }

  /** Leaves everything as it is now, but for churn, which is again what it was before the scenario. Rejects when that fails. */
  async stop(): Promise<void> {
    await this.#run?.stop();
  }

  /** Nothing more is done: the fleet goes. */
  close(): void {
    this.#run?.abandon();
  }
}
