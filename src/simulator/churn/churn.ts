// What happens in generated clusters by itself: now here, now there a Deployment rolls out, a node goes and comes back. One timer wheel
// drives all clusters; the cost is that of what happens, however many clusters there are.
// Guarantees: what is drawn follows from seed and clock; chains that are under way and what is begun at once are bounded; stopping leaves
// everything as it is in that moment.
// Does not guarantee: an exact rate. Chains are begun as often as makes the rate on the average, and go their way then.
import type { Clock } from "../../support/clock.ts";
import { InvalidInputError } from "../../support/errors.ts";
import { type Random, seededRandom } from "../../support/random.ts";
import { type TimerHandle, TimerWheel } from "../../support/timer-wheel.ts";
import { hashOf } from "../hash.ts";
import type { World } from "../world/world.ts";
import { type Subject, subjectsOf } from "./moves.ts";
import { type ChurnSettings, parseChurn } from "./settings.ts";
import { type ChurnKind, churnKinds, type Stage, type StageSet, stageSets } from "./stages.ts";
import { parseTrace, TraceRun, type TraceState } from "./trace.ts";

/** The clusters that churn draws from. */
export interface ChurnFleet {
  readonly count: number;
  worldAt(place: number): World;
  /** Throws SIMULATED_CLUSTER_UNKNOWN. */
  worldOf(cluster: string): World;
  readonly seed: number;
}

export interface ChurnState {
  /** Null: nothing happens. */
  readonly settings: ChurnSettings | null;
  /** Steps that were taken. A step of a pod mostly changes its Deployment too. */
  readonly steps: number;
  /** Chains that were begun, by kind. */
  readonly begun: Readonly<Record<ChurnKind, number>>;
  /** Draws that found nothing to begin with. */
  readonly idle: number;
  /** Chains under way. */
  readonly pending: number;
  /** Changes that were left out because the process was late, or too much was under way. */
  readonly dropped: number;
  /** Of the newest trace; null: there was none. */
  readonly trace: TraceState | null;
}

interface Chain {
  readonly set: StageSet;
  readonly subject: Subject;
  readonly stage: Stage;
  /** What the subject is like while it waits. */
  readonly state: number;
}

const tickMs = 100;
const maxPending = 50_000;
const defaultCatchUp = 1_000;
const drawsPerBegin = 4;
const dayMs = 86_400_000;
/** The busiest clusters get so many times what the calmest get. */
const busiest = 4;

export class Churn {
  readonly #fleet: ChurnFleet;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  #random: Random;
  #settings: ChurnSettings | undefined;
  #trace: TraceRun | undefined;
  #tick: TimerHandle | undefined;
  readonly #pending = new Set<TimerHandle>();
  #tickedMs = 0;
  #burstMs = 0;
  /** Changes to begin. Below 0: what was begun is for later too. */
  #owed = 0;
  #steps = 0;
  #idle = 0;
  #dropped = 0;
  readonly #begun = Object.fromEntries(churnKinds.map((kind) => [kind, 0])) as Record<ChurnKind, number>;

  constructor(fleet: ChurnFleet, clock: Clock) {
    this.#fleet = fleet;
    this.#clock = clock;
    this.#wheel = new TimerWheel(clock, tickMs);
    this.#random = seededRandom(fleet.seed);
  }

  /** Goes on by these settings; chains that are under way go their way. Throws InvalidInputError that lists everything wrong. */
  set(settings: ChurnSettings): void {
    this.#settings = parseChurn(settings);
    this.#random = seededRandom(settings.seed ?? this.#fleet.seed);
    this.#tickedMs = this.#clock.monotonicMs();
    this.#burstMs = this.#tickedMs;
    this.#owed = 0;
    this.#tick?.cancel();
    const { eventsPerSecond, perClusterRate, burst } = settings;
    if (Math.max(eventsPerSecond ?? 0, perClusterRate ?? 0) > 0 || burst !== undefined) this.#schedule();
  }

