// Where connections go: names through a real name server, addresses through the policy, connections to real servers.
import { mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { createEndpointPolicy } from "../../src/kube/endpoint-policy.ts";
import { createResolver, type ResolverOptions } from "../../src/kube/resolver.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { type DnsAnswer, dnsServer } from "../support/dns-server.ts";
import { canaryToken } from "../support/secrets.ts";
import { httpServer } from "../support/tls-server.ts";

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function nameServer(answer: (name: string, family: 4 | 6) => DnsAnswer, options: ResolverOptions = {}) {
  const server = await dnsServer(answer);
  cleanups.push(() => server.close());
  const files = { hostsPath: "/no/such/file", resolvConfPath: "/no/such/file" };
  return { ...server, resolve: createResolver({ ...files, servers: [server.server], ...options }) };
}

async function file(text: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "resolver-"));
  cleanups.push(() => rm(directory, { recursive: true }));
  const path = join(directory, "file");
  await writeFile(path, text);
  return path;
}

const listed = (found: readonly { address: string }[]) => found.map(({ address }) => address);

describe("a name", () => {
  test("has its addresses of both families", async () => {
    const { resolve } = await nameServer(() => ["10.0.0.1", "fd00::1", "10.0.0.2"]);
    expect(listed(await resolve("api.example.com"))).toEqual(["10.0.0.1", "10.0.0.2", "fd00::1"]);
  });

  test("E-13 may have addresses of one family alone, and does not wait long for the other's", async () => {
    const { resolve } = await nameServer((name, family) => (family === 4 && name === "slow" ? "silence" : ["fd00::1"]));
    const startedMs = performance.now();
    expect([listed(await resolve("only")), listed(await resolve("slow"))]).toEqual([["fd00::1"], ["fd00::1"]]);
    expect(performance.now() - startedMs).toBeLessThan(2_500);
  });

  test.each([
    ["does not exist", [] as DnsAnswer],
    ["has a broken server", "servfail" as DnsAnswer],
  ])("that %s cannot be resolved", async (_name, answer) => {
    const { resolve } = await nameServer(() => answer);
    await expect(resolve("api.example.com")).rejects.toMatchObject({
      code: "DNS_FAILED",
      message: "the host name api.example.com cannot be resolved",
    });
  });

  test("is looked for in the hosts file first, and again when that has changed", async () => {
    const hostsPath = await file("10.1.1.1 api.example.com\n");
    let nowMs = 0;
    const clock = {
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
      setImmediate: setImmediate,
      setTimer: (callback: () => void, delayMs: number) => {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
    };
    const { resolve, asked } = await nameServer(() => ["10.2.2.2"], { hostsPath, clock });
    expect(listed(await resolve("API.example.com"))).toEqual(["10.1.1.1"]);
    await writeFile(hostsPath, "10.3.3.3 api.example.com\n");
    await utimes(hostsPath, 1, 1);
    expect(listed(await resolve("api.example.com"))).toEqual(["10.1.1.1"]);
    nowMs += 6_000;
    expect(listed(await resolve("api.example.com"))).toEqual(["10.3.3.3"]);
    expect(asked.size).toBe(0);
    expect(listed(await resolve("other.example.com"))).toEqual(["10.2.2.2"]);
    expect(listed(await resolve("a.localhost"))).toEqual(["127.0.0.1", "::1"]);
  });

  test("is searched for in the domains of resolv.conf, as a pod's are", async () => {
    const resolvConfPath = await file("search ns.svc.cluster.local svc.cluster.local\noptions ndots:5\n");
    const { resolve, asked } = await nameServer(
      (name) => (name === "prod.team.svc.cluster.local" ? ["10.96.0.7"] : []),
      { resolvConfPath },
    );
    expect(listed(await resolve("prod.team"))).toEqual(["10.96.0.7"]);
    expect([...asked]).toEqual(["prod.team.ns.svc.cluster.local", "prod.team.svc.cluster.local"]);
  });
});

describe("E-13 names whose servers never answer", () => {
  test("end at the deadline, and hold up no other name, however many they are", async () => {
    const { resolve } = await nameServer((name) => (name.startsWith("dead") ? "silence" : ["10.0.0.1"]), {
      deadlineMs: 1_500,
    });
    const startedMs = performance.now();
    let ended = 0;
    const dead = Array.from({ length: 100 }, (_, i) =>
      resolve(`dead-${i}.example.com`)
        .catch((error: unknown) => error)
        .finally(() => ended++),
    );
    const live = await Promise.all(Array.from({ length: 20 }, (_, i) => resolve(`live-${i}.example.com`)));
    expect(ended).toBe(0);
    expect(live.flatMap(listed)).toHaveLength(20);
    for (const error of await Promise.all(dead)) {
      expect(error).toMatchObject({ code: "DNS_FAILED" });
    }
    expect((await dead[0]) as Error).toMatchObject({
      message: "the host name dead-0.example.com was not resolved within 1.5 s",
    });
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test("fill the slots at the limit only: what waits for one ends at its deadline too", async () => {
    const { resolve, asked } = await nameServer((name) => (name.startsWith("dead") ? "silence" : ["10.0.0.1"]), {
      deadlineMs: 300,
      maxLookups: 2,
    });
    const results = ["dead-1", "dead-2", "dead-3", "live"].map((name) => resolve(name).catch(() => name));
    expect(await Promise.all(results)).toEqual(["dead-1", "dead-2", "dead-3", "live"]);
    expect([...asked]).toEqual(["dead-1", "dead-2"]);
  });
});

describe("a connection", () => {
  const options = { accept: "application/json", signal: new AbortController().signal, maxBytes: 1_000 };

  async function setup(insideCluster: boolean, answers: (count: number) => DnsAnswer = () => ["127.0.0.1"]) {
    let lookups = 0;
    const requests: string[] = [];
    const server = await httpServer((request, response) => {
      requests.push(request.headers.host ?? "");
      response.end("{}");
    });
    cleanups.push(() => server.close());
    const { resolve } = await nameServer((_name, family) => answers(family === 4 ? ++lookups : lookups));
    const transportTo = (host: string) => {
      const credentials = new ClusterCredentials({ server: `http://${host}:${server.port}`, token: canaryToken });
      const endpointPolicy = createEndpointPolicy({ insideCluster, resolve });
      const transport = createTransport(credentials, {}, "test", undefined, endpointPolicy);
      cleanups.push(() => transport.close());
      return transport;
    };
    return { server, requests, transportTo, lookups: () => lookups };
  }

  test.each(["127.0.0.1", "0x7f000001", "localhost", "[::ffff:127.0.0.1]", "rebound.example.com"])(
    "to %s is not opened inside a cluster, for requests and for streams",
    async (host) => {
      const { server, transportTo } = await setup(true);
      const transport = transportTo(host);
      await expect(transport.get("/version", options)).rejects.toMatchObject({ code: "ENDPOINT_FORBIDDEN" });
      const stream = transport.stream("/", { ...options, idleTimeoutMs: 1_000 });
      await expect(stream.next()).rejects.toMatchObject({ code: "ENDPOINT_FORBIDDEN" });
      expect(server.accepted()).toBe(0);
    },
  );

  test.each(["127.0.0.1", "localhost", "kind.example.com"])("to %s is opened outside of clusters", async (host) => {
    const { requests, server, transportTo } = await setup(false);
    expect((await transportTo(host).get("/version", options)).status).toBe(200);
    expect(requests).toEqual([`${host}:${server.port}`]);
  });

  test("E-13 goes to the address that was checked: the name is asked for once", async () => {
    const { transportTo, lookups, server } = await setup(false, (count) => [
      count === 1 ? "127.0.0.1" : "169.254.169.254",
    ]);
    const transport = transportTo("rebound.example.com");
    for (let i = 0; i < 3; i++) await transport.get("/version", options);
    expect([lookups(), server.accepted()]).toEqual([1, 1]);
    await expect(transportTo("rebound.example.com").get("/version", options)).rejects.toMatchObject({
      code: "ENDPOINT_FORBIDDEN",
      message: "the hub does not connect to rebound.example.com: its name leads to a metadata service address",
    });
  });

  test("E-13 to a name that comes and goes fails while it is gone, and no longer", async () => {
    let isThere = false;
    const { transportTo } = await setup(false, () => (isThere ? ["127.0.0.1"] : []));
    const transport = transportTo("flapping.example.com");
    await expect(transport.get("/version", options)).rejects.toMatchObject({ code: "DNS_FAILED" });
    isThere = true;
    expect((await transport.get("/version", options)).status).toBe(200);
    isThere = false;
    await expect(transportTo("flapping.example.com").get("/version", options)).rejects.toMatchObject({
      code: "DNS_FAILED",
    });
  });

  test("E-13 to a name without an address is a DNS failure", async () => {
    const { transportTo } = await setup(false, () => []);
    await expect(transportTo("gone.example.com").get("/version", options)).rejects.toMatchObject({
      code: "DNS_FAILED",
    });
  });
});
