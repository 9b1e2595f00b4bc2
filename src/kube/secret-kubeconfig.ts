// A kubeconfig that came in a Secret. Whoever may write that Secret is not whoever runs the hub, so it may hold credentials and
// nothing else: what would make the hub run a program, read a file of its own or take a detour is refused, never ignored.
// The endpoint is not taken from it: the ClusterConnection's `spec.endpoint` wins over the server that is written here.
import { parse } from "yaml";
import { ClusterCredentials, CredentialsError } from "./credentials.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What each refused field of a cluster or user would do. */
const refusedFields: Readonly<Record<string, string>> = {
  exec: "exec plugins are not run for clusters: use a token or client-certificate-data",
  "auth-provider": "auth providers are not run for clusters: use a token or client-certificate-data",
  "certificate-authority": "files are not read for clusters: use certificate-authority-data",
  "client-certificate": "files are not read for clusters: use client-certificate-data",
  "client-key": "files are not read for clusters: use client-key-data",
  tokenFile: "files are not read for clusters: use token",
  "proxy-url": "proxies are not supported",
  username: "user name and password are not supported: use a token or client-certificate-data",
  password: "user name and password are not supported: use a token or client-certificate-data",
  as: "impersonation is not supported",
  "as-uid": "impersonation is not supported",
  "as-groups": "impersonation is not supported",
  "as-user-extra": "impersonation is not supported",
};

/** Aliases repeat what they stand for: a few are convenience, many are a bomb. */
const maxAliases = 16;
const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

/**
 * Credentials of the current context, for `server`. `insecure-skip-tls-verify: true` is the one way to switch verification off.
 * Throws CREDENTIALS_INVALID, naming the field and what would be right; no value is repeated.
 * @param where which Secret's key it is, for messages
 */
export function credentialsFromKubeconfig(text: string, server: string, where: string): ClusterCredentials {
  const refuse = (problem: string): never => {
    throw new CredentialsError("CREDENTIALS_INVALID", `${where}: ${problem}`);
  };
  const config = fields(parseYaml(text)) ?? refuse("is not YAML with clusters, users and contexts");
  const find = (list: "contexts" | "clusters" | "users", member: string, name: unknown): Fields => {
    const entries: unknown = config[list];
    const entry = (Array.isArray(entries) ? entries : []).map(fields).find((candidate) => candidate?.["name"] === name);
    const named = typeof name === "string" && name !== "" ? entry : undefined;
    return fields(named?.[member]) ?? refuse(`its current context has no ${member}, or names one that is not there`);
  };
  const string = (from: Fields, field: string): string | undefined => {
    const value = from[field];
    if (value === undefined || value === null || value === "") return undefined;
    return typeof value === "string" ? value : refuse(`${field} must be a string`);
  };
  const decoded = (from: Fields, field: string): string | undefined => {
    const value = string(from, field);
    if (value !== undefined && !base64.test(value)) refuse(`${field} must be base64`);
    return value === undefined ? undefined : Buffer.from(value, "base64").toString("utf8");
  };

  const context = find("contexts", "context", config["current-context"]);
  const cluster = find("clusters", "cluster", context["cluster"]);
  const user = find("users", "user", context["user"]);
  for (const field of [...Object.keys(cluster), ...Object.keys(user)]) {
    if (Object.hasOwn(refusedFields, field)) refuse(`${field}: ${refusedFields[field]}`);
  }
  const insecure = cluster["insecure-skip-tls-verify"] ?? false;
  if (typeof insecure !== "boolean") refuse("insecure-skip-tls-verify must be true or false");
  const token = string(user, "token");
  const clientCertificatePem = decoded(user, "client-certificate-data");
  if (token === undefined && clientCertificatePem === undefined) {
    throw new CredentialsError(
      "CREDENTIALS_MISSING",
      `${where}: its user has neither token nor client-certificate-data`,
    );
  }
  return new ClusterCredentials({
    server,
    token,
    caPem: decoded(cluster, "certificate-authority-data"),
    clientCertificatePem,
    clientKeyPem: decoded(user, "client-key-data"),
    tlsServerName: string(cluster, "tls-server-name"),
    insecureSkipTlsVerify: insecure === true,
  });
}

function parseYaml(text: string): unknown {
  try {
    return parse(text, { maxAliasCount: maxAliases, logLevel: "error" });
  } catch {
    // The parser's own message quotes the text.
    return undefined;
  }
}

function fields(value: unknown): Fields | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
