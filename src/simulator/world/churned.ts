// A generated cluster as it is after what changed in it. Pure: the seed's model and the variants make the model of now, of which tables
// and the truth are made as of any other.
import { absentPhase, type ClusterModel, type NodeModel, phases } from "./model.ts";
import { extraNamespaceName } from "./namespaces.ts";
import {
  maxExtraNamespaces,
  namespaceCodes,
  namespaceStates,
  nodeCodes,
  nodeReadiness,
  podCodes,
  podStates,
  type Variant,
  type VariantLookup,
} from "./variants.ts";

/** The model with the variants on it, at a revision. */
export function churnedModel(
  seed: ClusterModel,
  variantOf: VariantLookup,
  { resourceVersion, patches }: { readonly resourceVersion: number; readonly patches: number },
): ClusterModel {
  const extra = extraNamespaces(seed, variantOf);
  return {
    ...seed,
    gitVersion: patched(seed.gitVersion, patches),
    resourceVersion,
    namespaces: extra.size === 0 ? seed.namespaces : [...seed.namespaces, ...extra.keys()].sort(),
    extraNamespaces: extra,
    nodes: seed.nodes.map((node, index) => churnedNode(node, variantOf("nodes", index))),
    phaseOfPod: seed.phaseOfPod.map((phase, pod) => phaseOf(phase, variantOf("pods", pod))),
    variantOf,
  };
}

function churnedNode(node: NodeModel, variant: Variant | undefined): NodeModel {
  if (variant === undefined) return node;
  const { ready, cordon, patches } = nodeCodes.unpack(variant.code);
  const readiness = nodeReadiness[ready] ?? "";
  return {
    ...node,
    ...(readiness === "" ? {} : { ready: readiness }),
    ...(cordon === 0 ? {} : { isCordoned: cordon === 1 }),
    kubeletVersion: patched(node.kubeletVersion, patches),
  };
}

function phaseOf(seedPhase: number, variant: Variant | undefined): number {
  if (variant === undefined) return seedPhase;
  switch (podStates[podCodes.unpack(variant.code).state]) {
    case "running":
    case "crashed":
      return phases.indexOf("Running");
    case "creating":
      return phases.indexOf("Pending");
    default:
      return absentPhase;
  }
}

function extraNamespaces(seed: ClusterModel, variantOf: VariantLookup): ReadonlyMap<string, Variant> {
  const found = new Map<string, Variant>();
  for (let index = 0; index < maxExtraNamespaces; index++) {
    const variant = variantOf("namespaces", index);
    if (variant === undefined) continue;
    const { state, life } = namespaceCodes.unpack(variant.code);
    if (namespaceStates[state] !== "gone") found.set(extraNamespaceName(seed.hash, index, life), variant);
  }
  return found;
}

/** `v1.30.4`, three patch releases later: `v1.30.7`. */
export function patched(gitVersion: string, patches: number): string {
  const dot = gitVersion.lastIndexOf(".");
  return patches === 0 ? gitVersion : `${gitVersion.slice(0, dot)}.${Number(gitVersion.slice(dot + 1)) + patches}`;
}
