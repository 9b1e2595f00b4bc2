// Faults of bodies, statuses, handshakes and watches as real clients meet them: node's HTTP/1.1 and HTTP/2, and the hub's own
// transport. Each ends at once when it is healed.
import net from "node:net";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { type FaultParameters, type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { accessTo, askHttp1, askHttp2 } from "../support/wire-client.ts";

let simulator: Simulator;
let sick: string;
const leftovers: (() => unknown)[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 2, seed: 21, preset: "tiny" });
  sick = simulator.clusters[0]?.name as string;
});
afterAll(() => simulator.close());
afterEach(async () => {
  await simulator.faults.remove(sick);
  await simulator.faults.remove("hub");
  for (const clean of leftovers.splice(0)) await clean();
});

const break_ = async (fault: Parameters<Simulator["faults"]["add"]>[0]["fault"], parameters?: FaultParameters) => {
  await simulator.faults.remove(sick);
  await simulator.faults.add({ cluster: sick, fault, ...(parameters === undefined ? {} : { parameters }) });
};

const get1 = (path: string) => askHttp1(accessTo(simulator, sick), path);
const get2 = (path: string) => askHttp2(accessTo(simulator, sick), path);

function transportTo(name: string, limits = {}): KubeTransport {
  const { port, ca, token } = accessTo(simulator, name);
  const credentials = new ClusterCredentials({ server: `https://127.0.0.1:${port}`, token, caPem: ca });
  const transport = createTransport(credentials, limits, "test");
  leftovers.push(() => transport.close());
  return transport;
}

const signal = (): AbortSignal => AbortSignal.timeout(20_000);
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The code of the error that the hub's transport makes of it, or "ok". */
async function hubMeets(path = "/api/v1/nodes", limits = {}): Promise<string> {
  try {
    await transportTo(sick, limits).requestJson("GET", path, { signal: signal(), maxBytes: 1 << 24 });
    return "ok";
  } catch (error) {
    return ClusterPulseError.is(error) ? error.code : String(error);
  }
}

describe.each([
  ["HTTP/1.1", get1],
  ["HTTP/2", get2],
])("bodies over %s", (_version, get) => {
  it("slowbody: whole, correct and late", async () => {
    const whole = await get("/version");
    await break_("slowbody", { bytesPerSec: whole.bytes.length * 2 });
    const slow = await get("/version");
    expect(slow.bytes).toEqual(whole.bytes);
    expect(slow.tookMs).toBeGreaterThan(400);
  });

  it("slowbody: the rest comes at once when it is healed", async () => {
    await break_("slowbody", { bytesPerSec: 20 });
    const pending = get("/api/v1/pods");
    await pause(200);
    await simulator.faults.remove(sick);
    const got = await pending;
    expect(got.tookMs).toBeLessThan(15_000);
    expect((JSON.parse(got.bytes.toString()) as { items: unknown[] }).items.length).toBeGreaterThan(10);
  });

  it("truncate: the body ends early, as if it were whole", async () => {
    await break_("truncate", { afterBytes: 64 });
    const got = await get("/api/v1/nodes");
    expect([got.status, got.bytes.length, got.error]).toEqual([200, 64, undefined]);
  });

  it("reset: before the headers, and in the body", async () => {
    await break_("reset");
    const before = await get("/version");
    expect([before.status, before.bytes.length]).toEqual([undefined, 0]);
    expect(before.error).toMatch(/ECONNRESET|ERR_HTTP2/);
    await break_("reset", { afterBytes: 1_000 });
    const within = await get("/api/v1/nodes");
    expect(within.status).toBe(200);
    expect(within.bytes.length).toBeLessThanOrEqual(1_000);
    expect(within.error).toMatch(/ECONNRESET|ERR_HTTP2|aborted/);
  });

  it("garbage: a body that is not JSON", async () => {
    await break_("garbage");
    const got = await get("/version");
    expect(got.status).toBe(200);
    expect(() => JSON.parse(got.bytes.toString())).toThrow(SyntaxError);
  });
});

describe("what the hub's transport makes of it", () => {
  it("truncated, garbled and broken bodies are errors, and healing ends them", async () => {
    await break_("truncate");
    expect(await hubMeets()).toBe("BODY_MALFORMED");
    for (const variant of ["json", "html", "gzip"] as const) {
      await break_("garbage", { variant });
      expect(await hubMeets(), variant).toBe("BODY_MALFORMED");
    }
    await break_("reset");
    expect(await hubMeets()).toMatch(/CONNECTION_|REQUEST_FAILED/);
    await break_("reset", { afterBytes: 100 });
    expect(await hubMeets()).toMatch(/CONNECTION_|BODY_|REQUEST_FAILED/);
    await break_("slowbody", { bytesPerSec: 200 });
    expect(await hubMeets("/api/v1/pods", { requestTimeoutMs: 400 })).toBe("REQUEST_DEADLINE");
    await simulator.faults.remove(sick);
    expect(await hubMeets()).toBe("ok");
  });
});

