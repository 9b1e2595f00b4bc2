// The client against a real registry server: open, with passwords, with tokens of a token server of the test's own, over TLS with an
// authority of its own; killed and started again. And no credential in anything that comes out.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, createPrivateKey, sign, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
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
import { eventually } from "../support/processes.ts";
import { closedPort, httpServer, type TestServer } from "../support/tls-server.ts";

const isInstalled = spawnSync("docker-registry", ["--version"]).status === 0;
const isRequired = process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1";
const password = "canary-password-7f3";
const bcryptOfPassword = "$2y$05$abcdefghijklmnopqrstuuSJlmrKRasxTrrsU9SNUWjg/8mbdy58i";

let folder: string;
let authority: Authority;
const clients: RegistryClient[] = [];
const children: ChildProcess[] = [];
const servers: TestServer[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "registry-test-"));
  authority = await createAuthority();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  for (const child of children.splice(0)) child.kill("SIGKILL");
  for (const server of servers.splice(0)) await server.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts a registry on the port; resolves once it accepts connections. */
async function startRegistry(port: number, lines: readonly string[] = []): Promise<ChildProcess> {
  const storage = join(folder, `data-${port}`);
  const config = join(folder, `config-${port}.yml`);
  const yaml = [
    "version: 0.1",
    "log: {level: error}",
    `storage: {filesystem: {rootdirectory: ${storage}}}`,
    "http:",
    `  addr: 127.0.0.1:${port}`,
    "  secret: test",
    ...lines,
  ];
  writeFileSync(config, `${yaml.join("\n")}\n`);
  const child = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
  children.push(child);
  const { connect } = await import("node:net");
  const isUp = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy() !== undefined));
      socket.once("error", () => resolve(false));
    });
  await eventually(isUp, 30_000, "the registry listens");
  return child;
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
const login = (server: string, given = password): RegistryCredentials =>
  credentialsFromRegistrySecret(secretOf({ username: "robot", password: given }), "ns/name", server);
const htpasswd = (): string[] => {
  const file = join(folder, "htpasswd");
  writeFileSync(file, `robot:${bcryptOfPassword}\n`);
  return ["auth:", `  htpasswd: {realm: test, path: ${file}}`];
};

/** Pushes one image of one layer, as an anonymous client. */
async function push(server: string, repository: string, tag: string): Promise<void> {
  const put = async (bytes: Buffer): Promise<{ digest: string; size: number }> => {
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const begun = await fetch(`${server}/v2/${repository}/blobs/uploads/`, { method: "POST" });
    const location = begun.headers.get("location") ?? "";
    const done = await fetch(`${location}&digest=${encodeURIComponent(digest)}`, {
      method: "PUT",
      body: new Uint8Array(bytes),
    });
    if (done.status !== 201) throw new Error(`blob: ${done.status}`);
    return { digest, size: bytes.length };
  };
  const config = { mediaType: "application/vnd.docker.container.image.v1+json", ...(await put(Buffer.from("{}"))) };
  const layer = {
    mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ...(await put(Buffer.alloc(200_000, 7))),
  };
  const type = "application/vnd.docker.distribution.manifest.v2+json";
  const body = JSON.stringify({ schemaVersion: 2, mediaType: type, config, layers: [layer] });
  const answer = await fetch(`${server}/v2/${repository}/manifests/${tag}`, {
    method: "PUT",
    body,
    headers: { "content-type": type },
  });
  if (answer.status !== 201) throw new Error(`manifest: ${answer.status}`);
}

