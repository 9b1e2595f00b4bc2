// Credentials of a watched cluster, from the Secret that its ClusterConnection names. Read when they are needed and handed to
// the cluster's own actor: the hub keeps no cache of Secrets' values.
import { resourcePath, secrets } from "../api/v1alpha1/resources.ts";
import { ClusterCredentials, CredentialsError } from "./credentials.ts";
import { isKubeError } from "./errors.ts";
import { credentialsFromKubeconfig } from "./secret-kubeconfig.ts";
import type { KubeTransport } from "./transport.ts";

const maxSecretBytes = 2 << 20;
const base64 = /^[A-Za-z0-9+/\s]*={0,2}\s*$/;

export interface SecretReference {
  readonly namespace: string;
  readonly name: string;
}

/**
 * Reads the Secret and makes credentials for `server` of it. Throws CredentialsError (CREDENTIALS_MISSING without the Secret or
 * its token, CREDENTIALS_INVALID for values that cannot work) and KubeError for what goes wrong on the way.
 */
export async function readSecretCredentials(
  transport: Pick<KubeTransport, "requestJson">,
  reference: SecretReference,
  server: string,
  signal: AbortSignal,
): Promise<ClusterCredentials> {
  try {
    const { body } = await transport.requestJson("GET", resourcePath(secrets, reference), {
      signal,
      maxBytes: maxSecretBytes,
    });
    return credentialsFromSecret(body, reference, server);
  } catch (error) {
    if (!isKubeError(error, "NOT_FOUND")) throw error;
    throw new CredentialsError("CREDENTIALS_MISSING", `Secret ${describe(reference)} does not exist`);
  }
}

/**
 * Uses the keys `token` (white space around it is dropped) and `ca.crt` (without it Node's default authorities are trusted); without
 * a `token`, the key `kubeconfig`, whose own server plays no part: `server` is where the credentials are used.
 */
export function credentialsFromSecret(secret: unknown, reference: SecretReference, server: string): ClusterCredentials {
  const { data } = (secret ?? {}) as { data?: unknown };
  const values = (typeof data === "object" && data !== null ? data : {}) as Readonly<Record<string, unknown>>;
  const token = decode(values, "token", reference)?.trim();
  if (token === undefined || token === "") {
    const kubeconfig = decode(values, "kubeconfig", reference);
    if (kubeconfig) {
      return credentialsFromKubeconfig(kubeconfig, server, `key "kubeconfig" of Secret ${describe(reference)}`);
    }
    const message = `Secret ${describe(reference)} has neither a key "token" nor a key "kubeconfig"`;
    throw new CredentialsError("CREDENTIALS_MISSING", message);
  }
  return new ClusterCredentials({ server, token, caPem: decode(values, "ca.crt", reference) });
}

function decode(
  values: Readonly<Record<string, unknown>>,
  key: string,
  reference: SecretReference,
): string | undefined {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string" && base64.test(value)) return Buffer.from(value, "base64").toString("utf8");
  throw new CredentialsError("CREDENTIALS_INVALID", `key "${key}" of Secret ${describe(reference)} is not base64`);
}

function describe(reference: SecretReference): string {
  return `${reference.namespace}/${reference.name}`;
}
