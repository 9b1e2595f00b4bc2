// The registry client against servers that the test scripts, over real HTTP: tokens, pages, redirects, limits, and whatever else a registry
// may do that a well-behaved one does not. Real registries are in registry-docker.test.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { createEndpointPolicy } from "../../src/kube/endpoint-policy.ts";
import {
  type CheckRequest,
  createRegistryClient,
  type RegistryCheck,
  type RegistryClient,
  type RegistryClientOptions,
} from "../../src/registry/check.ts";
import { RegistryCredentials } from "../../src/registry/credentials.ts";
import { systemClock } from "../../src/support/clock.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { type Authority, createAuthority } from "../support/certificates.ts";
import { httpServer, httpsServer, type TestServer } from "../support/tls-server.ts";

interface Seen {
  readonly path: string;
  readonly authorization: string | undefined;
}
type Script = (request: IncomingMessage, response: ServerResponse, url: URL) => void;

let authority: Authority;
const servers: TestServer[] = [];
const clients: RegistryClient[] = [];
beforeAll(async () => {
  authority = await createAuthority();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const server of servers.splice(0)) await server.close();
});

/** A server that notes what it was asked, and answers as scripted. */
async function serve(script: Script, tls = false): Promise<TestServer & { readonly seen: readonly Seen[] }> {
  const seen: Seen[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    seen.push({ path: request.url ?? "", authorization: request.headers.authorization });
    script(request, response, new URL(request.url ?? "/", "http://registry"));
  };
  const server = await (tls ? httpsServer(await authority.issue(), listener) : httpServer(listener));
  servers.push(server);
  return Object.assign(server, { seen });
}

const json = (response: ServerResponse, body: unknown, headers: Record<string, string> = {}): void =>
  void response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
const login = new RegistryCredentials({ username: "robot", password: "secret" });
const basic = `Basic ${Buffer.from("robot:secret").toString("base64")}`;

function clientOf(server: string, options: Partial<RegistryClientOptions> = {}): RegistryClient {
  const client = createRegistryClient({
    server,
    credentials: login,
    credentialsProblem: null,
    skipTlsVerify: true,
    requestTimeoutMs: 20_000,
    keepAliveMs: 30_000,
    userAgent: "test",
    clock: systemClock,
    ...options,
  });
  clients.push(client);
  return client;
}
const check = (client: RegistryClient, more: Partial<CheckRequest> = {}): Promise<RegistryCheck> =>
  client.check(
    {
      healthCheckPaths: [],
      maxCatalogEntries: undefined,
      canary: undefined,
      reachDeadlineMs: 60_000,
      extraDeadlineMs: 60_000,
      ...more,
    },
    new AbortController().signal,
  );

describe("what a registry answers", () => {
  test.each([
    [403, "FORBIDDEN", "Forbidden"],
    [404, "NOT_FOUND", "NotFound"],
    [429, "RATE_LIMITED", "TooManyRequests"],
    [500, "SERVER_ERROR", "ServerError"],
    [418, "UNEXPECTED_STATUS", "UnexpectedStatus"],
  ])("%i is told apart (%s), and nothing of its body is repeated", async (status, code, reason) => {
    const { url } = await serve((_request, response) => void response.writeHead(status).end("canary in a body"));
    await expect(check(clientOf(url))).rejects.toMatchObject({ code, reason, httpStatus: status });
    await expect(check(clientOf(url))).rejects.not.toThrow(/canary/);
  });

  test.each([
    ["in seconds", () => "7", 7_000],
    ["as a date", () => new Date(Date.now() + 200_000).toUTCString(), 200_000],
    ["of a day, as five minutes at most", () => "86400", 300_000],
    ["that is neither, as none", () => "soon", undefined],
  ])("Retry-After %s of a 429 is passed on", async (_how, headerOf, expectedMs) => {
    const header = headerOf();
    const { url } = await serve((_request, response) => void response.writeHead(429, { "retry-after": header }).end());
    const error = (await check(clientOf(url)).catch((thrown: unknown) => thrown)) as { retryAfterMs?: number };
    if (expectedMs === undefined) expect(error.retryAfterMs).toBeUndefined();
    else expect(Math.abs((error.retryAfterMs ?? 0) - expectedMs)).toBeLessThan(60_000);
  });

  test("every path of healthCheckPaths counts, in turn", async () => {
    const server = await serve((_request, response, { pathname }) => {
      response.writeHead(pathname === "/health" ? 503 : 200).end("{}");
    });
    await expect(check(clientOf(server.url), { healthCheckPaths: ["/v2/", "/health"] })).rejects.toMatchObject({
      code: "SERVER_ERROR",
    });
    expect(server.seen.map(({ path }) => path)).toEqual(["/v2/", "/health"]);
  });

  test("a web page at /v2/ is no registry; at another path it may be one's own", async () => {
    const page: Script = (_request, response) =>
      void response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html></html>");
    const { url } = await serve(page);
    await expect(check(clientOf(url))).rejects.toMatchObject({ code: "BODY_MALFORMED" });
    expect((await check(clientOf(url), { healthCheckPaths: ["/"] })).problem).toBeNull();
  });

  test("no answer within the request's time is a deadline; the endpoint policy is obeyed", async () => {
    const { url, port } = await serve(() => undefined);
    await expect(check(clientOf(url, { requestTimeoutMs: 300 }))).rejects.toMatchObject({ reason: "RequestTimeout" });
    const policy = createEndpointPolicy({ insideCluster: true, resolve: () => Promise.resolve([]) });
    const refused = check(clientOf(`http://127.0.0.1:${port}`, { endpointPolicy: policy }));
    await expect(refused).rejects.toMatchObject({ code: "ENDPOINT_FORBIDDEN" });
  });
});

