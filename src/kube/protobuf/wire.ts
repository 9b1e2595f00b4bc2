// Reading protobuf's wire format: tags, varints, lengths, texts. Every read is checked against the end of the message it belongs to;
// whatever is wrong is BODY_MALFORMED, and the message never quotes what was read. Skipping looks at lengths only.
import { ClusterPulseError } from "../../support/errors.ts";

export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
export const FIXED32 = 5;

/** @param what is wrong with it. */
export function protobufMalformed(what: string): ClusterPulseError {
  return new ClusterPulseError("BODY_MALFORMED", `the body is not Kubernetes protobuf: ${what}`);
}

function overrun(): ClusterPulseError {
  return protobufMalformed("a length runs over the end");
}

const TEXT_CACHE_SLOTS = 512;
const MAX_CACHED_TEXT = 40;

/** The members of a map of texts as the JSON text between its braces: a range of bytes that hold nothing else there. */
export class JsonMembers {
  bytes: Buffer;
  start: number;
  end: number;

  constructor(bytes: Buffer, start: number) {
    this.bytes = bytes;
    this.start = start;
    this.end = start;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const JSON_BYTES = 16 * 1024;
const noJson = Buffer.alloc(0);
/** By byte: 1 for what stands in JSON texts as it is, 0 for what is escaped or not ASCII. */
const isPlain = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte < 0x20 || byte >= 0x80 || byte === QUOTE || byte === BACKSLASH ? 0 : 1,
);

export class WireReader {
  at = 0;
  /** Where the message that is being read ends. */
  end: number;
  readonly isExact: boolean;
  readonly #bytes: Buffer;
  /** Texts repeat: phases, names of nodes, quantities. Lives as long as this reader, which reads one body. */
  readonly #texts: (string | undefined)[] = new Array(TEXT_CACHE_SLOTS);
  /** Where maps become JSON, one after the other. */
  #json: Buffer = noJson;
  #jsonAt = 0;

  /** @param isExact whether the numbers of fields are wanted to the digit. */
  constructor(bytes: Uint8Array, isExact = false) {
    this.isExact = isExact;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.end = bytes.byteLength;
  }

  /**
   * Moves behind the tag of the next field that `wanted` has an entry for, passing over all others, and returns the tag;
   * 0 at the message's end. One loop on local variables: this is where reading a page spends its time.
   */
  nextOf(wanted: readonly unknown[]): number {
    const bytes = this.#bytes;
    const { end } = this;
    let { at } = this;
    while (at < end) {
      const fieldAt = at;
      let tag = bytes[at++] as number;
      if (tag >= 0x80) {
        this.at = fieldAt;
        tag = this.uint32();
        at = this.at;
      }
      const number = tag >>> 3;
      if (number < wanted.length && wanted[number] !== undefined) {
        this.at = at;
        return tag;
      }
      // Nearly all fields are short texts and messages, or small numbers.
      const wireType = tag & 7;
      const first = at < end ? (bytes[at] as number) : 0x80;
      if (first < 0x80 && number !== 0 && (wireType === BYTES || wireType === VARINT)) {
        at += wireType === BYTES ? first + 1 : 1;
        if (at > end) throw overrun();
      } else {
        this.at = at;
        this.skip(tag);
        at = this.at;
      }
    }
    this.at = at;
    return 0;
  }

  /** A tag, or 0 at the message's end. */
  tag(): number {
    if (this.at >= this.end) return 0;
    const tag = this.uint32();
    if (tag < 8) throw protobufMalformed("a field has the number 0");
    return tag;
  }

  /** At most 32 bits. */
  uint32(): number {
    const bytes = this.#bytes;
    const { at, end } = this;
    if (at < end) {
      const first = bytes[at] as number;
      if (first < 0x80) {
        this.at = at + 1;
        return first;
      }
      if (at + 1 < end) {
        const second = bytes[at + 1] as number;
        if (second < 0x80) {
          this.at = at + 2;
          return (first & 0x7f) | (second << 7);
        }
      }
    }
    const value = this.int64();
    if (value < 0 || value > 0xffff_ffff) throw protobufMalformed("a number is too large");
    return value;
  }

  /** A signed 64-bit number: a bigint where a double is not exact. */
  exactInt64(): number | bigint {
    const start = this.at;
    const value = this.int64();
    if (Number.isSafeInteger(value)) return value;
    let exact = 0n;
    for (let i = start; i < this.at; i++) exact |= BigInt((this.#bytes[i] as number) & 0x7f) << BigInt(7 * (i - start));
    return BigInt.asIntN(64, exact);
  }

  /** A signed 64-bit number as the nearest double, which is what JSON.parse makes of it. */
  int64(): number {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw protobufMalformed("truncated");
      const byte = this.#bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        if (i === 9 && byte > 1) break;
        return (high | 0) * 2 ** 32 + (low >>> 0);
      }
    }
    throw protobufMalformed("a number is too large");
  }

  /** Enters a message of the length that stands here; returns the end of the outer one, to be given to {@link leave}. */
  enter(): number {
    const length = this.uint32();
    const outer = this.end;
    if (length > outer - this.at) throw overrun();
    this.end = this.at + length;
    return outer;
  }

