// A collection against a server in memory that pages, expires tokens and fails as told. Computation is inline.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type Collection, collectCluster, defaultCollectLimits } from "../../../src/cluster/collect.ts";
import { collectionDocuments } from "../../../src/cluster/documents.ts";
import type { Transport } from "../../../src/cluster/ports.ts";
import { CollectState } from "../../../src/cluster/state.ts";
import { KubeError, type KubeErrorCode } from "../../../src/kube/errors.ts";
import { encodeBody } from "../../../src/kube/protobuf/encode.ts";
import { PROTOBUF_TYPE } from "../../../src/kube/protobuf/envelope.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createInlineCompute } from "../../../workers/inline.ts";

interface List {
  kind: string;
  items: unknown[];
}
type Answer = unknown | KubeError | Promise<never>;
interface Asked {
  readonly path: string;
  readonly accept: string;
}

const golden = new URL("../../fixtures/golden/cluster-plain/", import.meta.url);
const recorded = (file: string): unknown => JSON.parse(readFileSync(new URL(`${file}.json`, golden), "utf8"));

const lists: Readonly<Record<string, List>> = {
  "/api/v1/pods": recorded("pods") as List,
  "/api/v1/nodes": recorded("nodes") as List,
  "/api/v1/namespaces": recorded("namespaces") as List,
  "/apis/apps/v1/deployments": recorded("deployments") as List,
};

/** Serves the recorded cluster in pages. `override` may answer instead; a returned KubeError is thrown. */
class MemoryServer implements Transport {
  readonly asked: Asked[] = [];
  /** Content-Type of protobuf answers; undefined when the server has none. */
  readonly protobufType: string | undefined;
  inFlight = 0;
  mostInFlight = 0;
  readonly #override: (path: string, signal: AbortSignal) => Answer | undefined;
  readonly #clock: VirtualClock;

  constructor(
    clock: VirtualClock,
    override: (path: string, signal: AbortSignal) => Answer | undefined = () => undefined,
    protobufType?: string,
  ) {
    this.protobufType = protobufType;
    this.#clock = clock;
    this.#override = override;
  }

  async get(path: string, options: { accept: string; signal: AbortSignal; maxBytes: number }) {
    this.asked.push({ path, accept: options.accept });
    this.mostInFlight = Math.max(this.mostInFlight, ++this.inFlight);
    try {
      await Promise.resolve();
      this.#clock.jumpWallClock(1000);
      if (options.signal.aborted) throw new KubeError("ABORTED", "aborted");
      const answer = (await this.#override(path, options.signal)) ?? this.#recorded(path);
      if (answer instanceof Error) throw answer;
      const { contentType, body } = this.#written(answer, options.accept);
      const bytes = new Uint8Array(gzipSync(body));
      return { status: 200, contentType, encoding: "gzip" as const, bytes, headersAfterMs: 10 };
    } finally {
      this.inFlight--;
    }
  }

  async close(): Promise<void> {}

  /** In the first form that the client names, as API servers do; JSON where the server has no other. */
  #written(answer: unknown, accept: string): { contentType: string; body: string | Uint8Array } {
    const json = { contentType: "application/json", body: JSON.stringify(answer) };
    if (this.protobufType === undefined || !accept.startsWith(PROTOBUF_TYPE)) return json;
    const list = answer as Record<string, unknown>;
    const metadata = { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1" };
    const whole = { apiVersion: list["kind"] === "DeploymentList" ? "apps/v1" : "v1" };
    const wanted = accept.includes("as=PartialObjectMetadataList") ? metadata : whole;
    const body = encodeBody({ ...list, ...wanted });
    return body === undefined ? json : { contentType: this.protobufType, body };
  }

  #recorded(path: string): unknown {
    const url = new URL(path, "http://server");
    if (url.pathname === "/version") return recorded("version");
    if (url.pathname === "/apis") return { kind: "APIGroupList", groups: [{ name: "apps" }] };
    const list = lists[url.pathname];
    if (list === undefined) throw new Error(`nobody should ask for ${path}`);
    const start = Number(url.searchParams.get("continue") ?? 0);
    const end = start + Number(url.searchParams.get("limit"));
    const metadata =
      end < list.items.length ? { continue: String(end), remainingItemCount: list.items.length - end } : {};
    return { kind: list.kind, metadata, items: list.items.slice(start, end) };
  }
}

