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

/**
 * Documents that were just applied, by their key, so that what they say need not be read back. Not every changed key has one: its value
 * is to be read then.
 */
export type Written = ReadonlyMap<string, Document>;

export const nothingWritten: Written = new Map();

/** The documents that say the whole of what a write made of their key: not several for one key, and not by prefix. */
export function writtenBy(documents: readonly Document[]): Written {
  const written = new Map<string, Document>();
  const several = new Set<string>();
  for (const document of documents) {
    if (!("key" in document)) continue;
    if (written.has(document.key)) several.add(document.key);
    written.set(document.key, document);
  }
  for (const key of several) written.delete(key);
  return written;
}

export type ChangeListener = (changedKeys: readonly string[], written: Written) => void;

/** Tells readers which keys changed, in batches, in the order of the writes. */
export interface StoreChanges {
  subscribe(listener: ChangeListener): () => void;
}

/** A whole store. */
export interface Store extends StoreWriter, StoreReader, StoreChanges {
  close(): Promise<void>;
}

/** About how many bytes the document holds. */
export function bytesOf(document: Document): number {
  const value = (stored: StoredValue): number => stored.length;
  const texts = (all: readonly string[]): number => all.reduce((sum, text) => sum + text.length, 0);
  switch (document.kind) {
    case "string":
      return document.key.length + value(document.value);
    case "hash":
      return (
        document.key.length +
        Object.entries(document.fields).reduce((sum, [name, field]) => sum + name.length + value(field), 0)
      );
    case "set":
      return document.key.length + texts(document.members);
    case "index":
      return document.key.length + texts(document.add) + texts(document.remove);
    case "series":
      return document.key.length + value(document.member);
    case "log":
      return document.key.length + value(document.entry);
    case "delete":
      return document.key.length;
    case "delete-prefix":
      return document.prefix.length;
    case "publish":
      return document.channel.length + value(document.message);
  }
}
