import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { ClusterCredentials, type CredentialParts } from "../../src/kube/credentials.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { createTransport, type KubeTransport, type TransportLimits } from "../../src/kube/transport.ts";
import { type Authority, createAuthority, daysFromNow } from "../support/certificates.ts";
import { freePort } from "../support/ports.ts";
import { allTextOf, canaryToken } from "../support/secrets.ts";
import { httpServer, httpsServer, type TestServer, tcpServer } from "../support/tls-server.ts";

const mib = 1 << 20;
let authority: Authority;
let stranger: Authority;
const cleanups: (() => Promise<void>)[] = [];

beforeAll(async () => {
  authority = await createAuthority();
  stranger = await createAuthority("another authority");
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function started(server: Promise<TestServer>): Promise<TestServer> {
  const running = await server;
  cleanups.push(() => running.close());
  return running;
}

async function https(listener: RequestListener, options: Parameters<Authority["issue"]>[0] = {}): Promise<TestServer> {
  return started(httpsServer(await authority.issue(options), listener));
}

const http = (listener: RequestListener) => started(httpServer(listener));
const tcp = (...args: Parameters<typeof tcpServer>) => started(tcpServer(...args));

function transportTo(
  server: string,
  limits: Partial<TransportLimits> = {},
  parts: Partial<CredentialParts> = {},
): KubeTransport {
  const credentials = new ClusterCredentials({ server, token: canaryToken, caPem: authority.caPem, ...parts });
  const transport = createTransport(credentials, limits, "clusterpulse-hub/test");
  cleanups.push(() => transport.close());
  return transport;
}

/** Sooner than any deadline that a test does not set, and late enough for a busy machine. */
const otherDeadlinesMs = 4_500;
const never = new AbortController().signal;
const getOptions = { accept: "application/json", signal: never, maxBytes: mib };

/** The KubeError that `promise` rejects with, checked to show neither the token nor more than it may. */
async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => expect.fail("the request succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KubeError);
  const kubeError = error as KubeError;
  expect(allTextOf(kubeError)).not.toContain(canaryToken);
  expect(kubeError.cause).toBeUndefined();
  expect(kubeError.message.length).toBeLessThanOrEqual(256);
  return kubeError;
}

async function timed(promise: Promise<unknown>): Promise<{ error: KubeError; tookMs: number }> {
  const startedMs = performance.now();
  const error = await failure(promise);
  return { error, tookMs: performance.now() - startedMs };
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

describe("a good answer", () => {
  test("keeps its compressed bytes in a buffer of exactly their size", async () => {
    let seen: IncomingMessage | undefined;
    const packed = gzipSync(JSON.stringify({ items: [1, 2, 3] }));
    const server = await https((request, response) => {
      seen = request;
      response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" }).end(packed);
    });
    const answer = await transportTo(`${server.url}/clusters/c1/`).get("/api/v1/nodes?limit=500", getOptions);
    expect(answer).toMatchObject({ status: 200, contentType: "application/json", encoding: "gzip" });
    expect(answer.bytes.buffer.byteLength).toBe(packed.length);
    expect(JSON.parse(gunzipSync(answer.bytes).toString())).toEqual({ items: [1, 2, 3] });
    expect(answer.headersAfterMs).toBeGreaterThan(0);
    expect(seen?.url).toBe("/clusters/c1/api/v1/nodes?limit=500");
    expect(seen?.headers).toMatchObject({
      authorization: `Bearer ${canaryToken}`,
      "accept-encoding": "gzip",
      "user-agent": "clusterpulse-hub/test",
    });
  });

  test("of any size arrives whole, with and without a stated length; its memory can be given back", async () => {
    const server = await https((request, response) => {
      const [size = 0, stated = 0] = (request.url ?? "").split("/").slice(1).map(Number);
      const body = Buffer.alloc(size, "0123456789abcdef!");
      response.writeHead(200, stated === 0 ? {} : { "content-length": size });
      for (let at = 0; at < size; at += 10_000) response.write(body.subarray(at, at + 10_000));
      response.end();
    });
    const transport = transportTo(server.url);
    for (const size of [0, 1, 9_999, 50_000, 1_000_000]) {
      for (const stated of [0, 1]) {
        const { bytes, discard } = await transport.get(`/${size}/${stated}`, { ...getOptions, maxBytes: 1_000_000 });
        expect(Buffer.alloc(size, "0123456789abcdef!").equals(bytes)).toBe(true);
        expect(bytes.buffer.byteLength).toBe(size);
        discard?.();
        discard?.();
        expect(bytes.buffer.detached).toBe(true);
      }
    }
  });

  test("of 200 requests in a row and 50 at once needs at most two connections", async () => {
    const server = await https((_request, response) => json(response, 200, {}));
    const transport = transportTo(server.url);
    for (let i = 0; i < 200; i++) await transport.get("/version", getOptions);
    expect(server.accepted()).toBe(1);
    await Promise.all(Array.from({ length: 50 }, () => transport.get("/version", getOptions)));
    expect(server.accepted()).toBeLessThanOrEqual(2);
  });

  test("may be empty", async () => {
    const server = await http((_request, response) => response.writeHead(204).end());
    const transport = transportTo(server.url);
    expect((await transport.get("/", getOptions)).bytes.byteLength).toBe(0);
    expect((await transport.requestJson("DELETE", "/", { signal: never, maxBytes: mib })).body).toBeUndefined();
  });

  test("to a JSON request is inflated and parsed, and the request's body is sent under its type", async () => {
    let sent = "";
    const server = await http(async (request, response) => {
      for await (const chunk of request) sent += chunk;
      sent += ` as ${request.method} ${request.headers["content-type"]}`;
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync('{"ok":true}'));
    });
    const answer = await transportTo(server.url).requestJson("PATCH", "/x", {
      body: { a: 1 },
      contentType: "application/merge-patch+json",
      signal: never,
      maxBytes: mib,
    });
    expect(answer).toEqual({ status: 200, body: { ok: true } });
    expect(sent).toBe('{"a":1} as PATCH application/merge-patch+json');
  });
});

describe("a refusal", () => {
  const pods = "/api/v1/namespaces/shop/pods?limit=500";
  test.each([
    [401, "UNAUTHORIZED", "Unauthorized", "Unauthorized"],
    [403, "FORBIDDEN", "Forbidden", "Forbidden"],
    [404, "NOT_FOUND", "NotFound", "NotFound"],
    [409, "CONFLICT", "Conflict", "Conflict"],
    [410, "GONE", "Expired", "Expired"],
    [429, "RATE_LIMITED", "TooManyRequests", "TooManyRequests"],
    [422, "UNEXPECTED_STATUS", "UnexpectedStatus", "Invalid"],
    [500, "SERVER_ERROR", "ServerError", "InternalError"],
    [504, "SERVER_ERROR", "ServerError", "Timeout"],
  ])("with status %i is %s and repeats nothing of the body", async (status, code, reason, statusReason) => {
    const server = await https((request, response) => {
      json(response, status, {
        kind: "Status",
        reason: statusReason,
        message: `hello ${request.headers.authorization}`,
      });
    });
    const transport = transportTo(server.url);
    const error = await failure(transport.get(pods, getOptions));
    expect(error).toMatchObject({ code, reason, httpStatus: status, statusReason });
    expect(error.message).not.toContain("hello");
    await failure(transport.get(pods, getOptions));
    expect(server.accepted()).toBe(1);
  });

  test("names verb and resource from the path, not from the body", async () => {
    const server = await http((_request, response) =>
      json(response, 403, { reason: "Forbidden", message: "secret thing" }),
    );
    const error = await failure(transportTo(server.url).get(pods, getOptions));
    expect(error.message).toBe("forbidden: the credentials may not list pods");
  });

  test("repeats no reason that Kubernetes does not define", async () => {
    const server = await http((request, response) => json(response, 404, { reason: request.headers.authorization }));
    expect((await failure(transportTo(server.url).get(pods, getOptions))).statusReason).toBeUndefined();
  });

  test("in HTML from a proxy is a server error", async () => {
    const server = await http((_request, response) => {
      response.writeHead(502, { "content-type": "text/html" }).end("<h1>bad gateway</h1>");
    });
    const error = await failure(transportTo(server.url).get(pods, getOptions));
    expect(error).toMatchObject({ code: "SERVER_ERROR", httpStatus: 502, statusReason: undefined });
  });

  test("whose body stalls or is cut off is still that refusal", async () => {
    const server = await http((request, response) => {
      response.writeHead(403).write("{");
      if (request.url?.startsWith("/version")) setImmediate(() => response.destroy());
    });
    const transport = transportTo(server.url, { bodyIdleTimeoutMs: 1_000 });
    expect(await failure(transport.get(pods, getOptions))).toMatchObject({ code: "FORBIDDEN", httpStatus: 403 });
    expect(await failure(transport.get("/version", getOptions))).toMatchObject({ code: "FORBIDDEN", httpStatus: 403 });
    await expect.poll(() => server.open()).toBe(0);
  });

  test("with an endless body ends early", async () => {
    const server = await http((_request, response) => {
      response.writeHead(500);
      const timer = setInterval(() => response.write("x".repeat(8_192)), 1);
      response.on("close", () => clearInterval(timer));
    });
    const { error, tookMs } = await timed(transportTo(server.url).get(pods, getOptions));
    expect(error.code).toBe("SERVER_ERROR");
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
  });

  test.each([
    [429, "0", 0],
    [429, "1", 1_000],
    [503, " 30 ", 30_000],
    [429, "3600", 300_000],
    [429, "9".repeat(20), 300_000],
    [429, "-1", undefined],
    [429, "soon", undefined],
    [429, "1.5", undefined],
    [429, "", undefined],
    [503, "Wed, 21 Oct 2015 07:28:00 GMT", 0],
    [429, "Fri, 31 Dec 9999 23:59:59 GMT", 300_000],
    [429, "Fri, 99 Dec 2026 23:59:59 GMT", undefined],
    [429, "2099-01-01", undefined],
    [500, "7", undefined],
    [404, "7", undefined],
  ])("with status %i and Retry-After %j carries %j ms and is not repeated", async (status, header, retryAfterMs) => {
    let requests = 0;
    const server = await http((_request, response) => {
      requests++;
      response.writeHead(status, { "retry-after": header }).end();
    });
    const transport = transportTo(server.url);
    expect((await failure(transport.get(pods, getOptions))).retryAfterMs).toBe(retryAfterMs);
    expect(requests).toBe(1);
    const stream = transport.stream(pods, { accept: "application/json", signal: never, idleTimeoutMs: 1_000 });
    expect((await failure(stream.next())).retryAfterMs).toBe(retryAfterMs);
    expect(requests).toBe(2);
  });

  test("E-10 with a date in Retry-After counts from now", async () => {
    const server = await http((_request, response) => {
      response.writeHead(429, { "retry-after": new Date(Date.now() + 90_000).toUTCString() }).end();
    });
    const { retryAfterMs = 0 } = await failure(transportTo(server.url).get(pods, getOptions));
    expect(retryAfterMs).toBeGreaterThan(80_000);
    expect(retryAfterMs).toBeLessThanOrEqual(90_000);
  });

  test.each([301, 302, 303, 307, 308])(
    "by redirect %i within the same server is not followed either",
    async (status) => {
      const paths: string[] = [];
      const server = await http((request, response) => {
        paths.push(`${request.url}`);
        response.writeHead(status, { location: "/elsewhere" }).end();
      });
      const transport = transportTo(server.url);
      expect((await failure(transport.get("/version", getOptions))).code).toBe("REDIRECT_REFUSED");
      const patch = transport.requestJson("PATCH", "/version", { body: {}, signal: never, maxBytes: mib });
      expect((await failure(patch)).code).toBe("REDIRECT_REFUSED");
      const stream = transport.stream("/version", { accept: "application/json", signal: never, idleTimeoutMs: 1_000 });
      expect((await failure(stream.next())).code).toBe("REDIRECT_REFUSED");
      expect(paths).toEqual(["/version", "/version", "/version"]);
    },
  );

  test("E-11 by redirect is not followed, and the other server never sees the token", async () => {
    const seen: string[] = [];
    const target = await http((request, response) => {
      seen.push(String(request.headers.authorization));
      json(response, 200, {});
    });
    const server = await http((_request, response) => response.writeHead(302, { location: `${target.url}/api` }).end());
    const error = await failure(transportTo(server.url).get("/version", getOptions));
    expect(error).toMatchObject({ code: "REDIRECT_REFUSED", reason: "RedirectRefused", httpStatus: 302 });
    expect(target.accepted()).toBe(0);
    expect(seen).toEqual([]);
  });
});

describe("a connection", () => {
  test("that is refused says by whom", async () => {
    const port = await freePort();
    const transport = transportTo(`http://127.0.0.1:${port}`);
    const errors = await Promise.all(Array.from({ length: 6 }, () => timed(transport.get("/version", getOptions))));
    for (const { error, tookMs } of errors) {
      expect(error).toMatchObject({ code: "CONNECTION_REFUSED", reason: "ConnectionRefused" });
      expect(error.message).toBe(`connection refused by 127.0.0.1:${port}`);
      expect(tookMs).toBeLessThan(otherDeadlinesMs);
    }
  });

  test("to a name that does not exist is a DNS failure", async () => {
    const error = await failure(transportTo("http://no-such-host.invalid:6443").get("/version", getOptions));
    expect(error).toMatchObject({ code: "DNS_FAILED", reason: "NameNotResolved" });
  });

  test("whose TLS handshake stalls ends at the connect timeout", async () => {
    const server = await tcp(() => {}, "https");
    const { error, tookMs } = await timed(
      transportTo(server.url, { connectTimeoutMs: 1_000 }).get("/version", getOptions),
    );
    expect(error).toMatchObject({ code: "CONNECT_TIMEOUT", reason: "ConnectTimeout" });
    expect(error.message).toBe(`no connection to 127.0.0.1:${server.port} within 1 s`);
    expect(tookMs).toBeGreaterThan(900);
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
  });

  test.each([
    ["expired", { notBefore: daysFromNow(-9), notAfter: daysFromNow(-1) }, "TLSCertificateExpired"],
    ["not valid yet", { notBefore: daysFromNow(1) }, "TLSCertificateNotYetValid"],
    ["for another host", { hosts: ["other.example.com"] }, "TLSHostMismatch"],
  ])("with a certificate that is %s has its own reason", async (_name, options, reason) => {
    const server = await https((_request, response) => json(response, 200, {}), options);
    const error = await failure(transportTo(server.url).get("/version", getOptions));
    expect(error).toMatchObject({ code: "TLS_FAILED", reason });
  });

  test("E-12 with a certificate of an unknown authority sends nothing", async () => {
    let requests = 0;
    const server = await https(() => requests++);
    const own = await failure(transportTo(server.url, {}, { caPem: stranger.caPem }).get("/version", getOptions));
    const preset = await failure(transportTo(server.url, {}, { caPem: undefined }).get("/version", getOptions));
    expect([own.reason, preset.reason]).toEqual(["TLSUnknownAuthority", "TLSUnknownAuthority"]);
    expect(requests).toBe(0);
  });

  test("may skip verification where a kubeconfig says so", async () => {
    const server = await https((_request, response) => json(response, 200, {}));
    const transport = transportTo(server.url, {}, { caPem: stranger.caPem, insecureSkipTlsVerify: true });
    expect((await transport.get("/version", getOptions)).status).toBe(200);
  });

  test("may expect another name than the host's", async () => {
    const server = await https((_request, response) => json(response, 200, {}), { hosts: ["api.internal"] });
    const transport = transportTo(server.url, {}, { tlsServerName: "api.internal" });
    expect((await transport.get("/version", getOptions)).status).toBe(200);
  });

  test("with TLS to a server that speaks plain HTTP is a TLS failure", async () => {
    const server = await http((_request, response) => json(response, 200, {}));
    const error = await failure(transportTo(server.url.replace("http:", "https:")).get("/version", getOptions));
    expect(error).toMatchObject({ code: "TLS_FAILED", reason: "TLSFailed" });
  });

  test("cut before the answer is a reset, and the next request gets a new one", async () => {
    let first = true;
    const server = await http((_request, response) => {
      if (first) response.destroy();
      else json(response, 200, {});
      first = false;
    });
    const transport = transportTo(server.url);
    expect(await failure(transport.get("/version", getOptions))).toMatchObject({
      code: "CONNECTION_RESET",
      reason: "ConnectionReset",
    });
    expect((await transport.get("/version", getOptions)).status).toBe(200);
  });

  test("that answers something else than HTTP is malformed", async () => {
    const server = await tcp((socket) => socket.once("data", () => socket.end("SSH-2.0-OpenSSH_9.6\r\n")));
    expect((await failure(transportTo(server.url).get("/version", getOptions))).code).toBe("BODY_MALFORMED");
  });
});

describe("a kept connection", () => {
  /** Answers the first request on each connection; what it does with the second is the test's. */
  async function answeringOnce(second: (socket: Socket) => void, scheme: "http" | "https" = "http") {
    const served: string[] = [];
    const perSocket = new WeakMap<Socket, number>();
    const listener: RequestListener = (request, response) => {
      const count = (perSocket.get(request.socket) ?? 0) + 1;
      perSocket.set(request.socket, count);
      served.push(`${request.method} ${count}`);
      if (count === 1) json(response, 200, { ok: true });
      else second(request.socket);
    };
    const server = scheme === "http" ? await http(listener) : await https(listener);
    return { server, served };
  }

  test.each([
    ["ended", "http", (socket: Socket) => socket.end()],
    ["reset", "http", (socket: Socket) => socket.resetAndDestroy()],
    ["ended over TLS", "https", (socket: Socket) => socket.end()],
    ["cut over TLS", "https", (socket: Socket) => socket.destroy()],
  ] as const)("that is %s as a GET goes out costs nothing: it is sent once more", async (_name, scheme, second) => {
    const { server, served } = await answeringOnce(second, scheme);
    const transport = transportTo(server.url);
    await transport.get("/version", getOptions);
    expect((await transport.get("/version", getOptions)).status).toBe(200);
    const { body } = await transport.requestJson("GET", "/version", { signal: never, maxBytes: mib });
    expect(body).toEqual({ ok: true });
    expect(served).toEqual(["GET 1", "GET 2", "GET 1", "GET 2", "GET 1"]);
    expect([transport.facts.idleRetries, server.accepted()]).toEqual([2, 3]);
  });

  test("that is ended as something else than a GET goes out is a reset", async () => {
    const { server, served } = await answeringOnce((socket) => socket.end());
    const transport = transportTo(server.url);
    for (const method of ["POST", "PUT", "PATCH", "DELETE"] as const) {
      await transport.get("/version", getOptions);
      const request = transport.requestJson(method, "/x", { body: {}, signal: never, maxBytes: mib });
      expect((await failure(request)).code).toBe("CONNECTION_RESET");
    }
    expect(served.filter((line) => !line.startsWith("GET"))).toEqual(["POST 2", "PUT 2", "PATCH 2", "DELETE 2"]);
    expect(transport.facts.idleRetries).toBe(0);
  });

  test("that brought a part of the answer is a reset", async () => {
    const { server } = await answeringOnce((socket) => socket.end("HTTP/1.1 200 OK\r\ncontent-le"));
    const transport = transportTo(server.url);
    await transport.get("/version", getOptions);
    expect((await failure(transport.get("/version", getOptions))).code).toBe("CONNECTION_RESET");
    expect(transport.facts.idleRetries).toBe(0);
  });

  test("is the only one for which a request is repeated, and only once", async () => {
    let requests = 0;
    const server = await http((request, response) => {
      if (++requests === 1) json(response, 200, {});
      else request.socket.destroy();
    });
    const transport = transportTo(server.url);
    await transport.get("/version", getOptions);
    expect((await failure(transport.get("/version", getOptions))).code).toBe("CONNECTION_RESET");
    expect((await failure(transport.get("/version", getOptions))).code).toBe("CONNECTION_RESET");
    expect([requests, transport.facts.idleRetries]).toEqual([4, 1]);
  });
});

describe("the certificate of the server", () => {
  test("tells when it expires, after each handshake", async () => {
    const notAfter = [daysFromNow(30), daysFromNow(3)].map(
      (date) => new Date(Math.floor(date.getTime() / 1_000) * 1_000),
    );
    const servers = await Promise.all(
      notAfter.map((date) => https((_request, response) => json(response, 200, {}), { notAfter: date })),
    );
    for (const [i, server] of servers.entries()) {
      const transport = transportTo(server.url);
      expect(transport.facts).toEqual({
        peerCertificateExpiresAtMs: undefined,
        insecureSkipTlsVerify: false,
        idleRetries: 0,
      });
      await transport.get("/version", getOptions);
      expect(transport.facts.peerCertificateExpiresAtMs).toBe(notAfter[i]?.getTime());
    }
  });

  test("is looked at anew when a connection is opened anew, resumed sessions included", async () => {
    const first = await authority.issue({ notAfter: daysFromNow(1) });
    const second = await authority.issue({ notAfter: daysFromNow(20) });
    const server = createHttpsServer({ cert: first.certPem, key: first.keyPem }, (_request, response) => {
      response.writeHead(200, { connection: "close" }).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    cleanups.push(() => new Promise((resolve) => void server.close(() => resolve())));
    const transport = transportTo(`https://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const daysLeft = () => Math.round(((transport.facts.peerCertificateExpiresAtMs ?? 0) - Date.now()) / 86_400_000);
    await transport.get("/version", getOptions);
    await transport.get("/version", getOptions);
    expect(daysLeft()).toBe(1);
    server.setSecureContext({ cert: second.certPem, key: second.keyPem });
    await transport.get("/version", getOptions);
    expect(daysLeft()).toBe(20);
  });

  test("that is not verified is said, and its end is known all the same", async () => {
    const server = await https((_request, response) => json(response, 200, {}), {
      notAfter: daysFromNow(-1),
      notBefore: daysFromNow(-2),
    });
    const transport = transportTo(server.url, {}, { insecureSkipTlsVerify: true });
    await transport.get("/version", getOptions);
    expect(transport.facts.insecureSkipTlsVerify).toBe(true);
    expect(transport.facts.peerCertificateExpiresAtMs).toBeLessThan(Date.now());
  });
});

describe("a deadline", () => {
  test("for headers ends a server that accepts and never answers", async () => {
    const server = await tcp(() => {});
    const { error, tookMs } = await timed(
      transportTo(server.url, { headersTimeoutMs: 1_500 }).get("/version", getOptions),
    );
    expect(error).toMatchObject({ code: "HEADERS_TIMEOUT", reason: "ResponseTimeout" });
    expect(error.message).toBe(`no response headers from 127.0.0.1:${server.port} within 1.5 s`);
    expect(tookMs).toBeGreaterThan(1_400);
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
  });

  test("for silence ends a body that stalls", async () => {
    const server = await http((_request, response) => {
      response.writeHead(200).write("{");
    });
    const { error, tookMs } = await timed(
      transportTo(server.url, { bodyIdleTimeoutMs: 1_000 }).get("/version", getOptions),
    );
    expect(error).toMatchObject({ code: "BODY_TIMEOUT", reason: "ResponseStalled" });
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
  });

  test("for the whole request ends a body of one byte at a time", async () => {
    const server = await http((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write(" "), 200);
      response.on("close", () => clearInterval(timer));
    });
    const transport = transportTo(server.url, { requestTimeoutMs: 2_000 });
    const { error, tookMs } = await timed(transport.get("/version", getOptions));
    expect(error).toMatchObject({ code: "REQUEST_DEADLINE", reason: "RequestTimeout" });
    expect(tookMs).toBeGreaterThan(1_950);
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
    await expect.poll(() => server.open()).toBe(0);
  });

  test("for the whole request counts the wait for a connection, and a hung server gets two at most", async () => {
    // It reads, since whoever does not read does not see a connection close.
    const server = await tcp((socket) => void socket.resume());
    const transport = transportTo(server.url, { requestTimeoutMs: 700 });
    // Two at a time, each waiting for its own deadline only after the one before: 8.4 s.
    const results = await Promise.all(Array.from({ length: 24 }, () => timed(transport.get("/version", getOptions))));
    for (const { error, tookMs } of results) {
      expect(error.code).toBe("REQUEST_DEADLINE");
      expect(tookMs).toBeLessThan(otherDeadlinesMs);
    }
    await expect.poll(() => server.open(), { timeout: 10_000 }).toBeLessThanOrEqual(2);
  });

  test("of the caller comes first", async () => {
    const server = await tcp(() => {});
    const controller = new AbortController();
    const request = timed(transportTo(server.url).get("/version", { ...getOptions, signal: controller.signal }));
    setTimeout(() => controller.abort(new Error(canaryToken)), 50);
    const { error, tookMs } = await request;
    expect(error).toMatchObject({ code: "ABORTED", reason: "Aborted" });
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
    const again = transportTo(server.url).get("/version", { ...getOptions, signal: controller.signal });
    expect((await failure(again)).code).toBe("ABORTED");
  });
});

describe("a body", () => {
  test("cut in the middle is a reset", async () => {
    const server = await http((_request, response) => {
      response.writeHead(200, { "content-length": "1000" }).write("{");
      setTimeout(() => response.destroy(), 20);
    });
    expect((await failure(transportTo(server.url).get("/version", getOptions))).code).toBe("CONNECTION_RESET");
  });

  test("that ends without its last chunk is a reset", async () => {
    const server = await tcp((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n"));
    });
    expect((await failure(transportTo(server.url).get("/version", getOptions))).code).toBe("CONNECTION_RESET");
  });

  test("over its limit is refused while it arrives", async () => {
    let written = 0;
    const server = await http((_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (written < 64 * mib && !response.destroyed) {
          written += 65_536;
          if (!response.write(Buffer.alloc(65_536, 32))) return void response.once("drain", more);
        }
      };
      more();
    });
    const error = await failure(transportTo(server.url).get("/version", getOptions));
    expect(error).toMatchObject({ code: "BODY_TOO_LARGE", reason: "ResponseTooLarge" });
    expect(written).toBeLessThan(32 * mib);
    await expect.poll(() => server.open()).toBe(0);
  });

  test("announced over its limit is refused unread, and one exactly at the limit is not", async () => {
    const server = await http((_request, response) => response.writeHead(200).end(Buffer.alloc(1_000)));
    const transport = transportTo(server.url);
    expect((await failure(transport.get("/", { ...getOptions, maxBytes: 999 }))).code).toBe("BODY_TOO_LARGE");
    expect((await transport.get("/", { ...getOptions, maxBytes: 1_000 })).bytes.byteLength).toBe(1_000);
  });

  test("that inflates past the limit of a JSON request is refused", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * mib, 32), { level: 9 });
    const server = await http((_request, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    const rssBefore = process.memoryUsage.rss();
    const request = transportTo(server.url).requestJson("GET", "/", { signal: never, maxBytes: mib });
    expect((await failure(request)).code).toBe("BODY_TOO_LARGE");
    expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(64 * mib);
  });

  test.each([
    ["is not JSON", {}, Buffer.from("<html>")],
    ["is cut JSON", {}, Buffer.from('{"a":')],
    ["is not UTF-8", {}, Buffer.from([0x22, 0xff, 0x22])],
    ["claims to be gzip", { "content-encoding": "gzip" }, Buffer.from("{}")],
    ["is compressed in a way not asked for", { "content-encoding": "br" }, Buffer.from("{}")],
  ])("of a JSON request that %s is malformed", async (_name, headers, bytes) => {
    const server = await http((_request, response) => response.writeHead(200, headers).end(bytes));
    const request = transportTo(server.url).requestJson("GET", "/", { signal: never, maxBytes: mib });
    expect((await failure(request)).code).toBe("BODY_MALFORMED");
  });
});

describe("a stream", () => {
  const streamOptions = { accept: "application/json", signal: never, idleTimeoutMs: 5_000 };
  async function collect(stream: AsyncIterable<Uint8Array>): Promise<string> {
    let all = "";
    for await (const chunk of stream) all += Buffer.from(chunk).toString();
    return all;
  }

  test("yields what arrives, outlives the request deadline and ends with the server", async () => {
    const server = await http((_request, response) => {
      response.writeHead(200).flushHeaders();
      setTimeout(() => response.write("a"), 300);
      setTimeout(() => response.end("b"), 900);
    });
    const transport = transportTo(server.url, { requestTimeoutMs: 500, bodyIdleTimeoutMs: 100 });
    expect(await collect(transport.stream("/", streamOptions))).toBe("ab");
  });

  test("without a byte for its idle time fails", async () => {
    const server = await http((_request, response) => response.writeHead(200).write("a"));
    const { error, tookMs } = await timed(
      collect(transportTo(server.url).stream("/", { ...streamOptions, idleTimeoutMs: 400 })),
    );
    expect(error).toMatchObject({
      code: "BODY_TIMEOUT",
      message: `nothing received from 127.0.0.1:${server.port} for 400 ms`,
    });
    expect(tookMs).toBeLessThan(otherDeadlinesMs);
    await expect.poll(() => server.open()).toBe(0);
  });

  test("that is left or aborted closes its connection, and streams leave requests their own", async () => {
    const server = await http((request, response) => {
      if (request.url === "/version") json(response, 200, {});
      else response.writeHead(200).write("a");
    });
    const transport = transportTo(server.url);
    const streams = [1, 2, 3].map(() => transport.stream("/watch", streamOptions));
    for (const stream of streams) expect((await stream.next()).done).toBe(false);
    expect((await transport.get("/version", getOptions)).status).toBe(200);
    expect(server.open()).toBe(4);
    for (const stream of streams) await stream.return();
    const controller = new AbortController();
    const aborted = failure(collect(transport.stream("/watch", { ...streamOptions, signal: controller.signal })));
    setTimeout(() => controller.abort(), 50);
    expect((await aborted).code).toBe("ABORTED");
    await expect.poll(() => server.open()).toBe(1);
  });

  test("over the number allowed is refused", async () => {
    const server = await http((_request, response) => response.writeHead(200).write("a"));
    const transport = transportTo(server.url, { maxStreams: 1 });
    const first = transport.stream("/", streamOptions);
    await first.next();
    expect((await failure(collect(transport.stream("/", streamOptions)))).code).toBe("REQUEST_FAILED");
    await first.return();
    const second = transport.stream("/", streamOptions);
    expect((await second.next()).done).toBe(false);
    await second.return();
  });

  test.each([
    [410, "GONE"],
    [500, "SERVER_ERROR"],
  ])("refused with %i says so", async (status, code) => {
    const server = await http((_request, response) => json(response, status, { reason: "Expired" }));
    expect((await failure(collect(transportTo(server.url).stream("/", streamOptions)))).code).toBe(code);
  });

  test("cut in the middle is a reset", async () => {
    const server = await http((_request, response) => {
      response.writeHead(200).write("a");
      setTimeout(() => response.destroy(), 20);
    });
    expect((await failure(collect(transportTo(server.url).stream("/", streamOptions)))).code).toBe("CONNECTION_RESET");
  });
});

test("closing a transport fails what is pending and closes every connection", async () => {
  const server = await http((_request, response) => response.writeHead(200).write("a"));
  const transport = transportTo(server.url);
  const pending = [failure(transport.get("/", getOptions)), failure(transport.get("/", getOptions))];
  await expect.poll(() => server.open()).toBe(2);
  await transport.close();
  for (const error of await Promise.all(pending)) expect(error.code).toBe("ABORTED");
  expect((await failure(transport.get("/", getOptions))).code).toBe("ABORTED");
  await expect.poll(() => server.open()).toBe(0);
});

test("printing a transport shows no token", () => {
  expect(allTextOf(transportTo("https://127.0.0.1:1"))).not.toContain(canaryToken);
});
