import { fork } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CredentialsError } from "../../src/kube/credentials.ts";
import { type KubeconfigOptions, loadHubKubeconfig, runsInPod } from "../../src/kube/kubeconfig.ts";
import { createAuthority } from "../support/certificates.ts";
import { allTextOf, canaryToken } from "../support/secrets.ts";

let directory: string;
let caPem: string;
let client: { certPem: string; keyPem: string };

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  const authority = await createAuthority();
  caPem = authority.caPem;
  client = await authority.issue();
});

afterAll(() => rm(directory, { recursive: true }));

interface Parts {
  server?: string;
  cluster?: object;
  user?: object;
  context?: object;
  current?: string;
  name?: string;
}

async function file(name: string, parts: Parts = {}): Promise<string> {
  const {
    server = "https://hub.example.com:6443",
    cluster,
    user = { token: canaryToken },
    context,
    current = "main",
  } = parts;
  const entry = parts.name ?? "main";
  const path = join(directory, name);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: entry, cluster: { server, ...cluster } }],
    users: [{ name: entry, user }],
    contexts: [{ name: entry, context: { cluster: entry, user: entry, ...context } }],
    ...(current && { "current-context": current }),
  };
  await writeFile(path, JSON.stringify(config));
  return path;
}

const load = (options: Partial<KubeconfigOptions>) =>
  loadHubKubeconfig({ env: {}, homeDirectory: join(directory, "nobody"), ...options });

