// What a load run is given: its plan, the parts it looks at, and whom it tells how far it is.
import type { Clock } from "../support/clock.ts";
import type { HubCost, ProcessCost, Seen } from "./observe.ts";
import type { LoadLimits, LoadSample, Machine, MeasuredPhase, ScenarioOutcome } from "./report.ts";
import type { Spell } from "./timeline.ts";

export interface LoadPlan {
  readonly command: string;
  readonly machine: Machine;
  readonly seed: number;
  readonly preset: string;
  readonly intervalSeconds: number;
  readonly warmUpSeconds: number;
  /** So long without faults first; 0: they are there from the beginning. */
  readonly baselineSeconds: number;
  readonly durationSeconds: number;
  readonly limits: LoadLimits;
}

export interface LoadSubject {
  readonly clusters: readonly string[];
  /** Which are broken on purpose, and how: all the time, or from `breakFleet` on. */
  readonly broken: ReadonlyMap<string, string>;
  /** Switches faults on, after the time without them. Called only when the plan has such a time. */
  breakFleet?(): Promise<void>;
  /** When each cluster's newest cycle began, as its API server saw it. */
  polls(): Promise<readonly { readonly cluster: string; readonly atMs: number }[]>;
  /** Calls back for every outcome that appears in the store, from the hub's start on. */
  readonly outcomes: { listener: Seen };
  hubCost(): Promise<HubCost | undefined>;
  hubSockets(): Promise<number | null>;
  /** Open connections of every cluster, as its API server counts them. */
  connections(): Promise<readonly { readonly cluster: string; readonly sockets: number }[]>;
  /** Of all its processes together. */
  simulatorCost(): Promise<ProcessCost>;
  /** Milliseconds of CPU of one unit U (unit.ts), taken now in a process of its own. */
  unitMs(): Promise<number>;
  /** Begins a timeline of faults and churn, and says whom it will touch. Called once, when it begins to measure. */
  startScenario?(): Promise<{ readonly spells: readonly Spell[]; readonly churned: readonly string[] }>;
  /** How far that timeline is; null: none was begun. */
  scenario(): Promise<ScenarioOutcome | null>;
}

export interface Progress {
  /** Of everything that is still to come. */
  readonly secondsLeft: number;
  readonly phase: "warm-up" | MeasuredPhase;
  /** Healthy clusters of which no good outcome has been seen yet. */
  readonly unseen: number;
  readonly sample: Omit<LoadSample, "atSeconds"> | undefined;
}

export interface RunOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: (line: Progress) => void;
}
