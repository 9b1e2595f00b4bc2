// The parameters of faults of requests and connections, as clients meet them on real sockets.
import net from "node:net";
import tls from "node:tls";
import { gunzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type FaultName, type FaultParameters, type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { type Access, type Asking, accessTo, askHttp1, askHttp2 } from "../support/wire-client.ts";

let simulator: Simulator;
let sick: string;
let access: Access;
let hub: Access;
const leftovers: (() => void)[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 2, seed: 31, preset: "tiny" });
  sick = simulator.clusters[0]?.name as string;
  access = accessTo(simulator, sick);
  hub = accessTo(simulator, "hub");
});
afterAll(() => simulator.close());
afterEach(async () => {
  for (const clean of leftovers.splice(0)) clean();
  await simulator.faults.remove(sick);
  await simulator.faults.remove("hub");
});

const break_ = (fault: FaultName, parameters: FaultParameters = {}, cluster = sick): Promise<void> =>
  simulator.faults.add({ cluster, fault, parameters });
const fired = (): number | undefined => simulator.faults.list()[0]?.fired;
const ask = (path: string, asking?: Asking) => askHttp1(access, path, asking);
const statusOf = async (path: string, asking?: Asking): Promise<unknown> => {
  const { status, error } = await ask(path, asking);
  return status ?? error;
};

describe("a part of the traffic", () => {
  it("is chosen by verb, resource, path, client and watch; the rest is served, and what was met is counted", async () => {
    await break_("status", { verb: "list", resource: "pods" });
    const paths = ["/api/v1/pods", "/api/v1/nodes", "/api/v1/namespaces/kube-system/pods", "/version"];
    expect(await Promise.all(paths.map((path) => statusOf(path)))).toEqual([503, 200, 503, 200]);
    expect(fired()).toBe(2);
    await break_("status", { path: "/api/v1/n*" });
    expect(await Promise.all(paths.map((path) => statusOf(path)))).toEqual([200, 503, 503, 200]);
    await break_("status", { userAgent: "hub/*" });
    const headers = { "user-agent": "hub/1.2" };
    expect([await statusOf("/version"), await statusOf("/version", { headers })]).toEqual([200, 503]);
    await break_("status", { watch: true });
    expect([await statusOf("/api/v1/nodes"), await statusOf("/api/v1/nodes?watch=1")]).toEqual([200, 503]);
  });

  it("is chosen by chance, by number and by count, in the same way with the same seed", async () => {
    const row = async (parameters: FaultParameters): Promise<unknown[]> => {
      await break_("status", parameters);
      const seen: unknown[] = [];
      for (let i = 0; i < 12; i++) seen.push(await statusOf("/version"));
      return seen;
    };
    const met = await row({ probability: 0.5, seed: 3 });
    expect(new Set(met)).toEqual(new Set([200, 503]));
    expect(fired()).toBe(met.filter((one) => one === 503).length);
    expect(await row({ probability: 0.5, seed: 3 })).toEqual(met);
    expect((await row({ everyNth: 4 })).map((one) => one === 503)).toEqual(
      Array.from({ length: 12 }, (_, i) => i % 4 === 3),
    );
    expect((await row({ count: 3 })).map((one) => one === 503)).toEqual(Array.from({ length: 12 }, (_, i) => i < 3));
  });

  it("has a time: a fault begins later and ends by itself, on the simulator's clock", async () => {
    const clock = new VirtualClock();
    const other = await startSimulator({ clusters: 1, seed: 2, preset: "tiny", clock });
    try {
      const cluster = other.clusters[0]?.name as string;
      const reached = accessTo(other, cluster);
      const look = async (): Promise<unknown> => {
        const { status, error } = await askHttp1(reached, "/version");
        return status ?? error;
      };
      for (const [fault, looks] of [
        ["status", 503],
        ["refuse", "ECONNREFUSED"],
        ["tls", "CERT_HAS_EXPIRED"],
      ] as const) {
        await other.faults.add({ cluster, fault, parameters: { startMs: 1_000, durationMs: 500 } });
        expect([await look(), other.faults.list()[0]?.isOn]).toEqual([200, false]);
        await clock.advance(1_000);
        await expect.poll(look).toBe(looks);
        expect(other.faults.list()).toMatchObject([{ fault, isOn: true }]);
        await clock.advance(500);
        await expect.poll(look).toBe(200);
        await expect.poll(() => other.faults.list()[0]?.isOn).toBe(false);
        await other.faults.remove(cluster);
      }
    } finally {
      await other.close();
    }
  });

  it("is named in the answer when that is wanted", async () => {
    await break_("status", { header: true, resource: "pods" });
    expect((await ask("/api/v1/pods")).headers?.["x-sim-fault"]).toBe("status");
    expect((await ask("/api/v1/nodes")).headers?.["x-sim-fault"]).toBeUndefined();
    await break_("status");
    expect((await ask("/api/v1/pods")).headers?.["x-sim-fault"]).toBeUndefined();
  });
});

