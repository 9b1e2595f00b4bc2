// What a generated cluster shows of each kind. A new kind is a file of its own and a line here.
import type { ResourceType } from "../http/catalog.ts";
import { claimTable } from "./claims.ts";
import { deploymentTable } from "./deployments.ts";
import type { ClusterModel } from "./model.ts";
import { namespaceTable } from "./namespaces.ts";
import { nodeTable } from "./nodes.ts";
import { podTable } from "./pods.ts";
import type { WorldTable } from "./table.ts";

/** By group and resource. */
const tables: Readonly<Record<string, (model: ClusterModel) => WorldTable>> = {
  "/namespaces": namespaceTable,
  "/nodes": nodeTable,
  "/pods": podTable,
  "/persistentvolumeclaims": claimTable,
  "apps/deployments": deploymentTable,
};

export const isGenerated = ({ group, resource }: ResourceType): boolean => `${group}/${resource}` in tables;

/** Undefined for a kind of which a generated cluster has nothing. */
export function tableOf(
  { group, resource }: Pick<ResourceType, "group" | "resource">,
  model: ClusterModel,
): WorldTable | undefined {
  return tables[`${group}/${resource}`]?.(model);
}
