// What a scenario does to a given fleet: every single action with its time, drawn by the seed, known before it begins. So who reads
// a run's outcome can say which clusters were never touched. Pure.
import { InvalidInputError } from "../../support/errors.ts";
import { hash32 } from "../../support/random.ts";
import type { ChurnSettings } from "../churn/settings.ts";
import type { FaultRule } from "../faults/rule.ts";
import type { Selection, Step } from "./steps.ts";

export type Action =
  | { readonly atMs: number; readonly kind: "add" | "remove" | "heal"; readonly cluster: string }
  /** From then on the cluster has these rules and no others; there is one at least. */
  | { readonly atMs: number; readonly kind: "break"; readonly cluster: string; readonly rules: readonly FaultRule[] }
  | { readonly atMs: number; readonly kind: "churn"; readonly churn: ChurnSettings | "stop" };

export interface ScenarioPlan {
  /** In order of time. */
  readonly actions: readonly Action[];
  /** Clusters that have a fault at some time, with the first one's name. */
  readonly broken: ReadonlyMap<string, string>;
  /** Clusters that go, or come back, at some time. */
  readonly churned: ReadonlySet<string>;
  readonly durationMs: number;
}

/** A time in which a cluster has a fault, milliseconds from the start of the scenario. */
export interface Spell {
  readonly cluster: string;
  /** The first one, when others follow it without a heal between. */
  readonly fault: string;
  readonly fromMs: number;
  /** Null: it does not end. */
  readonly toMs: number | null;
}

const maxActions = 1_000_000;

/** Throws InvalidInputError when a step asks for clusters that are not there at its time. */
export function planScenario(steps: readonly Step[], names: readonly string[], seed: number): ScenarioPlan {
  return new Planner(names, seed).plan(steps);
}

/** Who is broken when, in order of their beginnings. */
export function spellsOf({ actions }: ScenarioPlan): Spell[] {
  const spells: { cluster: string; fault: string; fromMs: number; toMs: number | null }[] = [];
  const open = new Map<string, (typeof spells)[number]>();
  for (const action of actions) {
    if (action.kind === "churn") continue;
    const { atMs, kind, cluster } = action;
    const spell = open.get(cluster);
    const isOver = spell === undefined || (spell.toMs !== null && spell.toMs <= atMs);
    if (kind === "break" && isOver) {
      const begun = { cluster, ...spellOf(atMs, action.rules) };
      open.set(cluster, begun);
      spells.push(begun);
    } else if (kind === "break" && spell !== undefined) {
      // It takes the place of what was there.
      spell.toMs = spellOf(atMs, action.rules).toMs;
    } else if (kind === "heal" && spell !== undefined && !isOver) {
      spell.toMs = Math.max(spell.fromMs, atMs);
      open.delete(cluster);
    }
  }
  return spells.sort((a, b) => a.fromMs - b.fromMs);
}

/** From the first rule's beginning to the last one's end. */
function spellOf(atMs: number, rules: readonly FaultRule[]): Omit<Spell, "cluster"> {
  const times = rules.map(({ parameters: { startMs = 0, durationMs } = {} }) => ({
    fromMs: atMs + startMs,
    toMs: durationMs === undefined ? Number.POSITIVE_INFINITY : atMs + startMs + durationMs,
  }));
  const fromMs = Math.min(...times.map(({ fromMs }) => fromMs));
  const toMs = Math.max(...times.map(({ toMs }) => toMs));
  return { fault: rules[0]?.fault ?? "", fromMs, toMs: toMs === Number.POSITIVE_INFINITY ? null : toMs };
}

class Planner {
  readonly #names: readonly string[];
  readonly #seed: number;
  readonly #actions: Action[] = [];
  readonly #faulty = new Set<string>();
  readonly #gone = new Set<string>();
  readonly #broken = new Map<string, string>();
  readonly #churned = new Set<string>();
  #draws = 0;

  constructor(names: readonly string[], seed: number) {
    this.#names = names;
    this.#seed = seed;
  }

