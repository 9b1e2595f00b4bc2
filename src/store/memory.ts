// The embedded store: one process, no persistence, the same documents and readers as Redis and the same contract suite.
// Guarantees: bounded in bytes, values expire by the monotonic clock, every change is announced once, in the order of the writes.
// Not promised: `publish` reaches nobody, since there is no second process; the byte count is an estimate of what is held.
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import { type ChangeListener, type Document, nothingWritten, type Store, type Written, writtenBy } from "./document.ts";
import { applyDocument, type Entry, sizeOf, wrongType } from "./memory-entry.ts";

export interface MemoryStoreLimits {
  /** At most this much is held, keys and overhead included. Default 512 MiB. */
  readonly maxBytes?: number;
  /** How often expired keys are looked for. Default 5,000 ms. */
  readonly sweepEveryMs?: number;
  /** Keys looked at per sweep; the next one goes on from there. Default 20,000. */
  readonly keysPerSweep?: number;
}

/** An empty store. Writes beyond the bound are refused with STORE_FULL; deleting and expiry make room again. */
export function createMemoryStore(options: { clock: Clock; limits?: MemoryStoreLimits }): Store {
  const { clock } = options;
  const maxBytes = options.limits?.maxBytes ?? 512 * 1024 * 1024;
  const sweepEveryMs = options.limits?.sweepEveryMs ?? 5_000;
  const keysPerSweep = options.limits?.keysPerSweep ?? 20_000;

  const entries = new Map<string, Entry>();
  const listeners = new Set<ChangeListener>();
  let heldBytes = 0;
  let closed = false;
  let sweepAt = entries.entries();
  let cancelSweep = clock.setTimer(sweep, sweepEveryMs);

  const isExpired = (entry: Entry): boolean => entry.expiresAtMs !== null && entry.expiresAtMs <= clock.monotonicMs();

  function announce(changed: ReadonlySet<string>, written: Written): void {
    if (changed.size === 0) return;
    const keys = [...changed];
    for (const listener of listeners) listener(keys, written);
  }

  function remove(key: string, entry: Entry): void {
    entries.delete(key);
    heldBytes -= sizeOf(key, entry);
  }

  function sweep(): void {
    const changed = new Set<string>();
    for (let looked = 0; looked < keysPerSweep; looked++) {
      const next = sweepAt.next();
      if (next.done) {
        sweepAt = entries.entries();
        break;
      }
      const [key, entry] = next.value;
      if (!isExpired(entry)) continue;
      remove(key, entry);
      changed.add(key);
    }
    cancelSweep = clock.setTimer(sweep, sweepEveryMs);
    announce(changed, nothingWritten);
  }

  /** The living entry of a key. */
  function live(key: string): Entry | undefined {
    const entry = entries.get(key);
    return entry === undefined || isExpired(entry) ? undefined : entry;
  }

  function applyOne(document: Document, changed: Set<string>): void {
    switch (document.kind) {
      case "publish":
        return;
      case "delete":
        removeKeys([document.key], changed);
        return;
      case "delete-prefix":
        if (!document.prefix.endsWith(":")) {
          throw new ClusterPulseError(
            "STORE_BAD_PREFIX",
            `A prefix to delete must end with ":", got "${document.prefix}".`,
          );
        }
        removeKeys(
          [...entries.keys()].filter((key) => key.startsWith(document.prefix)),
          changed,
        );
        return;
      default: {
        const { key } = document;
        const stored = entries.get(key);
        const { entry, isChange } = applyDocument(live(key), document, clock.monotonicMs());
        const addedBytes = (entry ? sizeOf(key, entry) : 0) - (stored ? sizeOf(key, stored) : 0);
        if (addedBytes > 0 && heldBytes + addedBytes > maxBytes) {
          throw new ClusterPulseError(
            "STORE_FULL",
            `The embedded store is full: ${heldBytes} of ${maxBytes} bytes are in use.`,
          );
        }
        if (entry) entries.set(key, entry);
        else entries.delete(key);
        heldBytes += addedBytes;
        if (isChange) changed.add(key);
      }
    }
  }

  function removeKeys(keys: readonly string[], changed: Set<string>): void {
    for (const key of keys) {
      const entry = entries.get(key);
      if (entry === undefined) continue;
      remove(key, entry);
      changed.add(key);
    }
  }

  async function read<K extends Entry["kind"]>(key: string, kind: K): Promise<Extract<Entry, { kind: K }> | undefined> {
    if (closed) throw closedError();
    const entry = live(key);
    if (entry === undefined) return undefined;
    if (entry.kind !== kind) throw wrongType(key, entry.kind, kind);
    return entry as Extract<Entry, { kind: K }>;
  }

  return {
    async apply(documents, signal) {
      if (closed) throw closedError();
      if (signal.aborted) throw new ClusterPulseError("STORE_ABORTED", "The write was aborted before it began.");
      const changed = new Set<string>();
      let applied = 0;
      try {
        for (const document of documents) {
          applyOne(document, changed);
          applied++;
        }
      } finally {
        announce(changed, writtenBy(documents.slice(0, applied)));
      }
    },
    async string(key) {
      return (await read(key, "string"))?.value;
    },
    async hash(key) {
      return (await read(key, "hash"))?.fields ?? new Map();
    },
    async set(key) {
      return [...((await read(key, "set"))?.members ?? [])];
    },
    async series(key, limit) {
      const points = (await read(key, "series"))?.points ?? [];
      return points
        .slice(Math.max(0, points.length - Math.max(0, limit)))
        .reverse()
        .map((point) => point.member);
    },
    async log(key, limit) {
      return ((await read(key, "log"))?.entries ?? []).slice(0, Math.max(0, limit));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async close() {
      closed = true;
      cancelSweep();
      listeners.clear();
      entries.clear();
      heldBytes = 0;
    },
  };
}

function closedError(): ClusterPulseError {
  return new ClusterPulseError("STORE_CLOSED", "The embedded store is closed.");
}
