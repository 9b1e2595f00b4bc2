// Paths of resources, and the ones that the hub uses: its own kinds, as generated from their definitions, and core ones.
import { clusterConnections } from "./gen/resources.ts";
import type { ResourceType } from "./meta.ts";

export { clusterConnections, metricSources, monitorAccessPolicies, registryConnections } from "./gen/resources.ts";
export type { ResourceType } from "./meta.ts";

/** Group and version of the hub's own API. */
export const { group, version } = clusterConnections;
export const secrets: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets" };

/**
 * The path of a collection, or of one object of it, or of a subresource of that object. Names must have been checked
 * (see resource.ts); what is not a name is escaped, so that it stays one segment.
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
