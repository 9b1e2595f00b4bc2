// What waits to be written: for every key the newest value only, and a bounded queue for entries that have a history.
// Bounded in bytes whatever the store does; when full, the oldest history goes first, and every loss is counted.
// The order of two documents of one key, and of a delete and what it deletes, is kept.
import { bytesOf, type Document } from "../../src/store/document.ts";

/** The slot of a document: documents of one slot replace each other, so only the newest is written. */
function slotOf(document: Document): string {
  switch (document.kind) {
    case "series":
      return `series ${document.key} ${document.score}`;
    case "log":
      return `log ${document.key} ${document.id}`;
    case "publish":
      return "publish";
    case "delete-prefix":
      return `prefix ${document.prefix}`;
    case "index":
      return `index ${document.key}`;
    case "hash":
      return `hash ${document.key}`;
    case "string":
    case "set":
    case "delete":
      return `key ${document.key}`;
  }
}

const hasHistory = (document: Document): boolean =>
  document.kind === "series" || document.kind === "log" || document.kind === "publish";

/** The document that says what `older` and then `newer` say, for two of one slot. */
function merge(older: Document, newer: Document): Document {
  if (older.kind === "hash" && newer.kind === "hash") return { ...newer, fields: { ...older.fields, ...newer.fields } };
  if (older.kind === "index" && newer.kind === "index") {
    const said = new Set([...newer.add, ...newer.remove]);
    return {
      ...newer,
      add: [...older.add.filter((member) => !said.has(member)), ...newer.add],
      remove: [...older.remove.filter((member) => !said.has(member)), ...newer.remove],
    };
  }
  return newer;
}

export class WriteBuffer {
  readonly #maxBytes: number;
  readonly #slots = new Map<string, Document>();
  #published = 0;
  #bytes = 0;
  #dropped = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Documents waiting, their approximate bytes, and how many were lost to the bound since the start. */
  stats(): { readonly documents: number; readonly bytes: number; readonly dropped: number } {
    return { documents: this.#slots.size, bytes: this.#bytes, dropped: this.#dropped };
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  put(documents: readonly Document[]): void {
    for (const document of documents) this.#put(document);
    this.#enforceBound();
  }

  /** Takes the oldest documents out: at most `maxDocuments` and about `maxBytes`, at least one. */
  take(maxDocuments: number, maxBytes: number): Document[] {
    const batch: Document[] = [];
    let bytes = 0;
    for (const [slot, document] of this.#slots) {
      const size = bytesOf(document);
      if (batch.length > 0 && (batch.length >= maxDocuments || bytes + size > maxBytes)) break;
      batch.push(document);
      bytes += size;
      this.#remove(slot, document);
    }
    return batch;
  }

  /** Puts a batch that was not written back in front. What came in since takes precedence over it. */
  putBack(batch: readonly Document[]): void {
    const since = [...this.#slots.values()];
    this.#slots.clear();
    this.#bytes = 0;
    this.put(batch);
    this.put(since);
  }

  #put(document: Document): void {
    if (document.kind === "delete-prefix") {
      for (const [slot, waiting] of this.#slots) {
        if ("key" in waiting && waiting.key.startsWith(document.prefix)) this.#remove(slot, waiting);
      }
    }
    if (document.kind === "delete") {
      const fields = this.#slots.get(`hash ${document.key}`);
      if (fields !== undefined) this.#remove(`hash ${document.key}`, fields);
    }
    const slot = document.kind === "publish" ? `publish ${this.#published++}` : slotOf(document);
    const waiting = this.#slots.get(slot);
    if (waiting !== undefined) this.#remove(slot, waiting);
    const merged = waiting === undefined ? document : merge(waiting, document);
    this.#slots.set(slot, merged);
    this.#bytes += bytesOf(merged);
  }

  #enforceBound(): void {
    if (this.#bytes <= this.#maxBytes) return;
    for (const historyOnly of [true, false]) {
      for (const [slot, document] of this.#slots) {
        if (this.#bytes <= this.#maxBytes) return;
        if (historyOnly && !hasHistory(document)) continue;
        this.#remove(slot, document);
        this.#dropped++;
      }
    }
  }

  #remove(slot: string, document: Document): void {
    this.#slots.delete(slot);
    this.#bytes -= bytesOf(document);
  }
}
