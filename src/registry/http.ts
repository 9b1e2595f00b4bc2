// HTTP to one registry and to where it sends us: its token server, the store of its layers. Guarantees: one connection for each origin,
// few origins; every connection obeys the endpoint policy; every request ends within its deadline; bodies are cut off while they
// arrive; credentials follow no redirect to another origin, and nothing leads from https to http. Throws KubeError only.
import { getCACertificates } from "node:tls";
import { Client } from "undici";
import { readBody } from "../kube/body.ts";
import { Connections } from "../kube/connections.ts";
import { ClusterCredentials } from "../kube/credentials.ts";
import { linkedAbort } from "../kube/deadlines.ts";
import type { EndpointPolicy } from "../kube/endpoint-policy.ts";
import { duration, mapClientError } from "../kube/error-mapping.ts";
import { KubeError } from "../kube/errors.ts";
import type { Clock } from "../support/clock.ts";

export interface RegistryHttpOptions {
  /** The registry's own URL. */
  readonly server: string;
  /** Authorities that the registry itself must have its certificate from; of the servers it sends us to, beside the public ones. */
  readonly caPem?: string | undefined;
  readonly skipTlsVerify: boolean;
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept. */
  readonly keepAliveMs: number;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly endpointPolicy?: EndpointPolicy | undefined;
}

export interface RegistryRequest {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly maxBytes: number;
  /** The first `maxBytes` are enough; without it more are an error. Bodies of refusals are always cut. */
  readonly prefixOnly?: boolean;
}

export interface RegistryAnswer {
  readonly status: number;
  header(name: string): string;
  readonly bytes: Uint8Array;
  /** From the first request to the headers of the answer. */
  readonly headersAfterMs: number;
  /** Where the answer came from, after redirects. */
  readonly url: URL;
}

const maxOrigins = 4;
const maxRedirects = 3;
const maxConnectMs = 5_000;
const maxRefusalBytes = 16_384;

interface Site {
  readonly client: Client;
  readonly connections: Connections;
}

export class RegistryHttp {
  readonly #options: RegistryHttpOptions;
  readonly #home: string;
  readonly #sites = new Map<string, Site>();
  #closed = false;

  constructor(options: RegistryHttpOptions) {
    this.#options = options;
    this.#home = new URL(options.server).origin;
  }

  /** `notAfter` of the registry's own certificate, epoch milliseconds; undefined before a handshake and without TLS. */
  get certificateExpiresAtMs(): number | undefined {
    return this.#sites.get(this.#home)?.connections.peerCertificateExpiresAtMs;
  }

  async get(start: URL, request: RegistryRequest): Promise<RegistryAnswer> {
    const { clock } = this.#options;
    const startedMs = clock.monotonicMs();
    let url = start;
    for (let hops = 0; ; hops++) {
      const answer = await this.#once(url, start.origin, request, startedMs);
      const location = answer.header("location");
      if (answer.status < 300 || answer.status >= 400 || location === "") return answer;
      const next = URL.parse(location, url);
      const isDowngrade = url.protocol === "https:" && next?.protocol !== "https:";
      if (next === null || isDowngrade || !/^https?:$/.test(next.protocol) || hops >= maxRedirects) {
        throw new KubeError("REDIRECT_REFUSED", `the redirect of ${url.host} is not followed`, {
          httpStatus: answer.status,
        });
      }
      url = next;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#sites.values()].map(({ client }) => client.destroy()));
  }

  async #once(url: URL, origin: string, request: RegistryRequest, startedMs: number): Promise<RegistryAnswer> {
    const { clock, requestTimeoutMs, userAgent } = this.#options;
    const address = url.host;
    const limits = {
      connectTimeoutMs: this.#connectTimeoutMs,
      headersTimeoutMs: requestTimeoutMs,
      bodyIdleTimeoutMs: requestTimeoutMs,
    };
    const abort = linkedAbort(request.signal);
    const cancelDeadline = clock.setTimer(() => {
      const message = `no complete answer from ${address} within ${duration(requestTimeoutMs)}`;
      abort.abort(new KubeError("REQUEST_DEADLINE", message));
    }, requestTimeoutMs);
    try {
      const site = this.#site(url);
      const { authorization, ...others } = request.headers ?? {};
      const isHome = url.origin === origin;
      const send = () =>
        site.client.request({
          method: "GET",
          path: url.pathname + url.search,
          headers: {
            "user-agent": userAgent,
            ...others,
            ...(isHome && authorization !== undefined ? { authorization } : {}),
          },
          signal: abort.signal,
        });
      const lostIdleConnection = site.connections.beforeRequest();
      const response = await send().catch((error: unknown) => {
        const wasReset = mapClientError(error, { address, ...limits }).code === "CONNECTION_RESET";
        if (!wasReset || !lostIdleConnection()) throw error;
        return send();
      });
      const headersAfterMs = clock.monotonicMs() - startedMs;
      response.body.on("error", () => {});
      const status = response.statusCode;
      const isWanted = status >= 200 && status < 300;
      const bytes =
        isWanted && request.prefixOnly !== true
          ? await readBody(response.body as AsyncIterable<Uint8Array>, request.maxBytes)
          : await readPrefix(response.body as AsyncIterable<Uint8Array>, isWanted ? request.maxBytes : maxRefusalBytes);
      const header = (name: string): string => {
        const value = response.headers[name];
        return Array.isArray(value) ? value.join(",") : (value ?? "");
      };
      return { status, header, bytes, headersAfterMs, url };
    } catch (error) {
      abort.abort(new KubeError("ABORTED", "request given up"));
      throw mapClientError(error, { address, ...limits });
    } finally {
      cancelDeadline();
      abort.unlink();
    }
  }

  get #connectTimeoutMs(): number {
    return Math.min(maxConnectMs, Math.ceil(this.#options.requestTimeoutMs * 0.8));
  }

  #site(url: URL): Site {
    if (this.#closed) throw new KubeError("ABORTED", "the client is closed");
    const known = this.#sites.get(url.origin);
    if (known !== undefined) return known;
    if (this.#sites.size >= maxOrigins) {
      const [oldest] = [...this.#sites].filter(([origin]) => origin !== this.#home);
      if (oldest !== undefined) {
        this.#sites.delete(oldest[0]);
        void oldest[1].client.destroy();
      }
    }
    const { caPem, skipTlsVerify, keepAliveMs, requestTimeoutMs, endpointPolicy } = this.#options;
    const connections = new Connections();
    const trusted =
      caPem === undefined || url.origin === this.#home ? caPem : [...getCACertificates(), caPem].join("\n");
    const credentials = new ClusterCredentials({
      server: url.origin,
      caPem: trusted,
      insecureSkipTlsVerify: skipTlsVerify,
    });
    const client = new Client(url.origin, {
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
      connect: connections.connector(credentials, { connectTimeoutMs: this.#connectTimeoutMs, endpointPolicy }),
    });
    const site = { client, connections };
    this.#sites.set(url.origin, site);
    return site;
  }
}

/** At most `maxBytes`; what follows is left, which closes the connection. */
async function readPrefix(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk.subarray(0, maxBytes - length));
    length += chunk.byteLength;
    if (length >= maxBytes) break;
  }
  return Buffer.concat(parts);
}
