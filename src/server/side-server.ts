// Probes and metrics on ports of their own, for the kubelet and for Prometheus. They show no cluster's data beyond metrics, so other
// than the API they may be bound to every address. No keep-alive tricks, no bodies, one route group each.
import { type FastifyInstance, fastify } from "fastify";
import type { Clock } from "../support/clock.ts";
import { securityHeaders } from "./guard.ts";
import { listenError } from "./listen-error.ts";

export interface SideServer {
  readonly host: string;
  readonly port: number;
  /** Cuts what is left after `deadlineMs`. */
  close(deadlineMs: number): Promise<void>;
}

const requestTimeoutMs = 10_000;
const maxConnections = 128;

/**
 * Listens on `address` and serves what `register` adds.
 * @param flag the flag that chooses another address, for the message of PORT_IN_USE
 */
export async function startSideServer(
  address: { readonly host: string; readonly port: number },
  flag: string,
  clock: Clock,
  register: (app: FastifyInstance) => void,
): Promise<SideServer> {
  const app = fastify({ logger: false, requestTimeout: requestTimeoutMs, forceCloseConnections: "idle" });
  app.server.maxConnections = maxConnections;
  app.addHook("onRequest", async (_request, reply) => {
    reply.headers({ ...securityHeaders, "cache-control": "no-store" });
  });
  app.setNotFoundHandler((_request, reply) => void reply.code(404).send({ error: "There is nothing at this path" }));
  register(app);
  try {
    await app.listen(address);
  } catch (error) {
    await app.close();
    throw listenError(error, address.host, address.port, flag);
  }
  const bound = app.server.address();
  return {
    host: address.host,
    port: typeof bound === "object" && bound !== null ? bound.port : address.port,
    async close(deadlineMs) {
      const cancel = clock.setTimer(() => app.server.closeAllConnections(), deadlineMs);
      await app.close();
      cancel();
    },
  };
}