/** A registry with a token server of its own origin, whose tokens live for so long. */
async function withTokens(
  expiresIn: number | undefined,
  challengeOf = (realm: string) => `Bearer realm="${realm}",service="s"`,
) {
  let issued = 0;
  const tokens = await serve((request, response, { searchParams }) => {
    if (request.headers.authorization !== basic) response.writeHead(401).end();
    else json(response, { access_token: `t${++issued}-${searchParams.get("scope")}`, expires_in: expiresIn });
  });
  const registry = await serve((request, response, { pathname }) => {
    if (request.headers.authorization?.startsWith("Bearer t") !== true) {
      response.writeHead(401, { "www-authenticate": challengeOf(`${tokens.url}/token`) }).end();
    } else if (pathname === "/v2/_catalog") json(response, { repositories: ["a"] });
    else json(response, {});
  });
  return { registry, tokens };
}

describe("tokens", () => {
  test("are asked for with service, scope and credentials, kept until shortly before they expire, and asked for again", async () => {
    const { registry, tokens } = await withTokens(100);
    const clock = new VirtualClock();
    const client = clientOf(registry.url, { clock });
    for (let i = 0; i < 3; i++)
      expect(await check(client, { maxCatalogEntries: 5 })).toMatchObject({ problem: null, missing: [] });
    expect(tokens.seen).toEqual([
      { path: "/token?service=s", authorization: basic },
      { path: "/token?service=s&scope=registry%3Acatalog%3A*", authorization: basic },
    ]);
    await clock.advance(89_000);
    await check(client);
    expect(tokens.seen).toHaveLength(2);
    await clock.advance(2_000);
    await check(client);
    expect(tokens.seen).toHaveLength(3);
    expect(
      registry.seen.every(({ authorization }) => authorization === basic || authorization?.startsWith("Bearer t")),
    ).toBe(true);
  });

  test("without an expiry count for less than a minute", async () => {
    const { registry, tokens } = await withTokens(undefined);
    const clock = new VirtualClock();
    const client = clientOf(registry.url, { clock });
    await check(client);
    await clock.advance(60_000);
    await check(client);
    expect(tokens.seen).toHaveLength(2);
  });

  test("one that the registry takes no more is replaced at once", async () => {
    let accepted = "Bearer t1";
    const tokens = await serve((_request, response) => json(response, { token: accepted.slice(7), expires_in: 300 }));
    const registry = await serve((request, response) => {
      if (request.headers.authorization === accepted) json(response, {});
      else response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens.url}/token"` }).end();
    });
    const client = clientOf(registry.url);
    await check(client);
    accepted = "Bearer t2";
    expect((await check(client)).problem).toBeNull();
    expect(tokens.seen).toHaveLength(2);
  });

  test.each([
    ["no JSON", "not JSON"],
    ["no token", "{}"],
    ["a token that no header can carry", JSON.stringify({ token: "a b\nc" })],
    ["more than a token", JSON.stringify({ token: "x".repeat(70_000) })],
  ])(
    "a token server that answers %s leaves the registry available, and says whose fault it is",
    async (_what, body) => {
      const tokens = await serve((_request, response) => void response.writeHead(200).end(body));
      const registry = await serve(
        (_request, response) =>
          void response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens.url}/token"` }).end(),
      );
      expect(await check(clientOf(registry.url))).toMatchObject({ problem: { reason: "TokenServerFailed" } });
    },
  );

  test("credentials go to no token server over http where the registry is asked over https", async () => {
    const tokens = await serve((_request, response) => json(response, { token: "t" }));
    const registry = await serve(
      (_request, response) =>
        void response.writeHead(401, { "www-authenticate": `Bearer realm="${tokens.url}/token"` }).end(),
      true,
    );
    expect(await check(clientOf(registry.url))).toMatchObject({
      problem: { reason: "TokenServerFailed", message: expect.stringContaining("must be https") },
    });
    expect(tokens.seen).toEqual([]);
  });

  test("credentials that are refused are tried once for each check: neither catalog nor canary is asked for", async () => {
    const registry = await serve(
      (_request, response) => void response.writeHead(401, { "www-authenticate": 'Basic realm="r"' }).end(),
    );
    const canary = { repository: "a", reference: "latest", intervalMs: 1_000 };
    const found = await check(clientOf(registry.url), { maxCatalogEntries: 5, canary });
    expect(registry.seen).toEqual([{ path: "/v2/", authorization: basic }]);
    expect(found).toMatchObject({ problem: { reason: "AuthFailed" }, features: { catalog_accessible: false } });
    expect(found.missing.map(({ part }) => part)).toEqual(["catalog", "canary"]);
  });
});

