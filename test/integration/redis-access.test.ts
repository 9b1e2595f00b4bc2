// Logging in to Redis: passwords, ACL users, databases, TLS. A canary stands in for every credential and value, and must not turn
// up in any error, log line, console output or inspection.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Document } from "../../src/store/document.ts";
import { clusterEvent, clusterStatus } from "../../src/store/documents.ts";
import { sourceEvent } from "../../src/store/metric-source-documents.ts";
import { createRedisStore, type RedisStore } from "../../src/store/redis.ts";
import { systemClock } from "../../src/support/clock.ts";
import { createLogger } from "../../src/support/log.ts";
import { createAuthority } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { eventually, pause } from "../support/processes.ts";
import { hasRedis, startRedis, type TestRedis, type TestRedisOptions } from "../support/redis.ts";

const password = "canary-pa55word";
const value = "canary-value";
const signal = new AbortController().signal;
/** What `docs/decisions/0007-redis.md` tells an operator to grant. */
const leastRights = [
  "~cluster:*",
  "~clusters:*",
  "~registry:*",
  "~registries:*",
  "~metricsource:*",
  "~metricsources:*",
  "~events:*",
  "~clusterpulse:*",
  "&cluster-events",
  "&metricsource-events",
  "-@all",
  "+@connection",
  "+client|kill",
  ..."get set hget hgetall hset persist expire unlink del sadd srem smembers sscan zadd zrevrange zremrangebyscore".split(
    " ",
  ),
  ..."exists lpos lpush ltrim lrange evalsha script|load publish".split(" "),
].map((rule) => (/^[~&+-]/.test(rule) ? rule : `+${rule}`));

