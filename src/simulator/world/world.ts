// One generated cluster: what the seed makes, what changed since, and, once somebody wrote to it or watches it, the server that takes
// over. A World is a way to look at it, made whenever somebody asks: what has to be held stands in a map that all share, and of a
// cluster that nobody touched and in which nothing changed there is nothing in it.
import { LRUCache } from "lru-cache";
import type { Clock } from "../../support/clock.ts";
import type { Engine } from "../http/engine.ts";
import type { HubEngine } from "../hub/engine.ts";
import { churnedModel } from "./churned.ts";
import { WorldEngine } from "./engine.ts";
import { buildModel, type ClusterModel } from "./model.ts";
import { announce, hasWrites, isWritten, overlayEngine } from "./overlay.ts";
import type { ClusterIdentity, WorldKey } from "./profile.ts";
import { type ChurnedKind, type Variant, type VariantLookup, Variants } from "./variants.ts";

/** A change needs the same model several times. */
const recentModels = new LRUCache<string, ClusterModel>({ max: 8 });

/** What is held of a cluster. */
export interface HeldWorld {
  readonly variants: Variants;
  overlay?: HubEngine;
}

/** By the clusters' indexes. */
export type HeldWorlds = Map<number, HeldWorld>;

export class World {
  readonly key: WorldKey;
  readonly identity: ClusterIdentity;
  readonly #clock: Clock;
  readonly #held: HeldWorlds;

  constructor(key: WorldKey, identity: ClusterIdentity, clock: Clock, held: HeldWorlds) {
    this.key = key;
    this.identity = identity;
    this.#clock = clock;
    this.#held = held;
  }

  get #variants(): Variants | undefined {
    return this.#held.get(this.key.index)?.variants;
  }

  /** Undefined: nobody wrote to it or watches it. */
  get overlay(): HubEngine | undefined {
    return this.#held.get(this.key.index)?.overlay;
  }

  /** As the seed made it. */
  seedModel(): ClusterModel {
    const { seed, index, preset } = this.key;
    const name = `${seed}/${index}/${preset}`;
    const model = recentModels.get(name) ?? buildModel(this.key, this.identity);
    recentModels.set(name, model);
    return model;
  }

  get isAsSeeded(): boolean {
    return this.#variants === undefined;
  }

  /** As it is now. */
  model(): ClusterModel {
    const seed = this.seedModel();
    const variants = this.#variants;
    if (variants === undefined) return seed;
    return churnedModel(seed, variants.of, { resourceVersion: variants.revisions.value, patches: variants.patches });
  }

  /** As it was at a revision; undefined when nobody remembers. */
  modelAt(revision: number): ClusterModel | undefined {
    const seed = this.seedModel();
    const variants = this.#variants;
    if (variants === undefined) return revision === seed.resourceVersion ? seed : undefined;
    const then = revision > variants.revisions.value ? undefined : variants.at(revision);
    return then && churnedModel(seed, then, { resourceVersion: revision, patches: variants.patches });
  }

  /** The server that answers for it now. */
  engine(): Engine {
    return this.overlay ?? new WorldEngine(this, () => this.touch());
  }

  /** From now on a server holds what is written. */
  touch(): HubEngine {
    const held = this.#hold();
    held.overlay ??= overlayEngine(this, held.variants, this.#clock);
    return held.overlay;
  }

  /** From now on this is held of it, in place of all that was. */
  replace(held: HeldWorld): void {
    this.#held.set(this.key.index, held);
  }

  /** The state of an object that is no longer as the seed made it. */
  variantOf(kind: ChurnedKind, index: number): Variant | undefined {
    return this.#variants?.of(kind, index);
  }

  /**
   * Gives an object another state, under the next revision; who watches is told. False: a client wrote over it, or over its namespace,
   * so that it is no longer the seed's to change.
   */
  change(kind: ChurnedKind, index: number, state: Omit<Variant, "revision">): boolean {
    const { variants, overlay } = this.#hold();
    if (overlay !== undefined && hasWrites(overlay, kind)) {
      const then: VariantLookup = (one, at) =>
        one === kind && at === index ? { ...state, revision: 0 } : variants.of(one, at);
      const next = churnedModel(this.seedModel(), then, { resourceVersion: 0, patches: 0 });
      if ([this.model(), next].some((model) => isWritten(overlay, model, kind, index))) return false;
    }
    const change = variants.set(kind, index, state);
    if (overlay !== undefined) announce(overlay, this, change);
    return true;
  }

  /** The control plane is of the next patch release. */
  upgrade(): void {
    this.#hold().variants.patches++;
  }

  /** Patch releases that the control plane is ahead of the seed. */
  get patches(): number {
    return this.#variants?.patches ?? 0;
  }

  #hold(): HeldWorld {
    const { index } = this.key;
    const held = this.#held.get(index) ?? { variants: new Variants(this.seedModel().resourceVersion) };
    this.#held.set(index, held);
    return held;
  }
}
