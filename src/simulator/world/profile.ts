// What a preset means, and who the clusters of a fleet are: names, places, versions. Everything follows from (seed, index).
import { hashOf, pick } from "../hash.ts";

export const presetNames = ["tiny", "small", "medium", "large"] as const;
export type PresetName = (typeof presetNames)[number];

export interface Preset {
  /** Smallest and largest number of nodes. */
  readonly nodes: readonly [number, number];
  /** Smallest and largest number of pods. */
  readonly pods: readonly [number, number];
  readonly teamNamespaces: number;
  readonly maxReplicas: number;
  /** Sizes of worker pools. */
  readonly workerCores: readonly number[];
}

export const presets: Readonly<Record<PresetName, Preset>> = {
  tiny: { nodes: [3, 3], pods: [20, 20], teamNamespaces: 2, maxReplicas: 3, workerCores: [4, 8] },
  small: { nodes: [4, 6], pods: [48, 72], teamNamespaces: 4, maxReplicas: 4, workerCores: [8, 16] },
  medium: { nodes: [10, 10], pods: [300, 300], teamNamespaces: 8, maxReplicas: 6, workerCores: [16, 32] },
  large: { nodes: [100, 100], pods: [5000, 5000], teamNamespaces: 30, maxReplicas: 16, workerCores: [16, 32] },
};

/** Which world: the same three values give the same bytes on every machine. */
export interface WorldKey {
  readonly seed: number;
  readonly index: number;
  readonly preset: PresetName;
}

/** Who a cluster is among the others of its fleet. */
export interface ClusterIdentity {
  /** `prod-fra-03`: environment, region, number in both. Unique in the fleet. */
  readonly name: string;
  readonly environment: string;
  readonly region: string;
}

const environments = ["prod", "prod", "prod", "prod", "stage", "stage", "dev", "dev"];
const regions = ["ams", "dub", "fra", "gru", "iad", "nrt", "sfo", "sin"];

/** The identities of the first `count` clusters; a larger fleet starts with the same ones. */
export function clusterIdentities(seed: number, count: number): ClusterIdentity[] {
  const numbers = new Map<string, number>();
  return Array.from({ length: count }, (_, index) => {
    const environment = pick(environments, hashOf(seed, index, 11));
    const region = pick(regions, hashOf(seed, index, 12));
    const place = `${environment}-${region}`;
    const number = (numbers.get(place) ?? 0) + 1;
    numbers.set(place, number);
    return { name: `${place}-${String(number).padStart(2, "0")}`, environment, region };
  });
}

/** A whole number between both bounds, both included. */
export const between = ([low, high]: readonly [number, number], hash: number): number =>
  low + (hash % (high - low + 1));
