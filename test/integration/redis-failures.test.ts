// What the Redis store does when its server is away, slow, full, read-only, loading, forgetful, or cut off at the wrong moment.
import { type AddressInfo, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Document } from "../../src/store/document.ts";
import { createRedisStore, type RedisStore, type RedisStoreOptions } from "../../src/store/redis.ts";
import { systemClock } from "../../src/support/clock.ts";
import type { ClusterPulseError } from "../../src/support/errors.ts";
import { silentLogger } from "../../src/support/log.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { eventually, pause } from "../support/processes.ts";
import {
  hasRedis,
  type RedisProxy,
  startRedis,
  startRedisProxy,
  type TestRedis,
  type TestRedisOptions,
} from "../support/redis.ts";

const commandMs = 300;
const text = (key: string, value: string): Document => ({ kind: "string", key, value, ttlSeconds: null });
const logEntry = (id: string): Document => ({
  kind: "log",
  key: "events:prod",
  id,
  entry: `entry ${id}`,
  maxEntries: 100,
  ttlSeconds: 86_400,
});

describe.skipIf(!hasRedis())("the Redis store in trouble", () => {
  const ends: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  async function server(options?: TestRedisOptions): Promise<TestRedis> {
    const redis = await startRedis(options);
    ends.push(() => redis.stop());
    return redis;
  }

  async function open(url: string, options: Partial<RedisStoreOptions> = {}): Promise<RedisStore> {
    const limits = { connectMs: 1_000, commandMs, reconnectMs: { firstMs: 20, maxMs: 100 } };
    const store = await createRedisStore({ url, clock: systemClock, log: silentLogger, limits, ...options });
    ends.push(() => store.close());
    return store;
  }

  const apply = (store: RedisStore, ...documents: Document[]): Promise<void> =>
    store.apply(documents, new AbortController().signal);

  /** Applies until it is taken; what the store-writer does. */
  const applyEventually = (store: RedisStore, ...documents: Document[]): Promise<true> =>
    eventually(
      () =>
        apply(store, ...documents).then(
          () => true as const,
          () => false as const,
        ),
      10_000,
      "a write",
    );

  const isHealthy = (store: RedisStore): Promise<true> =>
    eventually(async () => (await store.health()).error === null, 10_000, "a healthy store");

  async function calls(redis: TestRedis, command: string): Promise<number> {
    const stats = await redis.admin.info("commandstats");
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
  }

  test("fails at once while the server is down, comes back by itself, and says that the data is lost", async () => {
    const redis = await server();
    const store = await open(redis.url);
    let losses = 0;
    store.subscribeDataLoss(() => losses++);
    await apply(store, text("cluster:prod:spec", "declared"));
    await redis.kill();
    await eventually(async () => (await store.health()).error !== null, 30_000, "the loss of the connection");

    const startedAtMs = performance.now();
    for (let i = 0; i < 100; i++) {
      await expect(apply(store, text("cluster:prod:status", "x"))).rejects.toMatchObject({ code: "STORE_DOWN" });
      await expect(store.string("cluster:prod:spec")).rejects.toMatchObject({ code: "STORE_DOWN" });
    }
    // A deadline for each of them would take a minute.
    expect(performance.now() - startedAtMs).toBeLessThan(20 * commandMs);

    await redis.start();
    await applyEventually(store, text("cluster:prod:status", "new"));
    await isHealthy(store);
    expect(losses).toBe(1);
    expect(await store.string("cluster:prod:status")).toBe("new");
    expect(await store.string("cluster:prod:spec")).toBeUndefined();

    await apply(store, text("cluster:prod:spec", "declared"), text("cluster:prod:info", "i"));
    await apply(store, { kind: "delete-prefix", prefix: "cluster:prod:" });
    expect(await redis.admin.keys("cluster:*")).toEqual([]);
    expect(losses).toBe(1);
  });

  test("notices within a minute that the data was lost while the connection stood", async () => {
    const redis = await server();
    const clock = new VirtualClock();
    const store = await open(redis.url, { clock });
    let losses = 0;
    store.subscribeDataLoss(() => losses++);
    await apply(store, text("cluster:a:spec", "1"));
    await clock.advance(60_000);
    await apply(store, text("cluster:a:spec", "2"));
    expect(losses).toBe(0);
    await redis.admin.flushall();
    await clock.advance(60_000);
    await apply(store, text("cluster:a:spec", "3"));
    expect(losses).toBe(1);
    await apply(store, text("cluster:a:spec", "4"));
    await apply(store, { kind: "delete-prefix", prefix: "cluster:a:" });
    expect(await store.string("cluster:a:spec")).toBeUndefined();
  });

  test("starts without a server and works once there is one", async () => {
    const redis = await server();
    await redis.kill();
    const store = await open(redis.url);
    expect((await store.health()).error).toMatchObject({ code: "STORE_DOWN" });
    await redis.start();
    await applyEventually(store, text("a", "1"));
    await isHealthy(store);
    expect(await store.string("a")).toBe("1");
  });

  test("executes nothing twice when the connection breaks after the server executed it", async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const store = await open(proxy.url);
    await apply(store, logEntry("first"));
    const before = { evalsha: await calls(redis, "evalsha"), publish: await calls(redis, "publish") };

    const batch: Document[] = [logEntry("second"), { kind: "publish", channel: "c", message: "m" }, text("a", "1")];
    proxy.cutAtNextAnswer();
    await expect(apply(store, ...batch)).rejects.toMatchObject({ code: "STORE_DOWN" });
    await isHealthy(store);
    await pause(100);
    // One for the log, one for the value.
    expect(await calls(redis, "evalsha")).toBe(before.evalsha + 2);
    expect(await calls(redis, "publish")).toBe(before.publish + 1);

    await apply(store, ...batch);
    expect(await store.log("events:prod", 10)).toEqual(["entry second", "entry first"]);
  });

  test("a write that was given up does not land after a newer one", async () => {
    const redis = await server();
    const proxy = await proxyTo(redis);
    const store = await open(proxy.url);
    await apply(store, text("a", "before"));
    proxy.keepServerSides();
    await redis.admin.client("PAUSE", 60_000, "WRITE");

    const startedAtMs = performance.now();
    await expect(apply(store, text("a", "given up"))).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
    expect(performance.now() - startedAtMs).toBeLessThan(10 * commandMs);
    await eventually(
      async () => !((await redis.admin.client("LIST")) as string).includes("cmd=evalsha"),
      30_000,
      "the end of the old connection",
    );
    await redis.admin.client("UNPAUSE");
    await pause(100);
    expect(await redis.admin.get("a")).toBe("before");
    await applyEventually(store, text("a", "newer"));
    await pause(100);
    expect(await redis.admin.get("a")).toBe("newer");
  });

  test("E-28 a server that hangs costs one deadline; then writes and reads fail at once until it answers again", async () => {
    const redis = await server();
    const store = await open(redis.url);
    await apply(store, text("a", "1"));
    const pid = Number(/^process_id:(\d+)/m.exec(await redis.admin.info("server"))?.[1]);
    process.kill(pid, "SIGSTOP");
    try {
      const startedAtMs = performance.now();
      expect((await store.health()).error).toMatchObject({ code: "STORE_TIMEOUT" });
      for (let i = 0; i < 100; i++) {
        await expect(apply(store, text("a", "2"))).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
        await expect(store.string("a")).rejects.toMatchObject({ code: "STORE_TIMEOUT" });
      }
      // A deadline for each of them would take a minute.
      expect(performance.now() - startedAtMs).toBeLessThan(20 * commandMs);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await applyEventually(store, text("a", "3"));
    await isHealthy(store);
    expect(await store.string("a")).toBe("3");
  });

  test("E-28 says that the server is read-only, and writes again once it is not", async () => {
    const redis = await server();
    const store = await open(redis.url);
    await redis.admin.call("REPLICAOF", "127.0.0.1", "1");
    await expect(apply(store, text("a", "1"))).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
    await expect(applyAfterReset(store, text("a", "1"))).rejects.toMatchObject({ code: "STORE_READ_ONLY" });
    await redis.admin.call("REPLICAOF", "NO", "ONE");
    await applyEventually(store, text("a", "1"));
    expect(await redis.admin.get("a")).toBe("1");
  });

  /** A read-only answer makes the store connect anew; this waits for that. */
  async function applyAfterReset(store: RedisStore, document: Document): Promise<void> {
    await isHealthy(store);
    await apply(store, document);
  }

  test("E-28 says that the server is full, still reads, and writes again once there is room", async () => {
    const redis = await server();
    const store = await open(redis.url);
    await apply(store, text("a", "1"));
    await redis.admin.config("SET", "maxmemory", "1");
    await expect(apply(store, text("a", "2"))).rejects.toMatchObject({ code: "STORE_FULL" });
    const fields: Document = { kind: "hash", key: "h", fields: { f: "1" }, ttlSeconds: 60 };
    await expect(apply(store, fields)).rejects.toMatchObject({ code: "STORE_FULL" });
    await expect(apply(store, text("a", "2"), fields, text("b", "1"))).rejects.toMatchObject({ code: "STORE_FULL" });
    expect(await store.string("a")).toBe("1");
    expect(await store.string("b")).toBeUndefined();
    expect((await store.health()).error).toBeNull();
    await redis.admin.config("SET", "maxmemory", "0");
    await apply(store, text("a", "2"));
    expect(await store.string("a")).toBe("2");
  });

  test("E-28 says that the server is loading, and works when it has loaded", async () => {
    const slowLoading = ["--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024"];
    const redis = await server({ args: ["--enable-debug-command", "yes", ...slowLoading] });
    await redis.admin.call("DEBUG", "POPULATE", "2000", "key", "100");
    await redis.admin.call("SAVE");
    await redis.kill();
    await redis.start();
    const store = await open(redis.url);
    await expect(apply(store, text("a", "1"))).rejects.toMatchObject({ code: "STORE_LOADING" });
    expect((await store.health()).error).toMatchObject({ code: "STORE_LOADING" });
    await applyEventually(store, text("a", "1"));
    expect(await redis.admin.get("a")).toBe("1");
  });

  test("E-28 loads its scripts again when the server has forgotten them, and keeps the order", async () => {
    const redis = await server();
    const store = await open(redis.url);
    const members = (...of: string[]): Document => ({ kind: "set", key: "s", members: of, ttlSeconds: null });
    await apply(store, members("a"), logEntry("1"));
    await redis.admin.script("FLUSH");
    await apply(store, members("b"), logEntry("2"), { kind: "index", key: "s", add: ["c"], remove: [] });
    expect((await store.set("s")).toSorted()).toEqual(["b", "c"]);
    expect(await store.log("events:prod", 10)).toEqual(["entry 2", "entry 1"]);
  });

  test("names the key that it could not write, and applies and announces the rest", async () => {
    const redis = await server();
    const store = await open(redis.url);
    await redis.admin.set("z", "not a hash");
    const seen: string[] = [];
    store.subscribe((keys) => seen.push(...keys));
    const write = apply(
      store,
      text("a", "1"),
      { kind: "hash", key: "z", fields: { f: "confidential" }, ttlSeconds: 60 },
      text("b", "2"),
    );
    const error = (await write.catch((reason: unknown) => reason)) as ClusterPulseError;
    expect(error.code).toBe("STORE_WRONG_TYPE");
    expect(error.message).toContain('key "z"');
    expect(error.message).not.toContain("confidential");
    expect(seen).toEqual(["a", "b"]);
    expect(await store.string("b")).toBe("2");
    await expect(store.hash("z")).rejects.toMatchObject({ code: "STORE_WRONG_TYPE" });
  });

  test("writes any number of documents of any size, in pipelines of bounded size", async () => {
    const redis = await server();
    const store = await open(redis.url, { limits: { commandMs: 5_000 } });
    const big = "x".repeat(3_000_000);
    const many = Array.from({ length: 3_000 }, (_, i) => text(`cluster:c${i % 7}:node:n${i}`, String(i)));
    const members = Array.from({ length: 20_000 }, (_, i) => `member ${i}`);
    await apply(store, text("big", big), ...many, { kind: "set", key: "s", members, ttlSeconds: 60 }, text("end", big));
    expect(await store.string("end")).toBe(big);
    expect(await store.set("s")).toHaveLength(20_000);
    expect(await redis.admin.ttl("s")).toBeGreaterThan(50);
    expect((await redis.admin.keys("cluster:*")).length).toBe(3_000);
    await apply(store, { kind: "delete-prefix", prefix: "cluster:c3:" });
    expect(await redis.admin.keys("cluster:c3:*")).toEqual([]);
    expect((await redis.admin.keys("cluster:*")).length).toBe(3_000 - 429);
    expect(await redis.admin.exists("clusterpulse:keys:cluster:c3")).toBe(0);
  });

  test("stops between pipelines when the write is aborted", async () => {
    const redis = await server();
    const store = await open(redis.url);
    const abort = new AbortController();
    store.subscribe(() => abort.abort());
    const write = store.apply(
      Array.from({ length: 2_000 }, (_, i) => text(`k${i}`, "v")),
      abort.signal,
    );
    await expect(write).rejects.toMatchObject({ code: "STORE_ABORTED" });
    expect((await redis.admin.keys("k*")).length).toBe(500);
  });

  test.each(["connected", "refused", "never answered"] as const)(
    "closes while %s without leaving a socket or timer",
    async (state) => {
      const redis = await server();
      const { port, close } = await silentServer();
      ends.push(close);
      redis.admin.disconnect();
      if (state === "refused") await redis.kill();
      await pause(50);
      const before = resources();
      const opening = open(state === "never answered" ? `redis://:secret@127.0.0.1:${port}` : redis.url);
      if (state === "never answered") await pause(50);
      const store = await opening;
      await store.close();
      const more = (): string[] =>
        Object.entries(resources()).flatMap(([type, count]) => (count > (before[type] ?? 0) ? [type] : []));
      // Sockets end in turns of the event loop: what is left must go, however long that takes on a busy machine.
      await eventually(
        async () => more().length === 0,
        10_000,
        () => `more than before: ${more()}`,
      );
    },
  );

  async function proxyTo(redis: TestRedis): Promise<RedisProxy> {
    const proxy = await startRedisProxy(redis.port);
    ends.push(() => proxy.close());
    return proxy;
  }
});

/** Sockets and timers of this process that are alive, less those of the test's own servers and clients. */
function resources(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const type of process.getActiveResourcesInfo()) {
    if (/TCPSocketWrap|TLSWrap|Timeout/.test(type)) counts[type] = (counts[type] ?? 0) + 1;
  }
  return counts;
}

/** Accepts connections and never says a word. */
async function silentServer(): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
