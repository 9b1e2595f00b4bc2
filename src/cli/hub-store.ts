// Chooses the store. The Redis client is loaded only by who uses it.
import type { Store } from "../store/document.ts";
import { createMemoryStore } from "../store/memory.ts";
import type { SweptKind } from "../store/redis/sweep.ts";
import type { Clock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { type Measures, noMeasures } from "../support/measures.ts";

export interface HubStore {
  readonly store: Store;
  /** For people: "memory", "Redis". */
  readonly describe: string;
  /** Removes what an earlier life of this hub left of those of a kind that are gone. Absent: nothing outlives this process. */
  readonly sweep?: (kind: SweptKind, live: readonly string[], signal: AbortSignal) => Promise<void>;
}

/** @param url `memory`, or a redis:// or rediss:// URL; anything else is INVALID_INPUT, and the URL is not repeated */
export async function openStore(
  url: string,
  {
    clock,
    log,
    namespace,
    forceSweep,
    measures = noMeasures,
  }: {
    clock: Clock;
    log: Logger;
    namespace: string;
    forceSweep: boolean;
    measures?: Measures;
  },
): Promise<HubStore> {
  if (url === "memory") return { store: createMemoryStore({ clock }), describe: "memory" };
  const { createRedisStore } = await import("../store/redis.ts");
  const store = await createRedisStore({ url, clock, log, keyOwner: namespace, measures });
  return {
    store,
    describe: "Redis",
    async sweep(kind, live, signal) {
      const { removed, warnings } = await store.sweep({
        kind,
        live: new Set(live),
        force: forceSweep,
        signal,
      });
      for (const warning of warnings) log.warn({ warning }, "the store is shared");
      if (removed.length > 0) log.info({ kind, removed }, "removed what was stored and is gone");
    },
  };
}
