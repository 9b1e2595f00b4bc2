// Who is broken when, while a fleet is measured: a cluster that a scenario breaks for a while is broken for that while, recovers after it,
// and is never one of the healthy. Pure; times are epoch milliseconds of one clock unless they are said to be of the scenario.

/** A time in which a cluster has a fault, milliseconds from the start of the scenario. */
export interface Spell {
  readonly cluster: string;
  readonly fault: string;
  readonly fromMs: number;
  /** Null: it does not end. */
  readonly toMs: number | null;
}

/** Clusters that healed in one moment. */
export interface Recovery {
  /** Seconds after the measuring began. */
  readonly atSeconds: number;
  readonly clusters: number;
  /** Of them, how many had no good outcome in the store until they broke again, or until the end. */
  readonly missing: number;
  /** Until the last of them had its first good outcome in the store; null: some never had. */
  readonly fullViewMs: number | null;
  /**
   * The most handshakes that the hub ever had in flight, told when the last had come back: meanwhile there were not more. Null: it does
   * not tell.
   */
  readonly handshakesPeak: number | null;
}

export class Timeline {
  /** Every cluster that is broken at some time, with its first fault. */
  readonly faults: ReadonlyMap<string, string>;
  readonly #lasting: ReadonlyMap<string, string>;
  readonly #spells = new Map<string, { readonly fromMs: number; readonly toMs: number }[]>();

  /** @param lasting clusters that are broken from the beginning; one that the scenario touches is broken as that says from then on */
  constructor(lasting: ReadonlyMap<string, string>, spells: readonly Spell[], scenarioStartMs: number) {
    const faults = new Map(lasting);
    for (const { cluster, fault, fromMs, toMs } of spells) {
      if (!faults.has(cluster)) faults.set(cluster, fault);
      const spell = {
        fromMs: scenarioStartMs + fromMs,
        toMs: toMs === null ? Number.POSITIVE_INFINITY : scenarioStartMs + toMs,
      };
      const known = this.#spells.get(cluster);
      if (known === undefined) this.#spells.set(cluster, [spell]);
      else known.push(spell);
    }
    this.faults = faults;
    this.#lasting = lasting;
  }

  readonly isBroken = (cluster: string, atMs: number): boolean => {
    const spells = this.#spells.get(cluster);
    const [first] = spells ?? [];
    if (this.#lasting.has(cluster) && (first === undefined || atMs < first.fromMs)) return true;
    return spells?.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs) ?? false;
  };
}

interface Healing {
  readonly healedMs: number;
  clusters: number;
  readonly waiting: Set<string>;
  fullViewMs: number | null;
  handshakesPeak: number | null;
  isToldWhole: boolean;
}

const newHealing = (healedMs: number): Healing => ({
  healedMs,
  clusters: 0,
  waiting: new Set(),
  fullViewMs: null,
  handshakesPeak: null,
  isToldWhole: false,
});

/** Follows what heals until all of it is back. To be told everything that is seen, in order of time. */
export class Recoveries {
  readonly #startMs: number;
  readonly #healings: readonly Healing[];
  readonly #turns = new Map<string, { readonly healing: Healing; readonly untilMs: number }[]>();

  /** @param churned clusters that go and come back: they are waited for by nobody */
  constructor(spells: readonly Spell[], churned: ReadonlySet<string>, scenarioStartMs: number) {
    this.#startMs = scenarioStartMs;
    const healings = new Map<number, Healing>();
    const nextMs = new Map<string, number>();
    for (const { cluster, fromMs, toMs } of spells.toReversed()) {
      const untilMs = nextMs.get(cluster) ?? Number.POSITIVE_INFINITY;
      nextMs.set(cluster, scenarioStartMs + fromMs);
      const healedMs = scenarioStartMs + (toMs ?? Number.POSITIVE_INFINITY);
      if (healedMs >= untilMs || toMs === null || churned.has(cluster)) continue;
      const healing = healings.get(toMs) ?? newHealing(healedMs);
      healings.set(toMs, healing);
      healing.clusters++;
      healing.waiting.add(cluster);
      const turns = this.#turns.get(cluster);
      if (turns === undefined) this.#turns.set(cluster, [{ healing, untilMs }]);
      else turns.push({ healing, untilMs });
    }
    this.#healings = [...healings.values()].sort((a, b) => a.healedMs - b.healedMs);
  }

  /** A good outcome of a cluster appeared in the store. */
  good(cluster: string, atMs: number): void {
    for (const { healing, untilMs } of this.#turns.get(cluster) ?? []) {
      if (atMs < healing.healedMs || atMs >= untilMs || !healing.waiting.delete(cluster)) continue;
      if (healing.waiting.size === 0) healing.fullViewMs = atMs - healing.healedMs;
    }
  }

  /** The most handshakes that the hub ever had in flight, as it says now. */
  handshakes(atMs: number, peak: number | null): void {
    for (const healing of this.#healings) {
      if (atMs < healing.healedMs || healing.isToldWhole) continue;
      healing.handshakesPeak = peak;
      healing.isToldWhole = healing.waiting.size === 0;
    }
  }

  /** What healed until then. */
  report(toMs: number): Recovery[] {
    return this.#healings
      .filter(({ healedMs }) => healedMs < toMs)
      .map(({ healedMs, clusters, waiting, fullViewMs, handshakesPeak }) => ({
        atSeconds: (healedMs - this.#startMs) / 1_000,
        clusters,
        missing: waiting.size,
        fullViewMs,
        handshakesPeak,
      }));
  }
}