describe("redirects", () => {
  test("are followed to another server, without the credentials", async () => {
    const store = await serve((_request, response) => json(response, {}));
    const registry = await serve(
      (_request, response) => void response.writeHead(307, { location: `${store.url}/x` }).end(),
    );
    expect((await check(clientOf(registry.url))).problem).toBeNull();
    expect(registry.seen[0]?.authorization).toBe(basic);
    expect(store.seen).toEqual([{ path: "/x", authorization: undefined }]);
  });

  test("keep the credentials on the registry's own server, three times at most", async () => {
    const registry = await serve((_request, response, { pathname }) => {
      const step = Number(pathname.slice("/step".length)) || 0;
      if (step === 3) json(response, {});
      else response.writeHead(302, { location: `/step${step + 1}` }).end();
    });
    expect((await check(clientOf(registry.url))).problem).toBeNull();
    expect(registry.seen.map(({ authorization }) => authorization)).toEqual([basic, basic, basic, basic]);
    const endless = await serve((_request, response) => void response.writeHead(302, { location: "/v2/" }).end());
    await expect(check(clientOf(endless.url))).rejects.toMatchObject({ code: "REDIRECT_REFUSED" });
    expect(endless.seen).toHaveLength(4);
  });

  test.each(["http://127.0.0.1:1/", "ftp://127.0.0.1/", "file:///etc/passwd"])(
    "never lead from https to %s",
    async (location) => {
      const registry = await serve((_request, response) => void response.writeHead(302, { location }).end(), true);
      await expect(check(clientOf(registry.url))).rejects.toMatchObject({ code: "REDIRECT_REFUSED" });
    },
  );
});

describe("the catalog", () => {
  const pages =
    (link: (page: number) => string, size = 3): Script =>
    (_request, response, { pathname, searchParams }) => {
      if (pathname === "/v2/") return json(response, {});
      const page = Number(searchParams.get("page") ?? "0");
      const repositories = Array.from({ length: size }, (_, i) => `r${page * size + i}`);
      json(response, { repositories }, { link: link(page) });
    };
  const numbered = (page: number): string => `</v2/_catalog?page=${page + 1}>; rel="next"`;

  test("is counted page by page up to its maximum, and says that there is more", async () => {
    const registry = await serve(pages(numbered));
    const found = await check(clientOf(registry.url), { maxCatalogEntries: 7 });
    expect(found.catalog).toMatchObject({ count: 7, isComplete: false });
    expect(registry.seen.slice(1).map(({ path }) => path)).toEqual([
      "/v2/_catalog?n=7",
      "/v2/_catalog?page=1",
      "/v2/_catalog?page=2",
    ]);
  });

  test("without a maximum ends after a hundred pages, and when a page names itself or nothing", async () => {
    const long = await serve(pages(numbered));
    expect((await check(clientOf(long.url), { maxCatalogEntries: -1 })).catalog).toMatchObject({
      count: 300,
      isComplete: false,
    });
    const own = await serve(pages(() => '</v2/_catalog?page=0>; rel="next"'));
    await check(clientOf(own.url), { maxCatalogEntries: -1 });
    expect(own.seen).toHaveLength(3);
    const empty = await serve(pages(numbered, 0));
    expect((await check(clientOf(empty.url), { maxCatalogEntries: -1 })).catalog).toMatchObject({
      count: 0,
      isComplete: true,
    });
  });

  test("is never fetched from where a Link leads outside", async () => {
    const stranger = await serve((_request, response) => json(response, { repositories: ["x"] }));
    const registry = await serve(pages((page) => `<${stranger.url}/v2/_catalog?page=${page + 1}>; rel="next"`));
    await check(clientOf(registry.url), { maxCatalogEntries: 7 });
    expect(stranger.seen).toEqual([]);
    const other = await serve(pages(() => `</admin/delete>; rel="next"`));
    await check(clientOf(other.url), { maxCatalogEntries: 7 });
    expect(other.seen.map(({ path }) => path)).not.toContain("/admin/delete");
  });

  test.each([
    ["no list of names", JSON.stringify({ repositories: "x" })],
    ["a name that is too long", JSON.stringify({ repositories: ["x".repeat(300)] })],
    ["no JSON", "<html>"],
    ["more than 4 MiB", JSON.stringify({ repositories: [], filler: "x".repeat(4 << 20) })],
  ])("that is %s is missing, and the registry healthy otherwise", async (_what, body) => {
    const registry = await serve(
      (_request, response, { pathname }) => void response.end(pathname === "/v2/" ? "{}" : body),
    );
    const found = await check(clientOf(registry.url), { maxCatalogEntries: 5 });
    expect(found).toMatchObject({ problem: null, catalog: null, features: { catalog_accessible: false } });
    expect(found.missing).toMatchObject([{ part: "catalog", reason: "CatalogFailed" }]);
  });

  test("that hangs costs its own time alone", async () => {
    const registry = await serve((_request, response, { pathname }) => {
      if (pathname === "/v2/") json(response, {});
    });
    const found = await check(clientOf(registry.url), { maxCatalogEntries: 5, extraDeadlineMs: 200 });
    expect(found).toMatchObject({ problem: null, missing: [{ part: "catalog" }] });
  });
});

