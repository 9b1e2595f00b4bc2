// The store on Redis: the documents, readers and contract suite of the embedded one, kept on a server that other processes read.
// Guarantees: a write that resolved leaves what its documents say, in order; a write that rejected may have been executed in part and is safe
// to repeat; a write that was given up does not land after a newer one. Nothing waits in here while the server is away: writes and
// reads fail at once, and the connections come back by themselves. No error, log line or inspection holds a password or a value.
// Not promised: news of what other processes write. Subscribers hear of this process's own writes after they were applied, of
// values that did not change too, and of the expiry of keys that this process wrote.
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError, type SafeError, safeError } from "../support/errors.ts";
import type { Logger } from "../support/log.ts";
import { type Measures, noMeasures } from "../support/measures.ts";
import { type Random, seededRandom } from "../support/random.ts";
import { type ChangeListener, nothingWritten, type Store, type Written } from "./document.ts";
import {
  type Command,
  openRedisConnection,
  type RedisConnection,
  type RedisConnectionLimits,
} from "./redis/connection.ts";
import { createFence } from "./redis/fence.ts";
import { KeyLedger } from "./redis/key-ledger.ts";
import { type SweepRequest, type SweepResult, sweepStored } from "./redis/sweep.ts";
import { parseRedisUrl } from "./redis/url.ts";
import { loadScripts, RedisWriter } from "./redis/writer.ts";

export type { SweepRequest, SweepResult, SweptKind } from "./redis/sweep.ts";

export interface RedisStoreLimits extends RedisConnectionLimits {
  /** How often expired keys are looked for, and how many keys are looked at each time. */
  readonly sweepEveryMs: number;
  readonly keysPerSweep: number;
  /** Keys whose expiry is followed. */
  readonly maxTrackedKeys: number;
}

export const defaultRedisStoreLimits: RedisStoreLimits = {
  connectMs: 2_000,
  commandMs: 2_000,
  reconnectMs: { firstMs: 50, maxMs: 1_000 },
  sweepEveryMs: 5_000,
  keysPerSweep: 20_000,
  maxTrackedKeys: 500_000,
};

export interface RedisStoreOptions {
  /** `redis[s]://[[user]:password@]host[:port][/database]` */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Name of this hub among those that share the Redis, such as its namespace. Default "clusterpulse". */
  readonly keyOwner?: string;
  readonly random?: Random;
  readonly limits?: Partial<RedisStoreLimits>;
  readonly measures?: Pick<Measures, "redisAnswered">;
}

export interface StoreHealth {
  /** Null: both connections answered. */
  readonly error: SafeError | null;
  readonly latencyMs: number;
}

export interface RedisStore extends Store {
  /** Asks the server on both connections; answers within the command deadline and never rejects. */
  health(): Promise<StoreHealth>;
  /** Removes what this hub stored of a kind and is gone; see sweepStored. */
  sweep(request: SweepRequest): Promise<SweepResult>;
  /** Calls when the server turns out to have lost what this hub wrote, values without a TTL included: all of it has to be written again. */
  subscribeDataLoss(listener: () => void): () => void;
}

/**
 * Opens the store. Resolves once the first attempt to connect has ended, also when it failed: the store then connects later.
 * Rejects with InvalidInputError for a URL that is wrong.
 */
export async function createRedisStore(options: RedisStoreOptions): Promise<RedisStore> {
  const { clock, log, keyOwner: owner = "clusterpulse", measures = noMeasures } = options;
  const onAnswered = measures.redisAnswered;
  const address = parseRedisUrl(options.url);
  const limits = { ...defaultRedisStoreLimits, ...options.limits };
  const random = options.random ?? seededRandom(clock.nowMs());
  const ledger = new KeyLedger(limits.maxTrackedKeys);
  const listeners = new Set<ChangeListener>();
  const lossListeners = new Set<() => void>();
  const fence = createFence(log);
  let closed = false;

  const writing = openRedisConnection({
    address,
    name: "clusterpulse-writer",
    limits,
    clock,
    random,
    log,
    onAnswered,
    async prepare(run) {
      await fence(run);
      await loadScripts(run);
      writer.connected();
    },
  });
  const reading = openRedisConnection({
    address,
    name: "clusterpulse-reader",
    limits,
    clock,
    random,
    log,
    onAnswered,
    prepare: () => Promise.resolve(),
  });
  const writer = new RedisWriter({
    connection: writing,
    ledger,
    clock,
    owner,
    announce,
    onDataLoss() {
      log.warn("Redis has lost what this hub wrote; it is being written again");
      for (const listener of lossListeners) listener();
    },
  });
  let cancelSweep = clock.setTimer(tellExpired, limits.sweepEveryMs);

  function tellExpired(): void {
    const expired = ledger.takeExpired(clock.monotonicMs(), limits.keysPerSweep);
    cancelSweep = clock.setTimer(tellExpired, limits.sweepEveryMs);
    if (expired.length > 0) announce(expired, nothingWritten);
  }

  function announce(changedKeys: readonly string[], written: Written): void {
    for (const listener of listeners) listener(changedKeys, written);
  }

  async function read<T>(key: string, command: Command): Promise<T> {
    try {
      return (await reading.call(command)) as T;
    } catch (error) {
      if (!ClusterPulseError.is(error) || error.code !== "STORE_WRONG_TYPE") throw error;
      throw new ClusterPulseError(error.code, `The key "${key}" holds a value of another type.`);
    }
  }

  const store: RedisStore = {
    async apply(documents, signal) {
      if (closed) throw new ClusterPulseError("STORE_CLOSED", "The store is closed.");
      if (signal.aborted) throw new ClusterPulseError("STORE_ABORTED", "The write was aborted before it began.");
      await writer.apply(documents, signal);
    },
    async string(key) {
      return (await read<string | null>(key, ["get", key])) ?? undefined;
    },
    async hash(key) {
      return new Map(Object.entries(await read<Record<string, string>>(key, ["hgetall", key])));
    },
    set: (key) => read(key, ["smembers", key]),
    series: async (key, limit) => (limit < 1 ? [] : read(key, ["zrevrange", key, "0", String(limit - 1)])),
    log: async (key, limit) => (limit < 1 ? [] : read(key, ["lrange", key, "0", String(limit - 1)])),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    subscribeDataLoss(listener) {
      lossListeners.add(listener);
      return () => void lossListeners.delete(listener);
    },
    async health() {
      const startedAtMs = clock.monotonicMs();
      const errors = await Promise.all([errorOf(writing), errorOf(reading)]);
      return { error: errors[0] ?? errors[1], latencyMs: clock.monotonicMs() - startedAtMs };
    },
    sweep: (request) => sweepStored({ store, owner, clock }, request),
    async close() {
      closed = true;
      cancelSweep();
      listeners.clear();
      lossListeners.clear();
      await Promise.all([writing.close(), reading.close()]);
    },
  };
  await Promise.all([writing.attempted, reading.attempted]);
  return store;
}

async function errorOf(connection: RedisConnection): Promise<SafeError | null> {
  try {
    await connection.call(["ping"]);
    return null;
  } catch (error) {
    return safeError(error);
  }
}
