import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { HealthReport } from "../../src/server/ports.ts";
import {
  clusterDeleted,
  clusterFreshness,
  clusterInfo,
  clusterNodes,
  clusterSpec,
  type NodeValue,
} from "../../src/store/documents.ts";
import { createLogger } from "../../src/support/log.ts";
import { emptyReport, type RunningServer, send, sendBytes, startServer, status } from "../support/server-harness.ts";

const atMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: Parameters<typeof startServer>[0] = {}): Promise<RunningServer> {
  const running = await startServer(options);
  cleanups.push(() => running.close());
  return running;
}

const node = (name: string, role: string, nodeStatus = "Ready"): NodeValue => ({
  name,
  status: nodeStatus,
  roles: [role],
  current: JSON.stringify({ name, status: nodeStatus, roles: [role] }),
  point: "{}",
  cpuUsagePercent: 0,
  memoryUsagePercent: 0,
  cpuCapacityCores: 0,
  memoryCapacityBytes: 0,
  podsTotal: 0,
});

describe("the cluster routes", () => {
  it("answer what is stored, in order of name", async () => {
    const { url, write } = await start();
    expect(await (await fetch(`${url}/api/v1/clusters`)).json()).toEqual([]);
    await write(
      ...clusterSpec("prod", {
        displayName: "Prod <1>",
        endpoint: "https://prod:6443",
        credentialsRef: { name: "prod-creds" },
      }),
      ...clusterInfo("prod", { api_url: "", version: "v1.33.2", platform: "linux/amd64" }, 3600),
      ...clusterFreshness("prod", { asOfMs: atMs, staleAfterMs: atMs + 60_000, missing: ["pods"] }),
      ...status("prod"),
      ...status("dev"),
    );
    const answer = await fetch(`${url}/api/v1/clusters`);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    const [dev, prod] = (await answer.json()) as unknown[];
    const row = {
      name: "prod",
      spec: {
        displayName: "Prod <1>",
        endpoint: "https://prod:6443",
        labels: {},
        monitoring: { interval: 0, timeout: 0 },
      },
      metrics: {},
      status: { health: "healthy", message: "ok", reason: "Reachable", last_check: "2026-01-02T00:00:00Z" },
      operator_count: 0,
      asOf: "2026-01-02T03:04:05Z",
      staleAfter: "2026-01-02T03:05:05Z",
      partial: true,
      missing: ["pods", "nodes", "namespaces", "deployments"],
    };
    const info = { version: "v1.33.2", platform: "linux/amd64" };
    expect(prod).toEqual({ ...row, accessible: true, info: { ...info, api_url: "" } });
    expect(dev).toMatchObject({ name: "dev", spec: {}, info: {}, asOf: null, partial: false });
    expect(await (await fetch(`${url}/api/v1/clusters/prod/`)).json()).toEqual({
      ...row,
      info: { ...info, api_url: "https://prod:6443" },
    });
  });

  it("answer nodes, filtered by exactly the role and status asked for", async () => {
    const { url, write } = await start();
    const nodes = [node("n2", "worker"), node("n1", "infra", "NotReady"), node("n3", "worker", "NotReady")];
    const times = { atMs, cacheTtlSeconds: 600, retentionSeconds: 3600 };
    await write(...status("prod"), ...status("empty"), ...clusterNodes("prod", nodes, times));
    const names = async (query: string): Promise<string[]> => {
      const answer = await fetch(`${url}/api/v1/clusters/prod/nodes${query}`);
      return ((await answer.json()) as { name: string }[]).map((each) => each.name);
    };
    expect(await names("")).toEqual(["n1", "n2", "n3"]);
    expect(await names("?role=worker")).toEqual(["n2", "n3"]);
    expect(await names("?role=worker&status=NotReady")).toEqual(["n3"]);
    expect(await names("?role=worker&role=infra")).toEqual(["n2", "n3"]);
    expect(await names("?status=")).toEqual([]);
    expect(await (await fetch(`${url}/api/v1/clusters/empty/nodes`)).json()).toEqual([]);
  });

  it("answer 404 for an unknown cluster, at any length and with any characters", async () => {
    const { url, write } = await start();
    await write(...status("prod"));
    for (const name of ["ghost", "__proto__", "constructor", "%2e%2e", "x".repeat(253), "a%3Ab", "%F0%9F%9A%80"]) {
      for (const path of [`/api/v1/clusters/${name}`, `/api/v1/clusters/${name}/nodes`]) {
        const answer = await fetch(url + path);
        expect([path, answer.status]).toEqual([path, 404]);
        expect(await answer.json()).toEqual({ error: expect.any(String) });
      }
    }
    expect(await (await fetch(`${url}/api/v1/clusters/ghost`)).json()).toEqual({ error: "Cluster 'ghost' not found" });
    expect((await fetch(`${url}/api/v1/clusters/${"x".repeat(300)}`)).status).toBe(404);
  });

  it("answer 304 for what the reader has, until it changes in any way", async () => {
    const { url, write } = await start();
    await write(...status("a"), ...status("b"));
    const tagOf = async (path: string): Promise<string> => (await fetch(url + path)).headers.get("etag") ?? "";
    const code = async (path: string, tag: string): Promise<number> =>
      (await fetch(url + path, { headers: { "if-none-match": tag } })).status;
    const list = await tagOf("/api/v1/clusters");
    const a = await tagOf("/api/v1/clusters/a");
    expect(await code("/api/v1/clusters", list)).toBe(304);
    expect(await code("/api/v1/clusters", `"other", W/${list}`)).toBe(304);
    expect(await code("/api/v1/clusters", '"other"')).toBe(200);
    expect(await code("/api/v1/clusters/a", a)).toBe(304);
    await write(...status("b", "changed"));
    expect(await code("/api/v1/clusters", list)).toBe(200);
    expect(await code("/api/v1/clusters/a", a)).toBe(304);
    const both = await tagOf("/api/v1/clusters");
    await write(...clusterDeleted("a", atMs));
    expect(await code("/api/v1/clusters", both)).toBe(200);
  });
});

