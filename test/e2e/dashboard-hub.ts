// A stand-in for the hub, for tests of the page alone: serves the built page under a strict content security policy, a
// fleet that the test changes at will, and the event stream. No code of the hub takes part.
import { readFile } from "node:fs/promises";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

export type Json = Record<string, unknown>;
export type Row = Json & { name: string };

export interface DashboardHub {
  readonly url: string;
  /** Rows now, by name. Change them with put and remove. */
  readonly rows: Map<string, Row>;
  actors: Json[];
  /** The answer of /api/v1/registries/status. */
  registries: Json[];
  /** The answer of /api/v1/metricsources. */
  metricSources: Json[];
  /** What each of them gave in every cluster. */
  perCluster: Json[];
  put(row: Row): void;
  remove(name: string): void;
  /** Ends every open stream, as a restart of the hub does. */
  dropStreams(): void;
  /** While false, /api/v1/stream is answered with 503; the rest works. */
  streams: boolean;
  stop(): Promise<void>;
}

const dist = join(import.meta.dirname, "../../src/dashboard/dist");
const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'";

export async function startDashboardHub(rows: Row[], port = 0): Promise<DashboardHub> {
  const fleet = new Map(rows.map((row) => [row.name, row]));
  const open = new Set<ServerResponse>();
  let revision = 1;
  const send = (response: ServerResponse, event: string, data: unknown) =>
    response.write(`id: ${revision}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const json = (response: ServerResponse, status: number, body: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://hub").pathname;
    const nodes = /^\/api\/v1\/clusters\/([^/]+)\/nodes$/.exec(path);
    if (path === "/api/v1/stream") {
      if (!hub.streams) return void json(response, 503, { error: "no streams" });
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write("retry: 200\n\n");
      for (const row of fleet.values()) send(response, "cluster", row);
      send(response, "synced", { revision, clusters: fleet.size });
      open.add(response);
      response.on("close", () => open.delete(response));
    } else if (path === "/api/v1/clusters") json(response, 200, [...fleet.values()]);
    else if (nodes !== null) {
      const row = fleet.get(decodeURIComponent(nodes[1] ?? ""));
      if (row === undefined) json(response, 404, { error: "no such cluster" });
      else json(response, 200, nodesOf(row));
    } else if (path === "/api/v1/system/actors") {
      json(response, 200, { asOf: new Date().toISOString(), counters: {}, actors: hub.actors });
    } else if (path === "/api/v1/registries/status") json(response, 200, hub.registries);
    else if (path === "/api/v1/system/lateness") {
      const samples = [{ atMs: Date.now() - 20_000, cycles: 5, p99Ms: 120, maxMs: 150 }];
      json(response, 200, { asOf: new Date().toISOString(), samples });
    } else if (path === "/api/v1/metricsources") json(response, 200, hub.metricSources);
    else if (path.startsWith("/api/v1/metricsources/")) json(response, 200, { perCluster: hub.perCluster });
    else void serveFile(path, response);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));

  const broadcast = (event: string, data: unknown) => {
    revision += 1;
    for (const response of open) send(response, event, data);
  };
  const hub: DashboardHub = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    rows: fleet,
    actors: [],
    registries: [],
    metricSources: [],
    perCluster: [],
    streams: true,
    put(row) {
      fleet.set(row.name, row);
      broadcast("cluster", row);
    },
    remove(name) {
      fleet.delete(name);
      broadcast("cluster-deleted", { name });
    },
    dropStreams() {
      for (const response of open) response.destroy();
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return hub;
}

async function serveFile(path: string, response: ServerResponse): Promise<void> {
  const file = join(dist, normalize(path === "/" ? "/index.html" : path));
  const body = await readFile(file).catch(() => null);
  if (body === null || !file.startsWith(dist)) return void response.writeHead(404).end();
  response
    .writeHead(200, {
      "content-type": types[extname(file)] ?? "application/octet-stream",
      "content-security-policy": policy,
    })
    .end(body);
}

/** A stamp `secondsAgo` seconds before now, in the hub's format. */
export function ago(secondsAgo: number): string {
  return `${new Date(Date.now() - secondsAgo * 1000).toISOString().slice(0, 19)}Z`;
}

/** A healthy row; `change` replaces whole members. */
export function clusterRow(name: string, change: Json = {}): Row {
  return {
    name,
    accessible: true,
    spec: {
      displayName: name,
      endpoint: `https://api.${name}.example.com:6443`,
      labels: { env: "prod" },
      monitoring: { interval: 30, timeout: 10 },
    },
    info: { api_url: `https://api.${name}.example.com:6443`, version: "v1.33.2", platform: "linux/amd64" },
    metrics: {
      timestamp: ago(5),
      nodes: 5,
      nodes_ready: 5,
      namespaces: 12,
      pods: 130,
      pods_running: 121,
      cpu_capacity: 40,
      memory_capacity: 160 * 2 ** 30,
      deployments: 37,
    },
    status: { health: "healthy", reason: "Reachable", message: "Cluster is reachable", last_check: ago(5) },
    operator_count: 0,
    asOf: ago(5),
    staleAfter: ago(-55),
    partial: false,
    missing: [],
    ...change,
  };
}

function nodesOf(row: Row): Json[] {
  const metrics = row["metrics"] as { nodes?: number; nodes_ready?: number };
  return Array.from({ length: metrics.nodes ?? 0 }, (_, index) => ({
    name: `${row.name}-node-${String(index + 1).padStart(2, "0")}`,
    status: index < (metrics.nodes_ready ?? 0) ? "Ready" : "NotReady",
    roles: index === 0 ? ["control-plane"] : ["worker"],
    cpu_capacity: 8,
    memory_capacity: 32 * 2 ** 30,
    cpu_usage_percent: 20 + ((index * 37) % 75),
    memory_usage_percent: 30 + ((index * 23) % 65),
    pods_running: 24 + index,
    pods_total: 26 + index,
    kubelet_version: "v1.33.2",
  }));
}

/** An idle actor; `change` replaces whole members. */
export function actorSnapshot(path: string, kind: string, change: Json = {}): Json {
  return {
    path,
    kind,
    state: "running",
    mailbox: { user: 0, system: 0, userCapacity: 256, systemCapacity: 64, highWater: 3, coalesced: 1, overflowed: 0 },
    processed: 321,
    restarts: 0,
    lastError: null,
    runs: [],
    skippedRuns: 0,
    skippedTicks: 0,
    nextTimerAtMs: Date.now() + 17_000,
    deadLetters: 0,
    ...change,
  };
}
