// How values cross between the main thread and pool threads: packed into bytes of exactly their size, which can be transferred. An object graph
// would cost the main thread several times as much. Values hold no free names as keys, so the codec's renaming of `__proto__` cannot bite.
// The subpath imports leave msgpackr's native addon out.
import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** Packs plain data. The copy matters: msgpackr returns a view of a buffer that it goes on using. */
export function pack(value: unknown): Uint8Array<ArrayBuffer> {
  return new Uint8Array(packr.pack(value));
}

export function unpack(bytes: Uint8Array): unknown {
  return unpackr.unpack(bytes);
}

/** The bytes in an ArrayBuffer of their own: transferring a shared one would detach other views and show their contents. */
export function exactBytes(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice();
}
