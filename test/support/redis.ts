// A real redis-server for tests: on a free loopback port, in a folder of its own, without persistence unless asked for.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { freePort } from "./ports.ts";
import { pause } from "./processes.ts";

/**
 * Whether there is a redis-server to test against. Without one: throws where services are required
 * (CLUSTERPULSE_REQUIRE_SERVICES=1), else says so loudly and answers false, for the caller to skip.
 */
export function hasRedis(): boolean {
  if (spawnSync("redis-server", ["--version"]).status === 0) return true;
  const message = 'No redis-server: the Redis store is not tested. Install Debian\'s package "redis-server".';
  if (process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1") throw new Error(message);
  console.warn(`SKIPPED: ${message}`);
  return false;
}

export interface TestRedis {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** A client that may do everything; it is closed with the server. */
  readonly admin: Redis;
  /** Cuts the process off at once, as a crash would. */
  kill(): Promise<void>;
  /** Starts the process again on the same port, with what it kept: nothing, unless it persists. Does not wait while it loads. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface TestRedisOptions {
  /** Further arguments of redis-server, such as `["--maxmemory", "3mb"]`. */
  readonly args?: readonly string[];
  readonly adminPassword?: string;
}

/** Starts a server and waits until it answers. */
export async function startRedis(options: TestRedisOptions = {}): Promise<TestRedis> {
  const folder = mkdtempSync(join(tmpdir(), "clusterpulse-redis-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  const admin = new Redis({
    port,
    host: "127.0.0.1",
    ...(options.adminPassword === undefined ? {} : { password: options.adminPassword }),
    lazyConnect: true,
    enableReadyCheck: false,
    retryStrategy: () => 20,
  });
  admin.on("error", () => undefined);

  async function start(): Promise<void> {
    const always = ["--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"];
    child = spawn("redis-server", ["--port", String(port), ...always, ...(options.args ?? [])], { stdio: "ignore" });
    const started = child;
    for (let attempt = 0; ; attempt++) {
      if (started.exitCode !== null || attempt > 250) throw new Error("redis-server did not start");
      const probe = spawnSync("redis-cli", ["-p", String(port), "ping"], { encoding: "utf8" });
      if (/PONG|NOAUTH|LOADING/.test(probe.stdout)) return;
      await pause(20);
    }
  }

  async function kill(): Promise<void> {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  }

  await start();
  await admin.connect();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    folder,
    admin,
    kill,
    start,
    async stop() {
      admin.disconnect();
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * Lets `byMs` pass for the server's expiry, by bringing every deadline that much nearer: no test waits for a TTL.
 * The order of expiry stays what it was.
 */
export async function passTime(admin: Redis, byMs: number): Promise<void> {
  for (const key of await admin.keys("*")) {
    const leftMs = await admin.pttl(key);
    if (leftMs >= 0) await admin.pexpire(key, leftMs - byMs);
  }
}

export interface RedisProxy {
  readonly url: string;
  /** From now on: what clients send reaches the server, but the first answer cuts the client off. */
  cutAtNextAnswer(): void;
  /** From now on: when a client goes, its connection to the server stays, with all that was sent on it. */
  keepServerSides(): void;
  close(): Promise<void>;
}

/** A TCP proxy in front of a server, for faults of the network. Listens on a loopback port of its own. */
export async function startRedisProxy(port: number): Promise<RedisProxy> {
  const sockets = new Set<Socket>();
  let cut = false;
  let keep = false;
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => sockets.delete(socket));
    }
    client.on("data", (data) => upstream.write(data));
    upstream.on("data", (data) => {
      if (!cut) return void client.write(data);
      cut = false;
      client.resetAndDestroy();
    });
    for (const event of ["end", "close"] as const) {
      client.on(event, () => {
        if (!keep) upstream.destroy();
      });
      upstream.on(event, () => client.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutAtNextAnswer() {
      cut = true;
    },
    keepServerSides() {
      keep = true;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
