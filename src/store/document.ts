// What a write is: a list of documents, each one key with its new value. Redis and memory apply the same documents, so there
// is no Redis-like API in between. Every document is idempotent: applying it twice leaves what applying it once does.

/** A value as it is stored: JSON or plain text, or its UTF-8 bytes as a pool task made them. */
export type StoredValue = string | Uint8Array;

/** One keyed change. `ttlSeconds` null: kept until deleted. */
export type Document =
  | { readonly kind: "string"; readonly key: string; readonly value: StoredValue; readonly ttlSeconds: number | null }
  /** Sets the named fields and leaves others alone. */
  | {
      readonly kind: "hash";
      readonly key: string;
      readonly fields: Readonly<Record<string, StoredValue>>;
      readonly ttlSeconds: number | null;
    }
  /** Makes the set exactly `members`; an empty list removes the key. */
  | {
      readonly kind: "set";
      readonly key: string;
      readonly members: readonly string[];
      readonly ttlSeconds: number | null;
    }
  /** Adds to and removes from an index set that several writers share. */
  | {
      readonly kind: "index";
      readonly key: string;
      readonly add: readonly string[];
      readonly remove: readonly string[];
    }
  /** A sorted set of points: adds one, drops those with a score at or below `dropThroughScore` (unix seconds). */
  | {
      readonly kind: "series";
      readonly key: string;
      readonly score: number;
      readonly member: StoredValue;
      readonly dropThroughScore: number;
      readonly ttlSeconds: number;
    }
  /** A list, newest first, cut to `maxEntries`. An entry whose `id` was appended before is skipped. */
  | {
      readonly kind: "log";
      readonly key: string;
      readonly id: string;
      readonly entry: StoredValue;
      readonly maxEntries: number;
      readonly ttlSeconds: number;
    }
  | { readonly kind: "delete"; readonly key: string }
  /** Deletes every key that starts with `prefix`. The prefix ends with ":" so that no sibling is hit. */
  | { readonly kind: "delete-prefix"; readonly prefix: string }
  /** A message on a pub/sub channel; fire and forget. */
  | { readonly kind: "publish"; readonly channel: string; readonly message: StoredValue };

/** What writers need of a store. */
export interface StoreWriter {
  /** Applies the documents in order. Rejects with ClusterPulseError (STORE_*) when the store did not take all of them; repeating is safe. */
  apply(documents: readonly Document[], signal: AbortSignal): Promise<void>;
}

/** What readers need of a store: typed views are built on these. A missing or expired key reads as undefined or empty. */
export interface StoreReader {
  string(key: string): Promise<string | undefined>;
  hash(key: string): Promise<ReadonlyMap<string, string>>;
  set(key: string): Promise<readonly string[]>;
  /** Newest first, at most `limit`. */
  series(key: string, limit: number): Promise<readonly string[]>;
  /** Newest first, at most `limit`. */
  log(key: string, limit: number): Promise<readonly string[]>;
}

/** Tells readers which keys changed, in batches, in the order of the writes. */
export interface StoreChanges {
  subscribe(listener: (changedKeys: readonly string[]) => void): () => void;
}

/** A whole store. */
export interface Store extends StoreWriter, StoreReader, StoreChanges {
  close(): Promise<void>;
}
