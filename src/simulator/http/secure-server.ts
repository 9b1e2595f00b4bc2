// The one TLS server behind all listeners: HTTP/1.1 and HTTP/2 by ALPN, with the simulator's own certificate. It never listens itself;
// connections are handed to it, each with the origin it arrived at.
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { Socket } from "node:net";
import type { ServerIdentity } from "./certificates.ts";
import type { Origin } from "./listeners.ts";
import { socketOf } from "./pipeline.ts";

export interface SecureServer {
  /** Speaks TLS and HTTP on the socket. */
  connect(socket: Socket, origin: Origin): void;
  close(): void;
}

type Handler = (origin: Origin, request: Http2ServerRequest, response: Http2ServerResponse) => void;

/** Idle connections are kept as long as a real API server keeps them. */
const keepAliveMs = 90_000;
const maxConcurrentStreams = 1_000;

export function startSecureServer(identity: ServerIdentity, handle: Handler): SecureServer {
  const byPort = new Map<number, Origin>();
  const options = {
    allowHTTP1: true,
    cert: identity.certPem,
    key: identity.keyPem,
    settings: { maxConcurrentStreams },
    keepAliveTimeout: keepAliveMs,
  };
  const server = createSecureServer(options, (request, response) => {
    const port = socketOf(request)?.localPort;
    const origin = port === undefined ? undefined : byPort.get(port);
    // Without a port the connection is gone already.
    if (origin === undefined) response.stream?.destroy();
    else handle(origin, request, response);
  });
  // Clients that go away in the middle of a handshake or a session are part of the game.
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  server.on("sessionError", () => {});
  server.on("clientError", (_error, socket) => socket.destroy());
  return {
    connect: (socket, origin) => {
      byPort.set(origin.port, origin);
      server.emit("connection", socket);
    },
    close: () => server.close(),
  };
}
