// The simulated registries: what they answer to plain HTTP, what the product's client makes of it, and their faults.
import { createHash } from "node:crypto";
import { Agent, request } from "undici";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { createRegistryClient, type RegistryCheck } from "../../src/registry/check.ts";
import { RegistryCredentials } from "../../src/registry/credentials.ts";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type RegistryIdentity, type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { systemClock } from "../../src/support/clock.ts";
import { openHubApi } from "../support/hub-api.ts";

const namespace = "fleet";
let simulator: Simulator;
let registry: RegistryIdentity;
let secret: Readonly<Record<string, string>>;
const agent = new Agent({ connect: { rejectUnauthorized: false } });

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 1, registries: 3, seed: 8, preset: "tiny" });
  registry = simulator.registries[0] as RegistryIdentity;
  simulator.register({ namespace, intervalSeconds: 30 });
  const api = await openHubApi(simulator);
  const { data } = await api.get<{ data: Record<string, string> }>(
    `/api/v1/namespaces/${namespace}/secrets/registry-01-credentials`,
  );
  await api.close();
  secret = Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64").toString()]));
});
afterAll(async () => {
  await agent.close();
  await simulator.close();
});
afterEach(async () => {
  for (const { cluster } of simulator.faults.list()) await simulator.faults.remove(cluster);
});

async function get(path: string, headers: Record<string, string> = {}, from = registry) {
  const password = Buffer.from(`${secret["username"]}:${secret["password"]}`).toString("base64");
  const authorization = `Basic ${password}`;
  const answer = await request(`${from.url}${path}`, { dispatcher: agent, headers: { authorization, ...headers } });
  return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
}

async function check(): Promise<RegistryCheck> {
  const client = createRegistryClient({
    server: registry.url,
    credentials: new RegistryCredentials({ ...secret, caPem: secret["ca.crt"] }),
    credentialsProblem: null,
    skipTlsVerify: false,
    requestTimeoutMs: 20_000,
    keepAliveMs: 1_000,
    userAgent: "test",
    clock: systemClock,
  });
  const canary = { repository: registry.repositories[1] ?? "", reference: "latest", intervalMs: 1_000 };
  const options = { healthCheckPaths: [], maxCatalogEntries: -1, canary, reachDeadlineMs: 60_000 };
  try {
    return await client.check({ ...options, extraDeadlineMs: 60_000 }, new AbortController().signal);
  } finally {
    await client.close();
  }
}