describe("latency and slowbody", () => {
  it("before the body: the headers come, the body does not", async () => {
    await break_("latency", { before: "body", latencyMs: 600_000, distribution: "fixed" });
    let hasBody = false;
    const socket = tls.connect({ port: access.port, host: "127.0.0.1", ca: access.ca });
    leftovers.push(() => socket.destroy());
    socket.on("error", () => {});
    let head = "";
    socket.on("data", (bytes: Buffer) => {
      head += bytes.toString();
      hasBody = head.split("\r\n\r\n")[1] !== "";
    });
    socket.write(`GET /version HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${access.token}\r\n\r\n`);
    await expect.poll(() => head).toContain("200 OK");
    expect(hasBody).toBe(false);
    await simulator.faults.remove(sick);
    await expect.poll(() => hasBody).toBe(true);
    expect(head).toContain("gitVersion");
  });

  it("before the handshake: the connection is taken, TLS answers late", async () => {
    await break_("latency", { before: "handshake", latencyMs: 300 });
    const late = await ask("/version");
    expect([late.status, fired()]).toEqual([200, 1]);
    expect(late.tookMs).toBeGreaterThan(280);
  });

  it("drawn from a distribution it is another each time", async () => {
    await break_("latency", { latencyMs: 20, distribution: "uniform", spreadMs: 20, maxLatencyMs: 40 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => statusOf("/version")));
    expect([answers, fired()]).toEqual([Array(5).fill(200), 5]);
  });

  it("slowbody stalls after so many bytes until it is healed", async () => {
    await break_("slowbody", { bytesPerSec: 1_000_000, chunkBytes: 10, stallAfterBytes: 35 });
    let bytes = 0;
    const answered = ask("/version", {
      onData: (chunk) => {
        bytes += chunk.length;
      },
    });
    await expect.poll(() => bytes).toBe(35);
    await simulator.faults.remove(sick);
    const { bytes: all } = await answered;
    expect(JSON.parse(all.toString())).toHaveProperty("gitVersion");
  });
});

describe("status", () => {
  it.each<[FaultParameters, number, string, string]>([
    [{ code: 503, form: "html" }, 503, "text/html", "<h1>503 Service Temporarily Unavailable</h1>"],
    [
      { code: 429, form: "text", retryAfter: 1 },
      429,
      "text/plain; charset=utf-8",
      "Too many requests, please try again later.",
    ],
    [{ code: 500, form: "empty" }, 500, "text/plain; charset=utf-8", ""],
    [{ code: 502, form: "status" }, 502, "application/json", '"code":502'],
    [{ form: "versionTooLarge" }, 504, "application/json", "ResourceVersionTooLarge"],
  ])("%j", async (parameters, status, type, text) => {
    await break_("status", parameters);
    const got = await ask("/api/v1/pods");
    expect([got.status, got.headers?.["content-type"]]).toEqual([status, type]);
    expect(got.bytes.toString()).toContain(text);
    if (text === "") expect(got.bytes.length).toBe(0);
  });

  it("Retry-After as a date", async () => {
    const before = Date.now();
    await break_("status", { code: 429, retryAfter: 60, retryAfterDate: true });
    const after = String((await ask("/version")).headers?.["retry-after"]);
    expect(after).toMatch(/GMT$/);
    expect(Date.parse(after) - before).toBeGreaterThan(58_000);
  });

  it("overload: only what is beyond so many at a time, or a second, is refused", async () => {
    await break_("status", { code: 429, form: "text", maxInFlight: 2 }, "hub");
    const stop = new AbortController();
    leftovers.push(() => stop.abort());
    const admitted = new Set<number>();
    const watches = [0, 1].map((index) =>
      askHttp1(hub, "/api/v1/namespaces?watch=1", { signal: stop.signal, onData: () => admitted.add(index) }),
    );
    await expect.poll(() => admitted.size).toBe(2);
    expect((await askHttp1(hub, "/version")).status).toBe(429);
    stop.abort();
    await Promise.all(watches);
    await expect.poll(async () => (await askHttp1(hub, "/version")).status).toBe(200);
    await break_("status", { code: 429, perSecond: 1 });
    const row = await Promise.all(Array.from({ length: 12 }, () => statusOf("/version")));
    expect(row).toContain(429);
    expect(row).toContain(200);
  });

  it("a storm of conflicts on the hub's status writes alone", async () => {
    await break_("status", { code: 409, verb: "patch,update", resource: "*/status", everyNth: 2 }, "hub");
    const write = async (): Promise<unknown> => {
      const headers = { "content-type": "application/merge-patch+json" };
      const path = "/api/v1/namespaces/default";
      const asking = { method: "PATCH", headers, body: '{"status":{"phase":"Active"}}' };
      return [(await askHttp1(hub, `${path}/status`, asking)).status, (await askHttp1(hub, path, asking)).status];
    };
    expect([await write(), await write()]).toEqual([
      [200, 200],
      [409, 200],
    ]);
  });
});

