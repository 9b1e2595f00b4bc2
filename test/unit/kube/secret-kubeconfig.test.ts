import { beforeAll, describe, expect, test } from "vitest";
import { type ClusterCredentials, CredentialsError } from "../../../src/kube/credentials.ts";
import { credentialsFromSecret } from "../../../src/kube/secret-credentials.ts";
import { createAuthority } from "../../support/certificates.ts";
import { allTextOf, canaryToken } from "../../support/secrets.ts";

const server = "https://api.example.com:6443";
const reference = { namespace: "clusterpulse", name: "prod" };
const b64 = (text: string) => Buffer.from(text).toString("base64");
let caPem: string;
let client: { certPem: string; keyPem: string };

beforeAll(async () => {
  const authority = await createAuthority();
  caPem = authority.caPem;
  client = await authority.issue();
});

interface Parts {
  readonly cluster?: object;
  readonly user?: object;
  readonly context?: object;
  readonly config?: object;
}

function kubeconfig({ cluster, user = { token: canaryToken }, context, config }: Parts = {}): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "main",
    contexts: [{ name: "main", context: { cluster: "c", user: "u", ...context } }],
    clusters: [{ name: "c", cluster: { server: "https://elsewhere.example.com", ...cluster } }],
    users: [{ name: "u", user }],
    ...config,
  });
}

const read = (text: string, more: object = {}): ClusterCredentials =>
  credentialsFromSecret({ data: { kubeconfig: b64(text), ...more } }, reference, server);

function failure(text: string): CredentialsError {
  try {
    read(text);
  } catch (error) {
    expect(error).toBeInstanceOf(CredentialsError);
    expect(allTextOf(error)).not.toContain(canaryToken);
    return error as CredentialsError;
  }
  return expect.fail("nothing was thrown");
}

describe("E-42 a kubeconfig in a Secret", () => {
  test("gives token, authority and server name, for the endpoint of the ClusterConnection", () => {
    const cluster = { "certificate-authority-data": b64(caPem), "tls-server-name": "kubernetes" };
    const made = read(kubeconfig({ cluster }));
    expect([made.server, made.token, made.caPem, made.tlsServerName, made.insecureSkipTlsVerify]).toEqual([
      server,
      canaryToken,
      caPem,
      "kubernetes",
      false,
    ]);
  });

  test("gives a client certificate", () => {
    const user = { "client-certificate-data": b64(client.certPem), "client-key-data": b64(client.keyPem) };
    const made = read(kubeconfig({ user }));
    expect([made.token, made.clientCertificatePem, made.clientKeyPem]).toEqual([
      undefined,
      client.certPem,
      client.keyPem,
    ]);
  });

  test("may be YAML with comments and several contexts: only the current one counts", () => {
    const text = `
# made by hand
current-context: main
contexts: [{name: other, context: {cluster: x, user: x}}, {name: main, context: {cluster: c, user: u}}]
clusters: [{name: x, cluster: {server: y, certificate-authority: /etc/passwd}}, {name: c, cluster: {server: z}}]
users:
- {name: x, user: {exec: {command: sh}}}
- name: u
  user: {token: ${canaryToken}}
`;
    expect(read(text).token).toBe(canaryToken);
  });

  test("is the one way to switch verification off, and says so", () => {
    const cluster = { "insecure-skip-tls-verify": true };
    expect(read(kubeconfig({ cluster })).insecureSkipTlsVerify).toBe(true);
    const flags = { "insecure-skip-tls-verify": b64("true"), insecure: b64("true") };
    expect(
      credentialsFromSecret({ data: { token: b64("t"), ...flags } }, reference, server).insecureSkipTlsVerify,
    ).toBe(false);
  });

  test("plays no part beside a token", () => {
    const cluster = { "insecure-skip-tls-verify": true };
    const made = read(kubeconfig({ cluster }), { token: b64("plain") });
    expect([made.token, made.insecureSkipTlsVerify]).toEqual(["plain", false]);
  });

  test.each([
    [
      "exec",
      { user: { token: canaryToken, exec: { command: "sh", args: [canaryToken] } } },
      "exec plugins are not run",
    ],
    ["exec", { user: { exec: null } }, "exec plugins are not run"],
    ["auth-provider", { user: { "auth-provider": { name: "gcp" } } }, "auth providers are not run"],
    ["certificate-authority", { cluster: { "certificate-authority": "/etc/passwd" } }, "files are not read"],
    ["client-certificate", { user: { "client-certificate": "/tls.crt" } }, "files are not read"],
    ["client-key", { user: { token: canaryToken, "client-key": "/tls.key" } }, "files are not read"],
    ["tokenFile", { user: { tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token" } }, "files are not read"],
    ["proxy-url", { cluster: { "proxy-url": "http://169.254.169.254" } }, "proxies are not supported"],
    ["password", { user: { password: canaryToken } }, "user name and password are not supported"],
    ["as", { user: { token: canaryToken, as: "admin" } }, "impersonation is not supported"],
  ])("with %s is refused: %j", (field, parts, message) => {
    const error = failure(kubeconfig(parts));
    expect(error.code).toBe("CREDENTIALS_INVALID");
    expect(error.message).toContain(`key "kubeconfig" of Secret clusterpulse/prod: ${field}: ${message}`);
  });

  test.each([
    ["no current context", { config: { "current-context": "" } }, "its current context has no context"],
    ["a context that is not there", { config: { "current-context": "x" } }, "its current context has no context"],
    ["no contexts", { config: { contexts: "main" } }, "its current context has no context"],
    ["a cluster that is not there", { context: { cluster: "x" } }, "its current context has no cluster"],
    ["a user that is not there", { context: { user: "x" } }, "its current context has no user"],
    ["a user without credentials", { user: { x: 1 } }, "neither token nor client-certificate-data"],
    ["a token that is no string", { user: { token: { a: canaryToken } } }, "token must be a string"],
    ["data that is not base64", { cluster: { "certificate-authority-data": "-----" } }, "must be base64"],
    ["an authority that is none", { cluster: { "certificate-authority-data": b64("x") } }, "ca.crt must hold"],
    ["a flag that is none", { cluster: { "insecure-skip-tls-verify": "true" } }, "must be true or false"],
  ])("with %s is refused", (_name, parts, message) => {
    expect(failure(kubeconfig(parts)).message).toContain(message);
  });

  test.each([`token: ${canaryToken}\n - : [`, canaryToken, "[]", "null", "!!js/function 'x'"])(
    "that is not one is refused without a quote: %j",
    (text) => {
      expect(failure(text).message).toContain("is not YAML with clusters, users and contexts");
    },
  );

  test("that grows by aliases is refused", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 12; i++)
      lines.push(`a${i}: &a${i} [${Array.from({ length: 10 }, () => `*a${i - 1}`).join(", ")}]`);
    expect(failure(lines.join("\n")).message).toContain("is not YAML");
  });
});
