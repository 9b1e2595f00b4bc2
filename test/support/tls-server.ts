// Real servers on 127.0.0.1 for client tests: HTTPS with a minted certificate, HTTP, and raw TCP for peers that break the rules.
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { Certificate } from "./certificates.ts";

export interface TestServer {
  readonly port: number;
  readonly url: string;
  /** Connections accepted since the start. */
  accepted(): number;
  /** Connections open now. */
  open(): number;
  /** Cuts all connections and stops listening. */
  close(): Promise<void>;
}

export function httpsServer(certificate: Certificate, listener: RequestListener): Promise<TestServer> {
  const server = createHttpsServer(
    { cert: certificate.certPem, key: certificate.keyPem, keepAliveTimeout: 60_000 },
    listener,
  );
  return listen(server, "https");
}

export function httpServer(listener: RequestListener): Promise<TestServer> {
  return listen(createHttpServer({ keepAliveTimeout: 60_000 }, listener), "http");
}

/** A server that hands over bare sockets: nothing is read or answered unless `onSocket` does. */
export function tcpServer(onSocket: (socket: Socket) => void, scheme: "http" | "https" = "http"): Promise<TestServer> {
  return listen(createTcpServer(onSocket), scheme);
}

async function listen(server: Server, scheme: "http" | "https"): Promise<TestServer> {
  const sockets = new Set<Socket>();
  let accepted = 0;
  server.on("connection", (socket: Socket) => {
    accepted++;
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  // A client that breaks off a handshake is part of the tests, not a failure of the server.
  server.on("tlsClientError", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    accepted: () => accepted,
    open: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
