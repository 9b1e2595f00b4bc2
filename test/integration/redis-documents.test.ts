// Documents on Redis against the embedded store as their model: any sequence, cut anywhere and repeated, leaves the same. And what
// other readers find: keys, types and TTL classes of the original.
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { storeWriter } from "../../actors/store-writer/store-writer.ts";
import { createActorSystem } from "../../actors/system/index.ts";
import type { Document, Store } from "../../src/store/document.ts";
import { clusterDeleted, clusterEvent, clusterNodes, clusterSpec, clusterStatus } from "../../src/store/documents.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { createRedisStore, type RedisStore } from "../../src/store/redis.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { eventually, pause } from "../support/processes.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";

const { signal } = new AbortController();
const objects = ["cluster:a", "cluster:b"];
const kinds = ["string", "hash", "set", "index", "series", "log"] as const;
const keysOf = objects.flatMap((object) => kinds.map((kind) => `${object}:${kind}`));

const ttl = fc.constantFrom(null, 60, 3600);
const value = fc.oneof(fc.string({ maxLength: 5 }), fc.uint8Array({ maxLength: 0 }), fc.constant(Buffer.from("grün")));
const names = fc.uniqueArray(fc.constantFrom("x", "y", "z", "__proto__", "constructor"));
const object = fc.constantFrom(...objects);
/** Documents as the hub makes them: one type per key, so the key carries the type. */
const document: fc.Arbitrary<Document> = fc.oneof(
  fc.record({ kind: fc.constant("string" as const), key: object.map((o) => `${o}:string`), value, ttlSeconds: ttl }),
  fc.record({
    kind: fc.constant("hash" as const),
    key: object.map((o) => `${o}:hash`),
    fields: fc.dictionary(fc.constantFrom("f", "g", "1"), value, { minKeys: 1 }),
    ttlSeconds: ttl,
  }),
  fc.record({ kind: fc.constant("set" as const), key: object.map((o) => `${o}:set`), members: names, ttlSeconds: ttl }),
  fc.tuple(object, names, names).map(([o, add, remove]) => ({
    kind: "index" as const,
    key: `${o}:index`,
    add: add.filter((name) => !remove.includes(name)),
    remove,
  })),
  fc.record({
    kind: fc.constant("series" as const),
    key: object.map((o) => `${o}:series`),
    score: fc.integer({ min: 1, max: 9 }),
    member: fc.constantFrom("p", "q", "r"),
    dropThroughScore: fc.integer({ min: 0, max: 4 }),
    ttlSeconds: fc.constant(60),
  }),
  fc.record({
    kind: fc.constant("log" as const),
    key: object.map((o) => `${o}:log`),
    id: fc.constantFrom("1", "2", "3", "4"),
    entry: fc.constantFrom("e", "f"),
    maxEntries: fc.constant(2),
    ttlSeconds: fc.constant(60),
  }),
  fc.record({ kind: fc.constant("delete" as const), key: fc.constantFrom(...keysOf) }),
  fc.record({ kind: fc.constant("delete-prefix" as const), prefix: object.map((o) => `${o}:`) }),
);

async function contents(store: Store): Promise<unknown> {
  const all: Record<string, unknown> = {};
  for (const o of objects) {
    all[`${o}:string`] = await store.string(`${o}:string`);
    all[`${o}:hash`] = [...(await store.hash(`${o}:hash`))].sort();
    all[`${o}:set`] = [...(await store.set(`${o}:set`))].sort();
    all[`${o}:index`] = [...(await store.set(`${o}:index`))].sort();
    all[`${o}:series`] = await store.series(`${o}:series`, 99);
    all[`${o}:log`] = await store.log(`${o}:log`, 99);
  }
  return all;
}