function start(
  override?: (path: string, signal: AbortSignal) => Answer | undefined,
  limits = {},
  signal?: AbortSignal,
  lane: { protobufType?: string; jsonOnly?: boolean } = {},
) {
  const clock = new VirtualClock(Date.parse("2026-11-21T08:03:35Z"));
  const server = new MemoryServer(clock, override, lane.protobufType);
  const request = {
    transport: server,
    compute: createInlineCompute(),
    clock,
    limits: { ...defaultCollectLimits, ...limits },
    endpoint: "https://127.1.0.1:20443",
    jsonOnly: lane.jsonOnly ?? false,
  };
  return { server, collection: collectCluster(request, signal ?? new AbortController().signal) };
}

const fails =
  (code: KubeErrorCode, ...paths: string[]) =>
  (path: string) =>
    paths.some((prefix) => path.startsWith(prefix)) ? new KubeError(code, `${code} for a test`) : undefined;

/** What does not depend on how the lists were cut into pages. */
function content({ info, metrics, namespaces, nodes, missing }: Collection) {
  return { info, metrics, namespaces, nodes, missing };
}

describe("a cluster that answers", () => {
  it("is collected whole", async () => {
    const { server, collection } = start();
    const collected = await collection;
    expect(collected).toMatchObject({
      collectedAtMs: Date.parse("2026-11-21T08:03:35Z"),
      latencyMs: 10,
      info: { api_url: "https://127.1.0.1:20443", version: "v1.31.2", platform: "linux/amd64" },
      metrics: {
        nodes: 3,
        nodesReady: 3,
        pods: 39,
        podsRunning: 33,
        namespaces: lists["/api/v1/namespaces"]?.items.length,
        deployments: lists["/apis/apps/v1/deployments"]?.items.length,
        memoryCapacityBytes: 33397256192 + 17179869184 + 8000000000,
      },
      missing: [],
    });
    expect(collected.nodes.map((node) => node.name)).toEqual(["plain-w1", "plain-w2", "plain-w3"]);
    expect(collected.namespaces).toContain("kube-system");
    expect(server.asked.map((asked) => asked.path)[0]).toBe("/version");
    expect(server.asked.map((asked) => asked.path).sort()).toEqual([
      "/api/v1/namespaces?limit=500",
      "/api/v1/nodes?limit=500",
      "/api/v1/pods?limit=500",
      "/apis",
      "/apis/apps/v1/deployments?limit=1",
      "/version",
    ]);
    expect(server.asked.filter((asked) => asked.accept.includes("PartialObjectMetadataList")).length).toBe(2);
    expect(server.mostInFlight).toBe(1);
  });

  it("its info is what the original stored, without the console it invents for plain Kubernetes", async () => {
    const stored = JSON.parse(readFileSync(new URL("../stored.json", golden), "utf8")) as {
      "cluster:plain:info": { json: Record<string, unknown> };
    };
    const { console_url: invented, ...rest } = stored["cluster:plain:info"].json;
    expect(invented).toBe(rest["api_url"]);
    expect((await start().collection).info).toEqual(rest);
  });

  it.each([1, 2, 7])("in pages of %d gives the same", async (pageSize) => {
    const whole = content(await start().collection);
    const { server, collection } = start(undefined, { pageSize });
    expect(content(await collection)).toEqual(whole);
    expect(server.mostInFlight).toBe(1);
  });

  it("a token with characters of URLs comes back as it was", async () => {
    const token = "a b&limit=1/+%é";
    const seen: (string | null)[] = [];
    const { collection } = start((path) => {
      const url = new URL(path, "http://server");
      if (url.pathname !== "/api/v1/namespaces") return undefined;
      seen.push(url.searchParams.get("continue"));
      return { kind: "NamespaceList", metadata: { continue: seen.length === 1 ? token : "" }, items: [] };
    });
    await collection;
    expect(seen).toEqual([null, token]);
  });

  it("a node listed twice is counted once", async () => {
    const twice = {
      ...lists["/api/v1/nodes"],
      items: [...(lists["/api/v1/nodes"]?.items ?? [])].flatMap((n) => [n, n]),
    };
    const { collection } = start((path) => (path.startsWith("/api/v1/nodes") ? twice : undefined));
    expect((await collection).metrics).toMatchObject({ nodes: 3, pods: 39 });
  });
});

