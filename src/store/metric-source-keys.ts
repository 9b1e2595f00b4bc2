// Every key of a MetricSource, and of what it collected in each cluster. Names, types and TTL classes are the original's.
import { clusterKeys } from "./keys.ts";

/** A MetricSource's place in the hub's API. Names of resources hold neither a colon nor a slash. */
export interface SourceId {
  readonly namespace: string;
  readonly name: string;
}

/** The pub/sub channel of MetricSource events. */
export const sourceEventsChannel = "metricsource-events";

/** The sets of all MetricSources, as `namespace/name`. The original keeps both alike. */
export const allSourcesKeys = ["metricsources:all", "metricsources:enabled"] as const;

/** The set of all MetricSources that readers are shown, those that do not compile included, as `namespace/name`. */
export const shownSourcesKey = "clusterpulse:metricsources";

/** `namespace/name`: how values and index sets name a MetricSource. */
export const sourceIdText = ({ namespace, name }: SourceId): string => `${namespace}/${name}`;

export const sourceKeys = {
  definition: ({ namespace, name }: SourceId): string => `metricsource:${namespace}:${name}`,
  meta: ({ namespace, name }: SourceId): string => `metricsource:${namespace}:${name}:meta`,
  /** What became of it, for readers: ours. */
  status: ({ namespace, name }: SourceId): string => `metricsource:${namespace}:${name}:status`,
  /** The set of the MetricSources whose rows are of this type. */
  byType: (typeName: string): string => `metricsources:by:resourcetype:${typeName}`,
  // Below the cluster, so that they go with it.
  resources: (cluster: string, id: SourceId): string => `${custom(cluster, id)}:resources`,
  aggregations: (cluster: string, id: SourceId): string => `${custom(cluster, id)}:aggregations`,
  collectionMeta: (cluster: string, id: SourceId): string => `${custom(cluster, id)}:meta`,
} as const;

function custom(cluster: string, id: SourceId): string {
  return `${clusterKeys.prefix(cluster)}custom:${sourceIdText(id)}`;
}

/**
 * The MetricSource that a key belongs to, as `namespace/name`; the cluster, where it holds what one gave; and which part of that it is:
 * `definition`, or the last word of the key. Undefined for any other key.
 */
export function sourceOfKey(
  key: string,
): { readonly id: string; readonly cluster: string | undefined; readonly part: string } | undefined {
  // Nearly every key that changes is a cluster's own.
  if (!key.startsWith("metricsource:") && !key.includes(":custom:")) return undefined;
  const [scope, first = "", second = "", third = "", ...rest] = key.split(":");
  if (scope === "metricsource" && second !== "" && rest.length === 0) {
    const id = sourceIdText({ namespace: first, name: second });
    return { id, cluster: undefined, part: third === "" ? "definition" : third };
  }
  const [part, ...more] = rest;
  if (scope !== "cluster" || second !== "custom" || part === undefined || more.length > 0) return undefined;
  return { id: third, cluster: first, part };
}

/** The inverse of sourceIdText. */
export function sourceIdOf(text: string): SourceId {
  const slash = text.indexOf("/");
  return { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}
