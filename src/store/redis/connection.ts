// One connection to Redis that never queues and never repeats: without a connection a command fails at once, and a command whose
// connection broke fails too, although the server may have executed it. It comes back by itself.
// An answer that does not come in time ends the connection, so nothing piles up behind it. No foreign error gets out (errors.ts).
import { Redis } from "ioredis";
import { exponentialMs } from "../../support/backoff.ts";
import type { Clock } from "../../support/clock.ts";
import { ClusterPulseError } from "../../support/errors.ts";
import type { Logger } from "../../support/log.ts";
import type { Random } from "../../support/random.ts";
import { isReply, rewriteRedisError } from "./errors.ts";
import type { RedisAddress } from "./url.ts";

/** Name and arguments. */
export type Command = readonly [name: string, ...args: (string | Buffer)[]];

/** What one command was answered: its value, or why it was refused. */
export type Reply = { readonly value: unknown } | { readonly refused: ClusterPulseError };

/** Sends commands in one piece. Rejects when the connection is missing, breaks or does not answer: then nobody knows what was executed. */
export type Run = (commands: readonly Command[]) => Promise<readonly Reply[]>;

export interface RedisConnection {
  readonly run: Run;
  /** One command's value. Rejects also when it was refused. */
  call(command: Command): Promise<unknown>;
  /** Ends the connection and builds a new one, to the address as it resolves then. Until it stands commands fail with `reason`. */
  reset(reason: ClusterPulseError): void;
  /** Resolves when the first attempt to connect has ended, well or not. */
  readonly attempted: Promise<void>;
  /** No socket and no timer is left once this resolves. Running commands fail. */
  close(): Promise<void>;
}

export interface RedisConnectionOptions {
  readonly address: RedisAddress;
  /** Shows in the server's list of clients, and in logs. */
  readonly name: string;
  readonly limits: RedisConnectionLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told of everything that was sent, with the seconds until its last answer. */
  onAnswered?(result: "ok" | "error", seconds: number): void;
  /** Runs on every new connection before anybody else may. A rejection ends the connection, and the next attempt follows. */
  prepare(run: Run): Promise<void>;
}

export interface RedisConnectionLimits {
  readonly connectMs: number;
  readonly commandMs: number;
  readonly reconnectMs: { readonly firstMs: number; readonly maxMs: number };
}

