// The envelope of every protobuf body of the API: four magic bytes, then a message with the kind and, in it, the object's own message.
import { compileDecoder, type Decoder, type JsonObject } from "./decode.ts";
import { typeOfKind } from "./schema.ts";
import { BYTES, protobufMalformed, WireReader } from "./wire.ts";

/** `Content-Type` of such bodies. */
export const PROTOBUF_TYPE = "application/vnd.kubernetes.protobuf";

/** "k8s" and a zero byte. */
export const MAGIC: readonly number[] = [0x6b, 0x38, 0x73, 0x00];

export interface Envelope {
  readonly apiVersion: string;
  readonly kind: string;
  /** The object's message. A view. */
  readonly raw: Uint8Array;
}

/** Opens a body. Throws BODY_MALFORMED. */
export function openEnvelope(body: Uint8Array): Envelope {
  if (body.length < MAGIC.length || MAGIC.some((byte, i) => body[i] !== byte))
    throw protobufMalformed("no magic bytes");
  const reader = new WireReader(body.subarray(MAGIC.length));
  const envelope = { apiVersion: "", kind: "", raw: body.subarray(0, 0) };
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (tag === ((1 << 3) | BYTES)) {
      const outer = reader.enter();
      for (let inner = reader.tag(); inner !== 0; inner = reader.tag()) {
        if (inner === ((1 << 3) | BYTES)) envelope.apiVersion = reader.text();
        else if (inner === ((2 << 3) | BYTES)) envelope.kind = reader.text();
        else reader.skip(inner);
      }
      reader.leave(outer);
    } else if (tag === ((2 << 3) | BYTES)) envelope.raw = reader.bytes();
    else reader.skip(tag);
  }
  return envelope;
}

const decoders = new Map<string, Decoder>();

/**
 * Reads a whole body of any kind that the table knows, `kind` and `apiVersion` included.
 * Returns undefined for a kind that it does not know; throws BODY_MALFORMED.
 */
export function decodeBody(body: Uint8Array): JsonObject | undefined {
  const { apiVersion, kind, raw } = openEnvelope(body);
  const type = typeOfKind(apiVersion, kind);
  if (type === undefined) return undefined;
  let decode = decoders.get(type);
  if (decode === undefined) {
    decode = compileDecoder(type);
    decoders.set(type, decode);
  }
  return { kind, apiVersion, ...decode(raw) };
}
