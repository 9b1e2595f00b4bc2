// ClusterConnection: the definition's types, and what the hub asks of a spec beyond the definition, which takes any text.
import { checkDescriptive, readSecretRef, urlFault } from "./connection-checks.ts";
import {
  type ClusterConnection,
  type ClusterConnectionSpec,
  type ClusterConnectionStatus,
  clusterConnectionSchema,
} from "./gen/cluster-connection.ts";
import type { Problems } from "./problems.ts";
import { type Parsed, parseResource } from "./resource.ts";

export type { ClusterConnection, ClusterConnectionSpec, ClusterConnectionStatus };

/**
 * The typed object, or every problem found. Numbers of `monitoring` are as written: zero, less, and absent all mean the hub's default,
 * which the collector applies.
 */
export function parseClusterConnection(value: unknown): Parsed<ClusterConnection> {
  return parseResource<ClusterConnectionSpec, ClusterConnectionStatus>(clusterConnectionSchema, value, check);
}

/** Where the cluster of an endpoint is asked: https where it has no scheme. */
export const clusterServer = (endpoint: string): string =>
  endpoint.includes("://") ? endpoint : `https://${endpoint}`;

function check(spec: ClusterConnectionSpec, problems: Problems): ClusterConnectionSpec {
  checkDescriptive(spec, problems);
  const fault = urlFault(clusterServer(spec.endpoint));
  if (fault !== undefined)
    problems.add("spec.endpoint", `must be an https:// or http:// URL such as https://api.example.com:6443: ${fault}`);
  return { ...spec, credentialsRef: readSecretRef(spec.credentialsRef, problems) };
}
