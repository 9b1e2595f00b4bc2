// No credential and no answer of a cluster gets out: known canaries in every Secret, in Redis' password and in what broken clusters
// answer, a real hub process with a real Redis, and a search through everything that the hub says anywhere.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { readEvents } from "../support/event-reader.ts";
import { freePort } from "../support/ports.ts";
import { eventually, runCommand, type Started, startCommand } from "../support/processes.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";
import { httpServer, type TestServer } from "../support/tls-server.ts";

const namespace = "fleet";
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-canaries-"));
const kubeconfig = join(scratch, "kubeconfig");
const withRedis = hasRedis();
/** In every secret, so that one search finds all of them. */
const mark = "canary7f3a9c51";
const secretOf = (what: string): string => `${mark}-${what}`;
const redisPassword = secretOf("redis");

let simulator: Simulator;
let redis: TestRedis;
let api: KubeTransport;
let hub: Started | undefined;
const servers: TestServer[] = [];

/** Answers that repeat the credentials they were sent, and secrets of their own. */
type Answer = (response: ServerResponse, request: IncomingMessage) => void;
const reflected = ({ headers }: IncomingMessage): string => `${headers.authorization} ${secretOf("body")}`;
const status = (code: number): Answer => {
  return (response, request) => {
    const words = reflected(request);
    response.writeHead(code, { "content-type": "application/json", "x-secret": words });
    response.end(JSON.stringify({ kind: "Status", status: "Failure", code, reason: words, message: words }));
  };
};
const answers: Readonly<Record<string, Answer>> = {
  "answers-401": status(401),
  "answers-403": status(403),
  "answers-429": status(429),
  "answers-500": status(500),
  "answers-html": (response, request) => response.writeHead(502).end(`<html>${reflected(request)}</html>`),
  redirects: (response) => response.writeHead(302, { location: `http://127.0.0.1/${secretOf("location")}` }).end(),
  "answers-garbage": (response, request) => response.writeHead(200).end(`{"gitVersion": ${reflected(request)}`),
  "not-http": (response, request) => response.socket?.end(`${reflected(request)}\r\n\r\n`),
};

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const user = (members: object): string =>
  stringify({
    "current-context": "a",
    contexts: [{ name: "a", context: { cluster: "a", user: "a" } }],
    clusters: [{ name: "a", cluster: { server: "https://127.0.0.1:1" } }],
    users: [{ name: "a", user: members }],
  });
const exec = { apiVersion: "client.authentication.k8s.io/v1", command: secretOf("command"), args: [secretOf("exec")] };
/** Secrets that cannot be used, each with a secret in it. */
const unusable: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "token-of-two-lines": { token: `${secretOf("token")}\n${secretOf("token")}` },
  "ca-broken": { token: secretOf("token"), "ca.crt": secretOf("ca") },
  "ca-key": {
    token: secretOf("token"),
    "ca.crt": `-----BEGIN PRIVATE KEY-----\n${secretOf("key")}\n-----END PRIVATE KEY-----`,
  },
  "no-token": { password: secretOf("password"), username: secretOf("username") },
  "kubeconfig-broken": { kubeconfig: `{"${secretOf("yaml")}: [` },
  "kubeconfig-exec": { kubeconfig: user({ exec }) },
  "kubeconfig-file": { kubeconfig: user({ tokenFile: `/${secretOf("path")}` }) },
  "kubeconfig-key": {
    kubeconfig: user({ "client-certificate-data": base64(secretOf("c")), "client-key-data": base64(secretOf("k")) }),
  },
  "kubeconfig-password": { kubeconfig: user({ username: secretOf("u"), password: secretOf("p") }) },
};

/** Answers of registries: those of clusters, and challenges that want the credentials sent elsewhere. */
const registryAnswers: Readonly<Record<string, Answer>> = {
  ...answers,
  "challenges-basic": (response, request) =>
    response.writeHead(401, { "www-authenticate": `Basic realm="${secretOf("realm")}"` }).end(reflected(request)),
  "challenges-bearer": (response, request) => {
    const { host } = request.headers;
    if (request.url?.startsWith("/token") === true) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ token: secretOf("bearer") }));
      return;
    }
    const challenge = `Bearer realm="http://${host}/token?${secretOf("query")}",service="${secretOf("service")}"`;
    response.writeHead(401, { "www-authenticate": challenge }).end(reflected(request));
  },
  "token-refused": (response, request) => {
    const { host } = request.headers;
    const challenge = `Bearer realm="http://${host}/token",service="s"`;
    const headers = request.url?.startsWith("/token") === true ? {} : { "www-authenticate": challenge };
    response.writeHead(401, headers).end(reflected(request));
  },
};
/** Registries' Secrets that cannot be used. */
const unusableForRegistries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "docker-config-broken": { ".dockerconfigjson": `{"auths": ${secretOf("json")}` },
  "docker-config-of-another": {
    ".dockerconfigjson": JSON.stringify({ auths: { "other.example.com": { auth: base64(`us:${secretOf("auth")}`) } } }),
  },
  "password-alone": { password: secretOf("password") },
};
/** Registries that were sent the password: without it they would have nothing to give away. */
const sentPassword = new Set<string>();
const registryName = (name: string): string => `registry-${name}`;

