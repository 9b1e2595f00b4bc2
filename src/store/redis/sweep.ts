// The start-up sweep: removes clusters that this hub stored and that were deleted while it was away. It believes the owner index
// alone, so it never touches what another hub, or the original, wrote.
import type { Clock } from "../../support/clock.ts";
import { ClusterPulseError, type SafeError } from "../../support/errors.ts";
import type { StoreReader, StoreWriter } from "../document.ts";
import { clusterDeleted } from "../documents.ts";
import { hubKeys } from "../keys.ts";

export interface SweepRequest {
  /** Names of the clusters that there are: complete, so only to be asked for once the informer has synced. */
  readonly liveClusters: ReadonlySet<string>;
  /** Also when more than half would go. */
  readonly force?: boolean;
  readonly signal: AbortSignal;
}

export interface SweepResult {
  /** Names of the clusters that were removed. */
  readonly removed: readonly string[];
  /** STORE_OWNED_BY_OTHER for each other hub that has lately written to this Redis. */
  readonly warnings: readonly SafeError[];
}

export interface SweepOptions {
  readonly store: StoreReader & StoreWriter;
  readonly owner: string;
  readonly clock: Clock;
}

/** A hub that has written within this time is taken to be running; see pipelineLimits.markEveryMs. */
const recentSeconds = 3_600;
const clustersPerWrite = 50;
const clusterPrefix = "cluster:";

/**
 * Removes the clusters of this hub that are not live, as their deletion would have. A cluster that another running hub stored too
 * stays. Rejects with STORE_SWEEP_REFUSED, having removed nothing, when more than half of the hub's clusters would go.
 */
export async function sweepClusters(options: SweepOptions, request: SweepRequest): Promise<SweepResult> {
  const { store, owner, clock } = options;
  const mine = await clustersOf(store, owner);
  const warnings: SafeError[] = [];
  const elsewhere = new Set<string>();
  for (const [other, writtenAt] of await store.hash(hubKeys.owners)) {
    if (other === owner || clock.nowMs() / 1000 - Number(writtenAt) > recentSeconds) continue;
    const theirs = await clustersOf(store, other);
    for (const cluster of theirs) elsewhere.add(cluster);
    const shared = theirs.filter((cluster) => mine.includes(cluster)).length;
    const message = `Another hub, "${other}", writes to this Redis too; ${shared} of its ${theirs.length} clusters have names of ours.`;
    warnings.push({ code: "STORE_OWNED_BY_OTHER", message });
  }

  const dead = mine.filter((cluster) => !request.liveClusters.has(cluster) && !elsewhere.has(cluster));
  if (dead.length * 2 > mine.length && request.force !== true) {
    throw new ClusterPulseError(
      "STORE_SWEEP_REFUSED",
      `${dead.length} of the ${mine.length} stored clusters no longer exist; that is more than half, so none was removed. --sweep=force removes them.`,
    );
  }
  for (let i = 0; i < dead.length; i += clustersPerWrite) {
    const names = dead.slice(i, i + clustersPerWrite);
    await store.apply(
      names.flatMap((cluster) => clusterDeleted(cluster, clock.nowMs())),
      request.signal,
    );
  }
  return { removed: dead, warnings };
}

async function clustersOf(store: StoreReader, owner: string): Promise<readonly string[]> {
  const objects = await store.set(hubKeys.owned(owner));
  return objects
    .filter((object) => object.startsWith(clusterPrefix))
    .map((object) => object.slice(clusterPrefix.length))
    .sort();
}
