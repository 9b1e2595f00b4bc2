// What a simulated fleet is started with.
import type { Clock } from "../support/clock.ts";
import { InvalidInputError } from "../support/errors.ts";
import { type PresetName, presetNames } from "./world/profile.ts";

export const originModes = ["port", "path", "ip"] as const;
export type OriginMode = (typeof originModes)[number];

export interface SimulatorOptions {
  /** Number of clusters, 1 to 5,000. */
  readonly clusters: number;
  /** Number of container registries, up to 500; none unless told. */
  readonly registries?: number;
  /** The same seed gives the same fleet, byte for byte. A whole number from 0 to 4,294,967,295. */
  readonly seed: number;
  /** Size of each cluster; `small` unless told. */
  readonly preset?: PresetName;
  /** Where clusters are reached: each at a port of its own (the default), below a path of the hub's, or at an address of its own. */
  readonly origin?: OriginMode;
  /** Port of the hub's API server; 0, the default, takes a free one. */
  readonly hubPort?: number;
  /** Times watches, latency and stamps; the machine's clock unless told. */
  readonly clock?: Clock;
  /** Folder that keeps what the hub's API holds, over restarts. Nothing is kept without one. */
  readonly dataFolder?: string;
  /** Events per resource that a watch of the hub's API server can resume over before it answers 410; 10,000 unless told. */
  readonly historySize?: number;
  /** Namespace of the kubeconfig's hub context; `clusterpulse` unless told. */
  readonly hubNamespace?: string;
}

const maxClusters = 5_000;
const maxRegistries = 500;

const isWhole = (value: unknown, low: number, high: number): boolean =>
  Number.isInteger(value) && (value as number) >= low && (value as number) <= high;

/** Throws InvalidInputError that lists everything that is wrong. */
export function checkOptions({
  clusters,
  registries,
  seed,
  preset,
  origin,
  hubPort,
  historySize,
}: SimulatorOptions): void {
  const problems: string[] = [];
  if (!isWhole(clusters, 1, maxClusters)) problems.push(`clusters: must be a whole number from 1 to ${maxClusters}`);
  if (registries !== undefined && !isWhole(registries, 0, maxRegistries)) {
    problems.push(`registries: must be a whole number from 0 to ${maxRegistries}`);
  }
  if (!isWhole(seed, 0, 0xffff_ffff)) problems.push("seed: must be a whole number from 0 to 4294967295");
  if (preset !== undefined && !presetNames.includes(preset)) {
    problems.push(`preset: must be one of ${presetNames.join(", ")}`);
  }
  if (origin !== undefined && !originModes.includes(origin)) {
    problems.push(`origin: must be one of ${originModes.join(", ")}`);
  }
  if (hubPort !== undefined && !isWhole(hubPort, 0, 65_535)) problems.push("hubPort: must be a port from 0 to 65535");
  if (historySize !== undefined && !isWhole(historySize, 1, 1_000_000)) {
    problems.push("historySize: must be a whole number from 1 to 1000000");
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
}