async function create(path: string, body: object): Promise<void> {
  await api.requestJson("POST", path, { body, signal: AbortSignal.timeout(20_000), maxBytes: 1 << 20 });
}

async function get(
  path: string,
): Promise<{ readonly items: readonly { status?: unknown; metadata: { name: string } }[] }> {
  const { body } = await api.requestJson("GET", path, { signal: AbortSignal.timeout(20_000), maxBytes: 16 << 20 });
  return body as Awaited<ReturnType<typeof get>>;
}

async function declare(
  name: string,
  endpoint: string,
  data: Readonly<Record<string, string>>,
  kind: "ClusterConnection" | "RegistryConnection" = "ClusterConnection",
): Promise<void> {
  const encoded = Object.fromEntries(Object.entries(data).map(([key, value]) => [key, base64(value)]));
  const metadata = { name: `${name}-credentials` };
  await create(`/api/v1/namespaces/${namespace}/secrets`, {
    apiVersion: "v1",
    kind: "Secret",
    metadata,
    data: encoded,
  });
  await create(kind === "ClusterConnection" ? connectionsPath : registriesPath, {
    apiVersion: "clusterpulse.io/v1alpha1",
    kind,
    metadata: { name },
    spec: {
      displayName: name,
      endpoint,
      credentialsRef: metadata,
      ...(kind === "RegistryConnection" && { insecure: true }),
    },
  });
}
const connectionsPath = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/clusterconnections`;
const registriesPath = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/registryconnections`;

beforeAll(async () => {
  if (!withRedis) return;
  simulator = await startSimulator({ clusters: 2, seed: 5, preset: "tiny" });
  simulator.register({ namespace });
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  api = createTransport((await loadHubKubeconfig({ path: kubeconfig, env: {} })).credentials, {}, "test");
  redis = await startRedis({ args: ["--requirepass", redisPassword], adminPassword: redisPassword });
  for (const [name, answer] of Object.entries(answers)) {
    const server = await httpServer((request, response) => answer(response, request));
    servers.push(server);
    await declare(name, server.url, { token: secretOf("token") });
  }
  for (const [name, data] of Object.entries(unusable)) await declare(name, "https://127.0.0.1:1", data);
  for (const [name, answer] of Object.entries(registryAnswers)) {
    const server = await httpServer((request, response) => {
      if (request.headers.authorization?.startsWith("Basic ") === true) sentPassword.add(registryName(name));
      answer(response, request);
    });
    servers.push(server);
    // In the Authorization header the password begins where a group of base64 does, so that its encoded form is found.
    const data = { username: "us", password: secretOf("password") };
    await declare(registryName(name), server.url, data, "RegistryConnection");
  }
  for (const [name, data] of Object.entries(unusableForRegistries))
    await declare(registryName(name), "http://127.0.0.1:1", data, "RegistryConnection");
});
afterAll(async () => {
  hub?.child.kill("SIGKILL");
  for (const server of servers) await server.close();
  await api?.close();
  await redis?.stop();
  await simulator?.close();
  rmSync(scratch, { recursive: true, force: true });
});

const registryNames = [...Object.keys(registryAnswers), ...Object.keys(unusableForRegistries)].map(registryName);
const everyName = [...Object.keys(answers), ...Object.keys(unusable)];

async function redisContent(): Promise<string> {
  const texts: string[] = [];
  for (const key of await redis.admin.keys("*")) {
    const type = await redis.admin.type(key);
    const read = {
      string: () => redis.admin.get(key),
      hash: () => redis.admin.hgetall(key),
      set: () => redis.admin.smembers(key),
      zset: () => redis.admin.zrange(key, "0", "-1"),
      list: () => redis.admin.lrange(key, "0", "-1"),
    }[type];
    if (read === undefined) throw new Error(`${key} is a ${type}`);
    texts.push(`${key} ${JSON.stringify(await read())}`);
  }
  return texts.join("\n");
}

