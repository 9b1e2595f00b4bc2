// How long the store keeps a key, against the class of the original. Only Redis can be asked.
import { Redis } from "ioredis";
import { absent } from "./compare.ts";

/** The run is over well within this. */
const slackSeconds = 120;

export interface Lifetimes {
  /** What to compare with the recorded class: the class itself when it fits, else in which way it does not. Undefined: not known. */
  of(key: string, recordedClass: string): Promise<string | typeof absent | undefined>;
  close(): void;
}

/** @param storeUrl `memory` or a redis:// URL */
export function openLifetimes(storeUrl: string): Lifetimes {
  if (!storeUrl.startsWith("redis")) return { of: () => Promise.resolve(undefined), close: () => {} };
  const redis = new Redis(storeUrl, { commandTimeout: 5_000, maxRetriesPerRequest: 1 });
  redis.on("error", () => undefined);
  return {
    of: async (key, recordedClass) => lifetimeWord(await redis.ttl(key), recordedClass),
    close: () => redis.disconnect(),
  };
}

/** @param ttlSeconds as Redis says it: -1 is for ever, -2 that there is no such key */
export function lifetimeWord(ttlSeconds: number, recordedClass: string): string | typeof absent {
  if (ttlSeconds === -2) return absent;
  if (recordedClass === "none" || ttlSeconds === -1) return ttlSeconds === -1 ? "none" : "limited";
  const seconds = Number(recordedClass);
  if (ttlSeconds > seconds) return "longer";
  return ttlSeconds < seconds - slackSeconds ? "shorter" : recordedClass;
}
