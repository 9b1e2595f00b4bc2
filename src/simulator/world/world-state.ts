// What a generated cluster is like beyond its seed, to be put back later: what changed by itself, and what clients wrote.
import { apiErrors } from "../http/status.ts";
import type { HubEngine } from "../hub/engine.ts";
import { restoreStore, type StoreState, storeStateOf } from "../hub/store-state.ts";
import { Variants, type VariantsState } from "./variants.ts";
import type { HeldWorld, World } from "./world.ts";

export interface WorldState {
  readonly variants: VariantsState;
  /** Undefined: nobody wrote to it or watched it. */
  readonly written: StoreState | undefined;
}

export const worldStateOf = ({ variants, overlay }: HeldWorld): WorldState => ({
  variants: variants.state(),
  written: overlay && storeStateOf(overlay.store),
});

/** What a watch is told whose server is another one now. */
export const replacedLine = (): string =>
  JSON.stringify({
    type: "ERROR",
    object: apiErrors.expired("too old resource version: the cluster was put back").toStatus(),
  });

/**
 * Makes the cluster what it was then, or as the seed made it, in one turn. Its resource versions go on, and nobody can resume from before:
 * watches are for the caller to end.
 */
export function restoreWorld(world: World, state: WorldState | undefined): void {
  const revision = Math.max(world.model().resourceVersion, state?.variants.revision ?? 0) + 1;
  const variants = new Variants(revision);
  if (state !== undefined) variants.restore(state.variants);
  world.replace({ variants });
  if (state?.written === undefined) return;
  const overlay: HubEngine = world.touch();
  restoreStore(overlay, state.written);
  overlay.store.resumeAfter(overlay.store.revision);
}