describe.skipIf(!hasRedis())("documents on Redis", () => {
  let redis: TestRedis;
  let store: RedisStore;
  beforeAll(async () => {
    redis = await startRedis();
    store = await createRedisStore({ url: redis.url, clock: systemClock, log: silentLogger });
  });
  beforeEach(async () => {
    await redis.admin.flushall();
    await redis.admin.call("CLIENT", "KILL", "TYPE", "normal");
    await healthy();
  });
  afterAll(async () => {
    await store.close();
    await redis.stop();
  });
  const healthy = () => eventually(async () => (await store.health()).error === null, 30_000, "a healthy store");

  test("leave what they leave in the embedded store, and the same when any part was executed before", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(document, { maxLength: 15 }), fc.nat(15), async (documents, cut) => {
        for (const o of objects) await store.apply([{ kind: "delete-prefix", prefix: `${o}:` }], signal);
        const model = createMemoryStore({ clock: new VirtualClock() });
        await model.apply(documents, signal);
        await store.apply(documents.slice(0, cut), signal);
        await store.apply(documents, signal);
        expect(await contents(store)).toEqual(await contents(model));
        await model.close();
      }),
      { numRuns: 300 },
    );
  });

  test("a log repeated from any point on keeps every entry once, in order", async () => {
    const entries = Array.from(
      { length: 450 },
      (_, i): Document => ({
        kind: "log",
        key: "events:a",
        id: `id ${i}`,
        entry: JSON.stringify({ n: i }),
        maxEntries: 100,
        ttlSeconds: 86_400,
      }),
    );
    for (const cut of [1, 99, 101, 449, 450]) {
      await redis.admin.del("events:a");
      await store.apply(entries.slice(0, cut), signal);
      await store.apply(entries, signal);
      const expected = entries
        .slice(350)
        .reverse()
        .map((one) => (one as { entry: string }).entry);
      // As the original's readers ask for it.
      expect(await redis.admin.lrange("events:a", 0, 99)).toEqual(expected);
      expect(await redis.admin.llen("events:a")).toBe(100);
    }
    expect(await redis.admin.llen("clusterpulse:ids:events:a")).toBeLessThanOrEqual(600);
    // At one moment, so that nothing passes between the two.
    const lives = await redis.admin.multi().pttl("events:a").pttl("clusterpulse:ids:events:a").exec();
    const [listMs = 0, idsMs = 0] = (lives ?? []).map(([, leftMs]) => Number(leftMs));
    expect(Math.abs(listMs - idsMs)).toBeLessThan(1_000);
    expect(listMs).toBeGreaterThan(86_000_000);
  });

  test("have the types and lifetimes that the original's readers expect", async () => {
    const node = {
      name: "w1",
      status: "Ready",
      roles: ["worker"],
      current: "{}",
      point: '{"p":1}',
      cpuUsagePercent: 1,
      memoryUsagePercent: 2,
      cpuCapacityCores: 3,
      memoryCapacityBytes: 4,
      podsTotal: 5,
    };
    const atMs = Date.now();
    await store.apply(
      [
        ...clusterSpec("prod", { endpoint: "https://api.prod:6443" }),
        ...clusterStatus("prod", { health: "healthy", message: "m", reason: "Reachable", lastCheckMs: atMs }),
        ...clusterNodes("prod", [node], { atMs, cacheTtlSeconds: 600, retentionSeconds: 3_600 }),
        ...clusterEvent("prod", { type: "cluster.reconciled", atMs, data: null, transition: true }),
      ],
      signal,
    );
    const found: Record<string, [string, number]> = {};
    for (const key of await redis.admin.keys("*")) {
      if (!key.startsWith("clusterpulse:")) found[key] = [await redis.admin.type(key), await redis.admin.ttl(key)];
    }
    const within = (seconds: number) => expect.toSatisfy((left: number) => left > seconds - 10 && left <= seconds);
    expect(found).toEqual({
      "clusters:all": ["set", -1],
      "cluster:prod:spec": ["string", -1],
      "cluster:prod:status": ["string", -1],
      "cluster:prod:meta": ["hash", -1],
      "cluster:prod:nodes": ["set", -1],
      "cluster:prod:node:w1": ["hash", within(600)],
      "cluster:prod:node:w1:metrics": ["zset", within(3_600)],
      "cluster:prod:nodes:summary": ["hash", within(600)],
      "events:prod": ["list", within(86_400)],
    });
    expect(await redis.admin.zscore("cluster:prod:node:w1:metrics", node.point)).toBe(String(Math.floor(atMs / 1000)));
    const subscriber = redis.admin.duplicate();
    await subscriber.subscribe("cluster-events");
    const message = new Promise((resolve) => subscriber.once("message", (_channel, text) => resolve(JSON.parse(text))));
    await store.apply(clusterDeleted("prod", atMs), signal);
    expect(await message).toMatchObject({ type: "cluster.deleted", cluster: "prod", data: null });
    subscriber.disconnect();
    expect(await redis.admin.keys("*cluster:prod*")).toEqual([]);
    expect(await redis.admin.smembers("clusters:all")).toEqual([]);
  });

  test("an object is deleted by a process that did not write it, with all its keys and no scan of the database", async () => {
    await store.apply([{ kind: "string", key: "cluster:a:spec", value: "1", ttlSeconds: null }], signal);
    const other = await createRedisStore({ url: redis.url, clock: systemClock, log: silentLogger });
    try {
      const changed: string[] = [];
      other.subscribe((keys) => changed.push(...keys));
      await other.apply([{ kind: "string", key: "cluster:a:custom:ns/s:meta", value: "1", ttlSeconds: 60 }], signal);
      await other.apply([{ kind: "delete-prefix", prefix: "cluster:a:custom:ns/s:" }], signal);
      expect(await redis.admin.keys("cluster:a:*")).toEqual(["cluster:a:spec"]);
      await other.apply([{ kind: "delete-prefix", prefix: "cluster:a:" }], signal);
      expect(await redis.admin.keys("*cluster:a*")).toEqual([]);
      expect(changed).toContain("cluster:a:spec");
      expect(await redis.admin.info("commandstats")).not.toMatch(/cmdstat_scan:/);
    } finally {
      await other.close();
    }
  });

  test("the registry of an object forgets keys that have expired", async () => {
    const clock = new VirtualClock();
    const short = await createRedisStore({ url: redis.url, clock, log: silentLogger });
    try {
      for (let i = 0; i < 50; i++) {
        await short.apply([{ kind: "string", key: `cluster:a:node:n${i}`, value: "v", ttlSeconds: 60 }], signal);
        await clock.advance(30_000);
      }
      expect(await redis.admin.scard("clusterpulse:keys:cluster:a")).toBeLessThan(6);
    } finally {
      await short.close();
    }
  });

  test("the store writer loses nothing newest while Redis is away, and repeats no entry", async () => {
    const system = createActorSystem({ clock: systemClock, random: seededRandom(1), log: silentLogger });
    const { definition, sink } = storeWriter(store, {
      gatherMs: 10,
      maxBatchDocuments: 500,
      maxBatchBytes: 1024 * 1024,
      maxBufferBytes: 64 * 1024 * 1024,
      writeDeadlineMs: 5_000,
      backoffMs: { firstMs: 20, maxMs: 100 },
      stopDeadlineMs: 2_000,
    });
    system.spawn(definition, { name: "store-writer" });
    const atMs = Date.now();
    const round = (n: number): void => {
      for (let c = 0; c < 50; c++) {
        sink.write([{ kind: "string", key: `cluster:c${c}:status`, value: `${n}`, ttlSeconds: null }]);
        const data = { n };
        sink.write(clusterEvent(`c${c}`, { type: "cluster.reconciled", atMs: atMs + n, data, transition: true }));
      }
    };
    round(0);
    await eventually(async () => sink.stats().documents === 0 && sink.stats().batches > 0, 30_000, "the first round");
    await redis.kill();
    for (let n = 1; n <= 20; n++) {
      round(n);
      await pause(20);
    }
    await eventually(async () => sink.stats().failedBatches > 0, 30_000, "a failed batch");
    expect(sink.stats()).toMatchObject({ dropped: 0, lastError: { code: "STORE_DOWN" } });
    await redis.start();
    await eventually(
      async () => sink.stats().documents === 0 && sink.stats().lastError === null,
      30_000,
      "everything written",
    );
    await system.stop(5_000);
    await healthy();
    for (let c = 0; c < 50; c++) {
      expect(await store.string(`cluster:c${c}:status`)).toBe("20");
      const entries = (await store.log(`events:c${c}`, 100)).map((entry) => JSON.parse(entry).data.n);
      // The server came back empty, so the first entry is gone; what was written while it was away is all there, once.
      expect(entries).toEqual(Array.from({ length: 20 }, (_, i) => 20 - i));
    }
  });
});
