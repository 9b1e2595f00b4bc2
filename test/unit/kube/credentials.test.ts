import { describe, expect, test } from "vitest";
import { ClusterCredentials, CredentialsError } from "../../../src/kube/credentials.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { createRefreshingTransport } from "../../../src/kube/refreshing-transport.ts";
import { credentialsFromSecret, readSecretCredentials } from "../../../src/kube/secret-credentials.ts";
import type { KubeTransport } from "../../../src/kube/transport.ts";
import { silentLogger } from "../../../src/support/log.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createAuthority } from "../../support/certificates.ts";
import { allTextOf, canaryToken } from "../../support/secrets.ts";

const server = "https://api.example.com:6443";
const reference = { namespace: "clusterpulse", name: "prod" };
const never = new AbortController().signal;
const b64 = (text: string) => Buffer.from(text).toString("base64");

function failure(act: () => unknown): CredentialsError {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(CredentialsError);
    expect(allTextOf(error)).not.toContain(canaryToken);
    return error as CredentialsError;
  }
  return expect.fail("nothing was thrown");
}

describe("credentials", () => {
  test("never show their secrets, whichever way they are printed", async () => {
    const authority = await createAuthority();
    const { certPem, keyPem } = await authority.issue();
    const credentials = new ClusterCredentials({
      server,
      token: canaryToken,
      caPem: authority.caPem,
      clientCertificatePem: certPem,
      clientKeyPem: keyPem,
    });
    const shown = allTextOf(credentials) + allTextOf({ nested: [credentials] }) + allTextOf({ ...credentials });
    expect(shown).not.toContain(canaryToken);
    expect(shown).not.toContain("PRIVATE KEY");
    expect(String(credentials)).toBe("credentials for https://api.example.com:6443 (token, client certificate)");
    expect(credentials.token).toBe(canaryToken);
  });

  test("are equal exactly if a transport made with them would be", async () => {
    const { caPem } = await createAuthority();
    const base = { server, token: "a", caPem };
    const made = new ClusterCredentials(base);
    expect(made.equals(new ClusterCredentials({ ...base, token: " a\n" }))).toBe(true);
    for (const change of [
      { server: "https://b" },
      { token: "b" },
      { caPem: undefined },
      { insecureSkipTlsVerify: true },
      { tlsServerName: "x" },
    ]) {
      expect(made.equals(new ClusterCredentials({ ...base, ...change }))).toBe(false);
    }
  });

  test.each([
    [{ server: "api.example.com" }, "server must be an https:// or http:// URL"],
    [{ server: `https://user:${canaryToken}@api.example.com` }, "server must be"],
    [{ server: "https://api.example.com/?x" }, "server must be"],
    [{ server, token: `${canaryToken}\r\nx-injected: 1` }, "token must be printable ASCII"],
    [{ server, caPem: "garbage" }, "ca.crt must hold certificates in PEM form"],
    [{ server, clientKeyPem: canaryToken }, "must be given together"],
    [{ server, clientKeyPem: canaryToken, clientCertificatePem: "x" }, "must be PEM and belong together"],
  ])("that cannot work are refused by field", (parts, message) => {
    const error = failure(() => new ClusterCredentials(parts));
    expect(error.message).toContain(message);
    expect([error.code, error.reason]).toEqual(["CREDENTIALS_INVALID", "CredentialsInvalid"]);
  });
});

