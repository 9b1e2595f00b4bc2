// A real server on a free port over a real store and view, and raw HTTP for what fetch does not let one send.

import { request } from "node:http";
import { connect } from "node:net";
import type { Server, ServerLimits, ServerOptions, SystemReport } from "../../src/server/ports.ts";
import { createServer } from "../../src/server/server.ts";
import type { Document, Store } from "../../src/store/document.ts";
import { clusterStatus } from "../../src/store/documents.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { type Clock, systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { createFleetView, type LiveFleetView } from "../../src/view/fleet.ts";

export interface RunningServer {
  readonly server: Server;
  readonly url: string;
  readonly port: number;
  readonly store: Store;
  readonly view: LiveFleetView;
  /** Writes and waits until the view shows it. */
  write(...documents: Document[]): Promise<void>;
  close(): Promise<void>;
}

export const emptyReport: SystemReport = {
  counters: {
    processed: 0,
    restarts: 0,
    deadLetters: { overflow: 0, stopped: 0, poison: 0, resumed: 0 },
    overflowed: 0,
    coalesced: 0,
    runsStarted: 0,
    runsSkipped: 0,
    runsDeadlined: 0,
    ticksSkipped: 0,
  },
  actors: [],
};

export async function startServer(
  options: Partial<Omit<ServerOptions, "limits" | "view">> & { limits?: Partial<ServerLimits> } = {},
): Promise<RunningServer> {
  const clock: Clock = options.clock ?? systemClock;
  const store = createMemoryStore({ clock });
  const view = createFleetView({ store, clock });
  const server = await createServer({
    system: () => emptyReport,
    metrics: async () => "",
    health: () => ({ live: [], ready: [] }),
    log: silentLogger,
    version: "test",
    ...options,
    clock,
    view,
  });
  const { url, port } = await server.listen({ host: "127.0.0.1", port: 0 });
  return {
    server,
    url,
    port,
    store,
    view,
    async write(...documents) {
      await store.apply(documents, new AbortController().signal);
      await view.idle();
    },
    async close() {
      await server.close(1_000);
      view.close();
      await store.close();
    },
  };
}

export function status(cluster: string, message = "ok"): Document[] {
  return clusterStatus(cluster, { health: "healthy", message, reason: "Reachable", lastCheckMs: Date.UTC(2026, 0, 2) });
}

export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** One request with any method, path and headers. */
export function send(
  port: number,
  path: string,
  options: { method?: string; headers?: Record<string, string> } = {},
): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port, path, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
      response.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Sends bytes as they are and resolves with everything that comes back until the server closes the connection. */
export function sendBytes(port: number, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    let received = "";
    socket.on("data", (chunk) => {
      received += chunk.toString();
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(received));
  });
}
