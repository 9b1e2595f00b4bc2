import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WriteBuffer } from "../../../../actors/store-writer/buffer.ts";
import type { Document } from "../../../../src/store/document.ts";
import { createMemoryStore } from "../../../../src/store/memory.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

const key = fc.constantFrom("a:1", "a:2", "b:1");
const value = fc.string({ maxLength: 5 });
const members = fc.uniqueArray(fc.constantFrom("x", "y", "z"));
/** Documents as the hub makes them: one type per key, so the key carries the type. */
const document: fc.Arbitrary<Document> = fc.oneof(
  fc.record({
    kind: fc.constant("string" as const),
    key: key.map((k) => `${k}:string`),
    value,
    ttlSeconds: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant("hash" as const),
    key: key.map((k) => `${k}:hash`),
    fields: fc.dictionary(fc.constantFrom("f", "g"), value, { minKeys: 1 }),
    ttlSeconds: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant("set" as const),
    key: key.map((k) => `${k}:set`),
    members,
    ttlSeconds: fc.constant(null),
  }),
  fc.tuple(key, members, members).map(([k, add, remove]) => ({
    kind: "index" as const,
    key: `${k}:index`,
    add: add.filter((m) => !remove.includes(m)),
    remove,
  })),
  fc.record({
    kind: fc.constant("delete" as const),
    key: fc.tuple(key, fc.constantFrom("string", "hash", "set")).map(([k, type]) => `${k}:${type}`),
  }),
  fc.constantFrom("a:", "b:").map((prefix) => ({ kind: "delete-prefix" as const, prefix })),
);

async function contents(documents: readonly Document[]): Promise<unknown> {
  const store = createMemoryStore({ clock: new VirtualClock() });
  await store.apply(documents, new AbortController().signal);
  const all: Record<string, unknown> = {};
  for (const k of ["a:1", "a:2", "b:1"]) {
    all[`${k}:string`] = await store.string(`${k}:string`);
    all[`${k}:hash`] = Object.fromEntries(await store.hash(`${k}:hash`));
    all[`${k}:set`] = [...(await store.set(`${k}:set`))].sort();
    all[`${k}:index`] = [...(await store.set(`${k}:index`))].sort();
  }
  await store.close();
  return all;
}

describe("the write buffer", () => {
  test("what comes out, in batches of any size and with failures, leaves what writing everything in order leaves", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(document, { maxLength: 5 }), { maxLength: 12 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.boolean()), { maxLength: 12 }),
        async (puts, takes) => {
          const buffer = new WriteBuffer(1_000_000);
          const written: Document[] = [];
          let inFlight: Document[] = [];
          for (const [i, documents] of puts.entries()) {
            const take = takes[i];
            if (take !== undefined) inFlight = buffer.take(take[0], 1_000);
            buffer.put(documents);
            if (take?.[1]) written.push(...inFlight);
            else buffer.putBack(inFlight);
            inFlight = [];
          }
          while (!buffer.isEmpty) written.push(...buffer.take(3, 1_000));
          expect(buffer.stats()).toEqual({ documents: 0, bytes: 0, dropped: 0 });
          expect(await contents(written)).toEqual(await contents(puts.flat()));
        },
      ),
      { numRuns: 300 },
    );
  });

  test("holds one value per key however often it is written", () => {
    const buffer = new WriteBuffer(1_000_000);
    for (let i = 0; i < 10_000; i++) buffer.put([{ kind: "string", key: "k", value: `${i}`, ttlSeconds: null }]);
    expect(buffer.stats().documents).toBe(1);
    expect(buffer.take(10, 1_000)).toEqual([{ kind: "string", key: "k", value: "9999", ttlSeconds: null }]);
  });

  test("at its bound loses history first, oldest first, and counts every loss", () => {
    const buffer = new WriteBuffer(1_000);
    buffer.put([{ kind: "string", key: "value", value: "v".repeat(500), ttlSeconds: null }]);
    const point = (score: number): Document => ({
      kind: "series",
      key: "s",
      score,
      member: "m".repeat(99),
      dropThroughScore: 0,
      ttlSeconds: 60,
    });
    for (let score = 1; score <= 20; score++) buffer.put([point(score)]);
    const { bytes, dropped, documents } = buffer.stats();
    expect(bytes).toBeLessThanOrEqual(1_000);
    expect(dropped).toBe(20 - (documents - 1));
    const left = buffer.take(100, 10_000);
    expect(left[0]).toMatchObject({ key: "value" });
    expect(left.slice(1)).toEqual([17, 18, 19, 20].map(point));
  });

  test("publishes every message, in order", () => {
    const buffer = new WriteBuffer(1_000_000);
    const messages: Document[] = ["1", "2", "1"].map((message) => ({ kind: "publish", channel: "c", message }));
    buffer.put(messages);
    expect(buffer.take(10, 1_000)).toEqual(messages);
  });

  test("takes at least one document even when it is larger than the batch", () => {
    const buffer = new WriteBuffer(1_000_000);
    buffer.put([{ kind: "string", key: "k", value: "v".repeat(5_000), ttlSeconds: null }]);
    expect(buffer.take(10, 100)).toHaveLength(1);
  });
});