  plan(steps: readonly Step[]): ScenarioPlan {
    const turns = steps.flatMap((step, index) =>
      timesOf(step).map((atMs) => ({ atMs, step, where: `steps[${index}]` })),
    );
    // Equal times keep the order of the file.
    for (const { atMs, step, where } of turns.toSorted((a, b) => a.atMs - b.atMs)) {
      this.#turn(atMs, step, where);
      if (this.#actions.length > maxActions)
        throw new InvalidInputError([`the scenario has more than ${maxActions} actions`]);
    }
    return {
      actions: this.#actions,
      broken: this.#broken,
      churned: this.#churned,
      durationMs: this.#actions.at(-1)?.atMs ?? 0,
    };
  }

  #turn(atMs: number, { add, remove, heal, churn, faults }: Step, where: string): void {
    const there = (): string[] => this.#names.filter((name) => !this.#gone.has(name));
    for (const cluster of this.#choose(add, [...this.#gone], `${where}.add`)) {
      this.#gone.delete(cluster);
      this.#churned.add(cluster);
      this.#actions.push({ atMs, kind: "add", cluster });
    }
    for (const cluster of this.#choose(remove, there(), `${where}.remove`)) {
      this.#gone.add(cluster);
      this.#churned.add(cluster);
      this.#actions.push({ atMs, kind: "remove", cluster });
    }
    for (const cluster of this.#choose(heal, [...this.#faulty], `${where}.heal`)) {
      this.#faulty.delete(cluster);
      this.#actions.push({ atMs, kind: "heal", cluster });
    }
    if (churn !== undefined) this.#actions.push({ atMs, kind: "churn", churn });
    if (faults === undefined) return;
    if ("rules" in faults)
      for (const [cluster, rules] of Map.groupBy(faults.rules, (rule) => rule.cluster))
        this.#break(atMs, cluster, rules, `${where}.faults`);
    else
      for (const { fault, amount } of faults.shares) {
        const sound = this.#names.filter((name) => !this.#faulty.has(name));
        for (const cluster of this.#choose(amount, sound, `${where}.faults`))
          this.#break(atMs, cluster, [{ cluster, fault: fault as FaultRule["fault"] }], `${where}.faults`);
      }
  }

  #break(atMs: number, cluster: string, rules: readonly FaultRule[], where: string): void {
    if (!this.#names.includes(cluster))
      throw new InvalidInputError([`${where}: no simulated cluster is called ${cluster}`]);
    this.#faulty.add(cluster);
    if (!this.#broken.has(cluster)) this.#broken.set(cluster, rules[0]?.fault ?? "");
    this.#actions.push({ atMs, kind: "break", cluster, rules });
  }

  /** A share is one of the whole fleet. */
  #choose(selection: Selection | undefined, from: readonly string[], where: string): readonly string[] {
    if (selection === undefined) return [];
    const draw = ++this.#draws;
    switch (selection.kind) {
      case "all":
        return from;
      case "names": {
        const stranger = selection.names.find((name) => !from.includes(name));
        if (stranger !== undefined)
          throw new InvalidInputError([`${where}: ${stranger} is not one of those it could be`]);
        return selection.names;
      }
      case "count":
      case "share": {
        const { kind, value } = selection;
        const count = kind === "share" ? Math.round(value * this.#names.length) : value;
        if (count > from.length)
          throw new InvalidInputError([`${where}: ${count} are wanted and there are ${from.length}`]);
        const keyOf = (name: string): number => hash32(`${this.#seed}/${draw}/${name}`);
        return from
          .map((name) => ({ name, key: keyOf(name) }))
          .sort((a, b) => a.key - b.key)
          .slice(0, count)
          .map(({ name }) => name);
      }
    }
  }
}

function timesOf({ atMs, everyMs, untilMs }: Step): number[] {
  if (everyMs === undefined) return [atMs];
  return Array.from({ length: Math.floor((untilMs - atMs) / everyMs) + 1 }, (_, i) => atMs + i * everyMs);
}
