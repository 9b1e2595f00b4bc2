// How a registry's own Secret becomes a client of it.
import type { RegistryConnection } from "../../src/api/v1alpha1/registry-connection.ts";
import { resourcePath, secrets } from "../../src/api/v1alpha1/resources.ts";
import { busyReason, failureOf } from "../../src/cluster/failure.ts";
import { CredentialsError } from "../../src/kube/credentials.ts";
import type { EndpointPolicy } from "../../src/kube/endpoint-policy.ts";
import { isKubeError } from "../../src/kube/errors.ts";
import type { KubeTransport } from "../../src/kube/transport.ts";
import { createRegistryClient } from "../../src/registry/check.ts";
import { credentialsFromRegistrySecret, RegistryCredentials } from "../../src/registry/credentials.ts";
import { registryUrl } from "../../src/registry/endpoint.ts";
import type { Failure } from "../../src/registry/health.ts";
import type { Clock } from "../../src/support/clock.ts";
import type { RegistryConnector } from "../registry/link.ts";
import type { SecretReads } from "./secret-reads.ts";

const maxSecretBytes = 2 << 20;
const keepAliveMs = 120_000;

export interface RegistryConnectorOptions {
  /** The hub's own API, where the Secrets are. */
  readonly hub: Pick<KubeTransport, "requestJson">;
  readonly userAgent: string;
  readonly clock: Clock;
  readonly endpointPolicy: EndpointPolicy;
  readonly secretReads: SecretReads;
}

/** A registry whose Secret is missing, forbidden or no use is asked without credentials, and says so. */
export function registryConnector({
  hub,
  userAgent,
  clock,
  endpointPolicy,
  secretReads,
}: RegistryConnectorOptions): RegistryConnector {
  async function credentialsOf(
    { metadata, spec }: RegistryConnection,
    server: string,
    waitMs: number,
    signal: AbortSignal,
  ) {
    const { credentialsRef } = spec;
    if (credentialsRef === undefined) return new RegistryCredentials();
    const reference = { namespace: credentialsRef.namespace ?? metadata.namespace, name: credentialsRef.name };
    const where = `${reference.namespace}/${reference.name}`;
    try {
      const options = { signal, maxBytes: maxSecretBytes };
      const read = () => hub.requestJson("GET", resourcePath(secrets, reference), options);
      const { body } = await secretReads.read(read, waitMs, signal);
      return credentialsFromRegistrySecret(body, where, server);
    } catch (error) {
      if (!isKubeError(error, "NOT_FOUND")) throw error;
      throw new CredentialsError("CREDENTIALS_MISSING", `Secret ${where} does not exist`);
    }
  }
  return {
    async connect(connection, { requestTimeoutMs, waitMs }, signal) {
      const { endpoint, insecure, skipTLSVerify = false } = connection.spec;
      const server = registryUrl(endpoint, insecure);
      let credentials = new RegistryCredentials();
      let problem: Failure | null = null;
      let isProvisional = false;
      try {
        credentials = await credentialsOf(connection, server, waitMs, signal);
      } catch (error) {
        const failure = failureOf(error);
        if (signal.aborted || failure.reason === busyReason) throw error;
        isProvisional = !(error instanceof CredentialsError);
        problem = isProvisional
          ? { ...failure, reason: "CredentialsUnreadable", message: `the Secret could not be read: ${failure.message}` }
          : failure;
      }
      const common = {
        server,
        skipTlsVerify: skipTLSVerify,
        requestTimeoutMs,
        keepAliveMs,
        userAgent,
        clock,
        endpointPolicy,
      };
      return { client: createRegistryClient({ ...common, credentials, credentialsProblem: problem }), isProvisional };
    },
  };
}
