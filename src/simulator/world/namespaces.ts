// Namespaces of a generated cluster.
import { rfc3339 } from "../../support/clock.ts";
import { hash32 } from "../../support/random.ts";
import { hashOf, hex8 } from "../hash.ts";
import type { ClusterModel } from "./model.ts";
import { commonMetadata, type WorldTable } from "./table.ts";
import { namespaceCodes, namespaceStates, type Variant } from "./variants.ts";

export function namespaceTable(model: ClusterModel): WorldTable {
  const nameOf = (index: number): string => model.namespaces[index] as string;
  const labelsOf = (index: number): Record<string, string> => ({ "kubernetes.io/metadata.name": nameOf(index) });
  const phaseAt = (index: number): string => phaseOf(model.extraNamespaces.get(nameOf(index)));
  return {
    count: model.namespaces.length,
    indexOf: (place) => {
      const variant = model.variantOf("namespaces", place);
      const name = variant && extraNamespaceName(model.hash, place, namespaceCodes.unpack(variant.code).life);
      return name !== undefined && model.extraNamespaces.has(name) ? model.namespaces.indexOf(name) : -1;
    },
    namespaceOf: () => "",
    nameOf,
    labelsOf,
    metadataText: (index) => {
      const name = nameOf(index);
      const variant = model.extraNamespaces.get(name);
      const stamp = variant && { revision: variant.revision, createdSeconds: variant.sinceSeconds };
      const hash = hashOf(model.hash, 70, hash32(name));
      const deleted =
        phaseOf(variant) === "Active" ? "" : `,"deletionTimestamp":"${rfc3339((variant?.atSeconds ?? 0) * 1_000)}"`;
      return `{${commonMetadata(name, "", hash, JSON.stringify(labelsOf(index)), stamp)}${deleted}}`;
    },
    contentText: (index) => `"spec":{"finalizers":["kubernetes"]},"status":{"phase":"${phaseAt(index)}"}`,
    fields: { "status.phase": phaseAt },
  };
}

function phaseOf(variant: Variant | undefined): "Active" | "Terminating" {
  const state = variant && namespaceStates[namespaceCodes.unpack(variant.code).state];
  return state === "terminating" ? "Terminating" : "Active";
}

/** Of the namespace in a place beyond the seed's; the place is part of it, so that no two are equal. */
export const extraNamespaceName = (clusterHash: number, index: number, life: number): string =>
  `preview-${index}${hex8(hashOf(clusterHash, hash32("preview"), index, life)).slice(0, 5)}`;