test.runIf(withRedis)(
  "E-40 no credential, password or answer gets out: log, status, Events, metrics, Redis, pub/sub, API, stream, settings",
  { timeout: 180_000 },
  async () => {
    const published: string[] = [];
    const subscriber = new Redis({ port: redis.port, host: "127.0.0.1", password: redisPassword });
    subscriber.on("pmessage", (_pattern, channel, message) => published.push(`${channel} ${message}`));
    await subscriber.psubscribe("*");

    const [port, probes, metrics] = [await freePort(), await freePort(), await freePort()];
    const store = `redis://:${redisPassword}@127.0.0.1:${redis.port}/0`;
    const args = ["--kubeconfig", kubeconfig, "--namespace", namespace, "--store", store, "--port", `${port}`];
    const env = { ...process.env, LOG_LEVEL: "trace", REDIS_PASSWORD: secretOf("environment") };
    const addresses = [
      "--health-probe-bind-address",
      `127.0.0.1:${probes}`,
      "--metrics-bind-address",
      `127.0.0.1:${metrics}`,
    ];
    hub = startCommand({ env }, "hub", ...args, ...addresses);
    await hub.until(/the hub watches/);
    const url = `http://127.0.0.1:${port}`;
    const stream = await readEvents(`${url}/api/v1/stream`);
    const connections = await eventually(
      async () => {
        const { items } = await get(connectionsPath);
        const told = items.filter(({ status }) => JSON.stringify(status ?? {}).includes('"Ready"'));
        return told.length === everyName.length + 2 && items;
      },
      90_000,
      "a status for every connection",
    );
    const broken = connections.filter(({ metadata }) => everyName.includes(metadata.name));
    for (const { metadata, status } of broken)
      expect(status, metadata.name).toMatchObject({ health: "unhealthy", phase: "Error" });
    const registries = await eventually(
      async () => {
        const { items } = await get(registriesPath);
        const told = items.filter(({ status }) => JSON.stringify(status ?? {}).includes('"Ready"'));
        return told.length === registryNames.length && items;
      },
      60_000,
      "a status for every registry",
    );
    const events = await eventually(
      async () => {
        const { items } = await get(`/api/v1/namespaces/${namespace}/events`);
        return items.length >= everyName.length && items;
      },
      60_000,
      "an Event for every broken connection",
    );
    const fetched = await Promise.all(
      [
        `${url}/api/v1/clusters`,
        ...everyName.flatMap((name) => [`${url}/api/v1/clusters/${name}`, `${url}/api/v1/clusters/${name}/nodes`]),
        `${url}/api/v1/registries/status`,
        `${url}/api/v1/system/actors`,
        `${url}/metrics`,
        `http://127.0.0.1:${probes}/readyz?verbose`,
        `http://127.0.0.1:${metrics}/metrics`,
      ].map(async (from) => [from, await (await fetch(from)).text()] as const),
    );
    const kept = await redisContent();
    const streamed = stream.text();
    stream.close();
    hub.child.kill("SIGTERM");
    expect(await hub.ended).toBe(0);
    subscriber.disconnect();
    const printed = await runCommand({ env }, "hub", ...args, "--print-config");

    const said: Readonly<Record<string, string>> = {
      ...Object.fromEntries(fetched),
      log: hub.output() + hub.errors(),
      statuses: JSON.stringify(connections.map(({ status }) => status)),
      registryStatuses: JSON.stringify(registries.map(({ status }) => status)),
      events: JSON.stringify(events),
      redis: kept,
      published: published.join("\n"),
      stream: streamed,
      settings: printed.output + printed.errors,
    };
    const forms = [mark, base64(`${mark}-`).slice(0, 18), ...simulator.kubeconfig().matchAll(/token: (\S+)/g)].map(
      (form) => (typeof form === "string" ? form : (form[1] as string)),
    );
    expect(forms.length).toBeGreaterThanOrEqual(4);
    for (const [where, text] of Object.entries(said)) {
      expect(text.length, `${where} says something`).toBeGreaterThan(1);
      for (const form of forms) expect(text.includes(form), `${form.slice(0, 12)}... in ${where}`).toBe(false);
      expect(text, where).not.toMatch(/BEGIN [A-Z ]*PRIVATE|Bearer /);
    }
    expect(said["log"]).toContain("the hub watches");
    expect(kept).toContain("cluster:answers-401:status");
    for (const name of ["challenges-basic", "challenges-bearer", "token-refused"].map(registryName))
      expect(sentPassword).toContain(name);
    for (const name of registryNames) expect(kept).toContain(`registry:${name}:status`);
    expect(published.length).toBeGreaterThan(everyName.length);
  },
);
