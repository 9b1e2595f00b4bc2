// Group, version and paths of the hub's own API, and of the core resources it reads on the hub's cluster.

export const group = "clusterpulse.io";
export const version = "v1alpha1";
export const apiVersion = `${group}/${version}`;

export interface ResourceType {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
}

export const clusterConnections: ResourceType = {
  group,
  version,
  kind: "ClusterConnection",
  plural: "clusterconnections",
};
export const registryConnections: ResourceType = {
  group,
  version,
  kind: "RegistryConnection",
  plural: "registryconnections",
};
export const metricSources: ResourceType = { group, version, kind: "MetricSource", plural: "metricsources" };
export const monitorAccessPolicies: ResourceType = {
  group,
  version,
  kind: "MonitorAccessPolicy",
  plural: "monitoraccesspolicies",
};
export const secrets: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets" };

/**
 * The path of a collection, or of one object of it, or of a subresource of that object. Names must have been checked
 * (see parse.ts); what is not a name is escaped, so that it stays one segment.
 */
export function resourcePath(
  type: ResourceType,
  where: { namespace?: string; name?: string; subresource?: "status" } = {},
): string {
  const parts = type.group === "" ? ["api", type.version] : ["apis", type.group, type.version];
  if (where.namespace !== undefined) parts.push("namespaces", where.namespace);
  parts.push(type.plural);
  if (where.name !== undefined) parts.push(where.name);
  if (where.subresource !== undefined) parts.push(where.subresource);
  return `/${parts.map(encodeURIComponent).join("/")}`;
}