describe("a Secret", () => {
  test("gives its token without white space, and its authority", async () => {
    const { caPem } = await createAuthority();
    const made = credentialsFromSecret(
      { data: { token: b64(` ${canaryToken}\n`), "ca.crt": b64(caPem) } },
      reference,
      server,
    );
    expect([made.token, made.caPem, made.insecureSkipTlsVerify]).toEqual([canaryToken, caPem, false]);
    expect(credentialsFromSecret({ data: { token: b64("t") } }, reference, server).insecureSkipTlsVerify).toBe(false);
  });

  test.each([
    [null, "CREDENTIALS_MISSING", 'Secret clusterpulse/prod has neither a key "token" nor a key "kubeconfig"'],
    [
      { data: null },
      "CREDENTIALS_MISSING",
      'Secret clusterpulse/prod has neither a key "token" nor a key "kubeconfig"',
    ],
    [
      { data: { token: "" } },
      "CREDENTIALS_MISSING",
      'Secret clusterpulse/prod has neither a key "token" nor a key "kubeconfig"',
    ],
    [
      { data: { token: b64(" \n") } },
      "CREDENTIALS_MISSING",
      'Secret clusterpulse/prod has neither a key "token" nor a key "kubeconfig"',
    ],
    [{ data: { token: 7 } }, "CREDENTIALS_INVALID", 'key "token" of Secret clusterpulse/prod is not base64'],
    [{ data: { token: canaryToken } }, "CREDENTIALS_INVALID", 'key "token" of Secret clusterpulse/prod is not base64'],
    [
      { data: { token: b64("t"), "ca.crt": b64("x") } },
      "CREDENTIALS_INVALID",
      "ca.crt must hold certificates in PEM form",
    ],
  ])("%j is refused", (secret, code, message) => {
    expect(failure(() => credentialsFromSecret(secret, reference, server))).toMatchObject({ code, message });
  });

  test("that does not exist is missing, and other failures stay what they are", async () => {
    const answering = (error: KubeError) => ({ requestJson: () => Promise.reject(error) });
    const absent = readSecretCredentials(answering(new KubeError("NOT_FOUND", "x")), reference, server, never);
    await expect(absent).rejects.toMatchObject({
      code: "CREDENTIALS_MISSING",
      message: "Secret clusterpulse/prod does not exist",
    });
    const forbidden = readSecretCredentials(answering(new KubeError("FORBIDDEN", "x")), reference, server, never);
    await expect(forbidden).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  test("is asked for at its path", async () => {
    const paths: string[] = [];
    const requestJson: KubeTransport["requestJson"] = async (method, path) => {
      paths.push(`${method} ${path}`);
      return { status: 200, body: { data: { token: b64("t") } } };
    };
    expect((await readSecretCredentials({ requestJson }, reference, server, never)).token).toBe("t");
    expect(paths).toEqual(["GET /api/v1/namespaces/clusterpulse/secrets/prod"]);
  });
});

describe("a refreshing transport", () => {
  function setup(tokens: (string | Error)[]) {
    const clock = new VirtualClock();
    const made: { token: string | undefined; closed: boolean }[] = [];
    let refreshes = 0;
    let current = "t0";
    const transport = createRefreshingTransport(new ClusterCredentials({ server, token: "t0" }), {
      refresh: async () => {
        const next = tokens[refreshes++] ?? current;
        if (next instanceof Error) throw next;
        current = next;
        return new ClusterCredentials({ server, token: next });
      },
      createTransport: ({ token }) => {
        const entry = { token, closed: false };
        made.push(entry);
        const requestJson: KubeTransport["requestJson"] = async (_method, path) => {
          if (path === "/401") throw new KubeError("UNAUTHORIZED", "no");
          return { status: 200, body: token };
        };
        const close = async () => {
          entry.closed = true;
        };
        const facts = { peerCertificateExpiresAtMs: undefined, insecureSkipTlsVerify: false, idleRetries: made.length };
        return { server, requestJson, close, facts, get: expect.fail, stream: expect.fail } as KubeTransport;
      },
      clock,
      log: silentLogger,
    });
    const ask = async (path: string) => (await transport.requestJson("GET", path, { signal: never, maxBytes: 1 })).body;
    return { clock, made, transport, ask, refreshes: () => refreshes };
  }

  test("moves to new connections when the credentials change, and closes the old ones later", async () => {
    const { clock, made, transport, ask } = setup(["t0", new Error("disk"), "t1"]);
    await clock.advance(120_000);
    expect([await ask("/"), made.length]).toEqual(["t0", 1]);
    await clock.advance(60_000);
    expect([await ask("/"), made]).toEqual([
      "t1",
      [
        { token: "t0", closed: false },
        { token: "t1", closed: false },
      ],
    ]);
    await clock.advance(660_000);
    expect(made).toEqual([
      { token: "t0", closed: true },
      { token: "t1", closed: false },
    ]);
    await transport.close();
    expect(made.every(({ closed }) => closed)).toBe(true);
  });

  test("looks again after a 401, but not at every one", async () => {
    const { clock, transport, ask, refreshes } = setup(["t1"]);
    await clock.advance(10_000);
    for (let i = 0; i < 5; i++) await expect(ask("/401")).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    expect([refreshes(), await ask("/")]).toEqual([1, "t1"]);
    await transport.close();
    const after = refreshes();
    await clock.advance(600_000);
    expect(refreshes()).toBe(after);
  });
});
