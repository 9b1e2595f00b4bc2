// The simulated API servers as real clients meet them: over HTTP/1.1 and HTTP/2, with certificates, tokens, pages and watches.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gunzipSync } from "node:zlib";
import { Agent, type Dispatcher, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";

interface Kubeconfig {
  "current-context": string;
  contexts: { name: string; context: { cluster: string; user: string; namespace?: string } }[];
  clusters: { name: string; cluster: { server: string; "certificate-authority-data": string } }[];
  users: { name: string; user: { token: string } }[];
}

interface Json {
  kind: string;
  metadata: { name: string; resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: Json[];
  [member: string]: unknown;
}

class Client {
  readonly #url: string;
  readonly #token: string;
  readonly agent: Agent;

  constructor(simulator: Simulator, name: string, allowH2: boolean) {
    const config = parse(simulator.kubeconfig()) as Kubeconfig;
    const cluster = config.clusters.find((entry) => entry.name === name)?.cluster;
    if (cluster === undefined) throw new Error(`no ${name}`);
    this.#url = cluster.server;
    this.#token = config.users.find((entry) => entry.name === name)?.user.token ?? "";
    const ca = Buffer.from(cluster["certificate-authority-data"], "base64").toString();
    this.agent = new Agent({ connect: { ca }, allowH2 });
  }

  get token(): string {
    return this.#token;
  }

  raw(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string; signal?: AbortSignal } = {},
  ) {
    return request(`${this.#url}${path}`, {
      method: (options.method ?? "GET") as Dispatcher.HttpMethod,
      dispatcher: this.agent,
      headers: { authorization: `Bearer ${this.#token}`, ...options.headers },
      signal: options.signal ?? AbortSignal.timeout(30_000),
      ...(options.body === undefined ? {} : { body: options.body }),
    });
  }

  async call(...args: Parameters<Client["raw"]>): Promise<{ status: number; body: Json }> {
    const response = await this.raw(...args);
    return { status: response.statusCode, body: (await response.body.json()) as Json };
  }

  send(method: string, path: string, body: unknown, contentType = "application/json") {
    return this.call(path, { method, headers: { "content-type": contentType }, body: JSON.stringify(body) });
  }

  /** Events of a watch until its end, or until `count` of them came. */
  async watch(path: string, count: number): Promise<{ type: string; object: Json }[]> {
    const response = await this.raw(path);
    expect(response.statusCode).toBe(200);
    const events: { type: string; object: Json }[] = [];
    let rest = "";
    for await (const chunk of response.body) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) events.push(JSON.parse(line));
      if (events.length >= count) break;
    }
    return events;
  }
}

const base = "/apis/clusterpulse.io/v1alpha1";
const hubPath = "/api/v1/namespaces";
const fleet = `${base}/namespaces/clusterpulse/clusterconnections`;

