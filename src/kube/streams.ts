// Answers of one API server that are read as they arrive: watches. Guarantees: connections of their own, at most `maxStreams` at a time, made
// with the first; a stream ends when nothing arrives for its idle time, and leaving it closes its connection.
import type { Pool } from "undici";
import type { Clock } from "../support/clock.ts";
import { contentEncoding, errorOfRefusal, isSuccess, maxRefusalBytes, unsupportedEncoding } from "./answers.ts";
import { readBody } from "./body.ts";
import { IdleTimer, linkedAbort } from "./deadlines.ts";
import { duration, mapClientError, type RequestContext } from "./error-mapping.ts";
import { KubeError } from "./errors.ts";

export interface StreamOptions {
  readonly signal: AbortSignal;
  readonly accept: string;
  /** The stream fails with BODY_TIMEOUT when no byte arrives for this long. */
  readonly idleTimeoutMs: number;
}

export interface StreamServer {
  /** What every path begins with. */
  readonly prefix: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly context: RequestContext;
  readonly maxStreams: number;
}

const noBytes = new Uint8Array();

export class Streams {
  readonly #server: StreamServer;
  readonly #clock: Clock;
  readonly #makePool: () => Pool;
  /** Most transports have no stream, and a pool is not small. */
  #pool: Pool | undefined;
  #open = 0;
  #closed = false;

  /** @param makePool with as many connections as there may be streams */
  constructor(server: StreamServer, clock: Clock, makePool: () => Pool) {
    this.#server = server;
    this.#clock = clock;
    this.#makePool = makePool;
  }

  /** GETs the path and yields the body as it arrives. Throws KubeError. */
  async *read(path: string, { signal, accept, idleTimeoutMs }: StreamOptions): AsyncGenerator<Uint8Array, void, void> {
    const { prefix, headers, context, maxStreams } = this.#server;
    if (this.#open >= maxStreams) {
      throw new KubeError("REQUEST_FAILED", `more than ${maxStreams} streams to ${context.address}`);
    }
    this.#open++;
    const abort = linkedAbort(signal);
    const idle = new IdleTimer(this.#clock, idleTimeoutMs, () => {
      const message = `nothing received from ${context.address} for ${duration(idleTimeoutMs)}`;
      abort.abort(new KubeError("BODY_TIMEOUT", message));
    });
    try {
      if (this.#closed) throw new KubeError("ABORTED", "the transport is closed");
      this.#pool ??= this.#makePool();
      const response = await this.#pool.request({
        method: "GET",
        path: prefix + path,
        headers: { ...headers, accept, "accept-encoding": "identity" },
        signal: abort.signal,
        bodyTimeout: 0,
      });
      idle.touch();
      const body = response.body as AsyncIterable<Uint8Array>;
      response.body.on("error", ignore);
      if (!isSuccess(response.statusCode)) {
        const bytes = await readBody(body, maxRefusalBytes).catch(() => noBytes);
        const refusal = { httpStatus: response.statusCode, headers: response.headers, bytes };
        throw errorOfRefusal(refusal, { method: "GET", path }, this.#clock.nowMs());
      }
      if (contentEncoding(response.headers) !== "identity") throw unsupportedEncoding();
      for await (const chunk of body) {
        idle.touch();
        yield chunk;
      }
    } catch (error) {
      throw mapClientError(error, context);
    } finally {
      this.#open--;
      idle.stop();
      abort.abort(new KubeError("ABORTED", "stream left"));
      abort.unlink();
    }
  }

  /** Closes all connections; what is open fails with ABORTED. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool?.destroy();
  }
}

function ignore(): void {}
