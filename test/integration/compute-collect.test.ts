// A whole collection over real sockets and real threads: HTTP server, transport, pool.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { collectCluster, defaultCollectLimits } from "../../src/cluster/collect.ts";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { systemClock } from "../../src/support/clock.ts";
import { createInlineCompute } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute } from "../../workers/pool.ts";

interface List {
  readonly kind: string;
  readonly items: readonly unknown[];
}

const golden = new URL("../fixtures/golden/cluster-plain/", import.meta.url);
const files: Readonly<Record<string, string>> = {
  "/version": "version",
  "/api/v1/pods": "pods",
  "/api/v1/nodes": "nodes",
  "/api/v1/namespaces": "namespaces",
  "/apis/apps/v1/deployments": "deployments",
};

/** Serves the recorded cluster with paging and gzip, as an API server does. */
function answer(target: string): Buffer {
  const url = new URL(target, "http://server");
  const recorded = JSON.parse(readFileSync(new URL(`${files[url.pathname]}.json`, golden), "utf8")) as List;
  if (url.pathname === "/version") return gzipSync(JSON.stringify(recorded));
  const start = Number(url.searchParams.get("continue") ?? 0);
  const end = start + Number(url.searchParams.get("limit"));
  const left = recorded.items.length - end;
  const metadata = left > 0 ? { continue: String(end), remainingItemCount: left } : {};
  return gzipSync(JSON.stringify({ kind: recorded.kind, metadata, items: recorded.items.slice(start, end) }));
}

let server: Server;
let pool: PoolCompute;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (files[new URL(request.url ?? "", "http://server").pathname] === undefined) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(answer(request.url ?? ""));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  pool = createPoolCompute({ threads: 2, minDeadlineMs: 20_000 });
});

afterAll(async () => {
  await pool.close();
  server.close();
});

it.each([500, 7])("a cluster in pages of %d, on threads and inline, gives one result", async (pageSize) => {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createTransport(new ClusterCredentials({ server: endpoint }), {}, "test");
  try {
    const common = { transport, clock: { ...systemClock, nowMs: () => 1_767_323_045_000 }, endpoint };
    const limits = { ...defaultCollectLimits, pageSize };
    const signal = AbortSignal.timeout(30_000);
    const pooled = await collectCluster({ ...common, limits, compute: pool }, signal);
    const inlined = await collectCluster({ ...common, limits, compute: createInlineCompute() }, signal);
    const content = ({ info, metrics, namespaces, nodes, missing }: typeof pooled) => ({
      info,
      metrics,
      namespaces,
      nodes,
      missing,
    });
    expect(content(pooled)).toEqual(content(inlined));
    expect(pooled).toMatchObject({ metrics: { nodes: 3, pods: 39, podsRunning: 33 }, missing: [] });
    expect(pooled.latencyMs).toBeGreaterThan(0);
  } finally {
    await transport.close();
  }
});