  state(): ChurnState {
    return {
      settings: this.#settings ?? null,
      steps: this.#steps,
      begun: { ...this.#begun },
      idle: this.#idle,
      pending: this.#pending.size,
      dropped: this.#dropped,
      trace: this.#trace?.state ?? null,
    };
  }

  /**
   * Lets happen what a trace tells, beside what is drawn and in place of the trace before. Throws InvalidInputError, and
   * SIMULATED_CLUSTER_UNKNOWN.
   * @param speed 2 plays it in half the time
   */
  replay(trace: string, speed = 1): void {
    const steps = parseTrace(trace);
    if (!(speed > 0 && speed <= 1_000)) throw new InvalidInputError(["speed: must be a number above 0, at most 1000"]);
    for (const cluster of new Set(steps.map((step) => step.cluster))) this.#fleet.worldOf(cluster);
    this.#trace?.stop();
    const timing = { clock: this.#clock, wheel: this.#wheel };
    this.#trace = new TraceRun(steps, speed, (cluster) => this.#fleet.worldOf(cluster), timing);
  }

  /** Nothing happens any more, in the middle of whatever is under way. */
  stop(): void {
    this.#settings = undefined;
    this.#tick?.cancel();
    this.#trace?.stop();
    for (const handle of this.#pending) handle.cancel();
    this.#pending.clear();
  }

  #schedule(): void {
    this.#tick = this.#wheel.schedule(tickMs, () => this.#begin());
  }

  #begin(): void {
    const settings = this.#settings;
    if (settings === undefined) return;
    this.#owe(settings);
    while (this.#owed >= 1) {
      if (this.#pending.size >= maxPending) {
        this.#dropped += Math.floor(this.#owed);
        this.#owed = 0;
        break;
      }
      this.#owed -= Math.max(1, this.#beginOne(settings));
    }
    this.#schedule();
  }

  #owe({ eventsPerSecond, perClusterRate = 0, burst, diurnal = 0, maxCatchUp = defaultCatchUp }: ChurnSettings): void {
    const nowMs = this.#clock.monotonicMs();
    const rate = eventsPerSecond ?? perClusterRate * this.#fleet.count;
    const ofDay = (this.#clock.nowMs() % dayMs) / dayMs;
    const factor = 1 - diurnal * Math.cos(2 * Math.PI * ofDay);
    this.#owed += (rate * factor * (nowMs - this.#tickedMs)) / 1_000;
    this.#tickedMs = nowMs;
    if (burst !== undefined) {
      const bursts = Math.floor((nowMs - this.#burstMs) / burst.everyMs);
      this.#burstMs += bursts * burst.everyMs;
      this.#owed += bursts * burst.size;
    }
    if (this.#owed <= maxCatchUp) return;
    this.#dropped += Math.floor(this.#owed - maxCatchUp);
    this.#owed = maxCatchUp;
  }

  /** Returns how many changes come of it on the average. */
  #beginOne({ kinds = everything }: ChurnSettings): number {
    const kind = drawn(Object.entries(kinds), ([, weight]) => weight, this.#random)[0] as ChurnKind;
    const set = stageSets[kind];
    const world = this.#fleet.worldAt(this.#drawCluster());
    const model = world.seedModel();
    const { count, at } = subjectsOf[set.kind];
    const places = count(model);
    for (let draw = 0; draw < drawsPerBegin && places > 0; draw++) {
      const subject = at(world, model, Math.floor(this.#random() * places));
      const changes = subject === undefined ? undefined : this.#start(set, subject);
      if (changes === undefined) continue;
      this.#begun[kind]++;
      return changes;
    }
    this.#idle++;
    return 0;
  }

  /** By a weight that is the cluster's own. */
  #drawCluster(): number {
    const { count, seed } = this.#fleet;
    for (;;) {
      const place = Math.floor(this.#random() * count);
      if (this.#random() * busiest < 1 + (hashOf(seed, place, 15) % busiest)) return place;
    }
  }

  /** The first step of a chain. Returns how many changes come of it; undefined when there is nothing that it could begin with. */
  #start(set: StageSet, subject: Subject): number | undefined {
    const possible = set.stages.filter(({ when, next }) => when === "start" && subject.canBecome(next));
    if (possible.length === 0) return undefined;
    const stage = drawn(possible, weightOf, this.#random);
    const dependents = this.#take(set, subject, stage);
    return dependents === undefined ? undefined : set.changes + dependents;
  }

  /** Takes the step and plans the next one. Returns the changes that dependents will make; undefined when it was not to be. */
  #take(set: StageSet, subject: Subject, stage: Stage): number | undefined {
    if (!subject.become(stage.next, Math.floor(this.#clock.nowMs() / 1_000))) return undefined;
    this.#steps++;
    const following = set.stages.filter(({ when }) => when === stage.next);
    if (following.length > 0) {
      const next = drawn(following, weightOf, this.#random);
      const chain = { set, subject, stage: next, state: subject.state() };
      if (next.next !== "end") this.#after(between(next.delayMs, this.#random), () => this.#goOn(chain));
    }
    return stage.each === undefined ? 0 : this.#startEach(subject, stage.each);
  }

  #goOn({ set, subject, stage, state }: Chain): void {
    // Whatever else happened to it has its own chain.
    if (subject.state() === state && subject.canBecome(stage.next)) this.#take(set, subject, stage);
  }

  #startEach(subject: Subject, { set: name, everyMs }: NonNullable<Stage["each"]>): number {
    const set = stageSets[name] as StageSet;
    const first = set.stages.filter(({ when }) => when === "start");
    const dependents = subject.dependents().filter((one) => first.some(({ next }) => one.canBecome(next)));
    let delayMs = 0;
    for (const dependent of dependents) {
      this.#after(delayMs, () => void this.#start(set, dependent));
      delayMs += between(everyMs, this.#random);
    }
    return dependents.length * set.changes;
  }

  #after(delayMs: number, work: () => void): void {
    const handle = this.#wheel.schedule(delayMs, () => {
      this.#pending.delete(handle);
      work();
    });
    this.#pending.add(handle);
  }
}

const everything: Readonly<Record<ChurnKind, number>> = Object.fromEntries(
  churnKinds.map((kind) => [kind, 1]),
) as Record<ChurnKind, number>;

const weightOf = ({ weight = 1 }: Stage): number => weight;

const between = ([low, high]: readonly [number, number], random: Random): number => low + random() * (high - low);

/** One of them, by weight. There must be one. */
function drawn<T>(from: readonly T[], weight: (one: T) => number, random: Random): T {
  let left = random() * from.reduce((sum, one) => sum + weight(one), 0);
  for (const one of from) {
    left -= weight(one);
    if (left < 0) return one;
  }
  return from.at(-1) as T;
}
