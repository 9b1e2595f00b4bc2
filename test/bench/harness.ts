// Measures one way of doing something against another, in one process. The two alternate, round by round, so that whatever
// slows the machine down slows both; medians are shown with their quartiles, and one noisy round decides nothing.

/** A subject and the reference it is held against. */
export interface Measure {
  readonly name: string;
  /** The subject may take at most this many times as long as the reference. */
  readonly goal: number;
  /** What one unit is, and how many of them a round does: the figures shown are per unit. */
  readonly unit: string;
  readonly unitsPerRound: number;
  /** Fewer of them, where a round takes long. */
  readonly warmUps?: number;
  readonly rounds?: number;
  /** A round returns its own cost in milliseconds, such as CPU time of another process, instead of being timed. */
  readonly ownCost?: true;
  /** Further goals, judged once the rounds are over and said before the ratio. */
  others?(): Promise<readonly Verdict[]>;
  /** One round of the reference. It must not be slower than it has to be. */
  reference(): unknown;
  /** One round of the subject, doing the same work. */
  subject(): unknown;
}

/** Whether one goal is met. */
export interface Verdict {
  /** The goal and what was found, such as `first full view after 41 s (goal 60)`. */
  readonly what: string;
  readonly isMet: boolean;
}

export interface Spread {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

const defaultWarmUps = 5;
const defaultRounds = 15;

/** The quartiles of some numbers, by linear interpolation between the closest ranks. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (part: number): number => {
    const rank = part * (sorted.length - 1);
    const below = sorted[Math.floor(rank)] as number;
    const above = sorted[Math.ceil(rank)] as number;
    return below + (above - below) * (rank - Math.floor(rank));
  };
  return { lower: at(0.25), median: at(0.5), upper: at(0.75) };
}

/** What each of some runs takes, as their geometric mean: none counts for more because it takes longer. */
export function geometricMeanMs(runs: readonly (() => unknown)[]): number {
  const logarithms = runs.map((run) => {
    const startedMs = performance.now();
    run();
    return Math.log(performance.now() - startedMs);
  });
  return Math.exp(logarithms.reduce((sum, value) => sum + value, 0) / logarithms.length);
}

async function costMs(round: () => unknown, ownCost: boolean): Promise<number> {
  const startedMs = performance.now();
  const result = await round();
  return ownCost ? Number(result) : performance.now() - startedMs;
}

function show(what: string, timesMs: readonly number[], measure: Measure): void {
  const ns = spreadOf(timesMs.map((ms) => (ms * 1e6) / measure.unitsPerRound));
  const [lower, median, upper] = [ns.lower, ns.median, ns.upper].map((value) => value.toFixed(2));
  console.log(`${measure.name}: ${what} ${median} ns per ${measure.unit} (quartiles ${lower} to ${upper})`);
}

const say = (name: string, { what, isMet }: Verdict): void =>
  console.log(`${name}: ${what}: ${isMet ? "met" : "missed"}`);

/** Runs a measure, prints it, and returns whether all of its goals are met: the ratio's is, unless its lower quartile misses it. */
export async function run(measure: Measure): Promise<boolean> {
  const referenceMs: number[] = [];
  const subjectMs: number[] = [];
  const ownCost = measure.ownCost === true;
  for (let round = -(measure.warmUps ?? defaultWarmUps); round < (measure.rounds ?? defaultRounds); round++) {
    const reference = await costMs(() => measure.reference(), ownCost);
    const subject = await costMs(() => measure.subject(), ownCost);
    if (round < 0) continue;
    referenceMs.push(reference);
    subjectMs.push(subject);
  }
  const ratio = spreadOf(subjectMs.map((ms, round) => ms / (referenceMs[round] as number)));
  show("reference", referenceMs, measure);
  show("subject  ", subjectMs, measure);
  const others = (await measure.others?.()) ?? [];
  for (const verdict of others) say(measure.name, verdict);
  console.log(`${measure.name}: ratio ${ratio.median.toFixed(2)} (goal ${measure.goal})`);
  return ratio.lower <= measure.goal && others.every(({ isMet }) => isMet);
}