describe("probes and reports", () => {
  it("name what fails, and everything when asked to", async () => {
    let report: HealthReport = { live: [], ready: [{ name: "informer", status: "ok" }] };
    const { url } = await start({ health: () => report });
    const get = async (path: string): Promise<[number, unknown]> => {
      const answer = await fetch(url + path);
      return [answer.status, await answer.json()];
    };
    expect(await get("/healthz")).toEqual([200, { status: "ok" }]);
    expect(await get("/readyz")).toEqual([200, { status: "ready", checks: {} }]);
    expect(await get("/readyz?verbose")).toEqual([200, { status: "ready", checks: { informer: { status: "ok" } } }]);
    const redis = { name: "redis", status: "degraded", message: "not reachable" } as const;
    report = { live: [], ready: [{ name: "informer", status: "ok" }, redis] };
    const degraded = { redis: { status: "degraded", message: "not reachable" } };
    expect(await get("/readyz")).toEqual([200, { status: "ready", checks: degraded }]);
    const informer = { name: "informer", status: "failed", message: "first list is not complete" } as const;
    report = { live: [{ name: "loop", status: "failed" }], ready: [informer] };
    expect(await get("/readyz")).toEqual([
      503,
      {
        status: "not ready",
        error: "informer: first list is not complete",
        checks: { informer: { status: "failed", message: "first list is not complete" } },
      },
    ]);
    expect(await get("/healthz")).toEqual([
      503,
      { status: "failing", error: "loop: failed", checks: { loop: { status: "failed" } } },
    ]);
  });

  it("show the actors with the time of the report", async () => {
    const { url } = await start();
    const answer = (await (await fetch(`${url}/api/v1/system/actors`)).json()) as Record<string, unknown>;
    expect(answer).toEqual({ asOf: expect.stringMatching(/^\d{4}-.*Z$/), ...emptyReport });
  });

  it("show how late reachable clusters were, and that nobody collects", async () => {
    const samples = [{ atMs: 1, cycles: 2, p99Ms: 3, maxMs: 4 }];
    const { url } = await start({ lateness: () => samples });
    const read = async (from: string) => (await fetch(`${from}/api/v1/system/lateness`)).json();
    expect(await read(url)).toEqual({ asOf: expect.stringMatching(/^\d{4}-.*Z$/), samples });
    expect(await read((await start()).url)).toMatchObject({ samples: [] });
  });

  it("serve metrics with those of the server itself", async () => {
    const { url } = await start({ metrics: async () => "hub_metric 1\n" });
    await fetch(`${url}/api/v1/clusters/ghost`);
    const answer = await fetch(`${url}/metrics`);
    expect(answer.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    const text = await answer.text();
    expect(text).toMatch(/^hub_metric 1\n# HELP/);
    expect(text).toContain("clusterpulse_stream_clients 0\n");
    expect(text).toContain('clusterpulse_http_requests_total{code="4xx"} 1\n');
  });
});

describe("every answer", () => {
  it("carries the security headers and is not stored", async () => {
    const { port } = await start();
    for (const path of [
      "/api/v1/clusters",
      "/api/v1/clusters/ghost",
      "/api/v1/nothing",
      "/healthz",
      "/metrics",
      "/%zz",
    ]) {
      const { headers } = await send(port, path);
      expect([path, headers]).toEqual([
        path,
        expect.objectContaining({
          "x-content-type-options": "nosniff",
          "x-frame-options": "DENY",
          "referrer-policy": "strict-origin-when-cross-origin",
          "cross-origin-resource-policy": "same-origin",
          "content-security-policy": expect.stringContaining("default-src 'none'"),
          "cache-control": "no-store",
          "x-request-id": expect.stringMatching(/^[a-z0-9]+-\d+$/),
        }),
      ]);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
    }
  });

  it("echoes a harmless request id and makes one in place of any other", async () => {
    const { port } = await start();
    const id = async (value: string) =>
      (await send(port, "/healthz", { headers: { "x-request-id": value } })).headers["x-request-id"];
    expect(await id("trace-1")).toBe("trace-1");
    expect(await id("<b>")).not.toBe("<b>");
    expect(await id("x".repeat(65))).toMatch(/^[a-z0-9]+-\d+$/);
  });

  it("is a plain error for what does not exist or is not well formed", async () => {
    const { port } = await start();
    expect(await send(port, "/api/v1/nothing")).toMatchObject({
      status: 404,
      body: '{"error":"There is nothing at this path"}',
    });
    expect(await send(port, "/%zz")).toMatchObject({ status: 400, body: '{"error":"The path is not well formed"}' });
    expect(await sendBytes(port, "NOT HTTP\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*\{"error":"The request is not well formed"\}$/,
    );
  });

  it("does not quote a failure, which the log has", async () => {
    const lines: string[] = [];
    const { port } = await start({
      log: createLogger({ level: "error", stream: { write: (line) => lines.push(line) } }),
      metrics: () => Promise.reject(new Error("password hunter2")),
    });
    expect(await send(port, "/metrics")).toMatchObject({
      status: 500,
      body: '{"error":"The hub could not answer; its log says why"}',
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain("/metrics");
    expect(lines.join()).not.toContain("hunter2");
  });
});

describe("only this machine, only reading", () => {
  it("refuses names that are not this machine's", async () => {
    const { port } = await start();
    for (const host of ["evil.example", `evil.example:${port}`, "localhost.evil.example", "10.0.0.1"]) {
      expect([host, (await send(port, "/api/v1/clusters", { headers: { host } })).status]).toEqual([host, 421]);
    }
    for (const host of ["localhost", `localhost:${port}`, "127.0.0.1", "[::1]:1"]) {
      expect([host, (await send(port, "/api/v1/clusters", { headers: { host } })).status]).toEqual([host, 200]);
    }
    expect(await sendBytes(port, "GET /healthz HTTP/1.0\r\n\r\n")).toMatch(/^HTTP\/1\.1 421 /);
    const empty = "GET /healthz HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n";
    expect(await sendBytes(port, empty)).toMatch(/^HTTP\/1\.1 421 /);
  });

  it("refuses requests of foreign origins, on every route", async () => {
    const { port } = await start();
    for (const path of ["/api/v1/clusters", "/api/v1/stream", "/healthz", "/"]) {
      for (const origin of ["http://evil.example", "null", "http://localhost:1"]) {
        const { status, body } = await send(port, path, { headers: { origin } });
        expect([path, origin, status]).toEqual([path, origin, 403]);
        expect(JSON.parse(body)).toEqual({ error: "Requests of other origins are not allowed" });
      }
    }
    const own = await send(port, "/api/v1/clusters", { headers: { origin: `http://127.0.0.1:${port}` } });
    expect(own.status).toBe(200);
  });

  it("answers GET and HEAD only", async () => {
    const { port, write } = await start();
    await write(...status("a"));
    for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "TRACE"]) {
      for (const path of ["/api/v1/clusters", "/nothing"]) {
        const { status, headers } = await send(port, path, { method });
        expect([method, path, status, headers["allow"]]).toEqual([method, path, 405, "GET, HEAD"]);
      }
    }
    const head = await send(port, "/api/v1/clusters", { method: "HEAD" });
    const get = await send(port, "/api/v1/clusters");
    expect(head).toMatchObject({ status: 200, body: "" });
    expect(head.headers["content-length"]).toBe(String(get.body.length));
    expect((await send(port, "/api/v1/stream", { method: "HEAD" })).status).toBe(404);
  });

  it("refuses what is too long", async () => {
    const { port } = await start({ limits: { maxUrlLength: 100, maxHeaderBytes: 2_000 } });
    const path = "/api/v1/clusters?x=";
    expect((await send(port, path.padEnd(100, "x"))).status).toBe(200);
    expect(await send(port, path.padEnd(101, "x"))).toMatchObject({
      status: 414,
      body: '{"error":"The URL is too long"}',
    });
    expect((await send(port, "/healthz", { headers: { large: "x".repeat(3_000) } })).status).toBe(431);
  });

  it("cuts off a request that does not arrive and a connection that is silent", async () => {
    const late = await start({ limits: { readTimeoutMs: 200 } });
    expect(await sendBytes(late.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n")).toMatch(/^HTTP\/1\.1 408 /);
    const silent = await start({ limits: { idleTimeoutMs: 300 } });
    const answer = await sendBytes(silent.port, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });
});

describe("listening", () => {
  it("refuses to be reached by others", async () => {
    const { server } = await start();
    for (const host of ["0.0.0.0", "::", "10.0.0.1"]) {
      await expect(server.listen({ host, port: 0 })).rejects.toMatchObject({
        code: "HOST_NOT_LOOPBACK",
        message: expect.stringContaining(host),
      });
    }
  });

  it("says in one sentence that the port is in use", async () => {
    const other = createTcpServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
    });
    cleanups.push(() => new Promise((resolve) => other.close(resolve)));
    const { createServer } = await import("../../src/server/server.ts");
    const { view } = await start();
    const { systemClock } = await import("../../src/support/clock.ts");
    const server = await createServer({
      view,
      clock: systemClock,
      system: () => emptyReport,
      metrics: async () => "",
      health: () => ({ live: [], ready: [] }),
      log: createLogger({ level: "silent" }),
      version: "test",
    });
    cleanups.push(() => server.close(100));
    await expect(server.listen({ host: "localhost", port })).rejects.toMatchObject({
      code: "PORT_IN_USE",
      message: `Port ${port} on 127.0.0.1 is in use; choose another one with --port.`,
    });
  });

  it("stops within the deadline although a reader does not read its answer", async () => {
    const { server, port, write, url } = await start();
    await write(...Array.from({ length: 3_000 }, (_, n) => status(`c${n}`, "x".repeat(2_000))).flat());
    const { connect } = await import("node:net");
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => {});
    socket.pause();
    socket.write("GET /api/v1/clusters HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => setTimeout(resolve, 300));
    const startedAt = performance.now();
    await server.close(300);
    // Without a deadline it would wait for ever.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    socket.destroy();
    await expect(fetch(`${url}/healthz`)).rejects.toThrow();
  });
});

describe("the page", () => {
  async function built(): Promise<string> {
    const dir = await mkdtemp(join(tmpdir(), "page-"));
    cleanups.push(() => rm(dir, { recursive: true }));
    await mkdir(join(dir, "assets"));
    await writeFile(join(dir, "index.html"), "<!doctype html><title>page</title>");
    await writeFile(join(dir, "assets", "index-abc.js"), "export {};");
    await writeFile(join(dir, "icon.svg"), "<svg/>");
    await writeFile(join(dir, ".secret"), "hidden");
    return dir;
  }

  it("is served with a strict policy, its hashed files for ever", async () => {
    const { url } = await start({ staticDir: await built() });
    for (const path of ["/", "/clusters/prod", "/deep/er?x=1.2"]) {
      const answer = await fetch(url + path);
      expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
        path,
        200,
        "text/html; charset=utf-8",
      ]);
      expect(await answer.text()).toContain("<title>page</title>");
      expect(answer.headers.get("cache-control")).toBe("no-cache");
      const policy = answer.headers.get("content-security-policy") ?? "";
      expect(policy).toContain("script-src 'self';");
      expect(policy).not.toContain("unsafe");
    }
    const script = await fetch(`${url}/assets/index-abc.js`);
    expect(script.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(script.headers.get("content-type")).toContain("javascript");
    expect((await fetch(`${url}/icon.svg`)).headers.get("cache-control")).toBe("no-cache");
  });

  it("answers 404 for files that are not there, hidden or outside, and never the page for the API", async () => {
    const { port } = await start({ staticDir: await built() });
    for (const path of ["/assets/gone.js", "/.secret", "/api/v1/x", "/api"]) {
      const { status, body } = await send(port, path);
      expect([path, status]).toEqual([path, 404]);
      expect(JSON.parse(body)).toEqual({ error: expect.any(String) });
    }
    for (const path of ["/../package.json", "/%2e%2e/package.json", "/assets/..%2f..%2fpackage.json"]) {
      const { status, body } = await send(port, path);
      expect([path, status === 403 || status === 404]).toEqual([path, true]);
      expect(JSON.parse(body)).toEqual({ error: expect.any(String) });
    }
  });

  it("says so when it is not built", async () => {
    const dir = await mkdtemp(join(tmpdir(), "page-"));
    cleanups.push(() => rm(dir, { recursive: true }));
    for (const options of [{}, { staticDir: dir }, { staticDir: join(dir, "nowhere") }]) {
      const { port } = await start(options);
      const answer = await send(port, "/");
      expect(answer.status).toBe(503);
      expect(answer.headers["content-type"]).toBe("text/plain; charset=utf-8");
      expect(answer.body).toContain("The dashboard is not built");
      expect((await send(port, "/api/v1/clusters")).status).toBe(200);
      expect((await send(port, "/assets/x.js")).status).toBe(404);
    }
  });
});
