// Every key of a cluster, in one place: writers and readers name them through these functions only.
// The names and their TTL classes are the original's; `freshness` is ours. Per-source data (`cluster:{c}:custom:...`) is not here.

/** The set of the names of all clusters that readers see. */
export const allClustersKey = "clusters:all";

/** The pub/sub channel of cluster events. */
export const clusterEventsChannel = "cluster-events";

// A node's name comes from the watched cluster, which may lie: a colon in it must not reach another key.
const nodeKey = (cluster: string, node: string): string =>
  `cluster:${cluster}:node:${node.replace(/[%:]/g, encodeURIComponent)}`;

/** Keys by cluster name. A cluster's name is that of its resource, so it holds no colon. */
export const clusterKeys = {
  prefix: (cluster: string): string => `cluster:${cluster}:`,
  spec: (cluster: string): string => `cluster:${cluster}:spec`,
  labels: (cluster: string): string => `cluster:${cluster}:labels`,
  status: (cluster: string): string => `cluster:${cluster}:status`,
  meta: (cluster: string): string => `cluster:${cluster}:meta`,
  info: (cluster: string): string => `cluster:${cluster}:info`,
  metrics: (cluster: string): string => `cluster:${cluster}:metrics`,
  freshness: (cluster: string): string => `cluster:${cluster}:freshness`,
  namespaces: (cluster: string): string => `cluster:${cluster}:namespaces`,
  namespacesSet: (cluster: string): string => `cluster:${cluster}:namespaces:set`,
  nodes: (cluster: string): string => `cluster:${cluster}:nodes`,
  nodesSummary: (cluster: string): string => `cluster:${cluster}:nodes:summary`,
  node: nodeKey,
  nodeMetrics: (cluster: string, node: string): string => `${nodeKey(cluster, node)}:metrics`,
  operators: (cluster: string): string => `cluster:${cluster}:operators`,
  operatorsSummary: (cluster: string): string => `cluster:${cluster}:operators_summary`,
  clusterOperators: (cluster: string): string => `cluster:${cluster}:cluster_operators`,
  clusterOperatorsSummary: (cluster: string): string => `cluster:${cluster}:cluster_operators_summary`,
  clusterOperator: (cluster: string, operator: string): string => `cluster:${cluster}:cluster_operator:${operator}`,
  /** Outside the prefix, so that the log outlives its cluster. */
  events: (cluster: string): string => `events:${cluster}`,
} as const;

/** What a changed key means to readers of clusters; undefined for any other key. `part` is the rest of the key. */
export function parseClusterKey(
  key: string,
): { cluster: string; part: string } | { cluster: string; part: "node"; node: string } | undefined {
  if (!key.startsWith(clusterScope)) return undefined;
  const end = key.indexOf(":", clusterScope.length);
  if (end === -1) return undefined;
  const cluster = key.slice(clusterScope.length, end);
  const part = key.slice(end + 1);
  const isNode = part.startsWith(nodeScope) && !part.includes(":", nodeScope.length);
  if (!isNode) return { cluster, part };
  return { cluster, part: "node", node: part.slice(nodeScope.length).replace(/%25|%3A/g, decodeURIComponent) };
}

const clusterScope = "cluster:";
const nodeScope = "node:";

/** Keys of the store's own bookkeeping; readers of the original's keys never meet them. */
export const hubKeys = {
  /** Hash: name of a hub, when it last wrote (unix seconds). */
  owners: "clusterpulse:owners",
  /** Set: the objects that this hub wrote, such as `cluster:prod`. */
  owned: (owner: string): string => `clusterpulse:owned:${owner}`,
  /** Set: every key below the object, so that it is deleted without looking through the whole database. */
  keysOf: (object: string): string => `clusterpulse:keys:${object}`,
  /** List: ids of the entries of a log. */
  idsOf: (logKey: string): string => `clusterpulse:ids:${logKey}`,
} as const;

/** The object that a key or prefix belongs to, its first two words of three or more: `cluster:prod` for `cluster:prod:spec`. */
export function objectOf(key: string): string | undefined {
  const end = key.indexOf(":", key.indexOf(":") + 1);
  return end <= 0 ? undefined : key.slice(0, end);
}
