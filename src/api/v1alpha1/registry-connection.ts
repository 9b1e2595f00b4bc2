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
  checkPaths(spec.healthCheckPaths ?? [], problems);
  if (spec.canary !== undefined) checkCanary(spec.canary, problems);
  const { credentialsRef } = spec;
  return credentialsRef === undefined ? spec : { ...spec, credentialsRef: readSecretRef(credentialsRef, problems) };
}

const maxPaths = 8;
const path = /^\/[\x21-\x7e]{0,1023}$/;

function checkPaths(paths: readonly string[], problems: Problems): void {
  if (paths.length > maxPaths) problems.add("spec.healthCheckPaths", `must have at most ${maxPaths} entries`);
  for (const [i, one] of paths.slice(0, maxPaths).entries()) {
    if (!path.test(one)) problems.add(`spec.healthCheckPaths[${i}]`, "must be a path such as /v2/");
  }
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const reference = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|sha256:[0-9a-f]{64})$/;

function checkCanary(canary: NonNullable<RegistryConnectionSpec["canary"]>, problems: Problems): void {
  const { repository } = canary;
  if (repository.length > 255 || !repository.split("/").every((part) => component.test(part))) {
    problems.add("spec.canary.repository", "must be the name of a repository such as library/alpine");
  }
  if (canary.reference && !reference.test(canary.reference)) {
    problems.add("spec.canary.reference", "must be a tag such as latest, or a digest as sha256:...");
  }
}
