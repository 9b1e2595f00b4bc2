// Rows as the bytes that are stored: identity, labels, values by name. Names are data, also `__proto__`: the text is written, no object made.
// Texts are looked at and copied in one loop; the few that JSON escapes, or that are not ASCII, are left to JSON.stringify. What every row
// has in common is written four bytes at a time.
import { asObject } from "../kube/list-page.ts";
import { JsonMembers } from "../kube/protobuf/wire.ts";
import type { Row, Value } from "./value.ts";

const initialBytes = 64 * 1024;
const quoteMark = 0x22;
const backslash = 0x5c;
const slash = 0x2f;
/** By character of ASCII: 1 for what stands in JSON texts as it is. */
const isPlain = Uint8Array.from({ length: 128 }, (_, code) =>
  code < 0x20 || code === quoteMark || code === backslash ? 0 : 1,
);

/** A text that is written often: its UTF-8, in words of four bytes, the last of them filled up. */
interface Piece {
  readonly words: readonly number[];
  readonly length: number;
}

function pieceOf(text: string): Piece {
  const { length } = Buffer.from(text);
  const bytes = Buffer.concat([Buffer.from(text), Buffer.alloc(3)]);
  return { words: Array.from({ length: Math.ceil(length / 4) }, (_, at) => bytes.readInt32LE(4 * at)), length };
}

const pieces = {
  first: pieceOf('{"_id":'),
  next: pieceOf(',{"_id":'),
  namespace: pieceOf(',"_namespace":'),
  name: pieceOf(',"_name":'),
  labels: pieceOf(',"_labels":{'),
  labelsEnd: pieceOf("}"),
  values: pieceOf(',"values":{'),
  end: pieceOf("}}"),
};

/** Writes rows one after the other, separated by commas, into memory that grows with them. */
export class RowWriter {
  readonly #heads: readonly Piece[];
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  /** @param names of the values, in the rows' order */
  constructor(names: readonly string[]) {
    this.#heads = names.map((name, at) => pieceOf(`${at === 0 ? "" : ","}${JSON.stringify(name)}:`));
  }

  /** Writes one row. A `namespace` of "" is left out, and so are labels when there are none. */
  write(namespace: string, name: string, labels: unknown, row: Row): void {
    this.#piece(this.#at > 0 ? pieces.next : pieces.first);
    if (namespace !== "") {
      this.#quoted(namespace);
      // One slash instead of the quotes between namespace and name.
      const slashAt = --this.#at;
      this.#quoted(name);
      this.#bytes[slashAt] = slash;
      this.#piece(pieces.namespace);
      this.#quoted(namespace);
    } else this.#quoted(name);
    this.#piece(pieces.name);
    this.#quoted(name);
    this.#labels(labels);
    this.#piece(pieces.values);
    const heads = this.#heads;
    for (let at = 0; at < heads.length; at++) {
      this.#piece(heads[at] as Piece);
      const value = row[at] as Value;
      if (typeof value === "string") this.#quoted(value);
      else this.#plain(String(value));
    }
    this.#piece(pieces.end);
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.buffer.slice(0, this.#at));
  }

  /** Members that are not texts are no labels. */
  #labels(labels: unknown): void {
    if (labels instanceof JsonMembers) {
      const { bytes, start, end } = labels;
      this.#piece(pieces.labels);
      this.#reserve(end - start);
      bytes.copy(this.#bytes, this.#at, start, end);
      this.#at += end - start;
      this.#piece(pieces.labelsEnd);
      return;
    }
    const members = asObject(labels);
    if (members === undefined) return;
    const keys = Object.keys(members);
    let head = ',"_labels":{';
    for (let at = 0; at < keys.length; at++) {
      const key = keys[at] as string;
      const value = members[key];
      if (typeof value !== "string") continue;
      this.#plain(head);
      head = ",";
      this.#quoted(key);
      this.#plain(":");
      this.#quoted(value);
    }
    if (head === ",") this.#plain("}");
  }

  #piece({ words, length }: Piece): void {
    this.#reserve(length + 3);
    const view = this.#view;
    let to = this.#at;
    for (let at = 0; at < words.length; at++, to += 4) view.setInt32(to, words[at] as number, true);
    this.#at += length;
  }

  #quoted(text: string): void {
    const { length } = text;
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let to = this.#at;
    bytes[to++] = quoteMark;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x80 || isPlain[code] === 0) {
        this.#plain(JSON.stringify(text));
        return;
      }
      bytes[to++] = code;
    }
    bytes[to++] = quoteMark;
    this.#at = to;
  }

  /** Well-formed text as it is. */
  #plain(text: string): void {
    const { length } = text;
    this.#reserve(length * 3);
    const bytes = this.#bytes;
    const from = this.#at;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code >= 0x80) {
        this.#at = from + bytes.write(text, from, "utf8");
        return;
      }
      bytes[from + at] = code;
    }
    this.#at = from + length;
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + more));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
