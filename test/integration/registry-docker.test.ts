// The client against a real registry server: open, with passwords, with tokens of a token server of the test's own, over TLS with an
// authority of its own; killed and started again. And no credential in anything that comes out.
import { X509Certificate } from "node:crypto";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { inspect } from "node:util";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  type CheckRequest,
  createRegistryClient,
  type RegistryCheck,
  type RegistryClient,
} from "../../src/registry/check.ts";
import { credentialsFromRegistrySecret, RegistryCredentials } from "../../src/registry/credentials.ts";
import { healthOfCheck } from "../../src/registry/health.ts";
import { systemClock } from "../../src/support/clock.ts";
import { type Authority, createAuthority } from "../support/certificates.ts";
import {
  basicOf,
  type DockerRegistry,
  type DockerRegistryOptions,
  hasDockerRegistry,
  pushImage,
  registryPassword,
  registryUser,
  startDockerRegistry,
  startTokenServer,
} from "../support/docker-registry.ts";

let authority: Authority;
const clients: RegistryClient[] = [];
const registries: DockerRegistry[] = [];

beforeAll(async () => {
  authority = await createAuthority();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const registry of registries.splice(0)) await registry.stop();
});

async function startRegistry(options?: DockerRegistryOptions): Promise<DockerRegistry> {
  const registry = await startDockerRegistry(options);
  registries.push(registry);
  return registry;
}

function clientOf(server: string, credentials = new RegistryCredentials(), skipTlsVerify = false): RegistryClient {
  const timing = { requestTimeoutMs: 20_000, keepAliveMs: 30_000, userAgent: "test", clock: systemClock };
  const client = createRegistryClient({ server, skipTlsVerify, credentials, credentialsProblem: null, ...timing });
  clients.push(client);
  return client;
}

const plainCheck: CheckRequest = {
  healthCheckPaths: [],
  maxCatalogEntries: undefined,
  canary: undefined,
  reachDeadlineMs: 60_000,
  extraDeadlineMs: 60_000,
};
const check = (client: RegistryClient, more: Partial<CheckRequest> = {}): Promise<RegistryCheck> =>
  client.check({ ...plainCheck, ...more }, new AbortController().signal);
const secretOf = (data: Record<string, string>): object => ({
  data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
});
const login = (server: string, given = registryPassword): RegistryCredentials =>
  credentialsFromRegistrySecret(secretOf({ username: registryUser, password: given }), "ns/name", server);

