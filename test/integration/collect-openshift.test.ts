// The recorded OpenShift cluster over real sockets and real threads: what the pool reads is what is read inline, and a body that is
// larger or stranger than it may be costs its own part only.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { collectCluster, defaultCollectLimits } from "../../src/cluster/collect.ts";
import { collectionDocuments } from "../../src/cluster/documents.ts";
import type { Compute } from "../../src/cluster/ports.ts";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { systemClock } from "../../src/support/clock.ts";
import { createInlineCompute } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute } from "../../workers/pool.ts";
import { openShiftGroups, paths, RecordedServer, recorded } from "../unit/cluster/recorded-server.ts";

let cluster: RecordedServer;
let server: Server;
let pool: PoolCompute;

beforeAll(async () => {
  server = createServer((request, response) => {
    cluster.get(request.url ?? "", { signal: new AbortController().signal }).then(
      ({ bytes }) => {
        response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
        response.end(bytes);
      },
      (error: unknown) => {
        response.writeHead((error as { httpStatus?: number }).httpStatus ?? 500).end();
      },
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  pool = createPoolCompute({ threads: 2, minDeadlineMs: 20_000 });
});

afterAll(async () => {
  await pool.close();
  server.close();
});

/** Every item padded as real ones are, so that the list is too large to be read inline. */
function padded(file: string): object {
  const list = recorded(file) as { items: object[] };
  const padding = "icon ".repeat(20_000);
  return { ...list, items: list.items.map((item) => ({ ...item, padding })) };
}

beforeEach(() => {
  cluster = new RecordedServer();
  cluster.served.set(paths.groups, openShiftGroups);
  cluster.served.set(paths.operatorGroups, { kind: "OperatorGroupList", items: [] });
  cluster.served.set(paths.csvs, padded("clusterserviceversions"));
  cluster.served.set(paths.subscriptions, padded("subscriptions"));
  cluster.served.set(paths.clusterOperators, padded("clusteroperators"));
});

async function collected(compute: Compute, pageSize: number) {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const transport = createTransport(new ClusterCredentials({ server: endpoint }), {}, "test");
  try {
    const clock = { ...systemClock, nowMs: () => 1_767_323_045_000 };
    const limits = { ...defaultCollectLimits, pageSize };
    const request = { transport, clock, endpoint, limits, compute };
    const collection = await collectCluster(request, AbortSignal.timeout(30_000));
    const times = { intervalSeconds: 30, cacheTtlSeconds: 600, retentionSeconds: 3_600, staleAfterMs: 60_000 };
    return { collection, documents: collectionDocuments("ocp", collection, times) };
  } finally {
    await transport.close();
  }
}

it.each([500, 2])("in pages of %d, on threads and inline, the documents are the same", async (pageSize) => {
  const before = pool.stats().completed;
  const pooled = await collected(pool, pageSize);
  expect(pool.stats().completed - before).toBeGreaterThanOrEqual(3);
  const inlined = await collected(createInlineCompute(), pageSize);
  expect(pooled.documents).toEqual(inlined.documents);
  expect(pooled.collection).toMatchObject({ info: { platform: "OpenShift" }, missing: [{ part: "operators" }] });
  expect(pooled.collection.operators).toHaveLength(6);
  expect(pooled.collection.clusterOperators).toHaveLength(7);
});

it("a list of operators that is too large is missing by itself", async () => {
  const items = Array.from({ length: 20 }, (_, i) => ({
    metadata: { name: `csv-${i}`, namespace: "n" },
    x: "x".repeat(2 * 2 ** 20),
  }));
  cluster.served.set(paths.csvs, { kind: "ClusterServiceVersionList", items });
  const { collection } = await collected(pool, 500);
  expect(collection.missing).toMatchObject([{ part: "operators", code: "BODY_TOO_LARGE", reason: "ResponseTooLarge" }]);
  expect(collection.operators).toBeNull();
  expect(collection.clusterOperators).toHaveLength(7);
  expect(collection.metrics.nodes).toBe(4);
});