describe.each([
  ["HTTP/1.1", false],
  ["HTTP/2", true],
])("over %s", (_protocol, allowH2) => {
  let simulator: Simulator;
  let hub: Client;
  let cluster: Client;
  let clusterName: string;

  beforeAll(async () => {
    simulator = await startSimulator({ clusters: 3, seed: 2, preset: "medium", historySize: 10 });
    simulator.register({ namespace: "clusterpulse", intervalSeconds: 45 });
    clusterName = simulator.clusters[0]?.name as string;
    hub = new Client(simulator, "hub", allowH2);
    cluster = new Client(simulator, clusterName, allowH2);
  });
  afterAll(async () => {
    await Promise.all([hub.agent.destroy(), cluster.agent.destroy()]);
    await simulator.close();
  });

  it("is told of every cluster by registration, once", async () => {
    simulator.register({ namespace: "clusterpulse" });
    const { body } = await hub.call(fleet);
    expect(body.items.map((item) => item.metadata.name)).toEqual(simulator.clusters.map(({ name }) => name).sort());
    const own = body.items.find((item) => item.metadata.name === clusterName);
    const spec = own?.["spec"] as Record<string, unknown>;
    expect(spec).toMatchObject({ endpoint: simulator.clusters[0]?.url, monitoring: { interval: 45 } });
    const secretName = (spec["credentialsRef"] as { name: string }).name;
    const secret = (await hub.call(`/api/v1/namespaces/clusterpulse/secrets/${secretName}`)).body;
    const data = secret["data"] as Record<string, string>;
    expect(Buffer.from(data["token"] as string, "base64").toString()).toBe(cluster.token);
    expect(Buffer.from(data["ca.crt"] as string, "base64").toString()).toContain("BEGIN CERTIFICATE");
  });

  it("tells list, watch, status patch and bookmark of one story", async () => {
    const list = (await hub.call(fleet)).body;
    const from = list.metadata.resourceVersion;
    const query = `watch=true&resourceVersion=${from}&allowWatchBookmarks=true&timeoutSeconds=3`;
    const watching = hub.watch(`${fleet}?${query}`, 9);
    const path = `${fleet}/${clusterName}/status`;
    const patch = { status: { phase: "Connected" }, spec: { endpoint: "https://elsewhere" } };
    const patched = await hub.send("PATCH", path, patch, "application/merge-patch+json");
    const again = await hub.send("PATCH", path, patch, "application/merge-patch+json");
    expect(patched.status).toBe(200);
    expect(again.body).toEqual(patched.body);
    expect(patched.body["status"]).toEqual({ phase: "Connected" });
    expect(patched.body["spec"]).toMatchObject({ endpoint: simulator.clusters[0]?.url });
    const events = await watching;
    expect(events.map((event) => event.type)).toEqual(["MODIFIED", "BOOKMARK"]);
    expect(events[0]?.object).toEqual(patched.body);
    expect(events[1]?.object.metadata.resourceVersion).toBe(patched.body.metadata.resourceVersion);
  });

  it("answers a watch from a forgotten revision with one error and the end", async () => {
    const from = (await hub.call(fleet)).body.metadata.resourceVersion;
    const path = `${fleet}/${clusterName}`;
    for (let i = 0; i < 30; i++) {
      await hub.send("PATCH", path, { metadata: { labels: { i: String(i) } } }, "application/merge-patch+json");
    }
    const events = await hub.watch(`${fleet}?watch=1&resourceVersion=${from}`, 5);
    expect(events).toMatchObject([{ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } }]);
  });

  it("creates, refuses and deletes over the wire", async () => {
    const path = "/api/v1/namespaces/clusterpulse/configmaps";
    const created = await hub.send("POST", path, { metadata: { name: "made" }, data: { a: "1" } });
    expect(created.status).toBe(201);
    expect((await hub.send("POST", path, { metadata: { name: "made" } })).status).toBe(409);
    expect((await hub.send("PUT", `${path}/made`, { metadata: { name: "other" } })).status).toBe(400);
    expect((await hub.call(`${path}/made`, { method: "DELETE" })).body).toMatchObject({ status: "Success" });
    expect((await hub.call(`${path}/made`)).body).toMatchObject({ kind: "Status", code: 404, reason: "NotFound" });
  });

  it("asks for the token of this very server, everywhere but on public paths", async () => {
    const authorization = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
    expect((await cluster.call("/api/v1/nodes", authorization(hub.token))).status).toBe(401);
    expect((await cluster.call("/api/v1/nodes", authorization(""))).body).toMatchObject({
      kind: "Status",
      reason: "Unauthorized",
      code: 401,
    });
    expect((await cluster.call("/version", authorization("wrong"))).status).toBe(401);
    const anonymous = { headers: { authorization: undefined } as unknown as Record<string, string> };
    expect((await cluster.call("/version", anonymous)).status).toBe(200);
    expect(await (await cluster.raw("/readyz", anonymous)).body.text()).toBe("ok");
  });

  it("takes the token of an account for what its roles allow, and lets its administrator act as others", async () => {
    const name = allowH2 ? "bot-h2" : "bot-h1";
    await hub.send("POST", `${hubPath}/default/serviceaccounts`, { metadata: { name } });
    const { status, body } = await hub.send("POST", `${hubPath}/default/serviceaccounts/${name}/token`, {});
    expect(status).toBe(201);
    const { token } = body["status"] as { token: string };
    const asBot = { headers: { authorization: `Bearer ${token}` } };
    expect((await hub.call("/api/v1", asBot)).status).toBe(200);
    const refused = await hub.call(`${hubPath}/default/secrets`, asBot);
    expect(refused).toMatchObject({ status: 403, body: { reason: "Forbidden", details: { kind: "secrets" } } });
    expect((await cluster.call("/api/v1/nodes", asBot)).status).toBe(401);
    const asBob = await hub.call("/api/v1/nodes", { headers: { "impersonate-user": "bob" } });
    expect(asBob.body["message"]).toContain('User "bob" cannot list resource "nodes"');
    await hub.call(`${hubPath}/default/serviceaccounts/${name}`, { method: "DELETE" });
    expect((await hub.call("/api/v1", asBot)).status).toBe(401);
  });

  it("serves pages that add up to what the truth says", async () => {
    const expected = simulator.expected(clusterName);
    const names: string[] = [];
    let token: string | undefined = "";
    while (token !== undefined) {
      const page: Json = (await cluster.call(`/api/v1/pods?limit=70&continue=${token}`)).body;
      names.push(...page.items.map((item) => item.metadata.name));
      token = page.metadata.continue;
      expect((page.metadata.remainingItemCount ?? 0) + names.length).toBe(300);
    }
    expect(new Set(names).size).toBe(expected.pods + expected.podsUnscheduled);
    expect((await cluster.call("/api/v1/namespaces?limit=1")).body.metadata.remainingItemCount).toBe(
      expected.namespaces.length - 1,
    );
    const deployments = (await cluster.call("/apis/apps/v1/deployments")).body.items;
    expect(deployments).toHaveLength(expected.deployments);
    const { metadata } = deployments[0] as Json & { metadata: { namespace: string } };
    const single = await cluster.call(`/apis/apps/v1/namespaces/${metadata.namespace}/deployments/${metadata.name}`);
    expect(single.body).toMatchObject({ kind: "Deployment", metadata });
    expect((await cluster.call("/version")).body["gitVersion"]).toBe(expected.version);
  });

  it("compresses what is large, for those who take it", async () => {
    const large = await cluster.raw("/api/v1/pods", { headers: { "accept-encoding": "gzip" } });
    expect(large.headers["content-encoding"]).toBe("gzip");
    const text = gunzipSync(Buffer.from(await large.body.arrayBuffer())).toString();
    const plain = await cluster.raw("/api/v1/pods");
    expect(plain.headers["content-encoding"]).toBeUndefined();
    expect(await plain.body.text()).toBe(text);
    const small = await cluster.raw("/version", { headers: { "accept-encoding": "gzip" } });
    expect(small.headers["content-encoding"]).toBeUndefined();
    await small.body.dump();
  });

  it("negotiates the form of the answer", async () => {
    const get = (accept: string) => cluster.call("/api/v1/nodes", { headers: { accept } });
    const yaml = "application/yaml";
    const partial = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    expect((await get(`${yaml},application/json`)).body.kind).toBe("NodeList");
    expect((await get(`${partial},application/json`)).body.kind).toBe("PartialObjectMetadataList");
    expect((await get(yaml)).body).toMatchObject({ kind: "Status", code: 406, reason: "NotAcceptable" });
    const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const discovery = await hub.raw("/apis", { headers: { accept: `${aggregated},application/json` } });
    expect(discovery.headers["content-type"]).toBe(aggregated);
    // Only HTTP/1.1 speaks of its connection: proves which protocol this run is over.
    expect(discovery.headers["connection"] === undefined).toBe(allowH2);
    expect(JSON.stringify(await discovery.body.json())).toContain('"shortNames":["cc"]');
    expect((await hub.call("/apis/clusterpulse.io/v1alpha1")).body.kind).toBe("APIResourceList");
    expect((await hub.call("/apis/clusterpulse.io")).body["preferredVersion"]).toMatchObject({ version: "v1alpha1" });
  });

  it("refuses with a Status what it does not have or take", async () => {
    const status = async (path: string, method = "GET", body?: string): Promise<unknown> => {
      const answer = await hub.call(path, { method, ...(body === undefined ? {} : { body }) });
      expect(answer.body.kind).toBe("Status");
      return answer.status;
    };
    expect(await status("/api/v1/nothings")).toBe(404);
    expect(await status("/apis/none.io/v1/x")).toBe(404);
    expect(await status("/nowhere")).toBe(404);
    expect(await status(`${fleet}/${clusterName}/scale`)).toBe(404);
    expect(await status("/api/v1/namespaces/%zz")).toBe(400);
    expect(await status("/api/v1/secrets", "POST", "{}")).toBe(405);
    expect(await status(fleet, "POST", "{")).toBe(400);
    expect(await status(`${fleet}?labelSelector=${"x".repeat(5000)}`)).toBe(400);
    expect((await cluster.call("/api/v1/nodes", { method: "PATCH", body: "{}" })).status).toBe(405);
    expect((await cluster.call("/apis/config.openshift.io/v1/clusteroperators")).status).toBe(404);
  });

  it("notices members that a body names twice", async () => {
    const post = (query: string) =>
      hub.raw(`${hubPath}/default/configmaps?${query}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}',
      });
    const strict = await post("fieldValidation=Strict&dryRun=All");
    expect(await strict.body.json()).toMatchObject({ message: expect.stringContaining('duplicate field "data.a"') });
    const warned = await post("dryRun=All");
    expect([warned.statusCode, warned.headers["warning"]]).toEqual([201, '299 - "duplicate field \\"data.a\\""']);
    await warned.body.dump();
  });

  it("outlives clients that break off in the middle", async () => {
    const broken = Array.from({ length: 20 }, async (_, i) => {
      const abort = new AbortController();
      const path = i % 2 === 0 ? `${hubPath}?watch=1` : `${hubPath}/none`;
      const pending = hub.raw(path, { signal: abort.signal, ...(i % 2 === 0 ? {} : { method: "PUT", body: "{}" }) });
      setTimeout(() => abort.abort(), i);
      await pending.then((response) => response.body.dump()).catch(() => {});
    });
    await Promise.all(broken);
    expect((await hub.call(hubPath)).status).toBe(200);
    expect((await hub.call("//")).body).toMatchObject({ kind: "Status", code: 404 });
  });

  it("takes bodies up to its limit", async () => {
    const path = "/api/v1/namespaces/clusterpulse/configmaps";
    const body = (bytes: number) => ({ metadata: { name: `big-${bytes}` }, data: { a: "x".repeat(bytes) } });
    expect((await hub.send("POST", path, body(3 * 1024 * 1024 - 200))).status).toBe(201);
    // The refusal may overtake the body: then the connection ends under the sender.
    const refused = await hub.send("POST", path, body(3 * 1024 * 1024)).then(
      (answer) => answer.status,
      () => "broken off",
    );
    expect([413, "broken off"]).toContain(refused);
    expect((await hub.call(`${path}/big-${3 * 1024 * 1024}`)).status).toBe(404);
  });

  it("counts and keeps who asked what, up to a limit", async () => {
    const name = simulator.clusters[2]?.name as string;
    const client = new Client(simulator, name, allowH2);
    const count = 510;
    for (let i = 0; i < count; i++) await client.call(`/version?${i}`);
    await client.agent.destroy();
    expect(simulator.requests.count(name)).toBe(count);
    const recent = simulator.requests.recent(name);
    expect(recent).toHaveLength(500);
    expect(recent[0]).toMatchObject({ cluster: name, method: "GET", path: "/version?10", status: 200 });
    expect(recent.at(-1)?.path).toBe("/version?509");
  });
});

describe("a fleet of many", () => {
  it("serves from every port and holds little for each", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const heapBytes = (): number => {
      collect();
      return process.memoryUsage().heapUsed;
    };
    const few = await startSimulator({ clusters: 1, seed: 1 });
    await few.close();
    const before = heapBytes();
    const many = await startSimulator({ clusters: 1000, seed: 1 });
    const perCluster = (heapBytes() - before) / 1000;
    try {
      // Name, listener and URL; measured about 4 KB, most of it node's listener.
      expect(perCluster).toBeLessThan(8 * 1024);
      expect(new Set(many.clusters.map(({ url }) => url)).size).toBe(1000);
      const last = new Client(many, many.clusters[999]?.name as string, false);
      expect((await last.call("/api/v1/nodes")).body.items).toHaveLength(
        many.expected(many.clusters[999]?.name as string).nodes,
      );
      await last.agent.destroy();
    } finally {
      await many.close();
    }
  });

  it("does not start on a port that is taken, and leaves nothing open", async () => {
    const first = await startSimulator({ clusters: 1, seed: 1 });
    const hubPort = Number(new URL(first.hub.url).port);
    await expect(startSimulator({ clusters: 1, seed: 1, hubPort })).rejects.toMatchObject({
      code: "LISTEN_FAILED",
      message: `hub: cannot listen on 127.0.0.1:${hubPort} (EADDRINUSE)`,
    });
    await first.close();
    const second = await startSimulator({ clusters: 1, seed: 1, hubPort });
    expect(second.hub.url).toBe(first.hub.url);
    await second.close();
  });

  it("is refused with everything that is wrong about its options", async () => {
    await expect(
      startSimulator({ clusters: 0, seed: -1, preset: "huge" as never, hubPort: 70_000, historySize: 0 }),
    ).rejects.toThrow(/clusters: .*; seed: .*; preset: .*; hubPort: .*; historySize: /);
  });
});
