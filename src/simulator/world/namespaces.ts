// Namespaces of a generated cluster.
import { hash32 } from "../../support/random.ts";
import { hashOf } from "../hash.ts";
import type { ClusterModel } from "./model.ts";
import { commonMetadata, type WorldTable } from "./table.ts";

export function namespaceTable(model: ClusterModel): WorldTable {
  const nameOf = (index: number): string => model.namespaces[index] as string;
  const labelsOf = (index: number): Record<string, string> => ({ "kubernetes.io/metadata.name": nameOf(index) });
  return {
    count: model.namespaces.length,
    namespaceOf: () => "",
    nameOf,
    labelsOf,
    metadataText: (index) => {
      const name = nameOf(index);
      return `{${commonMetadata(name, "", hashOf(model.hash, 70, hash32(name)), JSON.stringify(labelsOf(index)))}}`;
    },
    contentText: () => '"spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}',
    fields: { "status.phase": () => "Active" },
  };
}
