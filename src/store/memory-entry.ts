// What the embedded store holds per key, and how one document turns an entry into the next. Pure: entries are never changed in place,
// so a reader keeps what it was given.
import { ClusterPulseError } from "../support/errors.ts";
import type { Document, StoredValue } from "./document.ts";

interface Common {
  /** On the monotonic clock; null: kept until deleted. */
  readonly expiresAtMs: number | null;
  /** Bytes of the content, without key and overhead. */
  readonly contentBytes: number;
}

export type Entry =
  | (Common & { readonly kind: "string"; readonly value: string })
  | (Common & { readonly kind: "hash"; readonly fields: ReadonlyMap<string, string> })
  | (Common & { readonly kind: "set"; readonly members: ReadonlySet<string> })
  /** In rising order of score, then of member. */
  | (Common & { readonly kind: "series"; readonly points: readonly Point[] })
  /** Newest first. `ids` remembers more entries than are held, so that a repeated write of one that was cut is noticed. */
  | (Common & { readonly kind: "log"; readonly entries: readonly string[]; readonly ids: readonly string[] });

interface Point {
  readonly score: number;
  readonly member: string;
}

type KeyedDocument = Exclude<Document, { kind: "delete" | "delete-prefix" | "publish" }>;

/** Rough cost of one entry, and of one member within it, beside its text. */
const entryOverheadBytes = 128;
const memberOverheadBytes = 32;
const idsPerLogEntry = 2;

/** What an entry counts against the store's bound. */
export function sizeOf(key: string, entry: Entry): number {
  return entryOverheadBytes + key.length + entry.contentBytes;
}

/**
 * The entry after `document`, undefined when nothing is left of it, and whether readers would see a difference.
 * Throws STORE_WRONG_TYPE when a document that adds to a value meets one of another type.
 */
export function applyDocument(
  before: Entry | undefined,
  document: KeyedDocument,
  nowMs: number,
): { entry: Entry | undefined; isChange: boolean } {
  switch (document.kind) {
    case "string": {
      const value = textOf(document.value);
      const isChange = before?.kind !== "string" || before.value !== value;
      return { entry: { kind: "string", value, contentBytes: bytesOf(value), ...expiry(document, nowMs) }, isChange };
    }
    case "hash": {
      const fields = new Map(expect(before, "hash", document.key)?.fields);
      let isChange = false;
      for (const [name, value] of Object.entries(document.fields)) {
        const text = textOf(value);
        if (fields.get(name) === text) continue;
        fields.set(name, text);
        isChange = true;
      }
      if (fields.size === 0) return { entry: undefined, isChange: false };
      let contentBytes = 0;
      for (const [name, value] of fields) contentBytes += memberOverheadBytes + name.length + bytesOf(value);
      return { entry: { kind: "hash", fields, contentBytes, ...expiry(document, nowMs) }, isChange };
    }
    case "set": {
      const held = before?.kind === "set" ? before.members : undefined;
      const members = new Set(document.members);
      const isChange = held === undefined ? before !== undefined || members.size > 0 : !sameMembers(held, members);
      return { entry: setEntry(members, expiry(document, nowMs)), isChange };
    }
    case "index": {
      const held = expect(before, "set", document.key);
      const isHeld = (member: string): boolean => held?.members.has(member) ?? false;
      // Writers repeat their membership with every status: most index documents change nothing.
      if (document.add.every(isHeld) && !document.remove.some(isHeld)) return { entry: held, isChange: false };
      const members = new Set(held?.members);
      for (const member of document.add) members.add(member);
      for (const member of document.remove) members.delete(member);
      const isChange = !sameMembers(held?.members ?? new Set(), members);
      return { entry: setEntry(members, { expiresAtMs: held?.expiresAtMs ?? null }), isChange };
    }
    case "series": {
      const held = expect(before, "series", document.key)?.points ?? [];
      const points = withPoint(
        held,
        { score: document.score, member: textOf(document.member) },
        document.dropThroughScore,
      );
      if (points.length === 0) return { entry: undefined, isChange: held.length > 0 };
      const contentBytes = points.reduce((sum, point) => sum + memberOverheadBytes + bytesOf(point.member), 0);
      return { entry: { kind: "series", points, contentBytes, ...expiry(document, nowMs) }, isChange: true };
    }
    case "log": {
      const held = expect(before, "log", document.key);
      if (held?.ids.includes(document.id)) {
        return { entry: { ...held, ...expiry(document, nowMs) }, isChange: false };
      }
      const entries = [textOf(document.entry), ...(held?.entries ?? [])].slice(0, document.maxEntries);
      const ids = [document.id, ...(held?.ids ?? [])].slice(0, idsPerLogEntry * document.maxEntries);
      const contentBytes = [...entries, ...ids].reduce((sum, text) => sum + memberOverheadBytes + bytesOf(text), 0);
      return { entry: { kind: "log", entries, ids, contentBytes, ...expiry(document, nowMs) }, isChange: true };
    }
  }
}

function withPoint(held: readonly Point[], point: Point, dropThroughScore: number): Point[] {
  const points = held.filter((other) => other.member !== point.member && other.score > dropThroughScore);
  if (point.score <= dropThroughScore) return points;
  let at = points.length;
  while (at > 0 && isBefore(point, points[at - 1] as Point)) at--;
  points.splice(at, 0, point);
  return points;
}

function isBefore(a: Point, b: Point): boolean {
  return a.score === b.score ? a.member < b.member : a.score < b.score;
}

function setEntry(members: ReadonlySet<string>, expiry: { expiresAtMs: number | null }): Entry | undefined {
  if (members.size === 0) return undefined;
  let contentBytes = 0;
  for (const member of members) contentBytes += memberOverheadBytes + bytesOf(member);
  return { kind: "set", members, contentBytes, ...expiry };
}

function sameMembers(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  if (a.size !== b.size) return false;
  for (const member of a) if (!b.has(member)) return false;
  return true;
}

function expiry(document: { ttlSeconds: number | null }, nowMs: number): { expiresAtMs: number | null } {
  return { expiresAtMs: document.ttlSeconds === null ? null : nowMs + document.ttlSeconds * 1000 };
}

function expect<K extends Entry["kind"]>(
  entry: Entry | undefined,
  kind: K,
  key: string,
): Extract<Entry, { kind: K }> | undefined {
  if (entry !== undefined && entry.kind !== kind) throw wrongType(key, entry.kind, kind);
  return entry as Extract<Entry, { kind: K }> | undefined;
}

/** The refusal that a document or a read meets at a key of another type. */
export function wrongType(key: string, held: string, wanted: string): ClusterPulseError {
  return new ClusterPulseError("STORE_WRONG_TYPE", `The key "${key}" holds a ${held}, not a ${wanted}.`);
}

// Decoding here frees the pool's buffer, of which the bytes may be a small part.
function textOf(value: StoredValue): string {
  return typeof value === "string"
    ? value
    : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("utf8");
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text);
}