describe("reset and truncate", () => {
  it("over HTTP/2: GOAWAY with its code, or one stream alone", async () => {
    await break_("reset", { ending: "goaway", h2Code: 11 });
    expect((await askHttp2(access, "/version")).error).toBe("GOAWAY 11");
    await break_("reset", { ending: "stream", h2Code: 7, afterBytes: 20 });
    const one = await askHttp2(access, "/api/v1/nodes");
    expect([one.status, one.error]).toEqual([200, "ERR_HTTP2 7"]);
  });

  it("half a close: a FIN in the middle of the body, and before it", async () => {
    await break_("reset", { ending: "halfClose", afterBytes: 50 });
    const within = await ask("/api/v1/nodes");
    expect([within.status, within.error]).toEqual([200, "ECONNRESET"]);
    expect(within.bytes.length).toBeLessThanOrEqual(50);
    await break_("reset", { ending: "halfClose" });
    const before = await ask("/version");
    expect([before.status, before.error]).toEqual([undefined, "ECONNRESET"]);
  });

  it("fewer bytes than Content-Length says", async () => {
    await break_("truncate", { afterBytes: 40, ending: "length" });
    const got = await ask("/api/v1/nodes");
    expect([got.status, got.bytes.length, got.error]).toEqual([200, 40, "ECONNRESET"]);
    expect(Number(got.headers?.["content-length"])).toBeGreaterThan(1_000);
    expect((await askHttp2(access, "/api/v1/nodes")).bytes.length).toBe(40);
  });
});

