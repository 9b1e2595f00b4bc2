// Values that are messages in protobuf and texts or numbers in JSON: quantities, times, numbers-or-texts, JSON inside protobuf.
// Readers are given a reader that stands at the start of the message and ends with it.
import { rfc3339 } from "../../support/clock.ts";
import { BYTES, protobufMalformed, VARINT, type WireReader } from "./wire.ts";

/** Deeper JSON than this is in no object that an API server accepts. */
export const MAX_JSON_DEPTH = 512;
/** Seconds of the years 1 and 10000. */
const FIRST_SECOND = -62_135_596_800;
const END_SECOND = 253_402_300_800;

const TEXT_1 = (1 << 3) | BYTES;
const NUMBER_1 = (1 << 3) | VARINT;
const NUMBER_2 = (2 << 3) | VARINT;
const TEXT_3 = (3 << 3) | BYTES;

export interface Timestamp {
  /** Since 1970. */
  readonly seconds: number;
  readonly nanos: number;
}

/** The text of a quantity; a quantity without one is "0". */
export function readQuantity(reader: WireReader): string {
  let text = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === TEXT_1) text = reader.text();
    else reader.skip(tag);
  }
  return text === "" ? "0" : text;
}

/** RFC 3339 with seconds, or null for the zero time. */
export function readTime(reader: WireReader): string | null {
  const time = readTimestamp(reader);
  return time === null || time.seconds === FIRST_SECOND ? null : rfc3339(time.seconds * 1000);
}

/** RFC 3339 with microseconds, or null for the zero time. */
export function readMicroTime(reader: WireReader): string | null {
  const time = readTimestamp(reader);
  if (time === null) return null;
  const micros = Math.floor(time.nanos / 1000);
  if (time.seconds === FIRST_SECOND && micros === 0) return null;
  return `${rfc3339(time.seconds * 1000).slice(0, -1)}.${String(micros).padStart(6, "0")}Z`;
}

function readTimestamp(reader: WireReader): Timestamp | null {
  if (reader.at === reader.end) return null;
  let seconds = 0;
  let nanos = 0;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === NUMBER_1) seconds = reader.int64();
    else if (tag === NUMBER_2) nanos = reader.int64();
    else reader.skip(tag);
  }
  if (seconds < FIRST_SECOND || seconds >= END_SECOND || nanos < 0 || nanos >= 1e9) {
    throw protobufMalformed("a time is out of range");
  }
  return { seconds, nanos };
}

const timePattern = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.(\d{1,9}))?(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** A time of RFC 3339; null for the zero time, undefined for what is no time. */
export function parseTime(text: string): Timestamp | null | undefined {
  const match = timePattern.exec(text);
  const epochMs = match === null ? Number.NaN : Date.parse(text);
  if (Number.isNaN(epochMs)) return undefined;
  const seconds = Math.floor(epochMs / 1000);
  const nanos = Number((match?.[1] ?? "").padEnd(9, "0"));
  if (seconds < FIRST_SECOND || seconds >= END_SECOND) return undefined;
  return seconds === FIRST_SECOND && nanos === 0 ? null : { seconds, nanos };
}

export function readIntOrString(reader: WireReader): number | string {
  let type = 0;
  let number = 0;
  let text = "";
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === NUMBER_1) type = reader.int64();
    else if (tag === NUMBER_2) number = reader.int64();
    else if (tag === TEXT_3) text = reader.text();
    else reader.skip(tag);
  }
  if (type !== 0 && type !== 1) throw protobufMalformed("a value is neither a number nor a text");
  return type === 0 ? number : text;
}

/** The JSON that stands inside as bytes; null when there is none. */
export function readRawJson(reader: WireReader): unknown {
  let raw: Buffer | undefined;
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === TEXT_1) raw = reader.bytes();
    else reader.skip(tag);
  }
  if (raw === undefined || raw.length === 0) return null;
  if (depthOf(raw) > MAX_JSON_DEPTH) throw protobufMalformed("JSON inside is nested too deeply");
  try {
    return JSON.parse(raw.toString("utf8"));
  } catch {
    throw protobufMalformed("what should be JSON inside is not");
  }
}

/** An upper bound of the nesting: brackets inside texts count too. */
function depthOf(json: Buffer): number {
  let depth = 0;
  let deepest = 0;
  for (const byte of json) {
    if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (byte === 0x5d || byte === 0x7d) depth--;
  }
  return deepest;
}
