// The functions that look at values, each over many groups at once: `add` takes a value for a group, `finish` gives the group's result. A group is a
// small number; groups appear in order, none is left out. sum, avg and percentile take numbers alone; min and max take numbers, and texts where
// there are none; distinct counts values, a text never equal to a number.
import { compareText } from "../coercions.ts";
import type { Value } from "../value.ts";

/** What a function yields for one group: null where nothing could be computed. */
export type Aggregate = string | number | bigint | null;

export interface Accumulator {
  add(group: number, value: Value): void;
  finish(group: number): Aggregate;
  /** Everything a group has gathered, as plain data that `absorb` of another accumulator of the kind takes. */
  state(group: number): unknown;
  absorb(group: number, state: unknown): void;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

class Sum implements Accumulator {
  private readonly sums: number[] = [];

  add(group: number, value: Value): void {
    if (typeof value === "number") this.sums[group] = (this.sums[group] ?? 0) + value;
    else if (typeof value === "bigint") this.sums[group] = (this.sums[group] ?? 0) + Number(value);
  }

  finish(group: number): number | null {
    return finite(this.sums[group] ?? 0);
  }

  state(group: number): number {
    return this.sums[group] ?? 0;
  }

  absorb(group: number, state: unknown): void {
    this.add(group, state as number);
  }
}

class Mean implements Accumulator {
  private readonly sums: number[] = [];
  private readonly counts: number[] = [];

  add(group: number, value: Value): void {
    if (typeof value === "number") this.put(group, value, 1);
    else if (typeof value === "bigint") this.put(group, Number(value), 1);
  }

  private put(group: number, sum: number, count: number): void {
    this.sums[group] = (this.sums[group] ?? 0) + sum;
    this.counts[group] = (this.counts[group] ?? 0) + count;
  }

  finish(group: number): number | null {
    const count = this.counts[group] ?? 0;
    return count === 0 ? null : finite((this.sums[group] ?? 0) / count);
  }

  state(group: number): readonly [number, number] {
    return [this.sums[group] ?? 0, this.counts[group] ?? 0];
  }

  absorb(group: number, state: unknown): void {
    const [sum, count] = state as readonly [number, number];
    this.put(group, sum, count);
  }
}

class Extreme implements Accumulator {
  private readonly numbers: (number | bigint | undefined)[] = [];
  private readonly texts: (string | undefined)[] = [];
  private readonly sign: 1 | -1;

  /** The greatest for 1, the least for -1. */
  constructor(sign: 1 | -1) {
    this.sign = sign;
  }

  add(group: number, value: Value): void {
    if (typeof value === "number" || typeof value === "bigint") {
      const best = this.numbers[group];
      if (best === undefined || (this.sign > 0 ? value > best : value < best)) this.numbers[group] = value;
    } else if (typeof value === "string") {
      const best = this.texts[group];
      if (best === undefined || compareText(value, best) * this.sign > 0) this.texts[group] = value;
    }
  }

  finish(group: number): Aggregate {
    return this.numbers[group] ?? this.texts[group] ?? null;
  }

  state(group: number): readonly Aggregate[] {
    return [this.numbers[group] ?? null, this.texts[group] ?? null];
  }

  absorb(group: number, state: unknown): void {
    for (const value of state as readonly Value[]) this.add(group, value);
  }
}

class Percentile implements Accumulator {
  private readonly values: number[][] = [];
  private readonly percentile: number;

  constructor(percentile: number) {
    this.percentile = percentile;
  }

  add(group: number, value: Value): void {
    if (typeof value !== "number" && typeof value !== "bigint") return;
    const values = this.values[group];
    if (values === undefined) this.values[group] = [Number(value)];
    else values.push(Number(value));
  }

  /** Linear interpolation at rank p/100 × (n-1) of the sorted values. */
  finish(group: number): number | null {
    const values = this.values[group];
    if (values === undefined || !(this.percentile >= 0 && this.percentile <= 100)) return null;
    const sorted = Float64Array.from(values).sort();
    const rank = (this.percentile / 100) * (sorted.length - 1);
    const below = Math.floor(rank);
    const above = Math.ceil(rank);
    if (below === above) return sorted[below] as number;
    return (sorted[below] as number) * (above - rank) + (sorted[above] as number) * (rank - below);
  }

  state(group: number): readonly number[] {
    return this.values[group] ?? [];
  }

  absorb(group: number, state: unknown): void {
    for (const value of state as readonly number[]) this.add(group, value);
  }
}

class Distinct implements Accumulator {
  private readonly seen: Set<Value>[] = [];

  add(group: number, value: Value): void {
    if (value === null) return;
    const seen = this.seen[group];
    if (seen === undefined) this.seen[group] = new Set([value]);
    else seen.add(value);
  }

  finish(group: number): number {
    return this.seen[group]?.size ?? 0;
  }

  state(group: number): readonly Value[] {
    return [...(this.seen[group] ?? [])];
  }

  absorb(group: number, state: unknown): void {
    for (const value of state as readonly Value[]) this.add(group, value);
  }
}

/** A function that does not exist: its result is null. */
const nothing: Accumulator = { add: () => {}, finish: () => null, state: () => null, absorb: () => {} };

/** An empty accumulator of a function; count needs none, since whoever knows the groups knows how many rows each has. */
export function createAccumulator(name: string, percentile: number): Accumulator {
  switch (name) {
    case "sum":
      return new Sum();
    case "avg":
      return new Mean();
    case "min":
      return new Extreme(-1);
    case "max":
      return new Extreme(1);
    case "percentile":
      return new Percentile(percentile);
    case "distinct":
      return new Distinct();
    default:
      return nothing;
  }
}
