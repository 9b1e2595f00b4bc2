// HTTP to one API server, over connections that this transport owns. Guarantees: at most two connections for requests,
// one more per open stream up to `maxStreams`; every request ends within `requestTimeoutMs`, whatever the server does; a
// body is refused while it arrives once it passes its limit; redirects are not followed, so that a token goes to no other
// server; errors are KubeError. A GET whose kept connection the server closed just then is sent once more; nothing else is ever
// repeated. Does not: parse list bodies, know kinds.
import { setImmediate } from "node:timers/promises";
import { type Dispatcher, Pool } from "undici";
import type { Clock } from "../support/clock.ts";
import { systemClock } from "../support/clock.ts";
import { freeMemory } from "../support/free-memory.ts";
import {
  contentEncoding,
  errorOfRefusal,
  headerText,
  isSuccess,
  maxRefusalBytes,
  unsupportedEncoding,
} from "./answers.ts";
import { parseJsonBody, tooLarge } from "./body.ts";
import { Connections } from "./connections.ts";
import type { ClusterCredentials } from "./credentials.ts";
import type { EndpointPolicy } from "./endpoint-policy.ts";
import { duration, mapClientError, type RequestContext } from "./error-mapping.ts";
import { KubeError } from "./errors.ts";
import { type Answer, Exchange } from "./exchange.ts";
import { type StreamOptions, Streams } from "./streams.ts";

export type { StreamOptions } from "./streams.ts";

export interface TransportLimits {
  /** Until TCP and TLS are established. */
  readonly connectTimeoutMs: number;
  /** From the request on the wire to its response headers. */
  readonly headersTimeoutMs: number;
  /** Between two pieces of a body. */
  readonly bodyIdleTimeoutMs: number;
  /** The whole request: waiting for a connection, connecting, headers and body. Does not hold for streams. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept: longer than two polls. */
  readonly keepAliveMs: number;
  /** Streams open at a time. */
  readonly maxStreams: number;
}

export const defaultTransportLimits: TransportLimits = {
  connectTimeoutMs: 3_000,
  headersTimeoutMs: 5_000,
  bodyIdleTimeoutMs: 5_000,
  requestTimeoutMs: 10_000,
  keepAliveMs: 90_000,
  maxStreams: 32,
};

const maxConnections = 2;

export interface GetResponse {
  /** Always 2xx. */
  readonly status: number;
  readonly contentType: string;
  readonly encoding: "identity" | "gzip";
  /** As they came off the wire, in a buffer of exactly their size: ready to be transferred. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headersAfterMs: number;
  /** Gives the memory of `bytes` back at once, where that can be done; nobody may read them any more. */
  readonly discard?: () => void;
}

export interface JsonResponse {
  readonly status: number;
  readonly body: unknown;
}

export interface JsonRequestOptions {
  readonly signal: AbortSignal;
  /** Limit of the body, both on the wire and inflated. */
  readonly maxBytes: number;
  readonly accept?: string;
  /** Sent as JSON under `contentType` (application/json by default). */
  readonly body?: unknown;
  readonly contentType?: string;
}

/** What a transport's connections have shown so far. */
export interface ConnectionFacts {
  /** `notAfter` of the server's certificate in the newest handshake, in milliseconds since the epoch; undefined before one and without TLS. */
  readonly peerCertificateExpiresAtMs: number | undefined;
  /** The server's certificate is not verified, because the cluster's kubeconfig says so: whoever shows this cluster must say it. */
  readonly insecureSkipTlsVerify: boolean;
  /** GETs sent once more because the server closed their kept connection before the first byte of an answer. */
  readonly idleRetries: number;
}

/** One API server. Paths start with `/` and are relative to the server's URL, prefix included. All methods throw KubeError only. */
export interface KubeTransport {
  /** GETs `path`; the body stays compressed and unread. `maxBytes` limits the bytes on the wire. */
  get(path: string, options: { accept: string; signal: AbortSignal; maxBytes: number }): Promise<GetResponse>;
  /** Sends a small request and parses its answer. An empty answer has the body `undefined`. */
  requestJson(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    options: JsonRequestOptions,
  ): Promise<JsonResponse>;
  /** GETs `path` without a total deadline and yields the body as it arrives. Ends when the server ends it; leaving the loop closes it. */
  stream(path: string, options: StreamOptions): AsyncGenerator<Uint8Array, void, void>;
  /** The server's URL, as configured. */
  readonly server: string;
  readonly facts: ConnectionFacts;
  /** Closes all connections; what is pending fails with ABORTED. */
  close(): Promise<void>;
}

/**
 * @param userAgent sent with every request
 * @param endpointPolicy where connections may go; without one anywhere, for servers that the operator named
 */
export function createTransport(
  credentials: ClusterCredentials,
  limits: Partial<TransportLimits>,
  userAgent: string,
  clock: Clock = systemClock,
  endpointPolicy?: EndpointPolicy,
): KubeTransport {
  return new UndiciTransport(credentials, { ...defaultTransportLimits, ...limits }, userAgent, clock, endpointPolicy);
}

interface RawRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

class UndiciTransport implements KubeTransport {
  readonly server: string;
  readonly #pool: Pool;
  readonly #streams: Streams;
  readonly #prefix: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #limits: TransportLimits;
  readonly #clock: Clock;
  readonly #context: RequestContext;
  readonly #connections = new Connections();
  readonly #insecureSkipTlsVerify: boolean;
  #idleRetries = 0;