describe("a simulated registry", () => {
  test("is reached, counted and pulled from by the product's client with the registered Secret", async () => {
    expect(await check()).toMatchObject({
      version: "registry/2.0",
      features: { docker_v2_api: true, catalog_accessible: true },
      catalog: { count: registry.repositories.length, isComplete: true },
      canary: { pulled: { manifestMs: expect.any(Number) } },
      problem: null,
      missing: [],
    });
  });

  test("tells its catalog page by page, in the order of the names", async () => {
    const names: string[] = [];
    let path: string | undefined = "/v2/_catalog?n=4";
    while (path !== undefined) {
      const { text, headers } = await get(path);
      const page = (JSON.parse(text) as { repositories: string[] }).repositories;
      expect(page.length).toBeLessThanOrEqual(4);
      names.push(...page);
      path = /^<([^>]+)>; rel="next"$/.exec(String(headers["link"] ?? ""))?.[1];
    }
    expect(names).toEqual(registry.repositories);
    expect(names.length).toBeGreaterThan(4);
    expect(await get("/v2/_catalog?n=0")).toMatchObject({ status: 400 });
  });

  test("hands out manifests and parts of layers that match their digests", async () => {
    const manifest = await get(`/v2/${registry.repositories[0]}/manifests/latest`);
    const digest = `sha256:${createHash("sha256").update(manifest.text).digest("hex")}`;
    expect(manifest.headers["docker-content-digest"]).toBe(digest);
    expect(await get(`/v2/${registry.repositories[0]}/manifests/${digest}`)).toMatchObject({ text: manifest.text });
    const [layer] = (JSON.parse(manifest.text) as { layers: { digest: string; size: number }[] }).layers;
    const path = `/v2/${registry.repositories[0]}/blobs/${layer?.digest}`;
    const whole = await get(path);
    expect(whole.text).toHaveLength(layer?.size ?? 0);
    expect(`sha256:${createHash("sha256").update(whole.text).digest("hex")}`).toBe(layer?.digest);
    const part = await get(path, { range: "bytes=10-29" });
    expect(part).toMatchObject({ status: 206, text: whole.text.slice(10, 30) });
    expect(part.headers["content-range"]).toBe(`bytes 10-29/${layer?.size}`);
  });

  test("refuses in the words of a registry: no password, a wrong one, what is not there, what it does not do", async () => {
    for (const authorization of ["", "Basic eDp5"]) {
      const refused = await get("/v2/", { authorization });
      expect(refused).toMatchObject({ status: 401, headers: { "www-authenticate": expect.stringMatching(/^Basic /) } });
      expect(JSON.parse(refused.text)).toMatchObject({ errors: [{ code: "UNAUTHORIZED" }] });
    }
    for (const path of ["/", "/v2/none/app/manifests/latest", `/v2/${registry.repositories[0]}/manifests/v9`])
      expect(await get(path), path).toMatchObject({ status: 404, text: expect.stringContaining("NAME_UNKNOWN") });
  });

  test("is the same for the same seed, and another for another place in the fleet", async () => {
    const again = await startSimulator({ clusters: 1, registries: 1, seed: 8, preset: "tiny" });
    await again.close();
    expect(again.registries[0]?.repositories).toEqual(registry.repositories);
    expect(simulator.registries[1]?.repositories).not.toEqual(registry.repositories);
  });
});

describe("faults of a registry", () => {
  test("are switched over the admin API by its name, and stay with it", async () => {
    const admin = new AdminClient(simulator.admin);
    expect((await admin.registries()).map(({ name }) => name)).toEqual(["registry-01", "registry-02", "registry-03"]);
    await admin.addFault({ cluster: "registry-01", fault: "status", parameters: { code: 429, retryAfter: 7 } });
    const refused = await get("/v2/");
    expect(refused).toMatchObject({ status: 429, headers: { "retry-after": "7" } });
    expect(JSON.parse(refused.text)).toMatchObject({ errors: [{ code: "TOOMANYREQUESTS" }] });
    const [, other] = simulator.registries as [unknown, RegistryIdentity];
    expect(await get("/v2/", {}, other)).toMatchObject({ status: 401 });
    await admin.removeFault("registry-01");
    expect(await get("/v2/")).toMatchObject({ status: 200, text: "{}" });
    await expect(admin.addFault({ cluster: "registry-09", fault: "hang" })).rejects.toThrow("registry-09");
  });

  test.each([
    { fault: "refuse", code: "CONNECTION_REFUSED" },
    { fault: "reset", code: "CONNECTION_RESET" },
    { fault: "tls", code: "TLS_FAILED" },
    { fault: "status", code: "SERVER_ERROR" },
  ] as const)("$fault makes it unavailable", async ({ fault, code }) => {
    await simulator.faults.add({ cluster: registry.name, fault });
    await expect(check()).rejects.toMatchObject({ code });
  });

  test("a refused password leaves it available; spoilt and cut bodies cost the catalog only", async () => {
    await simulator.faults.add({ cluster: registry.name, fault: "unauthorized" });
    expect(await check()).toMatchObject({ problem: { reason: "AuthFailed" } });
    for (const fault of ["garbage", "truncate"] as const) {
      await simulator.faults.add({ cluster: registry.name, fault });
      expect(await check(), fault).toMatchObject({ catalog: null, features: { catalog_accessible: false } });
    }
  });
});
