// The sockets of one transport: opened where the endpoint policy allows, and observed. What they show: when the server's
// certificate expires, and whether a request failed only because a kept connection was closed as it was being written.
import type { Socket } from "node:net";
import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import { LRUCache } from "lru-cache";
import { buildConnector } from "undici";
import type { ClusterCredentials } from "./credentials.ts";
import type { EndpointPolicy } from "./endpoint-policy.ts";

/** The kernel probes a silent peer after this time and gives it 10 s more: how a half-open watch is noticed within a minute. */
const tcpKeepAliveDelayMs = 30_000;

export interface ConnectionOptions {
  readonly connectTimeoutMs: number;
  /** Without one, every address may be connected to and names are resolved by the system. */
  readonly endpointPolicy?: EndpointPolicy | undefined;
}

export class Connections {
  readonly #open = new Set<Socket>();
  #peerCertificateExpiresAtMs: number | undefined;

  /** `notAfter` of the server's certificate in the newest handshake, in milliseconds since the epoch; undefined before one and without TLS. */
  get peerCertificateExpiresAtMs(): number | undefined {
    return this.#peerCertificateExpiresAtMs;
  }

  /** What a pool opens its sockets with. */
  connector(credentials: ClusterCredentials, options: ConnectionOptions): buildConnector.connector {
    const { connectTimeoutMs, endpointPolicy } = options;
    const connect = buildConnector({
      allowH2: false,
      timeout: connectTimeoutMs,
      keepAlive: true,
      keepAliveInitialDelay: tcpKeepAliveDelayMs,
      ...(endpointPolicy && { lookup: endpointPolicy.lookup }),
      ...(credentials.server.startsWith("https:") ? tlsOptions(credentials) : {}),
    } as buildConnector.BuildOptions);
    return (target, callback) => {
      try {
        endpointPolicy?.check(target.hostname);
      } catch (error) {
        return queueMicrotask(() => callback(error as Error, null));
      }
      connect(target, (...result) => {
        if (result[0] === null) this.#observe(result[1]);
        callback(...result);
      });
    };
  }

  /**
   * To be called before a request. The function it returns tells, once the request has failed, whether a connection that was open
   * and had been used before is gone without having brought a single byte since.
   */
  beforeRequest(): () => boolean {
    const bytesRead = new Map([...this.#open].map((socket) => [socket, socket.bytesRead]));
    return () =>
      [...bytesRead].some(([socket, before]) => socket.destroyed && before > 0 && socket.bytesRead === before);
  }

  #observe(socket: Socket): void {
    this.#open.add(socket);
    socket.once("close", () => this.#open.delete(socket));
    if (!(socket instanceof TLSSocket)) return;
    const expires = socket.getPeerX509Certificate()?.validToDate.getTime();
    if (expires !== undefined) this.#peerCertificateExpiresAtMs = expires;
  }
}

/** By authorities: a fleet behind few of them has few. Those with a client's key belong to one cluster each. */
const sharedContexts = new LRUCache<string, SecureContext>({ max: 64 });

function secureContextOf({ caPem, clientCertificatePem: cert, clientKeyPem: key }: ClusterCredentials): SecureContext {
  const ca = caPem ?? "";
  if (cert !== undefined || key !== undefined) {
    return createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  }
  const shared = sharedContexts.get(ca) ?? createSecureContext(ca === "" ? {} : { ca });
  sharedContexts.set(ca, shared);
  return shared;
}

function tlsOptions(credentials: ClusterCredentials): object {
  const { tlsServerName: servername } = credentials;
  return {
    secureContext: secureContextOf(credentials),
    rejectUnauthorized: !credentials.insecureSkipTlsVerify,
    ...(servername === undefined ? {} : { servername }),
  };
}
