// A transport whose credentials expire: reads them again at an interval and after a 401, and moves to new connections when
// they have changed. Requests and streams under way end on the connections they began on.
import type { Clock } from "../support/clock.ts";
import { safeError } from "../support/errors.ts";
import type { Logger } from "../support/log.ts";
import type { ClusterCredentials } from "./credentials.ts";
import { isKubeError } from "./errors.ts";
import type {
  ConnectionFacts,
  GetResponse,
  JsonRequestOptions,
  JsonResponse,
  KubeTransport,
  StreamOptions,
} from "./transport.ts";

export interface RefreshOptions {
  readonly refresh: () => Promise<ClusterCredentials>;
  readonly createTransport: (credentials: ClusterCredentials) => KubeTransport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Between two looks at the credentials. Kubernetes rewrites tokens at four fifths of their life, ten minutes at least. */
  readonly intervalMs?: number;
  /** How long replaced connections may go on: longer than any watch is asked to last. */
  readonly graceMs?: number;
}

/** A transport that starts with `credentials` and follows `refresh` from then on. */
export function createRefreshingTransport(credentials: ClusterCredentials, options: RefreshOptions): KubeTransport {
  return new RefreshingTransport(credentials, options);
}

const minRefreshSpacingMs = 5_000;

class RefreshingTransport implements KubeTransport {
  readonly #options: RefreshOptions;
  readonly #intervalMs: number;
  readonly #graceMs: number;
  readonly #replaced = new Set<KubeTransport>();
  #credentials: ClusterCredentials;
  #current: KubeTransport;
  #lastRefreshMs: number;
  #cancelTimer: () => void = () => {};
  #closed = false;

  constructor(credentials: ClusterCredentials, options: RefreshOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? 60_000;
    this.#graceMs = options.graceMs ?? 660_000;
    this.#credentials = credentials;
    this.#current = options.createTransport(credentials);
    this.#lastRefreshMs = options.clock.monotonicMs();
    this.#schedule();
  }

  get(path: string, options: { accept: string; signal: AbortSignal; maxBytes: number }): Promise<GetResponse> {
    return this.#noticing401(() => this.#current.get(path, options));
  }

  requestJson(
    method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
    path: string,
    options: JsonRequestOptions,
  ): Promise<JsonResponse> {
    return this.#noticing401(() => this.#current.requestJson(method, path, options));
  }

  async *stream(path: string, options: StreamOptions): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* this.#current.stream(path, options);
    } catch (error) {
      if (isKubeError(error, "UNAUTHORIZED")) void this.#refresh();
      throw error;
    }
  }

  get server(): string {
    return this.#current.server;
  }

  get facts(): ConnectionFacts {
    return this.#current.facts;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelTimer();
    await Promise.all([this.#current, ...this.#replaced].map((transport) => transport.close()));
  }

  async #noticing401<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      // The caller's own retry comes after this: it finds the new credentials.
      if (isKubeError(error, "UNAUTHORIZED")) await this.#refresh();
      throw error;
    }
  }

  #schedule(): void {
    this.#cancelTimer = this.#options.clock.setTimer(() => {
      void this.#refresh().finally(() => {
        if (!this.#closed) this.#schedule();
      });
    }, this.#intervalMs);
  }

  /** Never rejects: with what is there the server may still agree, and if not, it says so. */
  async #refresh(): Promise<void> {
    const { clock, log } = this.#options;
    if (clock.monotonicMs() - this.#lastRefreshMs < minRefreshSpacingMs) return;
    this.#lastRefreshMs = clock.monotonicMs();
    try {
      const credentials = await this.#options.refresh();
      if (!this.#closed && !credentials.equals(this.#credentials)) this.#replace(credentials);
    } catch (error) {
      const { code, message } = safeError(error);
      log.warn({ code }, `credentials cannot be read again: ${message}`);
    }
  }

  #replace(credentials: ClusterCredentials): void {
    const old = this.#current;
    this.#credentials = credentials;
    this.#current = this.#options.createTransport(credentials);
    this.#replaced.add(old);
    this.#options.clock.setTimer(() => {
      this.#replaced.delete(old);
      if (!this.#closed) void old.close();
    }, this.#graceMs);
  }
}