describe("the canary", () => {
  const wanted = { repository: "team/app", reference: "latest", intervalMs: 60_000 };
  const digest = `sha256:${"0".repeat(64)}`;

  test("is not pulled again before its interval has passed", async () => {
    const registry = await serve((_request, response, { pathname }) =>
      json(response, pathname.includes("/manifests/") ? { layers: [{ digest }] } : {}),
    );
    const clock = new VirtualClock();
    const client = clientOf(registry.url, { clock });
    const pulls = (): number => registry.seen.filter(({ path }) => path.includes("/manifests/")).length;
    const canary = { ...wanted, intervalMs: 300_000 };
    for (let i = 0; i < 5; i++) {
      expect((await check(client, { canary })).problem).toBeNull();
      expect(pulls()).toBe(1);
      await clock.advance(59_999);
    }
    await clock.advance(5);
    await check(client, { canary });
    expect(pulls()).toBe(2);
  });

  test("that failed is told until it is pulled again, after a minute", async () => {
    const registry = await serve((_request, response, { pathname }) => {
      if (pathname === "/v2/") json(response, {});
      else response.writeHead(404).end();
    });
    const clock = new VirtualClock();
    const client = clientOf(registry.url, { clock });
    const pulls = (): number => registry.seen.filter(({ path }) => path !== "/v2/").length;
    const canary = { ...wanted, intervalMs: 300_000 };
    for (let i = 0; i < 3; i++)
      expect(await check(client, { canary })).toMatchObject({ problem: { reason: "CanaryFailed" } });
    expect(pulls()).toBe(1);
    await clock.advance(60_000);
    await check(client, { canary });
    expect(pulls()).toBe(2);
  });

  test.each([
    ["a manifest that is not the one of its digest", { ...wanted, reference: digest }, { layers: [{ digest }] }],
    ["a manifest without layers", wanted, { layers: [] }],
    ["a layer with a name that is no digest", wanted, { layers: [{ digest: "../../secret" }] }],
    ["an index whose entry is not what it says", wanted, { manifests: [{ digest }] }],
  ])("finds out %s", async (_what, canary, manifest) => {
    const registry = await serve((_request, response, { pathname }) =>
      json(response, pathname === "/v2/" ? {} : manifest),
    );
    expect(await check(clientOf(registry.url), { canary })).toMatchObject({
      problem: { reason: "CanaryFailed", code: "BODY_MALFORMED" },
      canary: { pulled: null },
    });
    expect(registry.seen.some(({ path }) => path.includes("secret"))).toBe(false);
  });

  test("reads the first bytes of an endless layer only", async () => {
    const registry = await serve((_request, response, { pathname }) => {
      if (pathname === "/v2/") return json(response, {});
      if (pathname.includes("/manifests/")) return json(response, { layers: [{ digest }] });
      const send = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      };
      response.writeHead(200).on("drain", send);
      send();
    });
    expect((await check(clientOf(registry.url), { canary: wanted })).canary?.pulled).not.toBeNull();
  });
});
