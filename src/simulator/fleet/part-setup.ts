// What a process that serves a part of a fleet is told, and what it answers: over the channel between both processes alone, for it holds
// the authority's key and the secret of all tokens.
import type { AdminAddress } from "../admin-client.ts";
import type { OriginMode } from "../options.ts";
import { type ClusterIdentity, clusterIdentities, type PresetName } from "../world/profile.ts";
import type { PlacedCluster } from "./servers.ts";

export interface PartSetup {
  readonly seed: number;
  readonly preset: PresetName;
  readonly mode: OriginMode;
  /** Of the hub's API server, which another process has. */
  readonly hubPort: number;
  readonly fleetSize: number;
  /** Counted from 0. */
  readonly part: number;
  readonly parts: number;
  readonly authority: { readonly caPem: string; readonly keyPem: string };
  /** Base64. */
  readonly tokenSecret: string;
}

/** The first thing that a part says, and the only one. */
export type PartAnswer =
  | { readonly ready: true; readonly admin: AdminAddress }
  | { readonly ready: false; readonly code: string; readonly message: string };

/** Which part serves the cluster of that place: neighbours go to different ones. */
export const partOf = (index: number, parts: number): number => index % parts;

/** The clusters of a part. Everything about them follows from their places in the fleet, whichever process serves them. */
export function clustersOf({ seed, fleetSize, part, parts }: PartSetup): PlacedCluster[] {
  const placed = clusterIdentities(seed, fleetSize).map((identity: ClusterIdentity, index) => ({ identity, index }));
  return placed.filter(({ index }) => partOf(index, parts) === part);
}