  leave(outer: number): void {
    this.at = this.end;
    this.end = outer;
  }

  /** Passes over the field whose tag was just read. */
  skip(tag: number): void {
    if (tag < 8) throw protobufMalformed("a field has the number 0");
    switch (tag & 7) {
      case VARINT:
        for (let i = 0; i < 10; i++) {
          if (this.at >= this.end) throw protobufMalformed("truncated");
          if ((this.#bytes[this.at++] as number) < 0x80) return;
        }
        throw protobufMalformed("a number is too large");
      case BYTES:
        this.#pass(this.uint32());
        return;
      case FIXED64:
        this.#pass(8);
        return;
      case FIXED32:
        this.#pass(4);
        return;
      default:
        throw protobufMalformed("an unknown wire type");
    }
  }

  /** The bytes of a length-delimited field. A view. */
  bytes(): Buffer {
    const start = this.#delimited();
    return this.#bytes.subarray(start, this.at);
  }

  /** Passes over a text of 1 to `maxLength` bytes that all are 1 in the table; stays in front of any other, and says false. */
  passText(table: Uint8Array, maxLength: number): boolean {
    const bytes = this.#bytes;
    const before = this.at;
    const start = this.#delimited();
    const end = this.at;
    let isWithin = start < end && end - start <= maxLength;
    for (let i = start; isWithin && i < end; i++) isWithin = table[bytes[i] as number] === 1;
    if (!isWithin) this.at = before;
    return isWithin;
  }

  text(): string {
    const bytes = this.#bytes;
    const start = this.#delimited();
    const end = this.at;
    if (start === end) return "";
    let all = 0;
    if (end - start > MAX_CACHED_TEXT) {
      for (let i = start; i < end; i++) all |= bytes[i] as number;
      return all < 0x80 ? bytes.toString("latin1", start, end) : bytes.toString("utf8", start, end);
    }
    let hash = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      all |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all >= 0x80) return bytes.toString("utf8", start, end);
    const slot = (hash ^ (hash >>> 15)) & (TEXT_CACHE_SLOTS - 1);
    const cached = this.#texts[slot];
    if (cached !== undefined && this.#same(cached, start, end)) return cached;
    const text = bytes.toString("latin1", start, end);
    this.#texts[slot] = text;
    return text;
  }

  #same(text: string, start: number, end: number): boolean {
    const length = end - start;
    if (text.length !== length) return false;
    for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== this.#bytes[start + i]) return false;
    return true;
  }

  /** A map of one entry, the one that stands here. */
  jsonMembers(): JsonMembers {
    const members = new JsonMembers(this.#json, this.#jsonAt);
    this.addJsonMember(members);
    return members;
  }

  /** Adds the entry that stands here to the map that was begun last. */
  addJsonMember(members: JsonMembers): void {
    const outer = this.enter();
    let key = this.at;
    let keyEnd = key;
    let value = key;
    let valueEnd = key;
    for (let tag = this.tag(); tag !== 0; tag = this.tag()) {
      if (tag === ((1 << 3) | BYTES)) {
        key = this.#delimited();
        keyEnd = this.at;
      } else if (tag === ((2 << 3) | BYTES)) {
        value = this.#delimited();
        valueEnd = this.at;
      } else this.skip(tag);
    }
    this.leave(outer);
    this.#reserveJson(members, keyEnd - key + valueEnd - value);
    if (members.end > members.start) this.#json[this.#jsonAt++] = COMMA;
    this.#quote(members, key, keyEnd);
    this.#json[this.#jsonAt++] = COLON;
    this.#quote(members, value, valueEnd);
    members.end = this.#jsonAt;
  }

  /** Copies a text in quotes. What JSON escapes and what is not ASCII is left to JSON.stringify. */
  #quote(members: JsonMembers, start: number, end: number): void {
    const bytes = this.#bytes;
    const json = this.#json;
    let to = this.#jsonAt;
    json[to++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (isPlain[byte] === 0) {
        const text = JSON.stringify(bytes.toString("utf8", start, end));
        this.#reserveJson(members, Buffer.byteLength(text));
        this.#jsonAt += this.#json.write(text, this.#jsonAt, "utf8");
        return;
      }
      json[to++] = byte;
    }
    json[to++] = QUOTE;
    this.#jsonAt = to;
  }

  /** Room for so many bytes, and for quotes and marks. A map that does not fit moves to new memory; those before it stay. */
  #reserveJson(members: JsonMembers, more: number): void {
    if (this.#jsonAt + more + 8 <= this.#json.length) return;
    const begun = this.#json.subarray(members.start, this.#jsonAt);
    this.#json = Buffer.allocUnsafeSlow(Math.max(JSON_BYTES, 2 * (begun.length + more + 8)));
    this.#json.set(begun);
    this.#jsonAt = begun.length;
    members.bytes = this.#json;
    members.end = members.end - members.start;
    members.start = 0;
  }

  /** Moves behind a length-delimited field and returns where its content starts. */
  #delimited(): number {
    const length = this.uint32();
    const start = this.at;
    this.#pass(length);
    return start;
  }

  #pass(length: number): void {
    if (length > this.end - this.at) throw overrun();
    this.at += length;
  }
}