describe("a cluster that is collected again", () => {
  function fleetOfOne() {
    let failing = "";
    const clock = new VirtualClock(Date.parse("2026-11-21T08:03:35Z"));
    const server = new MemoryServer(clock, (path) => fails("SERVER_ERROR", failing || "none")(path));
    const request = { transport: server, compute: createInlineCompute(), clock, limits: defaultCollectLimits };
    const state = new CollectState();
    const collect = (signal = new AbortController().signal) =>
      collectCluster({ ...request, endpoint: "https://127.1.0.1:20443", state }, signal);
    const first = () => server.asked.splice(0)[0]?.path;
    return { clock, collect, first, fail: (path: string) => (failing = path) };
  }

  it("is not asked for its version for five minutes, and keeps it", async () => {
    const { clock, collect, first } = fleetOfOne();
    const before = await collect();
    expect(first()).toBe("/version");
    for (let i = 0; i < 9; i++) {
      await clock.advance(30_000);
      const { info, kubernetesVersion } = await collect();
      expect({ info, kubernetesVersion }).toEqual({ info: before.info, kubernetesVersion: before.kubernetesVersion });
      expect(first()).toBe("/api/v1/pods?limit=500");
    }
    await clock.advance(30_000);
    await collect();
    expect(first()).toBe("/version");
  });

  it("is asked for its version first after a collection that failed or was given up", async () => {
    const { collect, first, fail } = fleetOfOne();
    await collect();
    first();
    fail("/api/v1/nodes");
    await expect(collect()).rejects.toMatchObject({ code: "SERVER_ERROR" });
    expect(first()).toBe("/api/v1/pods?limit=500");
    fail("/version");
    await collect().catch(() => undefined);
    expect(first()).toBe("/version");
    fail("");
    await collect();
    expect(first()).toBe("/version");

    const abort = new AbortController();
    abort.abort();
    await collect(abort.signal).catch(() => undefined);
    first();
    await collect();
    expect(first()).toBe("/version");
  });
});

describe("a cluster that answers protobuf", () => {
  it.each([PROTOBUF_TYPE, `Application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1`])(
    "gives what it gives as JSON: %s",
    async (protobufType) => {
      const json = content(await start().collection);
      for (const pageSize of [500, 7]) {
        expect(content(await start(undefined, { pageSize }, undefined, { protobufType }).collection)).toEqual(json);
      }
    },
  );

  it("is asked for protobuf first and JSON last, but only for lists", async () => {
    const { server, collection } = start();
    await collection;
    const accepts = Object.fromEntries(server.asked.map(({ path, accept }) => [path.split("?")[0], accept.split(",")]));
    const protobuf = "application/vnd.kubernetes.protobuf";
    const metadata = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    const names = [`${protobuf};${metadata}`, `application/json;${metadata}`, "application/json"];
    expect(accepts).toEqual({
      "/version": ["application/json"],
      "/apis": ["application/json"],
      "/api/v1/pods": [protobuf, "application/json"],
      "/api/v1/nodes": [protobuf, "application/json"],
      "/api/v1/namespaces": names,
      "/apis/apps/v1/deployments": names,
    });
  });

  it("is not asked for it where JSON is forced, with the same outcome", async () => {
    const lane = { protobufType: PROTOBUF_TYPE, jsonOnly: true };
    const { server, collection } = start(undefined, {}, undefined, lane);
    expect(content(await collection)).toEqual(content(await start().collection));
    expect(server.asked.filter(({ accept }) => accept.includes("protobuf"))).toEqual([]);
    expect(server.asked.filter(({ accept }) => accept.includes("PartialObjectMetadataList")).length).toBe(2);
  });
});