describe.runIf(hasDockerRegistry())("a real registry", () => {
  test("without authentication: healthy, its catalog counted over pages, its canary pulled", async () => {
    const { url: server } = await startRegistry();
    for (let i = 0; i < 5; i++) await pushImage(server, `team/app-${i}`, "latest");
    const client = clientOf(server);
    const found = await check(client, {
      maxCatalogEntries: -1,
      canary: { repository: "team/app-1", reference: "latest", intervalMs: 60_000 },
    });
    expect(found).toMatchObject({ version: "registry/2.0", problem: null, missing: [] });
    expect(found.features).toEqual({ docker_v2_api: true, catalog_accessible: true });
    expect(found.catalog).toMatchObject({
      count: 5,
      isComplete: true,
      names: [0, 1, 2, 3, 4].map((i) => `team/app-${i}`),
    });
    expect(found.canary?.pulled).not.toBeNull();
    expect(await check(client, { maxCatalogEntries: 2 })).toMatchObject({ catalog: { count: 2, isComplete: false } });
    const broken = await check(clientOf(server), {
      canary: { repository: "team/none", reference: "latest", intervalMs: 60_000 },
    });
    expect(healthOfCheck(broken)).toMatchObject({ health: "degraded", reason: "CanaryFailed" });
  });

  test("with passwords: anonymous is available, a right one healthy, a wrong one degraded as AuthFailed; none gets out", async () => {
    const { url: server, port } = await startRegistry({ auth: "htpasswd" });
    const anonymous = await check(clientOf(server));
    expect(anonymous).toMatchObject({ problem: null, features: { requires_auth: true } });
    const credentials = login(server);
    const known = clientOf(server, credentials);
    expect(healthOfCheck(await check(known, { maxCatalogEntries: 10 }))).toMatchObject({ health: "healthy" });
    const auth = basicOf(registryPassword);
    const config = JSON.stringify({
      auths: { "https://other.example": { auth: "eDp5" }, [`127.0.0.1:${port}`]: { auth } },
    });
    const docker = credentialsFromRegistrySecret(secretOf({ ".dockerconfigjson": config }), "ns/name", server);
    expect((await check(clientOf(server, docker))).problem).toBeNull();
    const wrong = await check(clientOf(server, login(server, "wrong")));
    expect(healthOfCheck(wrong)).toMatchObject({ health: "degraded", reason: "AuthFailed" });
    const said =
      inspect([credentials, docker, known, wrong], { depth: 9, showHidden: true }) +
      JSON.stringify([credentials, docker]);
    expect(said).not.toContain(registryPassword);
    expect(said).not.toContain(auth);
  });

  test("with tokens: they are fetched once and kept; refused credentials are AuthFailed", async () => {
    const tokens = await startTokenServer(authority);
    const { url: server } = await startRegistry({ auth: tokens });
    expect(await check(clientOf(server))).toMatchObject({ problem: null, features: { requires_auth: true } });
    const known = clientOf(server, login(server));
    for (let i = 0; i < 3; i++) {
      const found = await check(known, { maxCatalogEntries: 10 });
      expect(found).toMatchObject({
        problem: null,
        missing: [],
        features: { requires_auth: true, catalog_accessible: true },
      });
    }
    expect(tokens.tokens.map(({ scope }) => scope)).toEqual(["", "registry:catalog:*"]);
    const wrong = await check(clientOf(server, login(server, "wrong")));
    expect(healthOfCheck(wrong)).toMatchObject({ health: "degraded", reason: "AuthFailed" });
    await tokens.close();
    const away = await check(clientOf(server, login(server)));
    expect(healthOfCheck(away)).toMatchObject({ health: "degraded", reason: "TokenServerFailed" });
  });

  test("over TLS: its own authority is needed, unless nothing is verified; the end of the certificate is known", async () => {
    const certificate = await authority.issue();
    const { url: server } = await startRegistry({ certificate });
    await expect(check(clientOf(server))).rejects.toMatchObject({ code: "TLS_FAILED", reason: "TLSUnknownAuthority" });
    const trusting = credentialsFromRegistrySecret(secretOf({ "ca.crt": authority.caPem }), "ns/name", server);
    const found = await check(clientOf(server, trusting));
    expect(found.problem).toBeNull();
    expect(found.certificateExpiresAtMs).toBe(Date.parse(new X509Certificate(certificate.certPem).validTo));
    expect((await check(clientOf(server, new RegistryCredentials(), true))).problem).toBeNull();
  });

  test("an authority of its own counts for the registry alone; its token server may also have a public one's certificate", async () => {
    const publicly = await createAuthority("a public authority");
    const before = getCACertificates();
    setDefaultCACertificates([...before, publicly.caPem]);
    const tokens = await startTokenServer(authority, await publicly.issue());
    try {
      const secret = { username: registryUser, password: registryPassword, "ca.crt": authority.caPem };
      const credentials = (server: string) => credentialsFromRegistrySecret(secretOf(secret), "ns/name", server);
      const own = await startRegistry({ auth: tokens, certificate: await authority.issue() });
      const found = await check(clientOf(own.url, credentials(own.url)), { maxCatalogEntries: 10 });
      expect(found).toMatchObject({ problem: null, missing: [], catalog: { count: 0 } });
      const other = await startRegistry({ certificate: await publicly.issue() });
      const refused = check(clientOf(other.url, credentials(other.url)));
      await expect(refused).rejects.toMatchObject({ reason: "TLSUnknownAuthority" });
    } finally {
      setDefaultCACertificates(before);
      await tokens.close();
    }
  });

  test("killed and started again: unavailable and refused meanwhile, healthy afterwards with the same client", async () => {
    const registry = await startRegistry();
    const { url: server } = registry;
    const client = clientOf(server);
    expect((await check(client)).problem).toBeNull();
    await registry.kill();
    await expect(check(client)).rejects.toMatchObject({ code: "CONNECTION_REFUSED" });
    await registry.start();
    expect((await check(client)).problem).toBeNull();
  });
});