export function openRedisConnection(options: RedisConnectionOptions): RedisConnection {
  const { address, name, limits, clock, random, log } = options;
  let isOpen = false;
  let closed = false;
  let failedAttempts = 0;
  let why = new ClusterPulseError("STORE_DOWN", "There is no connection to Redis yet.");
  const attempted = Promise.withResolvers<void>();

  const redis = new Redis({
    host: address.host,
    port: address.port,
    ...(address.username === undefined ? {} : { username: address.username }),
    ...(address.password === undefined ? {} : { password: address.password }),
    ...(address.tls ? { tls: /^[\d.]+$|:/.test(address.host) ? {} : { servername: address.host } } : {}),
    db: address.database,
    connectionName: name,
    lazyConnect: true,
    connectTimeout: limits.connectMs,
    commandTimeout: limits.commandMs,
    // RESP2 needs no HELLO, which proxies refuse; nothing here reads a RESP3 type.
    protocol: 2,
    disableClientInfo: true,
    // Loading is answered with an error, and INFO may be forbidden; the client's own check waits in a timer that close() cannot stop.
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    disconnectTimeout: 1,
    retryStrategy: () => (closed ? null : exponentialMs(limits.reconnectMs, ++failedAttempts) * (0.5 + random() / 2)),
  });

  function failed(error: ClusterPulseError): void {
    if (error.code !== why.code || failedAttempts === 0)
      log.warn({ connection: name, err: error }, "no connection to Redis");
    why = error;
    attempted.resolve();
  }

  /** True for a connection that counts as ready although it is in another database than asked for. */
  let wrongDatabase = false;

  redis.on("error", (foreign: Error & { command?: { name?: unknown } }) => {
    if (foreign.command?.name === "select") wrongDatabase = true;
    if (!closed) failed(rewriteRedisError(foreign));
  });
  redis.on("connecting", () => {
    wrongDatabase = false;
  });
  redis.on("ready", () => {
    if (closed) return;
    if (wrongDatabase) return abandon();
    const { stream } = redis;
    options.prepare(execute).then(
      () => {
        if (closed || redis.stream !== stream || redis.status !== "ready") return;
        if (failedAttempts > 0) log.info({ connection: name }, "connected to Redis again");
        failedAttempts = 0;
        isOpen = true;
        attempted.resolve();
      },
      (error: unknown) => {
        if (closed || redis.stream !== stream) return;
        failed(rewriteRedisError(error));
        abandon();
      },
    );
  });
  redis.on("close", () => {
    if (isOpen) why = new ClusterPulseError("STORE_DOWN", "The connection to Redis was lost.");
    isOpen = false;
    attempted.resolve();
  });
  redis.connect().catch(() => undefined);

  function abandon(): void {
    isOpen = false;
    const { stream } = redis;
    if (stream.destroyed) return;
    // Not gracefully: what the socket still holds must not be sent. A TLS socket cannot be reset.
    if ("resetAndDestroy" in stream && !address.tls) stream.resetAndDestroy();
    else stream.destroy();
  }

  async function execute(commands: readonly Command[]): Promise<readonly Reply[]> {
    const startedMs = clock.monotonicMs();
    const results = (await redis.pipeline(commands as unknown as unknown[][]).exec()) ?? [];
    const isWhole = results.every(([error]) => error === null || isReply(error));
    options.onAnswered?.(isWhole ? "ok" : "error", (clock.monotonicMs() - startedMs) / 1_000);
    return results.map(([error, value]): Reply => {
      if (error === null) return { value };
      if (!isReply(error)) throw lost(error);
      return { refused: rewriteRedisError(error) };
    });
  }

  function lost(foreign: unknown): ClusterPulseError {
    const error = rewriteRedisError(foreign);
    if (error.code === "STORE_TIMEOUT") reset(error);
    return error;
  }

  function reset(reason: ClusterPulseError): void {
    if (!isOpen) return;
    failed(reason);
    abandon();
  }

  function checkOpen(): void {
    if (closed) throw new ClusterPulseError("STORE_CLOSED", "The store is closed.");
    if (!isOpen) throw new ClusterPulseError(why.code, why.message);
  }

  /** Calls of one turn go out together: a write to the socket for each costs more than the commands themselves. */
  let gathered: { readonly command: Command; readonly answer: PromiseWithResolvers<unknown> }[] = [];

  async function sendGathered(): Promise<void> {
    const calls = gathered;
    gathered = [];
    try {
      const replies = await execute(calls.map(({ command }) => command));
      for (const [at, { answer }] of calls.entries()) {
        const reply = replies[at] as Reply;
        if ("refused" in reply) answer.reject(reply.refused);
        else answer.resolve(reply.value);
      }
    } catch (error) {
      for (const { answer } of calls) answer.reject(error);
    }
  }

  return {
    attempted: attempted.promise,
    async run(commands) {
      checkOpen();
      return execute(commands);
    },
    async call(command) {
      checkOpen();
      const answer = Promise.withResolvers<unknown>();
      if (gathered.push({ command, answer }) === 1) queueMicrotask(sendGathered);
      return await answer.promise;
    },
    reset,
    async close() {
      if (closed) return;
      closed = true;
      isOpen = false;
      attempted.resolve();
      const isWaiting = redis.status === "reconnecting" || redis.status === "end";
      const ended = isWaiting ? undefined : new Promise<void>((resolve) => redis.once("end", resolve));
      redis.disconnect();
      await ended;
    },
  };
}
