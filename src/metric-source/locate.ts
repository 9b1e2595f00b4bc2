// Where a cluster serves a source's kind. Kinds that Kubernetes itself defines are where they always are; any other is asked of the
// cluster's discovery, and guessed only where discovery refuses to say. Does not ask whether it may be listed: the list says that.
import { resourcePath } from "../api/v1alpha1/resources.ts";
import type { Discovery } from "../kube/discovery.ts";
import { isKubeError, KubeError } from "../kube/errors.ts";
import { typeOfKind } from "../kube/protobuf/schema.ts";
import { ClusterPulseError } from "../support/errors.ts";
import { pluralize } from "./pluralize.ts";

export interface ListLocation {
  /** Of the list over all namespaces, or of a kind without namespaces. */
  readonly path: string;
  readonly pathIn: (namespace: string) => string;
  /** Whether the server can give it as protobuf. */
  readonly hasProtobuf: boolean;
}

/**
 * Throws KubeError NOT_FOUND where the cluster does not serve the kind, KIND_NOT_NAMESPACED where namespaces are named and the kind has
 * none, and what discovery throws for a cluster that does not answer.
 */
export async function locate(
  list: { readonly apiVersion: string; readonly kind: string; readonly namespaces: readonly string[] | null },
  discovery: Pick<Discovery, "discover">,
  signal: AbortSignal,
): Promise<ListLocation> {
  const { apiVersion, kind, namespaces } = list;
  const slash = apiVersion.indexOf("/");
  const group = slash === -1 ? "" : apiVersion.slice(0, slash);
  const version = apiVersion.slice(slash + 1);
  const at = (plural: string, hasProtobuf: boolean): ListLocation => {
    const type = { group, version, kind, plural };
    return { path: resourcePath(type), pathIn: (namespace) => resourcePath(type, { namespace }), hasProtobuf };
  };
  if (typeOfKind(apiVersion, kind) !== undefined) return at(pluralize(kind), true);
  const found = await ask(discovery, apiVersion, signal);
  if (found === "refused") return at(pluralize(kind), false);
  const resource = found?.find((candidate) => candidate.kind === kind);
  if (resource === undefined) {
    const what = found === undefined ? apiVersion : `the kind ${kind} in ${apiVersion}`;
    throw new KubeError("NOT_FOUND", `the cluster does not serve ${what}`);
  }
  if (namespaces !== null && !resource.namespaced) {
    throw new ClusterPulseError(
      "KIND_NOT_NAMESPACED",
      `the kind ${kind} has no namespaces: set spec.source.scope to Cluster`,
    );
  }
  return at(resource.name, false);
}

async function ask(
  discovery: Pick<Discovery, "discover">,
  apiVersion: string,
  signal: AbortSignal,
): Promise<Awaited<ReturnType<Discovery["discover"]>> | "refused"> {
  try {
    return await discovery.discover(apiVersion, signal);
  } catch (error) {
    if (isKubeError(error, "FORBIDDEN", "UNEXPECTED_STATUS", "BODY_MALFORMED", "TOO_MANY_OBJECTS")) return "refused";
    throw error;
  }
}