describe("garbage", () => {
  it("html: a page in place of the answer; gzip: a body that does not inflate", async () => {
    await break_("garbage", { variant: "html" });
    const page = await get1("/api/v1/nodes");
    expect([page.status, String(page.headers?.["content-type"])]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.bytes.toString()).toContain("Sign in");
    await break_("garbage", { variant: "gzip" });
    const damaged = await get1("/version");
    expect(damaged.headers?.["content-encoding"]).toBe("gzip");
    const { gunzipSync } = await import("node:zlib");
    expect(() => gunzipSync(damaged.bytes)).toThrow();
  });
});

describe("status", () => {
  it.each<[FaultParameters | undefined, number, string, string | undefined]>([
    [undefined, 503, "ServiceUnavailable", undefined],
    [{ code: 429, retryAfter: 7 }, 429, "TooManyRequests", "7"],
    [{ code: 403 }, 403, "Forbidden", undefined],
    [{ code: 500 }, 500, "InternalError", undefined],
    [{ code: 504, retryAfter: 0 }, 504, "Timeout", "0"],
    [{ code: 418 }, 418, "BadRequest", undefined],
  ])("%j: a Status", async (parameters, code, reason, retryAfter) => {
    await break_("status", parameters);
    const got = await get1("/api/v1/pods");
    expect(got.status).toBe(code);
    expect(got.headers?.["retry-after"]).toBe(retryAfter);
    expect(JSON.parse(got.bytes.toString())).toMatchObject({ kind: "Status", status: "Failure", code, reason });
  });

  it("502: a proxy's page", async () => {
    await break_("status", { code: 502 });
    const got = await get1("/api/v1/pods");
    expect([got.status, got.headers?.["content-type"]]).toEqual([502, "text/html"]);
    expect(got.bytes.toString()).toContain("<h1>502 Bad Gateway</h1>");
  });
});

describe("tls", () => {
  it.each([
    [undefined, "CERT_HAS_EXPIRED"],
    ["expired", "CERT_HAS_EXPIRED"],
    ["wrongHost", "ERR_TLS_CERT_ALTNAME_INVALID"],
    ["unknownCa", "UNABLE_TO_VERIFY_LEAF_SIGNATURE"],
  ] as const)("%s: %s", async (variant, error) => {
    await break_("tls", variant === undefined ? undefined : { variant });
    expect((await get1("/version")).error).toBe(error);
    await simulator.faults.remove(sick);
    expect((await get1("/version")).status).toBe(200);
  });

  it("closes open connections, so that the fault is met at once", async () => {
    const { port, ca } = accessTo(simulator, sick);
    const socket = tls.connect({ port, host: "127.0.0.1", ca });
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await break_("tls");
    await closed;
  });

  it("handshakeStall: takes the connection and says nothing; healing closes it", async () => {
    await break_("tls", { variant: "handshakeStall" });
    expect(await hubMeets("/version", { connectTimeoutMs: 300 })).toMatch(/CONNECT|TLS/);
    const { port, ca } = accessTo(simulator, sick);
    const raw = net.connect(port, "127.0.0.1");
    raw.on("error", () => {});
    const closed = new Promise((resolve) => raw.once("close", resolve));
    let secured = false;
    const secure = tls.connect({ socket: raw, ca, servername: "localhost" }, () => {
      secured = true;
    });
    secure.on("error", () => {});
    await pause(200);
    expect([secured, raw.destroyed]).toEqual([false, false]);
    await simulator.faults.remove(sick);
    await closed;
    expect(await hubMeets("/version")).toBe("ok");
  });
});