describe("what a failure means", () => {
  it.each([
    "CONNECTION_REFUSED",
    "CONNECT_TIMEOUT",
    "DNS_FAILED",
    "TLS_FAILED",
    "UNAUTHORIZED",
    "HEADERS_TIMEOUT",
    "REQUEST_DEADLINE",
  ] as const)("%s on the first request ends the collection at once", async (code) => {
    const { server, collection } = start(fails(code, "/"));
    await expect(collection).rejects.toMatchObject({ code });
    expect(server.asked.length).toBe(1);
  });

  it.each(["/api/v1/pods", "/api/v1/nodes"])("%s is critical, and nothing is left running", async (path) => {
    const { server, collection } = start(fails("FORBIDDEN", path));
    await expect(collection).rejects.toMatchObject({ code: "FORBIDDEN", reason: "Forbidden" });
    expect(server.inFlight).toBe(0);
  });

  it("a hanging optional list does not outlive a failed critical one", async () => {
    const hang = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(new KubeError("ABORTED", "aborted")));
      });
    const { server, collection } = start((path, signal) => {
      if (path.startsWith("/api/v1/namespaces")) return hang(signal);
      return fails("SERVER_ERROR", "/api/v1/pods")(path);
    });
    await expect(collection).rejects.toMatchObject({ code: "SERVER_ERROR" });
    expect(server.inFlight).toBe(0);
  });

  it.each([
    ["/version", "version", { version: "unknown" }, {}],
    ["/api/v1/namespaces", "namespaces", {}, { namespaces: null }],
    ["/apis/apps", "deployments", {}, { deployments: null }],
  ])("without %s the rest is there and the part is named", async (path, part, info, metrics) => {
    const { collection } = start(fails("FORBIDDEN", path));
    const collected = await collection;
    expect(collected.missing).toEqual([
      { part, code: "FORBIDDEN", reason: "Forbidden", message: "FORBIDDEN for a test" },
    ]);
    expect(collected).toMatchObject({ info, metrics: { ...metrics, nodes: 3 } });
    expect(collected.namespaces === null).toBe(part === "namespaces");
    expect(collected.info?.platform === undefined).toBe(part === "version");
  });

  it("a foreign error in an optional part is named without its message", async () => {
    const { collection } = start((path) => (path.startsWith("/apis") ? new Error("token abc") : undefined));
    const [missing] = (await collection).missing;
    expect(missing).toMatchObject({ part: "deployments", code: "UNEXPECTED", reason: "Unexpected" });
    expect(missing?.message).not.toContain("abc");
  });

  it("malformed items are counted as missing", async () => {
    const { collection } = start((path) => {
      const list = lists[new URL(path, "http://server").pathname];
      return list === undefined ? undefined : { ...list, items: [...list.items, null] };
    });
    const collected = await collection;
    expect(collected.metrics).toMatchObject({ nodes: 3, pods: 39 });
    expect(
      collected.missing
        .map(({ part, code, message }) => ({ part, code, message }))
        .sort((a, b) => (a.part < b.part ? -1 : 1)),
    ).toEqual(
      ["namespaces", "nodes", "pods"].map((part) => ({
        part,
        code: "ITEMS_MALFORMED",
        message: "1 item of the list could not be read",
      })),
    );
  });

  it("a server that is not Kubernetes fails the collection", async () => {
    const { collection } = start(() => ({ hello: "world" }));
    await expect(collection).rejects.toMatchObject({ code: "BODY_MALFORMED" });
  });

  it("an abort ends it", async () => {
    const controller = new AbortController();
    const { collection } = start(
      (path) => {
        if (path.startsWith("/api/v1/pods")) controller.abort();
        return undefined;
      },
      {},
      controller.signal,
    );
    await expect(collection).rejects.toSatisfy(
      (error: unknown) => ClusterPulseError.is(error) && /ABORTED/.test(error.code),
    );
  });
});

