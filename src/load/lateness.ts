// How late a fleet's cycles are, judged from outside the hub: by when each cluster's API server was asked, and when the outcome was
// seen in the store. Pure; times are epoch milliseconds of one clock. Holds two numbers for each cycle.

export interface Distribution {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface GroupLateness {
  readonly clusters: number;
  /** Cycles that were due while it was measured. */
  readonly cycles: number;
  /** From the time a cycle was due to its outcome in the store; one unfinished at the end counts with its age. */
  readonly latenessMs: Distribution;
  /** Cycles with no outcome before the next was due. */
  readonly missedCycles: number;
  /** From the first request of a cycle to its outcome in the store. */
  readonly tickMs: Distribution;
}

/** One due cycle, for plots. */
export interface Cycle {
  readonly cluster: string;
  readonly dueMs: number;
  readonly latenessMs: number;
}

/** Whether what a cluster had to do at that time counts. */
export type Counts = (cluster: string, atMs: number) => boolean;
const always: Counts = () => true;

interface Track {
  readonly askedMs: number[];
  readonly writtenMs: number[];
}

/**
 * Collects what is seen of every cluster's cycles. When a cycle is due is not asked of the hub: cycles come at a fixed interval,
 * and the earliest of all times (modulo the interval) at which a cluster was asked is its turn. A cluster that was never asked,
 * because it cannot be reached, is judged by its outcomes alone. To be fed from a steady state on: first cycles follow no interval.
 */
export class LatenessLedger {
  readonly #intervalMs: number;
  readonly #tracks = new Map<string, Track>();

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** A cycle's first request arrived at the cluster. Seen twice, it counts once. */
  asked(cluster: string, atMs: number): void {
    const { askedMs } = this.#track(cluster);
    if (askedMs.at(-1) !== atMs) askedMs.push(atMs);
  }

  /** A cycle's outcome, good or bad, appeared in the store. */
  written(cluster: string, atMs: number): void {
    this.#track(cluster).writtenMs.push(atMs);
  }

  /** What came due from `fromMs` (inclusive) to `toMs` (exclusive) for the named clusters and counts, in order of time for each. */
  cycles(clusters: readonly string[], fromMs: number, toMs: number, counts = always): Cycle[] {
    return clusters
      .flatMap((cluster) => this.#cyclesOf(cluster, fromMs, toMs))
      .filter(({ cluster, dueMs }) => counts(cluster, dueMs));
  }

  report(clusters: readonly string[], fromMs: number, toMs: number, counts = always): GroupLateness {
    const cycles = this.cycles(clusters, fromMs, toMs, counts);
    return {
      clusters: clusters.length,
      cycles: cycles.length,
      latenessMs: distributionOf(cycles.map(({ latenessMs }) => latenessMs)),
      missedCycles: cycles.filter(({ latenessMs }) => latenessMs >= this.#intervalMs).length,
      tickMs: distributionOf(clusters.flatMap((cluster) => this.#ticksOf(cluster, fromMs, toMs, counts))),
    };
  }

  #track(cluster: string): Track {
    let track = this.#tracks.get(cluster);
    if (track === undefined) {
      track = { askedMs: [], writtenMs: [] };
      this.#tracks.set(cluster, track);
    }
    return track;
  }

  #cyclesOf(cluster: string, fromMs: number, toMs: number): Cycle[] {
    const { askedMs, writtenMs } = this.#track(cluster);
    const turnMs = turnOf(askedMs, this.#intervalMs) ?? turnOf(writtenMs, this.#intervalMs);
    // Never seen at all: every interval is a missed cycle, the first of which was due at the start.
    const firstMs =
      turnMs === undefined ? fromMs : turnMs + Math.ceil((fromMs - turnMs) / this.#intervalMs) * this.#intervalMs;
    const cycles: Cycle[] = [];
    let next = 0;
    for (let dueMs = firstMs; dueMs < toMs; dueMs += this.#intervalMs) {
      while (next < writtenMs.length && (writtenMs[next] as number) < dueMs) next++;
      cycles.push({ cluster, dueMs, latenessMs: Math.min(writtenMs[next] ?? toMs, toMs) - dueMs });
    }
    return cycles;
  }

  /** Each request's first outcome before the next request. */
  #ticksOf(cluster: string, fromMs: number, toMs: number, counts: Counts): number[] {
    const { askedMs, writtenMs } = this.#track(cluster);
    const ticks: number[] = [];
    let next = 0;
    for (const [index, startMs] of askedMs.entries()) {
      if (startMs < fromMs || startMs >= toMs || !counts(cluster, startMs)) continue;
      while (next < writtenMs.length && (writtenMs[next] as number) < startMs) next++;
      const endMs = writtenMs[next];
      if (endMs !== undefined && endMs < (askedMs[index + 1] ?? Number.POSITIVE_INFINITY)) ticks.push(endMs - startMs);
    }
    return ticks;
  }
}

/** The time of the earliest turn seen: the first time, corrected by the most that any later one came before its multiple of the interval. */
function turnOf(timesMs: readonly number[], intervalMs: number): number | undefined {
  const [firstMs] = timesMs;
  if (firstMs === undefined) return undefined;
  let earliestMs = 0;
  for (const atMs of timesMs) {
    const sinceMs = (atMs - firstMs) % intervalMs;
    earliestMs = Math.min(earliestMs, sinceMs > intervalMs / 2 ? sinceMs - intervalMs : sinceMs);
  }
  return firstMs + earliestMs;
}

/** Nearest rank; zeros for no values. */
export function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: rank(0.5), p99: rank(0.99), max: rank(1) };
}
