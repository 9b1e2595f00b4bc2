// Answers of built-in kinds as Kubernetes protobuf. They are made from the JSON answer, which costs several times what the JSON does, so
// those of servers whose objects never change are kept: gzipped as they are sent, in a cache bounded in bytes and shared by all servers.
import { LRUCache } from "lru-cache";
import { encodeBody } from "../../kube/protobuf/encode.ts";
import { typeOfKind } from "../../kube/protobuf/schema.ts";
import { type EncodedBody, encodeForWire } from "./body.ts";
import { apiVersionOf, type ResourceType } from "./catalog.ts";
import type { Answer } from "./engine.ts";

/** Enough for the lists of about 2,000 clusters of 300 pods. */
const maxCachedBytes = 128 * 1024 * 1024;

/** Custom resources have no protobuf form; metadata alone always has. */
export const hasProtobuf = (type: ResourceType): boolean => typeOfKind(apiVersionOf(type), type.kind) !== undefined;

export class ProtobufBodies {
  readonly #kept = new LRUCache<string, EncodedBody>({
    maxSize: maxCachedBytes,
    sizeCalculation: ({ bytes }, key) => bytes.length + key.length + 100,
  });

  /**
   * The body in protobuf, compressed where a server would.
   * @param key what the answer depends on, where it never changes; undefined: it is made anew
   * @param answer makes the answer
   */
  async body(key: string | undefined, answer: () => Answer): Promise<EncodedBody> {
    const kept = key === undefined ? undefined : this.#kept.get(key);
    if (kept !== undefined) return kept;
    const made = answer();
    if (made.type !== "body") throw new TypeError("a watch has no body");
    const bytes = made.protobuf ?? encodeBody(JSON.parse(made.text) as Record<string, unknown>);
    if (bytes === undefined) throw new TypeError("the kind has no protobuf form");
    const encoded = await encodeForWire(
      { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), isGzipped: false },
      "gzip",
    );
    if (key !== undefined) this.#kept.set(key, encoded);
    return encoded;
  }
}
