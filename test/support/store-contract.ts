// What every store must do, as a suite: the embedded one and Redis are run through the same tests.
import { describe, expect, it } from "vitest";
import type { Document, Store } from "../../src/store/document.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** Lets this much time pass for the store's expiry. */
  advance(byMs: number): Promise<void>;
}

/** Registers the suite. `open` gives an empty store for each test; the suite closes it. */
export function describeStoreContract(name: string, open: () => Promise<StoreUnderTest>): void {
  const test = (title: string, body: (under: StoreUnderTest & { apply: Apply }) => Promise<void>): void => {
    it(title, async () => {
      const under = await open();
      try {
        await body({ ...under, apply: (...documents) => under.store.apply(documents, new AbortController().signal) });
      } finally {
        await under.store.close();
      }
    });
  };

  describe(name, () => {
    test("reads missing keys as nothing", async ({ store }) => {
      expect(await store.string("k")).toBeUndefined();
      expect(await store.hash("k")).toEqual(new Map());
      expect(await store.set("k")).toEqual([]);
      expect(await store.series("k", 10)).toEqual([]);
      expect(await store.log("k", 10)).toEqual([]);
    });

    test("keeps texts and UTF-8 bytes alike", async ({ store, apply }) => {
      const padded = Buffer.from("--grüße 🚀--");
      await apply(
        { kind: "string", key: "text", value: "grüße 🚀", ttlSeconds: null },
        { kind: "string", key: "bytes", value: padded.subarray(2, padded.length - 2), ttlSeconds: null },
        { kind: "hash", key: "hash", fields: { field: Buffer.from("é") }, ttlSeconds: null },
      );
      expect(await store.string("text")).toBe("grüße 🚀");
      expect(await store.string("bytes")).toBe("grüße 🚀");
      expect(await store.hash("hash")).toEqual(new Map([["field", "é"]]));
    });

    test("sets the named fields of a hash and leaves the others", async ({ store, apply }) => {
      await apply({ kind: "hash", key: "h", fields: { a: "1", b: "2" }, ttlSeconds: null });
      await apply({ kind: "hash", key: "h", fields: { b: "3", c: "4" }, ttlSeconds: null });
      const expected = { a: "1", b: "3", c: "4" };
      expect(Object.fromEntries(await store.hash("h"))).toEqual(expected);
    });

    test("replaces a set, and an empty one removes the key", async ({ store, apply }) => {
      await apply({ kind: "set", key: "s", members: ["a", "b", "a"], ttlSeconds: null });
      expect([...(await store.set("s"))].sort()).toEqual(["a", "b"]);
      await apply({ kind: "set", key: "s", members: ["b", "c"], ttlSeconds: null });
      expect([...(await store.set("s"))].sort()).toEqual(["b", "c"]);
      await apply({ kind: "set", key: "s", members: [], ttlSeconds: null });
      expect(await store.set("s")).toEqual([]);
      await apply({ kind: "hash", key: "s", fields: { now: "a hash" }, ttlSeconds: null });
    });

    test("adds to and removes from an index, and drops it when it is empty", async ({ store, apply }) => {
      await apply({ kind: "index", key: "i", add: ["a", "b"], remove: [] });
      await apply({ kind: "index", key: "i", add: ["c"], remove: ["a", "ghost"] });
      expect([...(await store.set("i"))].sort()).toEqual(["b", "c"]);
      await apply({ kind: "index", key: "i", add: [], remove: ["b", "c"] });
      expect(await store.set("i")).toEqual([]);
    });

    test("orders a series newest first, drops old points and knows a repeated one", async ({ store, apply }) => {
      const point = (score: number, dropThroughScore = 0): Document => ({
        kind: "series",
        key: "z",
        score,
        member: `at ${score}`,
        dropThroughScore,
        ttlSeconds: 3600,
      });
      await apply(point(20), point(10), point(30), point(20));
      expect(await store.series("z", 10)).toEqual(["at 30", "at 20", "at 10"]);
      expect(await store.series("z", 2)).toEqual(["at 30", "at 20"]);
      expect(await store.series("z", 0)).toEqual([]);
      await apply(point(40, 20));
      expect(await store.series("z", 10)).toEqual(["at 40", "at 30"]);
      await apply({ kind: "series", key: "z", score: 50, member: "at 30", dropThroughScore: 0, ttlSeconds: 3600 });
      expect(await store.series("z", 10)).toEqual(["at 30", "at 40"]);
      await apply(point(60, 60));
      expect(await store.series("z", 10)).toEqual([]);
    });

    test("keeps a log newest first, cut, each id once", async ({ store, apply }) => {
      const entry = (n: number): Document => ({
        kind: "log",
        key: "l",
        id: `id ${n}`,
        entry: `entry ${n}`,
        maxEntries: 3,
        ttlSeconds: 86_400,
      });
      await apply(entry(1), entry(2), entry(2), entry(3));
      expect(await store.log("l", 10)).toEqual(["entry 3", "entry 2", "entry 1"]);
      await apply(entry(4), entry(1));
      expect(await store.log("l", 10)).toEqual(["entry 4", "entry 3", "entry 2"]);
      expect(await store.log("l", 1)).toEqual(["entry 4"]);
      expect(await store.log("l", 0)).toEqual([]);
    });

    test("deletes a key, and by prefix without touching siblings", async ({ store, apply }) => {
      const string = (key: string): Document => ({ kind: "string", key, value: "v", ttlSeconds: null });
      await apply(string("c:a:1"), string("c:a:2:x"), string("c:ab:1"), string("c:a*:1"), string("c:a"));
      await apply({ kind: "delete-prefix", prefix: "c:a:" }, { kind: "delete", key: "none" });
      expect(await store.string("c:a:1")).toBeUndefined();
      expect(await store.string("c:a:2:x")).toBeUndefined();
      for (const key of ["c:ab:1", "c:a*:1", "c:a"]) expect(await store.string(key)).toBe("v");
      await apply({ kind: "delete-prefix", prefix: "c:a*:" }, { kind: "delete", key: "c:a" });
      expect(await store.string("c:a*:1")).toBeUndefined();
      expect(await store.string("c:a")).toBeUndefined();
      expect(await store.string("c:ab:1")).toBe("v");
    });

    test("refuses a prefix that could hit siblings", async ({ apply }) => {
      await expect(apply({ kind: "delete-prefix", prefix: "c:a" })).rejects.toMatchObject({ code: "STORE_BAD_PREFIX" });
    });

    test("lets values expire, and a write renews them", async ({ store, apply, advance }) => {
      await apply(
        { kind: "string", key: "short", value: "v", ttlSeconds: 2 },
        { kind: "string", key: "renewed", value: "v", ttlSeconds: 2 },
        { kind: "hash", key: "hash", fields: { a: "1" }, ttlSeconds: 2 },
        { kind: "set", key: "set", members: ["m"], ttlSeconds: 2 },
        { kind: "string", key: "kept", value: "v", ttlSeconds: 2 },
      );
      await advance(1_000);
      await apply(
        { kind: "string", key: "renewed", value: "v", ttlSeconds: 10 },
        { kind: "string", key: "kept", value: "v", ttlSeconds: null },
      );
      expect(await store.string("short")).toBe("v");
      await advance(1_200);
      expect(await store.string("short")).toBeUndefined();
      expect(await store.hash("hash")).toEqual(new Map());
      expect(await store.set("set")).toEqual([]);
      expect(await store.string("renewed")).toBe("v");
      await apply({ kind: "hash", key: "hash", fields: { b: "2" }, ttlSeconds: null });
      expect(await store.hash("hash")).toEqual(new Map([["b", "2"]]));
      await advance(20_000);
      expect(await store.string("renewed")).toBeUndefined();
      expect(await store.string("kept")).toBe("v");
    });

    test("refuses to add to a value of another type, and a string or set replaces it", async ({ store, apply }) => {
      const hash: Document = { kind: "hash", key: "k", fields: { a: "1" }, ttlSeconds: null };
      await apply({ kind: "string", key: "k", value: "v", ttlSeconds: null });
      await expect(apply(hash)).rejects.toMatchObject({ code: "STORE_WRONG_TYPE" });
      await expect(store.hash("k")).rejects.toMatchObject({ code: "STORE_WRONG_TYPE" });
      await apply({ kind: "set", key: "k", members: ["m"], ttlSeconds: null });
      expect(await store.set("k")).toEqual(["m"]);
      await apply({ kind: "string", key: "k", value: "again", ttlSeconds: null });
      expect(await store.string("k")).toBe("again");
    });

    test("leaves the same after a repeated write", async ({ store, apply }) => {
      const documents: Document[] = [
        { kind: "string", key: "s", value: "v", ttlSeconds: 60 },
        { kind: "hash", key: "h", fields: { a: "1" }, ttlSeconds: 60 },
        { kind: "set", key: "set", members: ["m"], ttlSeconds: 60 },
        { kind: "index", key: "i", add: ["a"], remove: ["b"] },
        { kind: "series", key: "z", score: 10, member: "p", dropThroughScore: 1, ttlSeconds: 60 },
        { kind: "log", key: "l", id: "1", entry: "e", maxEntries: 5, ttlSeconds: 60 },
        { kind: "publish", channel: "c", message: "m" },
      ];
      const all = async (): Promise<unknown> => [
        await store.string("s"),
        await store.hash("h"),
        await store.set("set"),
        await store.set("i"),
        await store.series("z", 9),
        await store.log("l", 9),
      ];
      await apply(...documents);
      const once = await all();
      await apply(...documents);
      expect(await all()).toEqual(once);
    });

    test("tells what changed, in the order of the writes, until unsubscribed", async ({ store, apply, advance }) => {
      const seen: string[] = [];
      const unsubscribe = store.subscribe((keys) => seen.push(...keys));
      await apply({ kind: "string", key: "a", value: "1", ttlSeconds: null });
      await apply({ kind: "hash", key: "b", fields: { f: "1" }, ttlSeconds: null });
      await apply({ kind: "index", key: "c", add: ["m"], remove: [] });
      await apply({ kind: "delete", key: "a" });
      await advance(100);
      expect(seen).toEqual(["a", "b", "c", "a"]);
      unsubscribe();
      await apply({ kind: "string", key: "d", value: "1", ttlSeconds: null });
      await advance(100);
      expect(seen).toHaveLength(4);
    });

    test("tells that keys have expired", async ({ store, apply, advance }) => {
      await apply({ kind: "string", key: "a", value: "1", ttlSeconds: 1 });
      const seen: string[] = [];
      store.subscribe((keys) => seen.push(...keys));
      await advance(15_000);
      expect(seen).toEqual(["a"]);
    });

    test("refuses an aborted write", async ({ store }) => {
      const write = store.apply([{ kind: "string", key: "a", value: "1", ttlSeconds: null }], AbortSignal.abort());
      await expect(write).rejects.toMatchObject({ code: "STORE_ABORTED" });
      expect(await store.string("a")).toBeUndefined();
    });

    it("refuses everything after close", async () => {
      const { store } = await open();
      await store.close();
      await expect(store.string("a")).rejects.toMatchObject({ code: "STORE_CLOSED" });
      await expect(store.apply([], new AbortController().signal)).rejects.toMatchObject({ code: "STORE_CLOSED" });
      await store.close();
    });
  });
}

type Apply = (...documents: Document[]) => Promise<void>;
