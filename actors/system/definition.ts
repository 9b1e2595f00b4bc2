// An actor definition with its defaults filled in, once per class of actors: every cell reads the same shape of object,
// whatever literal or class the definition was written as.
import type { BackoffRange } from "../../src/support/backoff.ts";
import type { ActorDefinition, SupervisionStrategy } from "./types.ts";

/** A SupervisionStrategy without gaps. */
export interface Strategy {
  readonly decide: NonNullable<SupervisionStrategy["decide"]>;
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly backoff: BackoffRange;
  readonly degradedRetry: BackoffRange;
}

function strategyOf(given: SupervisionStrategy = {}): Strategy {
  return {
    decide: (error, child) => given.decide?.(error, child) ?? "restart",
    maxRestarts: given.maxRestarts ?? 10,
    withinMs: given.withinMs ?? 60_000,
    backoff: { firstMs: given.backoffMs?.first ?? 100, maxMs: given.backoffMs?.max ?? 10_000 },
    degradedRetry: { firstMs: given.degradedRetryMs?.first ?? 300_000, maxMs: given.degradedRetryMs?.max ?? 3_600_000 },
  };
}

/** What the runtime reads of a definition. */
export class Blueprint<M> {
  readonly definition: ActorDefinition<M>;
  readonly hasKeys: boolean;
  readonly hasLanes: boolean;
  readonly userCapacity: number;
  readonly systemCapacity: number;
  readonly strategy: Strategy;

  constructor(definition: ActorDefinition<M>) {
    this.definition = definition;
    this.hasKeys = definition.keyOf !== undefined;
    this.hasLanes = definition.laneOf !== undefined;
    this.userCapacity = definition.mailbox?.userCapacity ?? 256;
    this.systemCapacity = definition.mailbox?.systemCapacity ?? 64;
    this.strategy = strategyOf(definition.supervision);
  }

  /** The coalescing key of a message. A throw counts as none: whoever tells, or a timer, is not to crash for it. */
  keyOf(message: M): string | undefined {
    if (!this.hasKeys) return undefined;
    try {
      return this.definition.keyOf?.(message);
    } catch {
      return undefined;
    }
  }

  /** The lane of a message. A throw counts as the user lane. */
  laneOf(message: M): "system" | "user" {
    if (!this.hasLanes) return "user";
    try {
      return this.definition.laneOf?.(message) ?? "user";
    } catch {
      return "user";
    }
  }
}

const blueprints = new WeakMap<object, Blueprint<unknown>>();

/** The blueprint of a definition: the same one each time. */
export function blueprintOf<M>(definition: ActorDefinition<M>): Blueprint<M> {
  const known = blueprints.get(definition);
  if (known !== undefined) return known as unknown as Blueprint<M>;
  const blueprint = new Blueprint(definition);
  blueprints.set(definition, blueprint as unknown as Blueprint<unknown>);
  return blueprint;
}
