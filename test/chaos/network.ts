// E-02 and E-39, over real sockets: bodies that never end, and endpoints that lead where the hub stands.
import assert from "node:assert/strict";
import { parseClusterConnection } from "../../src/api/v1alpha1/cluster-connection.ts";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { createEndpointPolicy } from "../../src/kube/endpoint-policy.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { httpServer, type TestServer, tcpServer } from "../support/tls-server.ts";
import { percentile, type Scenario } from "./scenario.ts";

const canary = "canary-of-the-endpoint-policy";

const transportTo = (
  server: string,
  limits: Parameters<typeof createTransport>[1],
  policy?: ReturnType<typeof createEndpointPolicy>,
) => createTransport(new ClusterCredentials({ server, token: canary }), limits, "chaos", undefined, policy);

/** The code of the error that a GET ends with; "answered" when there is none. */
async function outcomeOf(
  server: string,
  limits: Parameters<typeof createTransport>[1],
  policy?: Parameters<typeof transportTo>[2],
): Promise<string> {
  let transport: ReturnType<typeof transportTo> | undefined;
  try {
    transport = transportTo(server, limits, policy);
    await transport.get("/version", {
      accept: "application/json",
      signal: new AbortController().signal,
      maxBytes: 1 << 20,
    });
    return "answered";
  } catch (error) {
    return (error as { code?: string }).code ?? "UNKNOWN";
  } finally {
    await transport?.close();
  }
}

/** Headers at once, then a byte a second for ever: no pause is long enough for a deadline between two pieces. */
async function slowServer(byteEveryMs: number): Promise<TestServer> {
  return await httpServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const timer = setInterval(() => response.write(" "), byteEveryMs);
    response.once("close", () => clearInterval(timer));
  });
}

const slowBodies: Scenario = {
  id: "E-02",
  promise:
    "bodies of a byte a second: the deadline of the whole request ends each, not only deadlines between two bytes",
  time: "real",
  async run({ form }) {
    const [clusters, requestTimeoutMs] = form === "long" ? [100, 10_000] : [10, 1_500];
    const servers = await Promise.all(
      Array.from({ length: clusters }, () => slowServer(form === "long" ? 1_000 : 100)),
    );
    try {
      const tookMs = await Promise.all(
        servers.map(async ({ url }) => {
          const startedMs = performance.now();
          assert.equal(await outcomeOf(url, { requestTimeoutMs }), "REQUEST_DEADLINE");
          return performance.now() - startedMs;
        }),
      );
      const [least, most] = [percentile(tookMs, 0), percentile(tookMs, 1)];
      assert.ok(least >= requestTimeoutMs - 50, `one ended after ${least} ms, before its deadline`);
      // The short form runs on machines that are busy with other tests.
      const graceMs = form === "long" ? 1_000 : 30_000;
      assert.ok(
        most <= requestTimeoutMs + graceMs,
        `one ended after ${most} ms; its deadline was ${requestTimeoutMs} ms`,
      );
      assert.deepEqual(await leftOpen(servers), 0, "connections are left open");
      return { clusters, requestTimeoutMs, leastMs: least, mostMs: most };
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  },
};

/** Connections that are still open once the other side had time to hear of their end. */
async function leftOpen(servers: readonly TestServer[]): Promise<number> {
  const count = (): number => servers.reduce((sum, server) => sum + server.open(), 0);
  for (let looks = 0; looks < 200 && count() > 0; looks++) await new Promise((resolve) => setTimeout(resolve, 25));
  return count();
}

/** All of them are 127.0.0.1, or lead to it; what they must not be is connected to. */
const loopbackHosts = [
  "127.0.0.1",
  "127.1",
  "2130706433",
  "0x7f000001",
  "0177.0.0.1",
  "[::1]",
  "[::ffff:127.0.0.1]",
  "localhost",
  "rebound.example",
];
const metadataHosts = [
  "169.254.169.254",
  "100.100.100.200",
  "metadata.google.internal",
  "[fd00:ec2::254]",
  "2852039166",
];
const badEndpoints = [
  "file:///etc/passwd",
  "gopher://127.0.0.1:70/",
  "https://user:pass@example.com",
  "ftp://example.com",
  "https://example.com/?token=x",
  "javascript:alert(1)",
  "https://",
];

const hostileEndpoints: Scenario = {
  id: "E-39",
  promise:
    "endpoints that lead to the hub's own machine, its neighbours or the cloud's metadata are refused; nothing connects",
  time: "real",
  async run({ form }) {
    const redis = await tcpServer((socket) => void socket.end("+PONG\r\n"));
    const api = await httpServer((_request, response) => void response.end("{}"));
    let asked = 0;
    const policy = createEndpointPolicy({
      insideCluster: true,
      // A name that changes its mind: harmless the first time of each connection, never what is connected to.
      resolve: async (name) => {
        asked++;
        return [{ address: name === "rebound.example" && asked % 2 === 0 ? "127.0.0.1" : "127.0.0.2", family: 4 }];
      },
    });
    try {
      let refused = 0;
      for (let round = 0; round < (form === "long" ? 20 : 1); round++) {
        for (const host of [...loopbackHosts, ...metadataHosts]) {
          for (const { port } of [redis, api]) {
            const code = await outcomeOf(`http://${host}:${port}`, { connectTimeoutMs: 2_000 }, policy);
            assert.equal(code, "ENDPOINT_FORBIDDEN", `http://${host}:${port}`);
            refused++;
          }
        }
      }
      for (const endpoint of badEndpoints) {
        const metadata = { name: "a", namespace: "b", uid: "u", generation: 1 };
        const found = parseClusterConnection({
          metadata,
          spec: { displayName: "a", endpoint, credentialsRef: { name: "s" } },
        });
        assert.equal(found.ok, false, endpoint);
      }
      assert.deepEqual({ redis: redis.accepted(), api: api.accepted() }, { redis: 0, api: 0 });
      assert.equal(await outcomeOf(api.url, {}), "answered", "the servers that must not be reached can be");
      return { refused, badEndpoints: badEndpoints.length };
    } finally {
      await Promise.all([redis.close(), api.close()]);
    }
  },
};

export const networkScenarios: readonly Scenario[] = [slowBodies, hostileEndpoints];