describe("garbage", () => {
  const json = async (path: string, parameters: FaultParameters, asking?: Asking) => {
    await break_("garbage", parameters);
    const { bytes, headers } = await ask(path, asking);
    return JSON.parse((headers?.["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString());
  };

  it("shapes of objects, also for who would rather have protobuf", async () => {
    const accept = "application/vnd.kubernetes.protobuf,application/json";
    const list = await json("/api/v1/pods", { variant: "unknownPhase" }, { headers: { accept } });
    expect(list.items[0].status.phase).toBe("Quantum");
    const whole = await json("/api/v1/nodes", { variant: "nullField", field: "status.capacity" });
    expect(whole.items[0].status.capacity).toBeNull();
    const twice = await json("/api/v1/nodes", { variant: "duplicateItem" });
    expect(twice.items[0]).toEqual(twice.items[1]);
    expect((await json("/version", { variant: "oddVersion" })).minor).toBe("29+");
  });

  it("a huge object is as large as it says", async () => {
    await break_("garbage", { variant: "huge", sizeMib: 3 });
    expect((await ask("/api/v1/nodes?limit=1")).bytes.length).toBeGreaterThan(3 * 1_048_576);
  });

  it("a group that is missing is so in discovery and below its path", async () => {
    const groups = await json("/apis", { variant: "missingGroup", group: "apps" });
    expect(groups.groups.map(({ name }: { name: string }) => name)).not.toContain("apps");
    expect([
      await statusOf("/apis/apps/v1/deployments"),
      await statusOf("/apis/apps"),
      await statusOf("/api/v1/pods"),
    ]).toEqual([404, 404, 200]);
  });

  it("discovery in part: groups without resources", async () => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const { items } = await json("/apis", { variant: "partialDiscovery" }, { headers: { accept } });
    expect(items[0].versions[0]).toEqual({ version: items[0].versions[0].version, freshness: "Stale" });
  });
});

describe("unauthorized", () => {
  it("403 on one resource, while access reviews say yes", async () => {
    await break_("unauthorized", { code: 403, resource: "pods,selfsubjectaccessreviews" });
    const got = await ask("/api/v1/pods");
    expect([got.status, JSON.parse(got.bytes.toString()).reason]).toEqual([403, "Forbidden"]);
    expect(await statusOf("/api/v1/nodes")).toBe(200);
    const body = JSON.stringify({ spec: { resourceAttributes: { verb: "list", resource: "pods" } } });
    const headers = { "content-type": "application/json" };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    const review = await ask(path, { method: "POST", headers, body });
    expect(JSON.parse(review.bytes.toString())).toMatchObject({ status: { allowed: true } });
  });
});

describe("connections", () => {
  /** The version of TLS that came of it, or the error. */
  const shake = (options: tls.ConnectionOptions = {}): Promise<string> =>
    new Promise((resolve) => {
      const socket = tls.connect({ port: access.port, host: "127.0.0.1", ca: access.ca, ...options });
      leftovers.push(() => socket.destroy());
      // TLS 1.3 hears what the server thinks of the client only after the handshake.
      socket.on("data", () => resolve(String(socket.getProtocol())));
      socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      socket.on("close", () => resolve("closed"));
      socket.once("secureConnect", () =>
        socket.write(`GET /version HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${access.token}\r\n\r\n`),
      );
    });

  it.each([
    ["notYetValid", "CERT_NOT_YET_VALID"],
    ["rotatedCa", /^(UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE)$/],
    ["clientCertificate", /ALERT_CERTIFICATE_REQUIRED|ECONNRESET|closed/],
    ["oldVersion", /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|ECONNRESET/],
    ["handshakeAbort", "ECONNRESET"],
    ["plainHttp", /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|EPROTO/],
  ] as const)("tls %s", async (variant, error) => {
    await break_("tls", { variant });
    expect(await shake()).toEqual(typeof error === "string" ? error : expect.stringMatching(error));
    expect(fired()).toBe(1);
    await simulator.faults.remove(sick);
    expect(await shake()).toBe("TLSv1.3");
  });

  it("tls oldVersion is well with who still speaks TLS 1.0", async () => {
    await break_("tls", { variant: "oldVersion" });
    expect(await shake({ minVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" })).toBe("TLSv1");
  });

  it("tls for a part of the connections", async () => {
    await break_("tls", { everyNth: 2 });
    expect([await shake(), await shake(), await shake()]).toEqual(["TLSv1.3", "CERT_HAS_EXPIRED", "TLSv1.3"]);
  });

  it("refuse beyond so many connections", async () => {
    await break_("refuse", { maxConnections: 1 });
    const first = net.connect(access.port, "127.0.0.1");
    leftovers.push(() => first.destroy());
    first.on("error", () => {});
    await new Promise((resolve) => first.once("connect", resolve));
    await expect.poll(() => shake()).toMatch(/ECONNRESET|closed/);
    first.destroy();
    await expect.poll(() => shake()).toBe("TLSv1.3");
  });

  it("blackhole for the first so many connections, and accepting late", async () => {
    await break_("blackhole", { count: 1 });
    const silent = shake();
    await expect.poll(fired).toBe(1);
    expect(await shake()).toBe("TLSv1.3");
    await simulator.faults.remove(sick);
    expect(await silent).toMatch(/ECONNRESET|closed/);
    await break_("blackhole", { acceptDelayMs: 300 });
    const late = await ask("/version");
    expect(late.status).toBe(200);
    expect(late.tookMs).toBeGreaterThan(280);
  });

  it("flap with jitter: expected tells every transition, and they come", async () => {
    const clock = new VirtualClock();
    const other = await startSimulator({ clusters: 1, seed: 2, preset: "tiny", clock });
    try {
      const cluster = other.clusters[0]?.name as string;
      const { port } = accessTo(other, cluster);
      const looks = (): Promise<string> =>
        new Promise((resolve) => {
          const socket = net.connect(port, "127.0.0.1", () => resolve("up"));
          socket.on("error", () => resolve("down"));
          socket.on("connect", () => socket.destroy());
        });
      const parameters = { upMs: 1_000, downMs: 700, jitter: 1, seed: 5, durationMs: 6_000 };
      await other.faults.add({ cluster, fault: "flap", parameters });
      expect(await looks()).toBe("down");
      const told = other.expected(cluster).transitions ?? [];
      expect(told.length).toBeGreaterThan(4);
      expect(new Set(told.map(({ atMs }, i) => atMs - (told[i - 1]?.atMs ?? 0))).size).toBeGreaterThan(3);
      for (const { atMs, to } of told) {
        await clock.advance(atMs - 1 - clock.nowMs());
        expect(await looks()).toBe(to === "up" ? "down" : "up");
        await clock.advance(1);
        await expect.poll(looks).toBe(to);
      }
      expect([told.at(-1)?.to, other.expected(cluster).transitions]).toEqual(["up", undefined]);
    } finally {
      await other.close();
    }
  });

  it("below a path there is no listener to break", async () => {
    const fleet = await startSimulator({ clusters: 1, seed: 1, preset: "tiny", origin: "path" });
    try {
      const cluster = fleet.clusters[0]?.name as string;
      for (const [fault, parameters] of [
        ["blackhole", { maxConnections: 1 }],
        ["latency", { before: "handshake" }],
        ["refuse", {}],
      ] as const) {
        expect(() => fleet.faults.add({ cluster, fault, parameters })).toThrow("needs a listener");
      }
      await fleet.faults.add({ cluster, fault: "blackhole" });
    } finally {
      await fleet.close();
    }
  });
});
