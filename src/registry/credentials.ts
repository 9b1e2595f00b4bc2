// What it takes to be known to one registry. The secrets are private members: printing, inspecting or serialising an instance shows
// which kinds there are, never their values.
import { inspect } from "node:util";
import { CredentialsError } from "../kube/credentials.ts";

export interface RegistryCredentialParts {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Authorities to trust instead of the public ones. */
  readonly caPem?: string | undefined;
}

export class RegistryCredentials {
  readonly #basic: string | undefined;
  readonly #caPem: string | undefined;

  /** Without a user name or without a password there is no login. Throws CREDENTIALS_INVALID for what HTTP cannot carry. */
  constructor({ username = "", password = "", caPem }: RegistryCredentialParts = {}) {
    if (username.includes(":") || /\p{Cc}/u.test(username + password)) {
      throw new CredentialsError(
        "CREDENTIALS_INVALID",
        "username and password must hold no control characters, and username no colon",
      );
    }
    if (username !== "" && password !== "")
      this.#basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    this.#caPem = caPem;
  }

  /** The value of an Authorization header; undefined: anonymous. */
  get basic(): string | undefined {
    return this.#basic;
  }

  get caPem(): string | undefined {
    return this.#caPem;
  }

  toJSON(): string {
    return `registry credentials (${this.#basic === undefined ? "anonymous" : "user name and password"})`;
  }

  [inspect.custom](): string {
    return this.toJSON();
  }
}
const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;
const hubHosts: ReadonlySet<string> = new Set([
  "docker.io",
  "index.docker.io",
  "registry-1.docker.io",
  "registry.docker.io",
]);

/**
 * Credentials for `server` from a Secret: keys `username` and `password`, or `.dockerconfigjson`, and `ca.crt`. A Secret with nothing but
 * `ca.crt` is an anonymous one. Throws CredentialsError that names the key; never repeats a value.
 */
export function credentialsFromRegistrySecret(secret: unknown, where: string, server: string): RegistryCredentials {
  const { data } = (secret ?? {}) as { data?: unknown };
  const values = (typeof data === "object" && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  const read = (key: string): string | undefined => {
    const value = Object.hasOwn(values, key) ? values[key] : undefined;
    if (value === undefined || value === null) return undefined;
    if (typeof value === "string" && base64.test(value)) return Buffer.from(value, "base64").toString("utf8");
    throw new CredentialsError("CREDENTIALS_INVALID", `key "${key}" of Secret ${where} is not base64`);
  };
  const caPem = read("ca.crt");
  const config = read(".dockerconfigjson");
  if (config !== undefined) return new RegistryCredentials({ ...fromDockerConfig(config, where, server), caPem });
  const [username, password] = [read("username")?.trim(), read("password")?.replace(/[\r\n]+$/, "")];
  if (!username && !password && caPem !== undefined) return new RegistryCredentials({ caPem });
  if (!username || !password) {
    const message = `Secret ${where} must have the keys "username" and "password", or ".dockerconfigjson"`;
    throw new CredentialsError("CREDENTIALS_MISSING", message);
  }
  return new RegistryCredentials({ username, password, caPem });
}

/** The entry of the registry's own host: an entry of another host is never sent there. */
function fromDockerConfig(text: string, where: string, server: string): RegistryCredentialParts {
  const invalid = (): CredentialsError =>
    new CredentialsError(
      "CREDENTIALS_INVALID",
      `key ".dockerconfigjson" of Secret ${where} is not a docker configuration`,
    );
  let auths: unknown;
  try {
    auths = (JSON.parse(text) as { auths?: unknown }).auths;
  } catch {
    throw invalid();
  }
  if (typeof auths !== "object" || auths === null) throw invalid();
  const wanted = hostOf(server);
  const found = Object.entries(auths).find(([key]) => hostOf(key) === wanted)?.[1] as unknown;
  if (typeof found !== "object" || found === null) {
    throw new CredentialsError(
      "CREDENTIALS_MISSING",
      `key ".dockerconfigjson" of Secret ${where} has no entry for ${wanted}`,
    );
  }
  const { username, password, auth } = found as Readonly<Record<string, unknown>>;
  if (typeof username === "string" && typeof password === "string") return { username, password };
  if (typeof auth !== "string" || !base64.test(auth)) throw invalid();
  const [user = "", ...rest] = Buffer.from(auth, "base64").toString("utf8").split(":");
  return { username: user, password: rest.join(":").replace(/\0+$/, "") };
}

/** Host and port, with all names of Docker Hub made one. */
function hostOf(endpoint: string): string {
  const host = URL.parse(endpoint.includes("://") ? endpoint : `https://${endpoint}`)?.host ?? endpoint;
  return hubHosts.has(host) ? "docker.io" : host;
}
