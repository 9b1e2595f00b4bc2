// The TLS servers behind all listeners: HTTP/1.1 and HTTP/2 by ALPN, one server per certificate, made when it is first needed. They never
// listen themselves; connections are handed to them, each with the origin it arrived at.
import {
  createSecureServer,
  type Http2SecureServer,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from "node:http2";
import type { Socket } from "node:net";
import { type Authority, loopbackHosts, mintAuthority, type ServerIdentity } from "./certificates.ts";
import type { Origin, Presentation } from "./listeners.ts";
import { socketOf } from "./sockets.ts";

export interface SecureServer {
  /** Speaks TLS and HTTP on the socket, with the certificate that the presentation names. */
  connect(socket: Socket, origin: Origin, presentation: Presentation): void;
  /** PEM of the authority behind the certificates that no client is told to trust. */
  readonly unknownCaPem: string;
  close(): void;
}

type Handler = (origin: Origin, request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Idle connections are kept as long as a real API server keeps them. */
const keepAliveMs = 90_000;
const maxConcurrentStreams = 1_000;

/** @param hosts what the good certificates are for */
export function createSecureServers(
  authority: Authority,
  handle: Handler,
  hosts: readonly string[] = loopbackHosts,
): SecureServer {
  const servers = new Map<Presentation, Http2SecureServer>();
  const stranger = mintAuthority("another-ca");
  const rotated = mintAuthority();
  const byAddress = new Map<string, Origin>();
  const serverFor = (presentation: Presentation): Http2SecureServer => {
    let server = servers.get(presentation);
    if (server === undefined) {
      server = startServer(
        presentation,
        identityFor(presentation, { authority, stranger, rotated }, hosts),
        byAddress,
        handle,
      );
      servers.set(presentation, server);
    }
    return server;
  };
  return {
    unknownCaPem: stranger.caPem,
    connect: (socket, origin, presentation) => {
      byAddress.set(`${origin.host}:${origin.port}`, origin);
      serverFor(presentation).emit("connection", socket);
    },
    close: () => {
      for (const server of servers.values()) server.close();
    },
  };
}

function identityFor(
  presentation: Presentation,
  { authority, stranger, rotated }: Readonly<Record<"authority" | "stranger" | "rotated", Authority>>,
  hosts: readonly string[],
): ServerIdentity {
  switch (presentation) {
    case "valid":
    case "clientCertificate":
    case "oldVersion":
      return authority.issue({ hosts });
    case "notYetValid":
      return authority.issue({ hosts, validDays: [1, 30] });
    case "rotatedCa":
      return rotated.issue({ hosts });
    case "expired":
      return authority.issue({ hosts, validDays: [-30, -1] });
    case "wrongHost":
      return authority.issue({ hosts: ["elsewhere.example"] });
    case "unknownCa":
      return stranger.issue({ hosts });
  }
}

/** What the handshake asks for beside the certificate. */
function handshakeOptions(presentation: Presentation, { certPem }: ServerIdentity) {
  switch (presentation) {
    case "clientCertificate":
      // Nobody has one that this would have signed.
      return { requestCert: true, rejectUnauthorized: true, ca: certPem };
    case "oldVersion":
      return { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    default:
      return {};
  }
}

function startServer(
  presentation: Presentation,
  identity: ServerIdentity,
  byAddress: ReadonlyMap<string, Origin>,
  handle: Handler,
): Http2SecureServer {
  const options = {
    allowHTTP1: true,
    cert: identity.certPem,
    key: identity.keyPem,
    settings: { maxConcurrentStreams },
    keepAliveTimeout: keepAliveMs,
    ...handshakeOptions(presentation, identity),
  };
  const server = createSecureServer(options, (request, response) => {
    const socket = socketOf(request);
    const origin = byAddress.get(`${socket?.localAddress}:${socket?.localPort}`);
    // Without an address the connection is gone already.
    if (origin === undefined) response.stream?.destroy();
    else handle(origin, request, response);
  });
  // Clients that go away in the middle of a handshake or a session are part of the game.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("sessionError", () => {});
  server.on("clientError", (_error, socket) => socket.destroy());
  return server;
}
