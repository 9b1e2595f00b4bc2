import type { IncomingMessage, ServerResponse } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { listObjects } from "../../src/kube/list.ts";
import { objectSource, Reflector } from "../../src/kube/reflector.ts";
import { patchStatus } from "../../src/kube/status-patch.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { type WatchEvent, watchEvents } from "../../src/kube/watch.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { allTextOf, canaryToken } from "../support/secrets.ts";
import { httpServer, type TestServer } from "../support/tls-server.ts";

type Handler = (url: URL, response: ServerResponse, request: IncomingMessage) => void;

const path = "/apis/clusterpulse.io/v1alpha1/namespaces/ns/clusterconnections";
const never = new AbortController().signal;
const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(handler: Handler): Promise<{ server: TestServer; transport: KubeTransport }> {
  const server = await httpServer((request, response) =>
    handler(new URL(request.url ?? "/", "http://x"), response, request),
  );
  const credentials = new ClusterCredentials({ server: server.url, token: canaryToken });
  const transport = createTransport(credentials, {}, "clusterpulse-hub/test");
  cleanups.push(server.close, () => transport.close());
  return { server, transport };
}

async function failure(promise: Promise<unknown>): Promise<KubeError> {
  const error = await promise.then(
    () => expect.fail("it succeeded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(KubeError);
  expect(allTextOf(error)).not.toContain(canaryToken);
  return error as KubeError;
}

const object = (name: string, resourceVersion: string) => ({ metadata: { namespace: "ns", name, resourceVersion } });
const reply = (response: ServerResponse, value: unknown, status = 200) =>
  response.writeHead(status).end(JSON.stringify(value));
const gone = { kind: "Status", code: 410, reason: "Expired", message: canaryToken };

describe("a list", () => {
  const list = (transport: KubeTransport, more: Partial<Parameters<typeof listObjects>[2]> = {}) =>
    listObjects(transport, path, { signal: never, maxObjects: 100, ...more });

  test("joins its pages and carries its selection through all of them", async () => {
    const queries: string[] = [];
    const { transport } = await serve((url, response) => {
      queries.push(url.search);
      const page = Number(url.searchParams.get("continue") ?? "0");
      reply(response, {
        metadata: { resourceVersion: "50", ...(page < 2 && { continue: String(page + 1) }) },
        items: page === 2 ? null : [object(`p${page}`, "1")],
      });
    });
    const found = await list(transport, { labelSelector: "a=b,c" });
    expect(found.items.map((item) => item.metadata.name)).toEqual(["p0", "p1"]);
    expect(found.resourceVersion).toBe("50");
    expect(queries.map((query) => new URLSearchParams(query).get("labelSelector"))).toEqual([
      "a=b,c",
      "a=b,c",
      "a=b,c",
    ]);
    expect(queries[0]).toContain("limit=500");
  });

  test("whose continue token expires starts over, once", async () => {
    let expiries = 1;
    const { transport } = await serve((url, response) => {
      if (url.searchParams.has("continue") && expiries-- > 0) return reply(response, gone, 410);
      const last = url.searchParams.has("continue");
      const metadata = last ? { resourceVersion: "9" } : { resourceVersion: "9", continue: "x" };
      return reply(response, { metadata, items: [object(last ? "b" : "a", "1")] });
    });
    expect((await list(transport)).items).toHaveLength(2);
    expiries = 2;
    expect((await failure(list(transport))).code).toBe("GONE");
  });

  test("is bounded in objects and in pages", async () => {
    let pages = 0;
    const { transport } = await serve((url, response) => {
      pages++;
      const items = url.searchParams.get("labelSelector") === "many" ? [object("a", "1"), object("b", "1")] : [];
      reply(response, { metadata: { resourceVersion: "1", continue: "again" }, items });
    });
    expect((await failure(list(transport, { labelSelector: "many" }))).code).toBe("TOO_MANY_OBJECTS");
    expect(pages).toBe(51);
    expect((await failure(list(transport))).code).toBe("BODY_MALFORMED");
    expect(pages).toBe(1_051);
  });

  test("of metadata asks for nothing else, and keeps nothing else whatever comes", async () => {
    const accepts: (string | undefined)[] = [];
    const { transport } = await serve((_url, response, request) => {
      accepts.push(request.headers.accept);
      reply(response, {
        metadata: { resourceVersion: "1" },
        items: [{ ...object("a", "1"), data: { token: canaryToken } }],
      });
    });
    const found = await list(transport, { metadataOnly: true });
    expect(accepts).toEqual(["application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"]);
    expect(allTextOf(found)).not.toContain(canaryToken);
  });

  test.each([
    {},
    { items: [] },
    { metadata: { resourceVersion: "" }, items: [] },
    { metadata: { resourceVersion: "1" }, items: {} },
    [],
    "x",
    null,
  ])("that is %j is malformed", async (body) => {
    const { transport } = await serve((_url, response) => reply(response, body));
    expect((await failure(list(transport))).code).toBe("BODY_MALFORMED");
  });
});

describe("a watch", () => {
  const options = { resourceVersion: "10", timeoutSeconds: 400, idleTimeoutMs: 2_000, signal: never };
  async function collect(events: AsyncIterable<WatchEvent<KubeObject>>, into: WatchEvent<KubeObject>[] = []) {
    for await (const event of events) into.push(event);
    return into;
  }
  const line = (type: string, value: unknown) => `${JSON.stringify({ type, object: value })}\n`;

  test("asks for bookmarks and yields events however they are cut, multi-byte characters included", async () => {
    let search = "";
    const text =
      line("ADDED", { ...object("a", "11"), label: "Zürich 🐧" }) +
      line("BOOKMARK", { metadata: { resourceVersion: "12" } });
    const { transport } = await serve(async (url, response) => {
      search = url.search;
      response.writeHead(200);
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.from([byte]));
        if (byte % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    expect(await collect(watchEvents(transport, path, options))).toEqual([
      { type: "ADDED", object: { ...object("a", "11"), label: "Zürich 🐧" } },
      { type: "BOOKMARK", resourceVersion: "12" },
    ]);
    expect(search).toBe("?watch=true&allowWatchBookmarks=true&resourceVersion=10&timeoutSeconds=400");
  });

  test.each([
    ["an ERROR event that leaves the stream open", (r: ServerResponse) => r.write(line("ERROR", gone)), "GONE", 0],
    ["an ERROR event of status 500", (r: ServerResponse) => r.end(line("ERROR", { code: 500 })), "SERVER_ERROR", 1],
    ["a garbage line", (r: ServerResponse) => r.write("<html>\n"), "BODY_MALFORMED", 0],
    ["half a line", (r: ServerResponse) => r.end('{"type":"ADD'), "BODY_MALFORMED", 1],
    ["an unknown type", (r: ServerResponse) => r.write(line("SYNC", object("b", "12"))), "BODY_MALFORMED", 0],
    ["a reset", (r: ServerResponse) => setTimeout(() => r.destroy(), 20), "CONNECTION_RESET", 0],
    ["silence", () => undefined, "BODY_TIMEOUT", 0],
  ])("yields what came before %s, then fails and closes what is not idle", async (_name, act, code, idle) => {
    const { server, transport } = await serve((_url, response) => {
      response.writeHead(200).write(line("ADDED", object("a", "11")));
      act(response);
    });
    const events: WatchEvent<KubeObject>[] = [];
    expect((await failure(collect(watchEvents(transport, path, options), events))).code).toBe(code);
    expect(events).toHaveLength(1);
    await expect.poll(() => server.open()).toBeLessThanOrEqual(idle);
  });

  test("E-09 with a line of 64 MB is refused after 8, without the memory for it", async () => {
    let written = 0;
    const { transport } = await serve((_url, response) => {
      response.writeHead(200);
      const more = () => {
        while (written < 64 << 20 && !response.destroyed) {
          written += 1 << 16;
          if (!response.write(Buffer.alloc(1 << 16, 32))) return void response.once("drain", more);
        }
      };
      more();
    });
    const before = process.memoryUsage.rss();
    expect((await failure(collect(watchEvents(transport, path, options)))).code).toBe("BODY_TOO_LARGE");
    expect(written).toBeLessThan(32 << 20);
    expect(process.memoryUsage.rss() - before).toBeLessThan(64 << 20);
  });
});

describe("a status patch", () => {
  test("is a merge patch on the subresource, with a precondition if asked for, and returns the object", async () => {
    const bodies: unknown[] = [];
    const { transport } = await serve(async (url, response, request) => {
      let text = "";
      for await (const chunk of request) text += chunk;
      bodies.push([request.method, url.pathname, request.headers["content-type"], JSON.parse(text)]);
      reply(response, { ...object("a", "8"), status: { phase: "Connected" } });
    });
    const patched = await patchStatus(
      transport,
      `${path}/a/status`,
      { phase: "Connected" },
      { signal: never, resourceVersion: "7" },
    );
    expect(patched.metadata.resourceVersion).toBe("8");
    await patchStatus(transport, `${path}/a/status`, { message: null }, { signal: never });
    expect(bodies).toEqual([
      [
        "PATCH",
        `${path}/a/status`,
        "application/merge-patch+json",
        { metadata: { resourceVersion: "7" }, status: { phase: "Connected" } },
      ],
      ["PATCH", `${path}/a/status`, "application/merge-patch+json", { status: { message: null } }],
    ]);
  });

  test("for another object of the name says that its own is gone, where the server does not refuse it", async () => {
    const uid = "one";
    const { metadata } = object("a", "8");
    const { transport } = await serve((_url, response) => reply(response, { metadata: { ...metadata, uid } }));
    await patchStatus(transport, `${path}/a/status`, {}, { signal: never, uid });
    const other = patchStatus(transport, `${path}/a/status`, {}, { signal: never, uid: "another" });
    expect((await failure(other)).code).toBe("NOT_FOUND");
  });

  test.each([
    [404, "NOT_FOUND"],
    [409, "CONFLICT"],
  ])("refused with %i is %s", async (status, code) => {
    const { transport } = await serve((_url, response) => reply(response, {}, status));
    expect((await failure(patchStatus(transport, `${path}/a/status`, {}, { signal: never }))).code).toBe(code);
  });
});

test("a reflector over HTTP follows lists, watches, resets and compaction, and leaves no connection behind", async () => {
  const lists: string[] = [];
  const watches: string[] = [];
  let listed = [object("a", "5"), object("b", "6")];
  let stream: ServerResponse | undefined;
  const { server, transport } = await serve((url, response) => {
    if (!url.searchParams.has("watch")) {
      lists.push(url.search);
      return reply(response, { metadata: { resourceVersion: String(10 * lists.length) }, items: listed });
    }
    // A server that cannot begin a watch with a list says so.
    if (url.searchParams.has("sendInitialEvents")) return reply(response, { reason: "Invalid" }, 422);
    watches.push(url.searchParams.get("resourceVersion") ?? "");
    stream = response.writeHead(200);
    stream.flushHeaders();
  });
  const send = (type: string, value: unknown) => stream?.write(`${JSON.stringify({ type, object: value })}\n`);
  const reflector = new Reflector<KubeObject>({
    name: "clusterconnections",
    source: objectSource(transport, path),
    clock: systemClock,
    random: seededRandom(1),
    log: silentLogger,
    onChange: () => {},
    timings: { backoff: { firstMs: 10, maxMs: 50 }, relistSpacingMs: 10, relistJitterMs: 10 },
  });
  const stop = new AbortController();
  const done = reflector.run(stop.signal);
  const changes = () => reflector.takeChanges().map(({ key, object }) => `${key}@${object?.metadata.resourceVersion}`);

  await expect.poll(() => watches.length).toBe(1);
  expect(changes()).toEqual(["ns/a@5", "ns/b@6"]);
  send("MODIFIED", object("a", "11"));
  send("BOOKMARK", { metadata: { resourceVersion: "15" } });
  await expect.poll(changes).toEqual(["ns/a@11"]);
  stream?.destroy();
  await expect.poll(() => watches.length).toBe(2);
  send("DELETED", object("b", "16"));
  await expect.poll(changes).toEqual(["ns/b@undefined"]);
  listed = [object("c", "18")];
  send("ERROR", gone);
  await expect.poll(() => watches.length).toBe(3);
  expect(changes()).toEqual(["ns/a@undefined", "ns/c@18"]);
  expect([lists.length, watches]).toEqual([2, ["10", "15", "20"]]);
  expect(reflector.state).toMatchObject({ synced: true, objects: 1, relists: 1, reconnects: 2 });

  stop.abort();
  await done;
  await transport.close();
  await expect.poll(() => server.open()).toBe(0);
});