describe("flap", () => {
  const looks = async (port = accessTo(simulator, sick).port): Promise<"up" | "down"> =>
    new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve("up");
      });
      socket.on("error", () => resolve("down"));
    });

  it("is down first, then up, then down, by its schedule; healed it is up for good", async () => {
    const clock = new VirtualClock();
    const other = await startSimulator({ clusters: 1, seed: 3, preset: "tiny", clock });
    try {
      const cluster = other.clusters[0]?.name as string;
      const { port } = accessTo(other, cluster);
      await other.faults.add({ cluster, fault: "flap", parameters: { downMs: 400, upMs: 400 } });
      for (const expected of ["down", "up", "down", "up", "down"]) {
        await expect.poll(() => looks(port)).toBe(expected);
        await clock.advance(399);
        expect(await looks(port)).toBe(expected);
        await clock.advance(1);
      }
      await other.faults.remove(cluster);
      await clock.advance(10_000);
      expect(await looks(port)).toBe("up");
    } finally {
      await other.close();
    }
  });

  it("closed in an outage, the simulator ends and leaves nothing behind", async () => {
    const other = await startSimulator({ clusters: 1, seed: 3, preset: "tiny" });
    const cluster = other.clusters[0]?.name as string;
    await other.faults.add({ cluster, fault: "flap", parameters: { downMs: 100, upMs: 100 } });
    const port = Number(new URL(other.clusters[0]?.url as string).port);
    await other.close();
    await pause(300);
    const met = await new Promise((resolve) => {
      net.connect(port, "127.0.0.1", () => resolve("up")).on("error", () => resolve("down"));
    });
    expect([met, other.faults.list()]).toEqual(["down", []]);
  });

  it("healed in an outage, it is up at once", async () => {
    const atMs = Date.now();
    await break_("flap", { downMs: 60_000, upMs: 60_000 });
    expect(await looks()).toBe("down");
    const [up, down] = simulator.expected(sick).transitions ?? [];
    expect([up?.to, down?.to]).toEqual(["up", "down"]);
    expect(up?.atMs).toBeGreaterThanOrEqual(atMs + 59_000);
    expect((down?.atMs ?? 0) - (up?.atMs ?? 0)).toBe(60_000);
    await simulator.faults.remove(sick);
    expect(await looks()).toBe("up");
    expect(simulator.expected(sick).transitions).toBeUndefined();
  });
});

/** Reads a watch of the hub's namespaces, line by line. */
function watchNamespaces(): { lines: { type: string; object: { code?: number } }[]; ended: Promise<string> } {
  const transport = transportTo("hub");
  const lines: { type: string; object: { code?: number } }[] = [];
  const read = async (): Promise<string> => {
    let rest = "";
    const path = "/api/v1/namespaces?watch=1&resourceVersion=0";
    for await (const chunk of transport.stream(path, {
      signal: signal(),
      accept: "application/json",
      idleTimeoutMs: 15_000,
    })) {
      const parts = (rest + Buffer.from(chunk).toString()).split("\n");
      rest = parts.pop() as string;
      lines.push(...parts.map((part) => JSON.parse(part) as (typeof lines)[number]));
    }
    return "ended";
  };
  return { lines, ended: read().catch((error: unknown) => (error as ClusterPulseError).code) };
}

describe("watches", () => {
  it("watch410: open watches and new ones end with the event; lists do not care", async () => {
    const open = watchNamespaces();
    await expect.poll(() => open.lines.length).toBeGreaterThanOrEqual(4);
    await simulator.faults.add({ cluster: "hub", fault: "watch410" });
    expect(await open.ended).toBe("ended");
    expect(open.lines.at(-1)).toMatchObject({ type: "ERROR", object: { code: 410 } });
    const later = watchNamespaces();
    expect(await later.ended).toBe("ended");
    expect(later.lines).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
    const list = await transportTo("hub").requestJson("GET", "/api/v1/namespaces", { signal: signal(), maxBytes: 1e6 });
    expect(list.status).toBe(200);
    await simulator.faults.remove("hub");
    const healed = watchNamespaces();
    await expect.poll(() => healed.lines.length).toBeGreaterThanOrEqual(4);
    expect(healed.lines.every(({ type }) => type === "ADDED")).toBe(true);
  });

  it("watchstall: open watches fall silent, new ones say nothing, lists answer; healing breaks them", async () => {
    const open = watchNamespaces();
    await expect.poll(() => open.lines.length).toBeGreaterThanOrEqual(4);
    await simulator.faults.add({ cluster: "hub", fault: "watchstall" });
    const before = open.lines.length;
    const silent = watchNamespaces();
    simulator.register({ namespace: "unheard" });
    await pause(200);
    expect([open.lines.length, silent.lines.length]).toEqual([before, 0]);
    const list = await transportTo("hub").requestJson("GET", "/api/v1/namespaces", { signal: signal(), maxBytes: 1e6 });
    expect(JSON.stringify(list.body)).toContain("unheard");
    await simulator.faults.remove("hub");
    expect(await Promise.all([open.ended, silent.ended])).not.toContain("ended");
    const healed = watchNamespaces();
    await expect.poll(() => JSON.stringify(healed.lines)).toContain("unheard");
  });

  it("slowbody and garbage reach the lines of watches", async () => {
    await simulator.faults.add({ cluster: "hub", fault: "slowbody", parameters: { bytesPerSec: 20 } });
    const slow = watchNamespaces();
    await pause(300);
    expect(slow.lines.length).toBe(0);
    await simulator.faults.remove("hub");
    await expect.poll(() => slow.lines.length).toBeGreaterThanOrEqual(4);
    await simulator.faults.add({ cluster: "hub", fault: "garbage" });
    const garbled = watchNamespaces();
    await garbled.ended;
    expect(garbled.lines).toEqual([]);
  });
});