  constructor(
    credentials: ClusterCredentials,
    limits: TransportLimits,
    userAgent: string,
    clock: Clock,
    endpointPolicy: EndpointPolicy | undefined,
  ) {
    this.server = credentials.server;
    const url = new URL(credentials.server);
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    this.#prefix = url.pathname.replace(/\/+$/, "");
    this.#headers = {
      "user-agent": userAgent,
      ...(credentials.token === undefined ? {} : { authorization: `Bearer ${credentials.token}` }),
    };
    this.#limits = limits;
    this.#clock = clock;
    this.#context = { ...limits, address: `${url.hostname}:${port}` };
    this.#insecureSkipTlsVerify = credentials.insecureSkipTlsVerify;
    const options: Pool.Options = {
      pipelining: 1,
      keepAliveTimeout: limits.keepAliveMs,
      headersTimeout: limits.headersTimeoutMs,
      bodyTimeout: limits.bodyIdleTimeoutMs,
      connect: this.#connections.connector(credentials, { ...limits, endpointPolicy }),
    };
    this.#pool = new Pool(url.origin, { ...options, connections: maxConnections });
    const { maxStreams } = limits;
    this.#streams = new Streams(
      { prefix: this.#prefix, headers: this.#headers, context: this.#context, maxStreams },
      clock,
      () => new Pool(url.origin, { ...options, connections: maxStreams }),
    );
  }

  async get(path: string, options: { accept: string; signal: AbortSignal; maxBytes: number }): Promise<GetResponse> {
    const headers = { accept: options.accept, "accept-encoding": "gzip" };
    return this.#exchange({ method: "GET", path, headers }, options.signal, options.maxBytes);
  }

  async requestJson(method: RawRequest["method"], path: string, options: JsonRequestOptions): Promise<JsonResponse> {
    const headers: Record<string, string> = { accept: options.accept ?? "application/json", "accept-encoding": "gzip" };
    const request: RawRequest = { method, path, headers };
    if (options.body !== undefined) headers["content-type"] = options.contentType ?? "application/json";
    const answer = await this.#exchange(
      options.body === undefined ? request : { ...request, body: JSON.stringify(options.body) },
      options.signal,
      options.maxBytes,
    );
    const empty = answer.bytes.byteLength === 0;
    const body = empty ? undefined : await parseJsonBody(answer.bytes, answer.encoding, options.maxBytes);
    return { status: answer.status, body };
  }

  stream(path: string, options: StreamOptions): AsyncGenerator<Uint8Array, void, void> {
    return this.#streams.read(path, options);
  }

  get facts(): ConnectionFacts {
    return {
      peerCertificateExpiresAtMs: this.#connections.peerCertificateExpiresAtMs,
      insecureSkipTlsVerify: this.#insecureSkipTlsVerify,
      idleRetries: this.#idleRetries,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#streams.close()]);
  }

  async #exchange(request: RawRequest, signal: AbortSignal, maxBytes: number): Promise<GetResponse> {
    let current: Exchange | undefined;
    let givenUp = signal.aborted ? requestAborted() : undefined;
    const giveUp = (reason: KubeError): void => {
      givenUp ??= reason;
      current?.giveUp(givenUp);
    };
    const onAbort = (): void => giveUp(requestAborted());
    signal.addEventListener("abort", onAbort, { once: true });
    const cancelDeadline = this.#clock.setTimer(() => {
      const within = duration(this.#limits.requestTimeoutMs);
      giveUp(new KubeError("REQUEST_DEADLINE", `no complete answer from ${this.#context.address} within ${within}`));
    }, this.#limits.requestTimeoutMs);
    try {
      const startedMs = this.#clock.monotonicMs();
      let headersAfterMs = 0;
      const { status, headers, bytes } = await this.#send(request, (options) => {
        if (givenUp !== undefined) throw givenUp;
        current = new Exchange(this.#pool, options, (code, own) => {
          headersAfterMs = this.#clock.monotonicMs() - startedMs;
          if (!isSuccess(code)) return { maxBytes: maxRefusalBytes };
          if (contentEncoding(own) === undefined) throw unsupportedEncoding();
          if (Number(own["content-length"] ?? 0) > maxBytes) throw tooLarge(maxBytes);
          return { maxBytes, tooLarge: () => tooLarge(maxBytes) };
        });
        return current.answer;
      });
      // The pool takes a connection back one turn after its body ended: going on at once would open the second one for nothing.
      await setImmediate();
      if (!isSuccess(status))
        throw errorOfRefusal({ httpStatus: status, headers, bytes }, request, this.#clock.nowMs());
      const encoding = contentEncoding(headers) ?? "identity";
      return {
        status,
        contentType: headerText(headers["content-type"]),
        encoding,
        bytes,
        headersAfterMs,
        discard: () => freeMemory(bytes.buffer),
      };
    } catch (error) {
      throw mapClientError(error, this.#context);
    } finally {
      cancelDeadline();
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Resolves with the answer. A server may close a kept connection at any time, also just as a request goes out. */
  async #send(
    request: RawRequest,
    exchange: (options: Dispatcher.DispatchOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const options = {
      method: request.method,
      path: this.#prefix + request.path,
      headers: { ...this.#headers, ...request.headers },
      body: request.body ?? null,
    };
    const lostIdleConnection = this.#connections.beforeRequest();
    try {
      return await exchange(options);
    } catch (error) {
      const wasReset = mapClientError(error, this.#context).code === "CONNECTION_RESET";
      if (request.method !== "GET" || request.body !== undefined || !wasReset || !lostIdleConnection()) throw error;
      this.#idleRetries++;
      return await exchange(options);
    }
  }
}

function requestAborted(): KubeError {
  return new KubeError("ABORTED", "request aborted");
}
