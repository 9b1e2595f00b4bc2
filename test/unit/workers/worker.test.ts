import { gzipSync } from "node:zlib";
import { valueSymbol } from "piscina";
import { expect, test } from "vitest";
import { unpack } from "../../../workers/codec.ts";
import type { WorkerRequest } from "../../../workers/protocol.ts";
import work from "../../../workers/worker.ts";

const names = (count: number) => Array.from({ length: count }, (_, i) => `namespace-${i}`);
const listOf = (count: number) =>
  JSON.stringify({ kind: "NamespaceList", items: names(count).map((name) => ({ metadata: { name } })) });

/** A request as a thread receives it: the body in memory of its own. */
function request(body: string, encoding: WorkerRequest["encoding"]): WorkerRequest {
  const bytes = Uint8Array.from(encoding === "gzip" ? gzipSync(body) : Buffer.from(body));
  const marks = new BigInt64Array(new SharedArrayBuffer(16));
  return { task: "listNames", bytes, encoding, format: "json", rest: new Uint8Array([0x80]), marks };
}

const answerTo = (given: WorkerRequest): unknown =>
  unpack((work(given) as { readonly [valueSymbol]: Uint8Array })[valueSymbol]);

for (const encoding of ["gzip", "identity"] as const) {
  for (const count of [1, 5_000]) {
    test(`gives the memory of a body back with its answer: ${encoding}, ${count} items`, () => {
      const given = request(listOf(count), encoding);
      const slab = Buffer.from("stays").buffer;

      const answer = answerTo(given) as { output: { names: string[] } };

      expect(answer.output.names).toEqual(names(count));
      expect(given.bytes.buffer.detached).toBe(true);
      expect(slab.detached).toBe(false);
      expect(Buffer.from("and is used again").toString()).toBe("and is used again");
    });
  }
}

test("gives it back when the body cannot be read", () => {
  const given = request("not JSON", "gzip");
  expect(answerTo(given)).toMatchObject({ error: { code: "BODY_MALFORMED" } });
  expect(given.bytes.buffer.detached).toBe(true);
});
