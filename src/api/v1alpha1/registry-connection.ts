// RegistryConnection: the definition's types, and what the hub asks of a spec beyond the definition, which takes any text.
import { checkDescriptive, readSecretRef, urlFault } from "./connection-checks.ts";
import {
  type RegistryConnection,
  type RegistryConnectionSpec,
  type RegistryConnectionStatus,
  registryConnectionSchema,
} from "./gen/registry-connection.ts";
import type { Problems } from "./problems.ts";
import { type Parsed, parseResource } from "./resource.ts";

export type { RegistryConnection, RegistryConnectionSpec, RegistryConnectionStatus };

/**
 * The typed object, or every problem found. `endpoint` is as written, with or without a scheme. Numbers of `monitoring` are as written:
 * zero, less, and absent all mean the hub's default, except that less than zero `maxCatalogEntries` means no limit.
 */
export function parseRegistryConnection(value: unknown): Parsed<RegistryConnection> {
  return parseResource<RegistryConnectionSpec, RegistryConnectionStatus>(registryConnectionSchema, value, check);
}

function check(spec: RegistryConnectionSpec, problems: Problems): RegistryConnectionSpec {
  checkDescriptive(spec, problems);
  const { endpoint } = spec;
  const fault = urlFault(endpoint.includes("://") ? endpoint : `https://${endpoint}`);
  if (fault !== undefined)
    problems.add(
      "spec.endpoint",
      `must be a host such as registry.example.com:5000, or an https:// or http:// URL: ${fault}`,
    );
  const { credentialsRef } = spec;
  return credentialsRef === undefined ? spec : { ...spec, credentialsRef: readSecretRef(credentialsRef, problems) };
}
