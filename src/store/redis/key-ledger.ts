// What this process knows of the keys it wrote: when each expires, so that its expiry is told, and whether it is registered below
// its object, so that deleting the object finds it. A loss of this knowledge costs repeated registrations and nothing else.
// Bounded in keys: one beyond the bound is registered with each of its writes, and its expiry is not told.
import { objectOf } from "../keys.ts";

interface Tracked {
  /** On the monotonic clock; null: kept until deleted. */
  expiresAtMs: number | null;
  registered: boolean;
}

/** Registrations to write: object to its keys. */
export type Registrations = ReadonlyMap<string, readonly string[]>;

export class KeyLedger {
  readonly #maxKeys: number;
  readonly #keys = new Map<string, Tracked>();
  /** Where the pass over all keys stands; undefined between two, since an iterator keeps what the map has outgrown. */
  #sweepAt: MapIterator<[string, Tracked]> | undefined;
  /** No key expires before this; it is found anew by each pass over all keys. */
  #earliestMs = Number.POSITIVE_INFINITY;
  #earliestInPassMs = Number.POSITIVE_INFINITY;
  /** Registered keys that are gone. */
  #gone = new Set<string>();

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
  }

  get size(): number {
    return this.#keys.size;
  }

  needsRegistration(key: string): boolean {
    return objectOf(key) !== undefined && this.#keys.get(key)?.registered !== true;
  }

  /** A write of the key, and its registration, were applied. */
  written(key: string, expiresAtMs: number | null): void {
    this.#expiresAt(expiresAtMs);
    const tracked = this.#keys.get(key);
    if (tracked !== undefined) {
      tracked.expiresAtMs = expiresAtMs;
      tracked.registered = true;
    } else if (this.#keys.size < this.#maxKeys) {
      this.#keys.set(key, { expiresAtMs, registered: true });
    }
    this.#gone.delete(key);
  }

  /** The key was deleted by itself; its registration is taken back with a later write. */
  deleted(key: string): void {
    if (this.#keys.delete(key)) this.#remember(key);
  }

  /** The object's keys below the prefix, and their registrations, were deleted. */
  deletedWithRegistration(keys: readonly string[]): void {
    for (const key of keys) {
      this.#keys.delete(key);
      this.#gone.delete(key);
    }
  }

  /** Registrations of keys that are gone, for at most `limit` keys; they stay until `forgot`. */
  goneRegistrations(limit: number): Registrations {
    const gone: string[] = [];
    for (const key of this.#gone) {
      if (gone.length >= limit) break;
      gone.push(key);
    }
    return byObject(gone);
  }

  forgot(registrations: Registrations): void {
    for (const keys of registrations.values()) for (const key of keys) this.#gone.delete(key);
  }

  /** Nobody knows any more what the server remembers: every key is registered with its next write. */
  forgetRegistrations(): void {
    for (const tracked of this.#keys.values()) tracked.registered = false;
  }

  /** Looks at the next `limit` keys, unless none can have expired; returns and drops those that have. */
  takeExpired(nowMs: number, limit: number): string[] {
    const expired: string[] = [];
    if (nowMs < this.#earliestMs) return expired;
    this.#sweepAt ??= this.#keys.entries();
    for (let looked = 0; looked < limit; looked++) {
      const next = this.#sweepAt.next();
      if (next.done) {
        this.#sweepAt = undefined;
        this.#earliestMs = this.#earliestInPassMs;
        this.#earliestInPassMs = Number.POSITIVE_INFINITY;
        break;
      }
      const [key, { expiresAtMs }] = next.value;
      if (expiresAtMs === null || expiresAtMs > nowMs) {
        this.#expiresAt(expiresAtMs);
        continue;
      }
      this.#keys.delete(key);
      this.#remember(key);
      expired.push(key);
    }
    return expired;
  }

  #expiresAt(expiresAtMs: number | null): void {
    if (expiresAtMs === null) return;
    this.#earliestMs = Math.min(this.#earliestMs, expiresAtMs);
    this.#earliestInPassMs = Math.min(this.#earliestInPassMs, expiresAtMs);
  }

  #remember(key: string): void {
    if (objectOf(key) !== undefined && this.#gone.size < this.#maxKeys) this.#gone.add(key);
  }
}

/** Keys grouped by their object; those without one are left out. */
export function byObject(keys: Iterable<string>): Registrations {
  const grouped = new Map<string, string[]>();
  for (const key of keys) {
    const object = objectOf(key);
    if (object === undefined) continue;
    const group = grouped.get(object);
    if (group === undefined) grouped.set(object, [key]);
    else group.push(key);
  }
  return grouped;
}
