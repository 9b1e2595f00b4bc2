// A real registry server (Debian's docker-registry) on a free loopback port, and a token server for it, as tests need them.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash, createPrivateKey, sign, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Authority, Certificate } from "./certificates.ts";
import { freePort } from "./ports.ts";
import { eventually } from "./processes.ts";
import { httpServer, httpsServer, type TestServer } from "./tls-server.ts";

/**
 * Whether there is a docker-registry to test against. Without one: throws where services are required
 * (CLUSTERPULSE_REQUIRE_SERVICES=1), else says so loudly and answers false, for the caller to skip.
 */
export function hasDockerRegistry(): boolean {
  if (spawnSync("docker-registry", ["--version"]).status === 0) return true;
  const message = 'No docker-registry: real registries are not tested. Install Debian\'s package "docker-registry".';
  if (process.env["CLUSTERPULSE_REQUIRE_SERVICES"] === "1") throw new Error(message);
  console.warn(`SKIPPED: ${message}`);
  return false;
}

export const registryUser = "robot";
export const registryPassword = "canary-password-7f3";
const bcryptOfPassword = "$2y$05$abcdefghijklmnopqrstuuSJlmrKRasxTrrsU9SNUWjg/8mbdy58i";
export const basicOf = (password: string): string => Buffer.from(`${registryUser}:${password}`).toString("base64");

export interface DockerRegistry {
  readonly port: number;
  readonly url: string;
  /** Cuts the process off at once. */
  kill(): Promise<void>;
  /** Starts it again on the same port, with what it held. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export interface DockerRegistryOptions {
  /** Who may ask: everybody, whoever has the password, or whoever has a token of the server. */
  readonly auth?: "htpasswd" | TokenServer;
  /** Serves https with it. */
  readonly certificate?: Certificate;
}

/** Starts a registry; it accepts connections when this resolves. */
export async function startDockerRegistry({ auth, certificate }: DockerRegistryOptions = {}): Promise<DockerRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "clusterpulse-registry-"));
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const port = await freePort();
  const lines = [
    "version: 0.1",
    "log: {level: error}",
    `storage: {filesystem: {rootdirectory: ${join(folder, "data")}}}`,
    "http:",
    `  addr: 127.0.0.1:${port}`,
    "  secret: test",
  ];
  if (certificate !== undefined) {
    const [cert, key] = [file("tls.crt", certificate.certPem), file("tls.key", certificate.keyPem)];
    lines.push(`  tls: {certificate: ${cert}, key: ${key}}`);
  }
  if (auth === "htpasswd") {
    const path = file("htpasswd", `${registryUser}:${bcryptOfPassword}\n`);
    lines.push("auth:", `  htpasswd: {realm: test, path: ${path}}`);
  } else if (auth !== undefined) {
    const root = file("token.pem", auth.signerPem);
    lines.push(
      "auth:",
      `  token: {realm: "${auth.url}/token", service: service, issuer: issuer, rootcertbundle: ${root}}`,
    );
  }
  const config = file("config.yml", `${lines.join("\n")}\n`);
  let child: ChildProcess | undefined;
  const isUp = (): Promise<boolean> =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(socket.destroy() !== undefined));
      socket.once("error", () => resolve(false));
    });
  const start = async (): Promise<void> => {
    child = spawn("docker-registry", ["serve", config], { stdio: "ignore" });
    await eventually(isUp, 30_000, "the registry listens");
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running === undefined) return;
    const ended = new Promise((resolve) => running.once("exit", resolve));
    running.kill("SIGKILL");
    await ended;
  };
  await start();
  return {
    port,
    url: `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    kill,
    start,
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface TokenServer extends TestServer {
  /** Of the certificate that its tokens are signed with. */
  readonly signerPem: string;
  /** The tokens that were handed out, and what each was asked for. */
  readonly tokens: readonly { readonly token: string; readonly scope: string }[];
}

/** Starts a token server as the Distribution project specifies it: tokens for nothing are for everybody, others for who has the password. */
export async function startTokenServer(authority: Authority, tls?: Certificate): Promise<TokenServer> {
  const signer = await authority.issue();
  const tokens: { token: string; scope: string }[] = [];
  const listener: RequestListener = (request, response) => {
    const scope = new URL(request.url ?? "/", "http://tokens").searchParams.get("scope") ?? "";
    const { authorization } = request.headers;
    const isKnown = authorization === `Basic ${basicOf(registryPassword)}`;
    if (authorization !== undefined && !isKnown) {
      response.writeHead(401).end();
      return;
    }
    const token = tokenFor(scope, isKnown, signer);
    tokens.push({ token, scope });
    response.end(JSON.stringify({ token, expires_in: 300 }));
  };
  const server = await (tls === undefined ? httpServer(listener) : httpsServer(tls, listener));
  return { ...server, signerPem: signer.certPem, tokens };
}

function tokenFor(scope: string, isKnown: boolean, signer: Certificate): string {
  const [type, name, actions] = scope.split(":");
  const nowSeconds = Math.floor(Date.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const x5c = [new X509Certificate(signer.certPem).raw.toString("base64")];
  const head = part({ typ: "JWT", alg: "ES256", x5c });
  const claims = part({
    iss: "issuer",
    sub: registryUser,
    aud: "service",
    exp: nowSeconds + 300,
    nbf: nowSeconds - 60,
    iat: nowSeconds,
    jti: "1",
    access: scope !== "" && isKnown ? [{ type, name, actions: [actions] }] : [],
  });
  const key = createPrivateKey(signer.keyPem);
  const signature = sign("sha256", Buffer.from(`${head}.${claims}`), { key, dsaEncoding: "ieee-p1363" });
  return `${head}.${claims}.${signature.toString("base64url")}`;
}

/** Pushes one image of one layer to an open registry. */
export async function pushImage(server: string, repository: string, tag: string): Promise<void> {
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
