// A whole hub with a real Redis on real registries: open, with passwords, with tokens, over TLS with an authority of its own. What it
// says in the custom resource, in Redis and over HTTP is one and the same, also while a registry is killed and started again; a deletion
// leaves nothing; and no password and no token is in anything that comes out.
import { Writable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { createLogger } from "../../src/support/log.ts";
import { type Authority, createAuthority } from "../support/certificates.ts";
import {
  basicOf,
  type DockerRegistry,
  hasDockerRegistry,
  pushImage,
  registryPassword,
  registryUser,
  startDockerRegistry,
  startTokenServer,
  type TokenServer,
} from "../support/docker-registry.ts";
import { type HubApi, openHubApi } from "../support/hub-api.ts";
import { eventually } from "../support/processes.ts";
import { hasRedis, startRedis, type TestRedis } from "../support/redis.ts";

const isPossible = hasRedis() && hasDockerRegistry();
const intervalMs = 4_000;
const namespace = "registries";
const base = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/registryconnections`;
const wrongPassword = "canary-wrong-password-5e1";

let authority: Authority;
let open: DockerRegistry;
let withPassword: DockerRegistry;
let withTokens: DockerRegistry;
let withTls: DockerRegistry;
let tokens: TokenServer;
let redis: TestRedis;
let simulator: Simulator;
let api: HubApi;
let hub: HubProcess;
let log = "";

interface Shown {
  readonly available: boolean;
  readonly health: string;
  readonly reason: string;
  readonly breaker: string;
  readonly version: string;
  readonly features: Readonly<Record<string, boolean>>;
  readonly [member: string]: unknown;
}
interface Row {
  readonly name: string;
  readonly status: Shown;
  readonly asOf: string | null;
  readonly missing: readonly string[];
}
interface Resource {
  readonly metadata: { readonly uid: string; readonly finalizers?: readonly string[] };
  readonly status?: {
    readonly phase: string;
    readonly health: string;
    readonly available: boolean;
    readonly message: string;
    readonly breaker: string;
    readonly repositoryCount?: number;
    readonly certificateExpiryTime?: string;
    readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
  };
}

beforeAll(async () => {
  if (!isPossible) return;
  authority = await createAuthority();
  tokens = await startTokenServer(authority, await authority.issue());
  [open, withPassword, withTokens, withTls] = await Promise.all([
    startDockerRegistry(),
    startDockerRegistry({ auth: "htpasswd" }),
    startDockerRegistry({ auth: tokens, certificate: await authority.issue() }),
    startDockerRegistry({ certificate: await authority.issue() }),
  ]);
  for (const repository of ["team/one", "team/two"]) await pushImage(open.url, repository, "latest");
  redis = await startRedis();
  simulator = await startSimulator({ clusters: 1, seed: 1, preset: "tiny" });
  api = await openHubApi(simulator);
  await api.post("/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  const stream = new Writable({
    write(chunk, _encoding, done) {
      log += String(chunk);
      done();
    },
  });
  const logger = createLogger({ level: "trace", stream });
  hub = await openHubProcess({ version: "test", namespace, port: 0, log: logger, store: redis.url });
  hub.watch({
    kubeconfig: api.kubeconfig,
    limits: { schedule: { minIntervalMs: intervalMs, defaultIntervalMs: intervalMs, defaultTimeoutMs: 2_000 } },
  });
});
afterAll(async () => {
  await hub?.stop(4_000);
  await api?.close();
  await simulator?.close();
  await redis?.stop();
  await tokens?.close();
  for (const registry of [open, withPassword, withTokens, withTls]) await registry?.stop();
});

async function declare(name: string, spec: object, secret?: Readonly<Record<string, string>>): Promise<void> {
  if (secret !== undefined) {
    const data = Object.fromEntries(
      Object.entries(secret).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    );
    const metadata = { name: `${name}-login` };
    await api.post(`/api/v1/namespaces/${namespace}/secrets`, { apiVersion: "v1", kind: "Secret", metadata, data });
  }
  await api.post(base, {
    apiVersion: "clusterpulse.io/v1alpha1",
    kind: "RegistryConnection",
    metadata: { name },
    spec: {
      displayName: name,
      monitoring: { interval: intervalMs / 1_000, checkCatalog: true },
      ...(secret !== undefined && { credentialsRef: { name: `${name}-login` } }),
      ...spec,
    },
  });
}

const resource = (name: string): Promise<Resource> => api.get<Resource>(`${base}/${name}`);
const rows = async (): Promise<Row[]> => (await (await fetch(`${hub.url}/api/v1/registries/status`)).json()) as Row[];
const stored = async (name: string): Promise<Shown | undefined> => {
  const text = await redis.admin.get(`registry:${name}:status`);
  return text === null ? undefined : (JSON.parse(text) as Shown);
};

/** Waits until the custom resource, Redis and the API say the same, which is this; Redis also `more`. */
async function expectState(name: string, health: string, reason: string, more: object = {}) {
  let last: unknown;
  return await eventually(
    async () => {
      const row = (await rows()).find((one) => one.name === name);
      const [{ status }, kept] = [await resource(name), await stored(name)];
      const conditions = Object.fromEntries((status?.conditions ?? []).map((one) => [one.type, one]));
      last = { row, status, kept };
      const isSo = [row?.status, kept].every((one) => one?.health === health && one.reason === reason);
      const isMore = expect.objectContaining(more).asymmetricMatch(kept);
      const isSaid = status?.health === health && conditions["Ready"]?.reason === reason;
      return isSo && isMore && isSaid && row !== undefined && kept !== undefined && { row, status, kept, conditions };
    },
    60_000,
    () => `${name} is ${health} because ${reason}, but ${JSON.stringify(last)}`,
  );
}

const login = (password = registryPassword) => ({ username: registryUser, password });
const own = () => ({ "ca.crt": authority.caPem });

describe.runIf(isPossible)("a hub on real registries", () => {
  test("tells the right state of each, the same in the custom resource, in Redis and over HTTP", {
    timeout: 120_000,
  }, async () => {
    const dockerConfig = JSON.stringify({
      auths: { [`127.0.0.1:${withPassword.port}`]: { auth: basicOf(registryPassword) } },
    });
    // Time enough for a canary on a slow machine: one that failed is pulled again after a minute only.
    const monitoring = { interval: 20, checkCatalog: true };
    await declare("open", { endpoint: open.url, canary: { repository: "team/one" }, monitoring });
    await declare("password", { endpoint: `127.0.0.1:${withPassword.port}`, insecure: true }, login());
    await declare("password-docker", { endpoint: withPassword.url }, { ".dockerconfigjson": dockerConfig });
    await declare("password-wrong", { endpoint: withPassword.url }, login(wrongPassword));
    await declare("password-none", { endpoint: withPassword.url });
    await declare("tokens", { endpoint: withTokens.url }, { ...login(), ...own() });
    await declare("tokens-wrong", { endpoint: withTokens.url }, { ...login(wrongPassword), ...own() });
    await declare("tls", { endpoint: `127.0.0.1:${withTls.port}` }, own());
    await declare("tls-stranger", { endpoint: withTls.url });
    await declare("tls-unchecked", { endpoint: withTls.url, skipTLSVerify: true });
    await declare("paths", { endpoint: open.url, healthCheckPaths: ["/v2/", "/nothing"] });

    const { row, status, kept, conditions } = await expectState("open", "healthy", "Available", { missing: [] });
    expect(row).toMatchObject({ missing: [], asOf: expect.stringMatching(/^\d{4}-/) });
    expect(kept).toMatchObject({ available: true, version: "registry/2.0", repository_count: 2, breaker: "closed" });
    expect(kept).toMatchObject({ repositories: ["team/one", "team/two"], canary: { succeeded: true } });
    expect(status).toMatchObject({ phase: "Connected", available: true, breaker: "closed", repositoryCount: 2 });
    for (const [type, wanted] of Object.entries({
      Ready: "True",
      Reachable: "True",
      Synced: "True",
      Degraded: "False",
    }))
      expect(conditions[type]?.status, type).toBe(wanted);
    expect(await redis.admin.hgetall("registry:open:meta")).toMatchObject({ available: "true" });
    expect(await redis.admin.zcard("registry:open:metrics")).toBeGreaterThan(0);

    await expectState("password", "healthy", "Available");
    await expectState("password-docker", "healthy", "Available");
    const wrong = await expectState("password-wrong", "degraded", "AuthFailed");
    expect(wrong.status).toMatchObject({ phase: "Connected", available: true });
    // Without credentials 401 is the answer of a registry that works; its catalog is not for everybody.
    const none = await expectState("password-none", "healthy", "Available", { missing: ["catalog"] });
    expect(none.kept).toMatchObject({ features: { requires_auth: true } });
    expect(none.conditions["Synced"]).toMatchObject({ status: "False", reason: "Incomplete" });

    const known = await expectState("tokens", "healthy", "Available", { missing: [] });
    expect(known.kept).toMatchObject({ features: { requires_auth: true, catalog_accessible: true } });
    await expectState("tokens-wrong", "degraded", "AuthFailed");
    const secure = await expectState("tls", "healthy", "Available");
    expect(Date.parse(secure.status?.certificateExpiryTime ?? "")).toBeGreaterThan(Date.now());
    expect(secure.conditions["CertificateExpiring"]).toMatchObject({ status: "False" });
    const stranger = await expectState("tls-stranger", "unhealthy", "TLSUnknownAuthority");
    expect(stranger.status).toMatchObject({ phase: "Error", available: false });
    await expectState("tls-unchecked", "healthy", "Available");
    await expectState("paths", "unhealthy", "NotFound");
    expect((await redis.admin.smembers("registries:all")).sort()).toEqual(
      (await rows()).map(({ name }) => name).sort(),
    );
  });

  test("a registry that is killed is unavailable, and healthy again once it is back; the others do not change", {
    timeout: 120_000,
  }, async () => {
    await withPassword.kill();
    const down = await expectState("password", "unhealthy", "ConnectionRefused");
    expect(down.status).toMatchObject({ phase: "Error", available: false });
    expect(down.conditions["Reachable"]).toMatchObject({ status: "False", reason: "ConnectionRefused" });
    expect(await redis.admin.hgetall("registry:password:meta")).toMatchObject({ available: "false" });
    await expectState("open", "healthy", "Available");
    await withPassword.start();
    // A breaker may have opened on a slow machine; an edited spec is worth a check at once.
    await api.patch(`${base}/password`, { spec: { displayName: "again" } });
    await expectState("password", "healthy", "Available");
    const logged = (await redis.admin.lrange("events:password", "0", "-1")).join("\n");
    expect(logged).toContain('"health":"unhealthy"');
    const told = async (): Promise<string[]> => {
      const { items } = await api.get<{ items: { reason: string; involvedObject: { name: string } }[] }>(
        `/api/v1/namespaces/${namespace}/events`,
      );
      return items.filter(({ involvedObject }) => involvedObject.name === "password").map(({ reason }) => reason);
    };
    const wanted = ["RegistryUnavailable", "RegistryRecovered"];
    await eventually(
      async () => expect.arrayContaining(wanted).asymmetricMatch(await told()),
      60_000,
      "Events of both transitions",
    );
  });

  test("a changed Secret is used at once", { timeout: 120_000 }, async () => {
    const data = { password: Buffer.from(registryPassword).toString("base64") };
    await api.patch(`/api/v1/namespaces/${namespace}/secrets/password-wrong-login`, { data });
    await expectState("password-wrong", "healthy", "Available");
  });

  test("what is deleted leaves Redis and the API; created again, it starts anew", { timeout: 120_000 }, async () => {
    const { metadata } = await resource("open");
    await api.delete(`${base}/open`);
    await eventually(
      async () =>
        (await redis.admin.keys("registry:open:*")).length === 0 && (await rows()).every(({ name }) => name !== "open"),
      30_000,
      "nothing is left",
    );
    expect(await redis.admin.sismember("registries:all", "open")).toBe(0);
    expect(await redis.admin.lrange("events:open", "0", "0")).toEqual([expect.stringContaining("registry.deleted")]);
    await declare("open", { endpoint: open.url });
    await expectState("open", "healthy", "Available");
    expect((await resource("open")).metadata.uid).not.toBe(metadata.uid);
    expect(await redis.admin.sismember("registries:all", "open")).toBe(1);
  });

  test("no password, docker configuration or token is in anything that comes out", async () => {
    expect(tokens.tokens.length).toBeGreaterThan(0);
    const secrets = [
      registryPassword,
      wrongPassword,
      basicOf(registryPassword),
      basicOf(wrongPassword),
      ...tokens.tokens.map(({ token }) => token.split(".").at(-1) as string),
    ];
    const kept: string[] = [];
    for (const key of await redis.admin.keys("*")) {
      const type = await redis.admin.type(key);
      if (type === "string") kept.push(key, (await redis.admin.get(key)) ?? "");
      else if (type === "hash") kept.push(JSON.stringify(await redis.admin.hgetall(key)));
      else if (type === "list") kept.push(...(await redis.admin.lrange(key, "0", "-1")));
      else if (type === "zset") kept.push(...(await redis.admin.zrange(key, "0", "-1")));
      else kept.push(...(await redis.admin.smembers(key)));
    }
    const said: Readonly<Record<string, string>> = {
      redis: kept.join("\n"),
      resources: JSON.stringify(await api.get(base)),
      events: JSON.stringify(await api.get(`/api/v1/namespaces/${namespace}/events`)),
      log,
    };
    for (const path of ["/api/v1/registries/status", "/api/v1/system/actors", "/metrics"])
      Object.assign(said, { [path]: await (await fetch(`${hub.url}${path}`)).text() });
    for (const [where, text] of Object.entries(said)) {
      expect(text.length, where).toBeGreaterThan(100);
      for (const secret of secrets) expect(text.includes(secret), `${secret.slice(0, 8)}... in ${where}`).toBe(false);
    }
    expect(said["redis"]).toContain("registry:tokens:status");
  });
});