describe.skipIf(!hasRedis())("access to Redis", () => {
  const ends: (() => unknown)[] = [];
  /** Everything that was said. */
  let said: string[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
    expect(said.join("\n")).not.toContain("canary");
    said = [];
  });

  async function server(options?: TestRedisOptions): Promise<TestRedis> {
    const redis = await startRedis(options);
    ends.push(() => redis.stop());
    return redis;
  }

  async function open(url: string): Promise<RedisStore> {
    for (const method of ["log", "info", "warn", "error"] as const) {
      const spy = vi.spyOn(console, method).mockImplementation((...all) => void said.push(inspect(all, { depth: 9 })));
      ends.push(() => spy.mockRestore());
    }
    const store = await createRedisStore({
      url,
      clock: systemClock,
      log: createLogger({ level: "debug", stream: { write: (line) => void said.push(line) } }),
      limits: { connectMs: 1_000, commandMs: 500, reconnectMs: { firstMs: 20, maxMs: 50 } },
    });
    ends.push(() => store.close());
    said.push(inspect(store, { depth: 9, showHidden: true }));
    return store;
  }

  const write = (store: RedisStore, ...documents: Document[]): Promise<void> => store.apply(documents, signal);
  const text = (key: string): Document => ({ kind: "string", key, value, ttlSeconds: 60 });

  /** The code of a rejection; the error itself is searched for the canary. */
  async function codeOf(rejecting: Promise<unknown>): Promise<string> {
    const error = await rejecting.then(
      () => new Error("it did not reject"),
      (reason: unknown) => reason,
    );
    said.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error));
    return (error as { code?: string }).code ?? "";
  }

  test("a wrong password is said, and nothing of it", async () => {
    const redis = await server({ args: ["--requirepass", "right"], adminPassword: "right" });
    const store = await open(`redis://:${password}@127.0.0.1:${redis.port}`);
    const refusals = (): number =>
      said.filter((line) => line.includes("STORE_AUTH") && line.includes("no connection")).length;
    await eventually(async () => refusals() === 2, 30_000, "both connections say why");
    // Time for some more attempts, which say nothing new.
    await pause(200);
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_AUTH");
    expect(await codeOf(store.string("cluster:a:spec"))).toBe("STORE_AUTH");
    expect((await store.health()).error).toMatchObject({ code: "STORE_AUTH" });
    expect(refusals()).toBe(2);

    await redis.admin.config("SET", "requirepass", password);
    await eventually(async () => (await store.health()).error === null, 30_000, "a login");
    await write(store, text("cluster:a:spec"));
    expect(await store.string("cluster:a:spec")).toBe(value);
  });

  test("a missing password is said", async () => {
    const redis = await server({ args: ["--requirepass", "right"], adminPassword: "right" });
    const store = await open(redis.url);
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_AUTH");
  });

  test("a password where none is asked for does no harm", async () => {
    const redis = await server();
    const store = await open(`redis://:${password}@127.0.0.1:${redis.port}`);
    await write(store, text("cluster:a:spec"));
  });

  test("an ACL user with the documented rights is enough for everything the hub writes, deletes and sweeps", async () => {
    const redis = await server();
    await redis.admin.call("ACL", "SETUSER", "hub", "on", `>${password}:@/%`, ...leastRights);
    await redis.admin.call("ACL", "SETUSER", "default", "off");
    const store = await open(`redis://hub:${encodeURIComponent(`${password}:@/%`)}@127.0.0.1:${redis.port}/0`);
    expect((await store.health()).error).toBeNull();
    await write(
      store,
      text("cluster:a:spec"),
      text("registry:a:spec"),
      { kind: "index", key: "registries:all", add: ["a"], remove: [] },
      ...clusterStatus("a", { health: "healthy", message: "", reason: "Reachable", lastCheckMs: 0 }),
      ...clusterEvent("a", { type: "cluster.reconciled", atMs: 0, data: null, transition: true }),
      text("metricsource:a:pods"),
      { kind: "index", key: "metricsources:all", add: ["a/pods"], remove: [] },
      ...sourceEvent({ namespace: "a", name: "pods" }, "reconciled", null, 0),
      { kind: "set", key: "cluster:a:nodes", members: ["n"], ttlSeconds: 60 },
      { kind: "series", key: "cluster:a:node:n:metrics", score: 1, member: "p", dropThroughScore: 0, ttlSeconds: 60 },
    );
    expect(await store.series("cluster:a:node:n:metrics", 5)).toEqual(["p"]);
    expect(await store.log("events:a", 5)).toHaveLength(1);
    for (const kind of ["cluster", "registry"] as const) {
      const swept = await store.sweep({ kind, live: new Set(), force: true, signal });
      expect(swept).toEqual({ removed: ["a"], warnings: [] });
    }
    const sources = await store.sweep({ kind: "metricsource", live: new Set(), force: true, signal });
    expect(sources.removed).toEqual(["a/pods"]);
    expect(await store.set("registries:all")).toEqual([]);
    expect(await store.string("cluster:a:spec")).toBeUndefined();
    expect(said.filter((line) => line.includes('"level":40'))).toEqual([]);
    expect(await codeOf(write(store, text("other:a:spec")))).toBe("STORE_FORBIDDEN");
  });

  test("a user who may not end clients is told so once, and works", async () => {
    const redis = await server();
    await redis.admin.call("ACL", "SETUSER", "hub", "on", `>${password}`, "~*", "&*", "+@all", "-client|kill");
    const store = await open(`redis://hub:${password}@127.0.0.1:${redis.port}`);
    await write(store, text("cluster:a:spec"));
    for (let i = 0; i < 2; i++) {
      await redis.admin.call("CLIENT", "KILL", "USER", "hub");
      await eventually(
        () =>
          write(store, text("cluster:a:spec")).then(
            () => true as const,
            () => false as const,
          ),
        30_000,
        "a write",
      );
    }
    expect(said.filter((line) => line.includes("delayed write"))).toHaveLength(1);
  });

  test("refusals quote neither keys' values nor the server's own words", async () => {
    const redis = await server();
    const store = await open(redis.url);
    await redis.admin.hset("cluster:a:info", "f", "x");
    await redis.admin.set("cluster:a:nodes", "x");
    await redis.admin.set("events:a", "x");
    const refused: Document[] = [
      { kind: "hash", key: "cluster:a:nodes", fields: { f: value }, ttlSeconds: 60 },
      { kind: "index", key: "cluster:a:nodes", add: [value], remove: [] },
      { kind: "log", key: "events:a", id: value, entry: value, maxEntries: 5, ttlSeconds: 60 },
      { kind: "series", key: "cluster:a:nodes", score: 1, member: value, dropThroughScore: 0, ttlSeconds: 60 },
    ];
    for (const document of refused) expect(await codeOf(write(store, document))).toBe("STORE_WRONG_TYPE");
    expect(await codeOf(store.string("cluster:a:info"))).toBe("STORE_WRONG_TYPE");
    await redis.admin.config("SET", "maxmemory", "1");
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_FULL");
    await redis.kill();
    expect(await codeOf(write(store, text("cluster:a:spec")))).toMatch(/STORE_(DOWN|FULL)/);
    await pause(100);
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_DOWN");
  });

  test("a database that does not exist is refused, and nothing lands in another", async () => {
    const redis = await server();
    const store = await open(`${redis.url}/99`);
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_BAD_DATABASE");
    await pause(200);
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_BAD_DATABASE");
    expect(await redis.admin.dbsize()).toBe(0);
  });

  test("the chosen database is used, also after the connection was lost", async () => {
    const redis = await server();
    const store = await open(`${redis.url}/3`);
    await write(store, text("cluster:a:spec"));
    await redis.admin.call("CLIENT", "KILL", "TYPE", "normal");
    await eventually(
      () =>
        write(store, text("cluster:b:spec")).then(
          () => true as const,
          () => false as const,
        ),
      30_000,
      "a write",
    );
    expect(await redis.admin.dbsize()).toBe(0);
    await redis.admin.select(3);
    expect((await redis.admin.keys("cluster:*")).sort()).toEqual(["cluster:a:spec", "cluster:b:spec"]);
  });

  test("TLS verifies the server; an authority that is not known is refused", async () => {
    const authority = await createAuthority();
    const { certPem, keyPem } = await authority.issue();
    const redis = await server();
    for (const [name, pem] of [
      ["cert", certPem],
      ["key", keyPem],
      ["ca", authority.caPem],
    ] as const) {
      writeFileSync(join(redis.folder, `${name}.pem`), pem);
      await redis.admin.config(
        "SET",
        `tls-${name === "ca" ? "ca-cert" : name}-file`,
        join(redis.folder, `${name}.pem`),
      );
    }
    await redis.admin.config("SET", "tls-auth-clients", "no");
    const tlsPort = await freePort();
    await redis.admin.config("SET", "tls-port", tlsPort);
    await redis.admin.config("SET", "requirepass", password);

    const url = `rediss://:${password}@127.0.0.1:${tlsPort}`;
    const refused = await open(url);
    expect(await codeOf(write(refused, text("cluster:a:spec")))).toBe("STORE_TLS");
    const known = getCACertificates();
    setDefaultCACertificates([...known, authority.caPem]);
    ends.push(() => setDefaultCACertificates(known));
    const store = await open(url);
    await write(store, text("cluster:a:spec"));
    expect(await store.string("cluster:a:spec")).toBe(value);
    await redis.admin.call("CLIENT", "PAUSE", "60000", "WRITE");
    expect(await codeOf(write(store, text("cluster:a:spec")))).toBe("STORE_TIMEOUT");
    await redis.admin.call("CLIENT", "UNPAUSE");
    await eventually(async () => (await store.health()).error === null, 30_000, "a new TLS connection");
  });
});