describe.runIf(isInstalled || isRequired)("a real registry", () => {
  test("without authentication: healthy, its catalog counted over pages, its canary pulled", async () => {
    const port = await closedPort();
    const server = `http://127.0.0.1:${port}`;
    await startRegistry(port);
    for (let i = 0; i < 5; i++) await push(server, `team/app-${i}`, "latest");
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
    const port = await closedPort();
    const server = `http://127.0.0.1:${port}`;
    await startRegistry(port, htpasswd());
    const anonymous = await check(clientOf(server));
    expect(anonymous).toMatchObject({ problem: null, features: { requires_auth: true } });
    const credentials = login(server);
    const known = clientOf(server, credentials);
    expect(healthOfCheck(await check(known, { maxCatalogEntries: 10 }))).toMatchObject({ health: "healthy" });
    const auth = Buffer.from(`robot:${password}`).toString("base64");
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
    expect(said).not.toContain(password);
    expect(said).not.toContain(auth);
  });

  test("with tokens: they are fetched once and kept; refused credentials are AuthFailed", async () => {
    const port = await closedPort();
    const server = `http://127.0.0.1:${port}`;
    const certificate = await authority.issue();
    const root = join(folder, "token.pem");
    writeFileSync(root, certificate.certPem);
    const scopes: string[] = [];
    const tokens = await httpServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://tokens");
      const scope = url.searchParams.get("scope") ?? "";
      const isKnown = request.headers.authorization === `Basic ${Buffer.from(`robot:${password}`).toString("base64")}`;
      if (request.headers.authorization !== undefined && !isKnown) {
        response.writeHead(401).end();
        return;
      }
      scopes.push(scope);
      const [type, name, actions] = scope.split(":");
      const nowSeconds = Math.floor(Date.now() / 1_000);
      const access = scope !== "" && isKnown ? [{ type, name, actions: [actions] }] : [];
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      const x5c = [new X509Certificate(certificate.certPem).raw.toString("base64")];
      const head = part({ typ: "JWT", alg: "ES256", x5c });
      const claims = part({
        iss: "issuer",
        sub: "robot",
        aud: "service",
        exp: nowSeconds + 300,
        nbf: nowSeconds - 60,
        iat: nowSeconds,
        jti: "1",
        access,
      });
      const key = createPrivateKey(certificate.keyPem);
      const signature = sign("sha256", Buffer.from(`${head}.${claims}`), { key, dsaEncoding: "ieee-p1363" });
      response.end(JSON.stringify({ token: `${head}.${claims}.${signature.toString("base64url")}`, expires_in: 300 }));
    });
    servers.push(tokens);
    await startRegistry(port, [
      "auth:",
      `  token: {realm: "${tokens.url}/token", service: service, issuer: issuer, rootcertbundle: ${root}}`,
    ]);
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
    expect(scopes).toEqual(["", "registry:catalog:*"]);
    const wrong = await check(clientOf(server, login(server, "wrong")));
    expect(healthOfCheck(wrong)).toMatchObject({ health: "degraded", reason: "AuthFailed" });
    await tokens.close();
    const away = await check(clientOf(server, login(server)));
    expect(healthOfCheck(away)).toMatchObject({ health: "degraded", reason: "TokenServerFailed" });
  });

  test("over TLS: its own authority is needed, unless nothing is verified; the end of the certificate is known", async () => {
    const port = await closedPort();
    const server = `https://127.0.0.1:${port}`;
    const certificate = await authority.issue();
    const [cert, key] = [join(folder, "tls.crt"), join(folder, "tls.key")];
    writeFileSync(cert, certificate.certPem);
    writeFileSync(key, certificate.keyPem);
    await startRegistry(port, [`  tls: {certificate: ${cert}, key: ${key}}`]);
    await expect(check(clientOf(server))).rejects.toMatchObject({ code: "TLS_FAILED", reason: "TLSUnknownAuthority" });
    const trusting = credentialsFromRegistrySecret(secretOf({ "ca.crt": authority.caPem }), "ns/name", server);
    const found = await check(clientOf(server, trusting));
    expect(found.problem).toBeNull();
    expect(found.certificateExpiresAtMs).toBe(Date.parse(new X509Certificate(certificate.certPem).validTo));
    expect((await check(clientOf(server, new RegistryCredentials(), true))).problem).toBeNull();
  });

  test("killed and started again: unavailable and refused meanwhile, healthy afterwards with the same client", async () => {
    const port = await closedPort();
    const server = `http://127.0.0.1:${port}`;
    const child = await startRegistry(port);
    const client = clientOf(server);
    expect((await check(client)).problem).toBeNull();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    await expect(check(client)).rejects.toMatchObject({ code: "CONNECTION_REFUSED" });
    await startRegistry(port);
    expect((await check(client)).problem).toBeNull();
  });
});
