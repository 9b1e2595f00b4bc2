// Lists as API servers answer them, from bytes to plain data, with limits before allocation. Errors are BODY_MALFORMED and BODY_TOO_LARGE;
// neither quotes the body. What a cluster sends is data throughout: nothing here or above uses a name from a body as a key of an ordinary object.
import { gunzipSync } from "node:zlib";
import { ClusterPulseError } from "../support/errors.ts";
import { compileDecoder, type Decoder } from "./protobuf/decode.ts";
import { openEnvelope } from "./protobuf/envelope.ts";

/** A response body as it came off the wire: still compressed, never parsed on the main thread. */
export interface ResponseBody {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encoding: "identity" | "gzip";
  /** What its Content-Type said. Only lists are ever asked for as protobuf. */
  readonly format: "json" | "protobuf";
}

/** A page of 500 pods with large specs stays below this; a gzip bomb does not. */
export const MAX_INFLATED_BYTES = 32 * 1024 * 1024;
/** API servers' continue tokens are a few hundred bytes; ours travels back in a URL. */
const MAX_CONTINUE_TOKEN = 8 * 1024;

/** An object of a parsed body. Members are looked at one by one, never trusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** One page of a list, its items not yet looked at. */
export interface ListPage {
  readonly kind: string;
  readonly items: readonly unknown[];
  /** "" on the last page. */
  readonly continueToken: string;
  readonly remainingItemCount: number | null;
}

export function bodyMalformed(what: string): ClusterPulseError {
  return new ClusterPulseError("BODY_MALFORMED", `the API server's answer is not ${what}`);
}

export function bodyTooLarge(maxBytes: number): ClusterPulseError {
  return new ClusterPulseError("BODY_TOO_LARGE", `the API server's answer is larger than ${maxBytes} bytes`);
}

/** The body's bytes without compression. Stops inflating at `maxBytes`. */
export function inflate(body: ResponseBody, maxBytes: number): Buffer<ArrayBuffer> {
  if (body.encoding === "identity") {
    if (body.bytes.byteLength > maxBytes) throw bodyTooLarge(maxBytes);
    return Buffer.from(body.bytes.buffer, body.bytes.byteOffset, body.bytes.byteLength);
  }
  try {
    return gunzipSync(body.bytes, { maxOutputLength: maxBytes, chunkSize: outputChunkBytes(body.bytes, maxBytes) });
  } catch (error) {
    throw (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE"
      ? bodyTooLarge(maxBytes)
      : bodyMalformed("gzip");
  }
}

/** Inflated size as a gzip body states it, at its end and modulo 2^32; it may lie. 0 for what is too short to be gzip. */
export function statedBytes(gzip: Uint8Array): number {
  const { length } = gzip;
  return length < 18 ? 0 : new DataView(gzip.buffer, gzip.byteOffset, length).getUint32(length - 4, true);
}

/** Twice what lists inflate to. */
const maxRatio = 64;

/** A buffer that takes all of the output in one piece, where what is stated is likely; the byte more tells that it was all. */
function outputChunkBytes(gzip: Uint8Array, maxBytes: number): number {
  return Math.max(64, Math.min(statedBytes(gzip), maxBytes, maxRatio * gzip.length) + 1);
}

/** Parses a whole body whose top level is an object. */
export function readObject(body: ResponseBody, maxBytes: number): JsonObject {
  const bytes = withoutManagedFields(inflate(body, maxBytes));
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    throw bodyMalformed("JSON");
  }
  const object = asObject(value);
  if (object === undefined) throw bodyMalformed("a JSON object");
  return object;
}

/** What a list must be, and what of it is read. */
export interface ListShape {
  /** Undefined accepts every kind that ends in "List". */
  readonly kind: string | undefined;
  readonly decode: Decoder;
}

/**
 * @param type the list's type where it comes as protobuf, such as `core/v1.PodList`.
 * @param itemPaths what is read of its items then; JSON gives all there is.
 */
export function listShape(kind: string | undefined, type: string, itemPaths: readonly string[]): ListShape {
  const paths = ["metadata.continue", "metadata.remainingItemCount", ...itemPaths.map((path) => `items.${path}`)];
  return { kind, decode: compileDecoder(type, paths) };
}

/** A list of custom resources, which exist as JSON only. */
export function jsonListShape(kind: string): ListShape {
  const decode = (): never => {
    throw bodyMalformed(`a ${kind} as JSON`);
  };
  return { kind, decode };
}

/** Reads one page of a list. Both formats give the same values for what the shape reads. */
export function readList(body: ResponseBody, maxBytes: number, { kind, decode }: ListShape): ListPage {
  const list = body.format === "json" ? readObject(body, maxBytes) : readProtobuf(inflate(body, maxBytes), decode);
  const found = asText(list["kind"]);
  if (kind === undefined ? !found.endsWith("List") : found !== kind) throw bodyMalformed(`a ${kind ?? "list"}`);
  // Go writes an empty list as null.
  const items = list["items"] ?? [];
  if (!Array.isArray(items)) throw bodyMalformed("a list with items");
  const metadata = asObject(list["metadata"]) ?? {};
  const continueToken = asText(metadata["continue"]);
  if (continueToken.length > MAX_CONTINUE_TOKEN || !continueToken.isWellFormed()) {
    throw bodyMalformed("a list with a usable continue token");
  }
  const remaining = metadata["remainingItemCount"];
  return {
    kind: found,
    items,
    continueToken,
    remainingItemCount:
      typeof remaining === "number" && Number.isSafeInteger(remaining) && remaining >= 0 ? remaining : null,
  };
}

function readProtobuf(bytes: Buffer, decode: Decoder): JsonObject {
  const { kind, raw } = openEnvelope(bytes);
  return { ...decode(raw), kind };
}

/** The value if it is an object and not an array. */
export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
}

/** The value if it is text, else "". */
export function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}

const marker = Buffer.from('"managedFields":[');
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/**
 * The same JSON without array members named managedFields, which are a third of a list and read by nobody. They are cut out as bytes
 * because parsing them costs more than finding them. In JSON a quote after "{" or "," always opens a member's name (inside a text
 * it would be escaped), so a match there is the member itself. Anything unexpected returns the bytes as they came.
 */
export function withoutManagedFields(bytes: Buffer): Buffer {
  const kept: Buffer[] = [];
  let keptUntil = 0;
  for (let at = bytes.indexOf(marker); at !== -1; at = bytes.indexOf(marker, at + 1)) {
    const before = bytes[at - 1];
    if (before !== COMMA && before !== 0x7b) continue;
    let end = endOfArray(bytes, at + marker.length - 1);
    if (end === -1) return bytes;
    let start = at;
    if (before === COMMA && at > keptUntil) start--;
    else if (bytes[end] === COMMA) end++;
    kept.push(bytes.subarray(keptUntil, start));
    keptUntil = end;
    at = end - 1;
  }
  if (kept.length === 0) return bytes;
  kept.push(bytes.subarray(keptUntil));
  return Buffer.concat(kept);
}

/** The index behind the "]" that closes the array opened at `open`, or -1. */
function endOfArray(bytes: Buffer, open: number): number {
  let depth = 0;
  for (let i = open; i < bytes.length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        for (i++; bytes[i] !== QUOTE; i++) {
          if (i >= bytes.length) return -1;
          if (bytes[i] === BACKSLASH) i++;
        }
        break;
      case 0x5b:
      case 0x7b:
        depth++;
        break;
      case 0x5d:
      case 0x7d:
        if (--depth === 0) return i + 1;
    }
  }
  return -1;
}