async function failure(options: Partial<KubeconfigOptions>): Promise<CredentialsError> {
  const error = await load(options).then(
    () => expect.fail("it was loaded"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CredentialsError);
  expect(allTextOf(error)).not.toContain(canaryToken);
  return error as CredentialsError;
}

/** What the child process says to its parent. */
async function toldByChild(path: string): Promise<unknown> {
  const child = fork(
    new URL("../../src/kube/kubeconfig-child.ts", import.meta.url),
    [JSON.stringify({ files: [path] })],
    {
      execArgv: [],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    },
  );
  return await new Promise((resolve) => {
    child.once("message", resolve);
    child.once("disconnect", () => resolve(undefined));
  });
}

describe("the order of places", () => {
  test("is flag, $KUBECONFIG, home directory, service account", async () => {
    const home = join(directory, "home");
    const account = join(directory, "account");
    await mkdir(join(home, ".kube"), { recursive: true });
    await mkdir(account, { recursive: true });
    await file("home/.kube/config", { server: "https://home" });
    await writeFile(join(account, "token"), `${canaryToken}\n`);
    await writeFile(join(account, "ca.crt"), caPem);
    await writeFile(join(account, "namespace"), "pulse");
    const env = {
      KUBECONFIG: await file("env", { server: "https://env" }),
      KUBERNETES_SERVICE_HOST: "fd00::1",
      KUBERNETES_SERVICE_PORT: "443",
    };
    const all = {
      path: await file("flag", { server: "https://flag" }),
      env,
      homeDirectory: home,
      serviceAccountDirectory: account,
    };
    const { path: _, ...noFlag } = all;
    const noEnv = { ...noFlag, env: { ...env, KUBECONFIG: "" } };
    expect([runsInPod(env), runsInPod({})]).toEqual([true, false]);
    const servers = [all, noFlag, noEnv].map(async (options) => (await load(options)).credentials.server);
    expect(await Promise.all(servers)).toEqual(["https://flag", "https://env", "https://home"]);
    const pod = await load({ ...noEnv, homeDirectory: directory });
    expect(pod.credentials).toMatchObject({ server: "https://[fd00::1]:443", token: canaryToken, caPem });
    expect([pod.namespace, pod.source]).toEqual(["pulse", "the pod's service account"]);
    await writeFile(join(account, "token"), "rotated");
    expect((await pod.refresh?.())?.token).toBe("rotated");
  });

  test("ends with a message that names all of them", async () => {
    expect((await failure({})).message).toContain(
      "--kubeconfig, $KUBECONFIG, ~/.kube/config and the pod's service account",
    );
    expect((await failure({ env: { KUBECONFIG: "/no/such/file" } })).message).toContain("/no/such/file");
    expect((await failure({ path: "/no/such/file" })).message).toContain("/no/such/file");
  });
});

describe("a kubeconfig", () => {
  test("gives token, authority, namespace and server name; nothing of it is printed", async () => {
    const cluster = {
      "certificate-authority-data": Buffer.from(caPem).toString("base64"),
      "tls-server-name": "kubernetes",
    };
    const loaded = await load({ path: await file("full", { cluster, context: { namespace: "pulse" } }) });
    expect(loaded.credentials).toMatchObject({
      token: canaryToken,
      caPem,
      tlsServerName: "kubernetes",
      insecureSkipTlsVerify: false,
    });
    expect([loaded.namespace, loaded.refresh]).toEqual(["pulse", undefined]);
    expect(allTextOf(loaded)).not.toContain(canaryToken);
  });

  test("is read by a child process with the same result, which tells nothing of one that expires or is no use", async () => {
    const exec = { apiVersion: "client.authentication.k8s.io/v1", command: process.execPath, args: ["-e", ""] };
    const path = await file("child", { context: { namespace: "pulse" } });
    const expiring = await file("child-exec", { user: { exec } });

    const here = await load({ path });
    const [there, told, toldOfExpiring] = await Promise.all([
      load({ path, inChild: true }),
      toldByChild(path),
      toldByChild(expiring),
    ]);

    expect(told).toMatchObject({ source: here.source, namespace: "pulse", parts: { token: canaryToken } });
    expect(there.credentials.equals(here.credentials)).toBe(true);
    expect(there).toMatchObject({ source: here.source, namespace: "pulse" });
    expect(toldOfExpiring).toBeUndefined();
    const noPlugin = await failure({ path: expiring, inChild: true });
    expect(noPlugin.message).toContain("exec plugin or auth provider gave no credentials");
    expect((await failure({ path, context: "none", inChild: true })).message).toContain('has no context "none"');
  });

  test("may name files relative to itself", async () => {
    await writeFile(join(directory, "client.crt"), client.certPem);
    await writeFile(join(directory, "client.key"), client.keyPem);
    await writeFile(join(directory, "ca.crt"), caPem);
    const path = await file("relative", {
      cluster: { "certificate-authority": "ca.crt" },
      user: { "client-certificate": "client.crt", "client-key": "client.key" },
    });
    expect((await load({ path })).credentials).toMatchObject({
      caPem,
      clientCertificatePem: client.certPem,
      clientKeyPem: client.keyPem,
    });
  });

  test("may speak to a plain HTTP server, or without a user's credentials", async () => {
    const path = await file("plain", { server: "http://127.0.0.1:8001/hub", user: {} });
    expect((await load({ path })).credentials).toMatchObject({ server: "http://127.0.0.1:8001/hub", token: undefined });
  });

  test("of several files is merged: the first definition and current context win, missing files are passed over", async () => {
    const first = await file("first", { server: "https://first", current: "" });
    const second = await file("second", { server: "https://second", current: "main" });
    const third = await file("third", { server: "https://third", name: "other", current: "other" });
    const env = { KUBECONFIG: [first, "/no/such/file", second, third].join(":") };
    expect((await load({ env })).credentials.server).toBe("https://first");
    expect((await load({ env, context: "other" })).credentials.server).toBe("https://third");
  });

  test("with an exec plugin asks it, again when it is refreshed, and only once at a time", async () => {
    const counter = join(directory, "count");
    const script = `
      const fs = require("node:fs");
      fs.appendFileSync(process.argv[1], "x");
      const n = fs.readFileSync(process.argv[1], "utf8").length;
      const expirationTimestamp = new Date(Date.now() - 1000).toISOString();
      console.log(JSON.stringify({ kind: "ExecCredential", status: { token: "exec-token-" + n, expirationTimestamp } }));`;
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: ["-e", script, counter],
    };
    const loaded = await load({ path: await file("exec", { server: "http://127.0.0.1:1", user: { exec } }) });
    expect(loaded.credentials.token).toBe("exec-token-1");
    const refreshed = await Promise.all([loaded.refresh?.(), loaded.refresh?.()]);
    expect(refreshed.map((credentials) => credentials?.token)).toEqual(["exec-token-2", "exec-token-2"]);
  });

  test("with a failing exec plugin repeats nothing of what it said", async () => {
    const exec = { command: process.execPath, args: ["-e", `console.error("${canaryToken}"); process.exit(1)`] };
    const error = await failure({ path: await file("exec-fails", { user: { exec } }) });
    expect(error.message).toContain("exec plugin or auth provider gave no credentials");
  });

  test.each([
    ["no current context", { current: "" }, "has no current context: choose one with --context"],
    ["a current context that is not there", { current: "gone" }, 'has no context "gone"'],
    ["a context whose cluster is not there", { context: { cluster: "x" } }, "names a cluster that is not there"],
    ["a context whose user is not there", { context: { user: "x" } }, "names a user that is not there"],
    ["a proxy", { cluster: { "proxy-url": "http://p" } }, "proxy-url is not supported"],
    ["a password", { user: { username: "u", password: canaryToken } }, "user name and password are not supported"],
    ["impersonation", { user: { token: canaryToken, as: "admin" } }, "impersonation is not supported"],
    ["a server that is no URL", { server: "hub" }, "server must be an https:// or http:// URL"],
    [
      "an authority that is none",
      { cluster: { "certificate-authority-data": "eHl6" } },
      "ca.crt must hold certificates",
    ],
    ["a file that is not there", { cluster: { "certificate-authority": "nope.crt" } }, "nope.crt cannot be read"],
  ])("with %s is refused", async (_name, parts, message) => {
    expect((await failure({ path: await file("bad", parts) })).message).toContain(message);
  });

  test("that is not YAML, or far too large, is refused without a quote", async () => {
    const path = join(directory, "broken");
    await writeFile(path, `token: ${canaryToken}\n  - : [`);
    expect((await failure({ path })).message).toContain("is not YAML");
    await writeFile(path, "#".repeat((4 << 20) + 1));
    expect((await failure({ path })).message).toContain("larger than");
  });
});
