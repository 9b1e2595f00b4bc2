// What a chaos scenario is: a promise under a fault, told by a name, replayable by its seed, in a short form for every test run and
// in a long one for `npm run chaos`.

/** What a scenario may be robbed of, to prove that the promise needs it. */
export const protections = ["supervision", "breaker", "admission", "run deadlines"] as const;
export type Protection = (typeof protections)[number];

export interface ScenarioOptions {
  readonly form: "short" | "long";
  /** The same seed gives the same course wherever time is virtual. */
  readonly seed: number;
  /** Switched off in this run: the promise is then expected to break. */
  readonly without?: Protection;
}

/** What was seen, by name, for the reader of a run. */
export type Figures = Readonly<Record<string, number>>;

export interface Scenario {
  /** As in the table of docs/reliability.md. */
  readonly id: string;
  readonly promise: string;
  /**
   * `virtual`: no socket, no thread, no waiting. `real`: sockets, threads and the clock of the machine. `by hand`: processes, and too long
   * for a test run even in its short form.
   */
  readonly time: "virtual" | "real" | "by hand";
  /** Rejects with an AssertionError when the promise does not hold. */
  run(options: ScenarioOptions): Promise<Figures>;
}

/** A number from 0 to 1, larger ones later: nearest rank. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
