// The state of the servers of this process: what the hub's API holds, how clusters differ from their seed, fault rules and churn.
import type { Churn } from "../churn/churn.ts";
import type { ChurnSettings } from "../churn/settings.ts";
import type { FaultRegistry } from "../faults/registry.ts";
import type { FaultRule } from "../faults/rule.ts";
import type { Origin } from "../http/listeners.ts";
import type { HubEngine } from "../hub/engine.ts";
import { restoreStore, type StoreState, storeStateOf } from "../hub/store-state.ts";
import type { KeptState, SnapshotSource } from "../snapshots.ts";
import type { HeldWorlds, World } from "../world/world.ts";
import { replacedLine, restoreWorld, type WorldState, worldStateOf } from "../world/world-state.ts";

export interface ServerParts {
  /** Undefined: another process has it. */
  readonly hub: HubEngine | undefined;
  readonly held: HeldWorlds;
  /** By the cluster's index in the fleet. */
  worldAt(index: number): World;
  originOf(name: string): Origin;
  readonly faults: FaultRegistry;
  readonly churn: Churn;
}

export interface ServersState extends KeptState {
  readonly hub: StoreState | undefined;
  /** By the clusters' indexes. */
  readonly worlds: ReadonlyMap<number, WorldState>;
  readonly rules: readonly FaultRule[];
  readonly churn: ChurnSettings | null;
}

const written = (state: StoreState | undefined): number =>
  (state ?? []).reduce((sum, one) => sum + one.written.size, 0);

export class ServerStates implements SnapshotSource<ServersState> {
  readonly #parts: ServerParts;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  capture(): ServersState {
    const { hub, held, churn } = this.#parts;
    const hubState = hub && storeStateOf(hub.store);
    const worlds = new Map([...held].map(([index, one]) => [index, worldStateOf(one)]));
    let objects = written(hubState);
    for (const world of worlds.values()) objects += world.variants.current.length + written(world.written);
    return { objects, hub: hubState, worlds, rules: this.#rules(), churn: churn.state().settings };
  }

  /** Rules first, for they take time; all else is one turn. */
  async restore(state: ServersState): Promise<void> {
    const former = this.capture();
    try {
      await this.#switchTo(state.rules);
      this.#put(state);
    } catch (error) {
      await this.#switchTo(former.rules).catch(() => undefined);
      this.#put(former);
      throw error;
    }
  }

  #put({ hub: hubState, worlds, churn: settings }: ServersState): void {
    const { hub, held, worldAt, originOf, churn } = this.#parts;
    churn.stop();
    if (hub !== undefined && hubState !== undefined) restoreStore(hub, hubState);
    for (const index of new Set([...held.keys(), ...worlds.keys()])) {
      const world = worldAt(index);
      restoreWorld(world, worlds.get(index));
      for (const watch of originOf(world.identity.name).watches) watch.finish(replacedLine(), true);
    }
    if (settings !== null) churn.set(settings);
  }

  /** As they were asked for. */
  #rules(): readonly FaultRule[] {
    return this.#parts.faults.list().map(({ fired: _fired, isOn: _isOn, ...rule }) => rule);
  }

  async #switchTo(rules: readonly FaultRule[]): Promise<void> {
    const { faults } = this.#parts;
    await faults.clear();
    for (const rule of rules) await faults.add(rule);
  }
}
