// Response bodies under a limit: read, inflate, parse. A limit is checked while bytes arrive, never after.
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { KubeError } from "./errors.ts";

const inflate = promisify(gunzip);
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** All bytes of `chunks` in one exactly sized array. Throws BODY_TOO_LARGE as soon as more than `maxBytes` have arrived. */
export async function readBody(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge(maxBytes);
    parts.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** The value of a small JSON body. Throws BODY_TOO_LARGE when it inflates past `maxBytes`, BODY_MALFORMED when it is not JSON in UTF-8. */
export async function parseJsonBody(
  bytes: Uint8Array,
  encoding: "identity" | "gzip",
  maxBytes: number,
): Promise<unknown> {
  const plain = encoding === "gzip" ? await inflateBody(bytes, maxBytes) : bytes;
  return parseJson(plain);
}

/** JSON from UTF-8 bytes. Throws BODY_MALFORMED without repeating any of them. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch {
    throw new KubeError("BODY_MALFORMED", "the answer is not JSON in UTF-8");
  }
}

async function inflateBody(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await inflate(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(maxBytes);
    throw new KubeError("BODY_MALFORMED", "the answer is not valid gzip");
  }
}

export function tooLarge(maxBytes: number): KubeError {
  return new KubeError("BODY_TOO_LARGE", `the answer is larger than ${maxBytes} bytes`);
}
