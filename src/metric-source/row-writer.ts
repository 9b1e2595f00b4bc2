// Rows as the bytes that are stored: identity, labels, values by name. Names are data, also `__proto__`: the text is written, no object made.
// Texts are looked at and copied in one loop; the few that JSON escapes, or that are not ASCII, are left to JSON.stringify.
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

/** Writes rows one after the other, separated by commas, into memory that grows with them. */
export class RowWriter {
  readonly #heads: readonly string[];
  #bytes = Buffer.allocUnsafeSlow(initialBytes);
  #at = 0;

  /** @param names of the values, in the rows' order */
  constructor(names: readonly string[]) {
    this.#heads = names.map((name, at) => `${at === 0 ? "" : ","}${JSON.stringify(name)}:`);
  }

  /** Writes one row. A `namespace` of "" is left out, and so are labels when there are none. */
  write(namespace: string, name: string, labels: unknown, row: Row): void {
    if (this.#at > 0) this.#plain(",");
    this.#plain('{"_id":');
    if (namespace !== "") {
      this.#quoted(namespace);
      // One slash instead of the quotes between namespace and name.
      const slashAt = --this.#at;
      this.#quoted(name);
      this.#bytes[slashAt] = slash;
      this.#plain(',"_namespace":');
      this.#quoted(namespace);
    } else this.#quoted(name);
    this.#plain(',"_name":');
    this.#quoted(name);
    this.#labels(labels);
    this.#plain(',"values":{');
    const heads = this.#heads;
    for (let at = 0; at < heads.length; at++) {
      this.#plain(heads[at] as string);
      const value = row[at] as Value;
      if (typeof value === "string") this.#quoted(value);
      else this.#plain(String(value));
    }
    this.#plain("}}");
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#bytes.buffer.slice(0, this.#at));
  }

  /** Members that are not texts are no labels. */
  #labels(labels: unknown): void {
    if (labels instanceof JsonMembers) {
      const { bytes, start, end } = labels;
      this.#plain(',"_labels":{');
      this.#reserve(end - start);
      bytes.copy(this.#bytes, this.#at, start, end);
      this.#at += end - start;
      this.#plain("}");
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
  }
}