describe("lists that expire or do not end", () => {
  /** Answers 410 to the first `times` requests that carry a token for pods. */
  function expiring(times: number) {
    let left = times;
    return (path: string) =>
      path.startsWith("/api/v1/pods") && path.includes("continue=") && left-- > 0
        ? new KubeError("GONE", "expired")
        : undefined;
  }

  it("an expired token restarts the list once, and nothing is counted twice", async () => {
    const whole = content(await start().collection);
    expect(content(await start(expiring(1), { pageSize: 10 }).collection)).toEqual(whole);
    await expect(start(expiring(2), { pageSize: 10 }).collection).rejects.toMatchObject({ code: "GONE" });
  });

  it("410 without a token is an error like any other", async () => {
    const { server, collection } = start(fails("GONE", "/api/v1/pods"));
    await expect(collection).rejects.toMatchObject({ code: "GONE" });
    expect(server.asked.filter((asked) => asked.path.startsWith("/api/v1/pods")).length).toBe(1);
  });

  it("the limits on pages and pods hold at their edge", async () => {
    const count = lists["/api/v1/pods"]?.items.length ?? 0;
    await expect(start(undefined, { maxPods: count }).collection).resolves.toMatchObject({ missing: [] });
    await expect(start(undefined, { maxPods: count - 1 }).collection).rejects.toMatchObject({
      code: "TOO_MANY_OBJECTS",
    });
    const pages = Math.ceil(count / 2);
    await expect(start(undefined, { pageSize: 2, maxPagesPerList: pages }).collection).resolves.toMatchObject({
      missing: [],
    });
    const { collection } = start(undefined, { pageSize: 2, maxPagesPerList: pages - 1 });
    await expect(collection).rejects.toMatchObject({
      code: "TOO_MANY_OBJECTS",
      message: expect.stringContaining("/api/v1/pods"),
    });
  });

  it("a list that never ends stops at the limit", async () => {
    const endless = (path: string) =>
      path.startsWith("/api/v1/namespaces")
        ? { kind: "NamespaceList", metadata: { continue: "again" }, items: [] }
        : undefined;
    const { server, collection } = start(endless, { maxPagesPerList: 25 });
    expect((await collection).missing).toMatchObject([{ part: "namespaces", code: "TOO_MANY_OBJECTS" }]);
    expect(server.asked.filter((asked) => asked.path.startsWith("/api/v1/namespaces")).length).toBe(25);
  });

  const endlessList = (prefix: string, kind: string) => (path: string) =>
    path.startsWith(prefix) ? { kind, metadata: { continue: "again" }, items: [] } : undefined;

  it("one whose optional lists never end gets its share of requests, and what that costs it is named", async () => {
    const limits = { maxOptionalRequests: 40 };
    const { server, collection } = start(endlessList("/api/v1/namespaces", "NamespaceList"), limits);
    const { missing, metrics } = await collection;
    expect(metrics.pods).toBeGreaterThan(0);
    const code = "REQUESTS_EXHAUSTED";
    expect(missing).toMatchObject([
      { part: "namespaces", code, message: "not read within 40 requests: lists do not end" },
      { part: "deployments", code },
      { part: "apis", code },
    ]);
    expect(server.asked.filter(({ path }) => !/^\/(version|api\/v1\/(pods|nodes))/.test(path))).toHaveLength(40);
  });

  it("one that needs just as many requests as it may have is collected whole", async () => {
    const whole = start();
    const { missing } = await whole.collection;
    const optional = whole.server.asked.length - 3;
    const just = { maxRequests: 3, maxOptionalRequests: optional };
    expect((await start(undefined, just).collection).missing).toEqual(missing);
    const one = { ...just, maxOptionalRequests: optional - 1 };
    expect((await start(undefined, one).collection).missing).toMatchObject([{ code: "REQUESTS_EXHAUSTED" }]);
    await expect(start(undefined, { ...just, maxRequests: 2 }).collection).rejects.toMatchObject({
      code: "REQUESTS_EXHAUSTED",
    });
  });

  it("one whose pods never end costs no more than the requests of one poll", async () => {
    const { server, collection } = start(endlessList("/api/v1/pods", "PodList"), { maxPagesPerList: 5_000 });
    await expect(collection).rejects.toMatchObject({ code: "REQUESTS_EXHAUSTED" });
    expect(server.asked.filter(({ path }) => path.startsWith("/api/v1/pods"))).toHaveLength(999);
  });

  it("deployments are counted page by page where the server does not say how many remain", async () => {
    const silent = (path: string) => {
      const url = new URL(path, "http://server");
      if (url.pathname !== "/apis/apps/v1/deployments") return undefined;
      const at = Number(url.searchParams.get("continue") ?? 0);
      const item = { metadata: { name: `d${at}` } };
      return { kind: "DeploymentList", metadata: at < 4 ? { continue: String(at + 1) } : {}, items: [item] };
    };
    expect((await start(silent).collection).metrics.deployments).toBe(5);
  });
});

describe("documents of a collection", () => {
  const times = { intervalSeconds: 30, cacheTtlSeconds: 600, retentionSeconds: 3600, staleAfterMs: 90_000 };

  it("hold the nodes, info, metrics, namespaces and freshness, and a longer interval keeps them longer", async () => {
    const collected = await start().collection;
    const documents = collectionDocuments("plain", collected, times);
    const ttl = (key: string, from = documents) =>
      from.flatMap((document) =>
        "key" in document && document.key === key && "ttlSeconds" in document ? [document.ttlSeconds] : [],
      );
    expect(ttl("cluster:plain:node:plain-w1")).toEqual([600]);
    expect(ttl("cluster:plain:info")).toEqual([3600]);
    expect(ttl("cluster:plain:metrics")).toEqual([600]);
    expect(ttl("cluster:plain:namespaces:set")).toEqual([600]);
    expect(ttl("cluster:plain:freshness")).toEqual([null]);
    const rare = collectionDocuments("plain", collected, { ...times, intervalSeconds: 1000 });
    expect(ttl("cluster:plain:node:plain-w1", rare)).toEqual([3000]);
    expect(ttl("cluster:plain:metrics", rare)).toEqual([3000]);
  });

  it("a missing part is not written, and freshness names it", async () => {
    const collected = await start(fails("FORBIDDEN", "/api/v1/namespaces")).collection;
    const documents = collectionDocuments("plain", collected, times);
    const keys = documents.flatMap((document) => ("key" in document ? [document.key] : []));
    expect(keys).not.toContain("cluster:plain:namespaces");
    const freshness = documents.find((document) => "key" in document && document.key === "cluster:plain:freshness");
    expect(freshness).toMatchObject({ fields: { as_of: "2026-11-21T08:03:35Z", missing: '["namespaces"]' } });
  });
});
