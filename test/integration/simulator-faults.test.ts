// Every fault as a client meets it on the wire: what it looks like, that it ends at once when it is switched off, and that the
// cluster next door never notices.
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type FaultName, type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { type Access, accessTo } from "../support/wire-client.ts";

interface Got {
  readonly status: number;
  readonly body: string;
  readonly tookMs: number;
}

/** One GET; "silence" when nothing came within the deadline, the error's code when it failed. */
function get(
  access: Access,
  path: string,
  { agent, deadlineMs = 20_000 }: { agent?: https.Agent; deadlineMs?: number } = {},
) {
  return new Promise<Got | string>((resolve) => {
    const startMs = performance.now();
    const request = https.get(
      {
        host: "127.0.0.1",
        port: access.port,
        path,
        ca: access.ca,
        headers: { authorization: `Bearer ${access.token}` },
        agent: agent ?? new https.Agent({ keepAlive: false }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          clearTimeout(timer);
          const body = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, body, tookMs: performance.now() - startMs });
        });
      },
    );
    request.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(error.code ?? error.message);
    });
    const timer = setTimeout(() => {
      resolve("silence");
      request.destroy();
    }, deadlineMs);
  });
}

const statusOf = async (...args: Parameters<typeof get>): Promise<number | string> => {
  const got = await get(...args);
  return typeof got === "string" ? got : got.status;
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("faults", () => {
  let simulator: Simulator;
  let sick: string;
  let well: string;
  let access: Access;
  const leftovers: (() => void)[] = [];

  beforeAll(async () => {
    simulator = await startSimulator({ clusters: 3, seed: 11, preset: "tiny" });
    [sick, well] = simulator.clusters.map(({ name }) => name) as [string, string];
    access = accessTo(simulator, sick);
  });
  afterAll(() => simulator.close());
  afterEach(async () => {
    await simulator.faults.remove(sick);
    await simulator.faults.remove("hub");
    for (const clean of leftovers.splice(0)) clean();
  });

  const keptAgent = (): https.Agent => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    leftovers.push(() => agent.destroy());
    return agent;
  };

  it.each<[FaultName, number | string]>([
    ["blackhole", "silence"],
    ["refuse", "ECONNREFUSED"],
    ["hang", "silence"],
    ["unauthorized", 401],
    ["latency", "silence"],
  ])("%s: is met at once, ends at once, and stays with its cluster", async (fault, looks) => {
    await simulator.faults.add({ cluster: sick, fault });
    expect(simulator.faults.list()).toMatchObject([{ cluster: sick, fault, isOn: true }]);
    const neighbour = accessTo(simulator, well);
    const [met, besides] = await Promise.all([
      statusOf(access, "/api/v1/nodes", { deadlineMs: looks === "silence" ? 500 : 20_000 }),
      Promise.all(Array.from({ length: 20 }, () => get(neighbour, "/api/v1/nodes"))),
    ]);
    expect(met).toBe(looks);
    expect(besides.map((got) => (typeof got === "string" ? got : got.status))).toEqual(Array(20).fill(200));
    expect(await simulator.faults.remove(sick)).toBe(true);
    expect(simulator.faults.list()).toEqual([]);
    expect(await statusOf(access, "/api/v1/nodes")).toBe(200);
    expect(new URL(simulator.clusters[0]?.url as string).port).toBe(String(access.port));
    expect(await simulator.faults.remove(sick)).toBe(false);
  });

  it("refuse: ends the connections that are open", async () => {
    const socket = tls.connect({ port: access.port, host: "127.0.0.1", ca: access.ca });
    await new Promise((resolve) => socket.once("secureConnect", resolve));
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.on("error", () => {});
    await simulator.faults.add({ cluster: sick, fault: "refuse" });
    await closed;
  });

  it("blackhole: takes the connection and never says a byte, not even of TLS", async () => {
    await simulator.faults.add({ cluster: sick, fault: "blackhole" });
    const raw = net.connect(access.port, "127.0.0.1");
    let bytes = 0;
    raw.on("data", (chunk) => {
      bytes += chunk.length;
    });
    const closed = new Promise((resolve) => raw.once("close", resolve));
    raw.on("error", () => {});
    await new Promise((resolve) => raw.once("connect", resolve));
    const secured = tls.connect({ socket: raw, ca: access.ca, servername: "localhost" });
    secured.on("error", () => {});
    let isSecure = false;
    secured.once("secureConnect", () => {
      isSecure = true;
    });
    await pause(300);
    expect([bytes, isSecure, raw.destroyed]).toEqual([0, false, false]);
    await simulator.faults.remove(sick);
    await closed;
  });

  it("blackhole: silences connections that are open, down to the pings of HTTP/2", async () => {
    const agent = keptAgent();
    expect(await statusOf(access, "/version", { agent })).toBe(200);
    const session = http2.connect(`https://127.0.0.1:${access.port}`, { ca: access.ca });
    session.on("error", () => {});
    await new Promise((resolve) => session.once("connect", resolve));
    const ping = (withinMs: number): Promise<string> =>
      Promise.race([
        new Promise<string>((resolve) => {
          session.ping((error) => resolve(error === null ? "answered" : error.message));
        }),
        pause(withinMs).then(() => "silence"),
      ]);
    expect(await ping(20_000)).toBe("answered");
    await simulator.faults.add({ cluster: sick, fault: "blackhole" });
    const closed = new Promise((resolve) => session.once("close", resolve));
    expect(await Promise.all([statusOf(access, "/version", { agent, deadlineMs: 300 }), ping(300)])).toEqual([
      "silence",
      "silence",
    ]);
    await simulator.faults.remove(sick);
    await closed;
    expect(await statusOf(access, "/version")).toBe(200);
  });

  it("blackhole: a connection that was open counts until its client closes it", async () => {
    const open = async (): Promise<number | undefined> => {
      const counts = await new AdminClient(simulator.admin).connections();
      return counts.find(({ cluster }) => cluster === sick)?.sockets;
    };
    await expect.poll(open).toBe(0);
    const sockets = await Promise.all(
      [1, 2].map(async () => {
        const socket = tls.connect({ port: access.port, host: "127.0.0.1", ca: access.ca });
        socket.on("error", () => {});
        leftovers.push(() => socket.destroy());
        await new Promise((resolve) => socket.once("secureConnect", resolve));
        return socket;
      }),
    );
    await expect.poll(open).toBe(2);
    await simulator.faults.add({ cluster: sick, fault: "blackhole" });
    expect(await open()).toBe(2);
    sockets[0]?.destroy();
    // Elsewhere the kernel does not tell, and it counts until the fault ends.
    await expect.poll(open).toBe(process.platform === "linux" ? 1 : 2);
    await simulator.faults.remove(sick);
    await expect.poll(open).toBe(0);
  });

  it("blackhole: silences a watch of the hub in the middle", async () => {
    const hub = accessTo(simulator, "hub");
    let lines = "";
    const ended = new Promise<string>((resolve) => {
      const path = "/api/v1/namespaces?watch=1";
      const headers = { authorization: `Bearer ${hub.token}` };
      https
        .get({ host: "127.0.0.1", port: hub.port, path, ca: hub.ca, headers, agent: false }, (response) => {
          response.on("data", (chunk) => {
            lines += chunk;
          });
          response.once("error", () => resolve("broken"));
          response.once("end", () => resolve("ended"));
        })
        .on("error", () => resolve("broken"));
    });
    await expect.poll(() => lines.split("\n").length).toBeGreaterThan(4);
    await simulator.faults.add({ cluster: "hub", fault: "blackhole" });
    const before = lines;
    simulator.register({ namespace: "in-the-dark" });
    await pause(150);
    expect(lines).toBe(before);
    await simulator.faults.remove("hub");
    expect(await ended).toBe("broken");
    expect(await statusOf(hub, "/api/v1/namespaces/in-the-dark")).toBe(200);
  });

  it("holds a bounded number of connections: the oldest go first", async () => {
    await simulator.faults.add({ cluster: sick, fault: "blackhole" });
    let open = 0;
    const sockets = Array.from({ length: 300 }, () => {
      const socket = net.connect(access.port, "127.0.0.1", () => {
        open++;
      });
      socket.on("error", () => {});
      return socket;
    });
    leftovers.push(() => {
      for (const socket of sockets) socket.destroy();
    });
    await expect.poll(() => open).toBe(300);
    await expect.poll(() => sockets.filter((socket) => socket.closed).length).toBe(300 - 256);
  });

  it("hang: takes the request, and breaks it off when switched off", async () => {
    await simulator.faults.add({ cluster: sick, fault: "hang" });
    const count = simulator.requests.count(sick);
    const pending = statusOf(access, "/api/v1/pods?limit=1");
    await expect.poll(() => simulator.requests.count(sick)).toBe(count + 1);
    expect(simulator.requests.recent(sick).at(-1)).toMatchObject({
      cluster: sick,
      method: "GET",
      path: "/api/v1/pods?limit=1",
      status: 0,
    });
    await simulator.faults.remove(sick);
    expect(await pending).toBe("ECONNRESET");
  });

  it("unauthorized: answers every path with a Status", async () => {
    await simulator.faults.add({ cluster: sick, fault: "unauthorized" });
    for (const path of ["/version", "/healthz", "/apis", "/api/v1/pods"]) {
      const got = (await get(access, path)) as Got;
      expect(got.status).toBe(401);
      expect(JSON.parse(got.body)).toMatchObject({ kind: "Status", code: 401, reason: "Unauthorized" });
    }
  });

  it("latency: delays the headers by as much as it is told", async () => {
    await simulator.faults.add({ cluster: sick, fault: "latency", parameters: { latencyMs: 250 } });
    const got = (await get(access, "/version")) as Got;
    expect(got.status).toBe(200);
    expect(got.tookMs).toBeGreaterThanOrEqual(245);
  });

  it("stand in a row: connections first, then the first of requests that matches, and each ends alone", async () => {
    await simulator.faults.add({ cluster: sick, fault: "blackhole" });
    await expect(simulator.faults.add({ cluster: sick, fault: "refuse" })).rejects.toThrow(
      `fault: refuse meets connections, and so does blackhole of ${sick}`,
    );
    await simulator.faults.remove(sick);
    await Promise.all([
      simulator.faults.add({ cluster: sick, fault: "status", id: "nodes", parameters: { resource: "nodes" } }),
      simulator.faults.add({ cluster: sick, fault: "refuse" }),
      simulator.faults.add({ cluster: sick, fault: "unauthorized" }),
    ]);
    expect(await statusOf(access, "/version")).toBe("ECONNREFUSED");
    expect(simulator.expected(sick).reachable).toBe(false);
    await simulator.faults.remove(sick, "refuse");
    const asked = ["/version", "/api/v1/nodes"].map((path) => statusOf(access, path));
    expect([await Promise.all(asked), simulator.expected(sick).reachable]).toEqual([[401, 503], true]);
    await simulator.faults.remove(sick, "unauthorized");
    expect(await statusOf(access, "/version")).toBe(200);
    expect(simulator.faults.list()).toMatchObject([{ id: "nodes", fired: 1 }]);
    expect(() => simulator.faults.add({ cluster: "nobody", fault: "hang" })).toThrow("no simulated cluster");
  });
});

describe("latency without a parameter", () => {
  it("is three seconds of the simulator's clock", async () => {
    const clock = new VirtualClock();
    const simulator = await startSimulator({ clusters: 1, seed: 1, preset: "tiny", clock });
    try {
      const name = simulator.clusters[0]?.name as string;
      await simulator.faults.add({ cluster: name, fault: "latency" });
      let status: number | string | undefined;
      const answered = statusOf(accessTo(simulator, name), "/version", { deadlineMs: 10_000 }).then((got) => {
        status = got;
      });
      await expect.poll(() => simulator.requests.count(name)).toBe(1);
      await clock.advance(2_999);
      await pause(50);
      expect(status).toBeUndefined();
      await clock.advance(1);
      await answered;
      expect(status).toBe(200);
    } finally {
      await simulator.close();
    }
  });
});
