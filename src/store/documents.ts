// From a cluster's domain values to the documents that store them: JSON member names, texts and TTL classes of the original.
// Pure. The inputs are declared here structurally, because the rooms that produce them lie above this one.
import { rfc3339 } from "../support/clock.ts";
import type { Document } from "./document.ts";
import { allClustersKey, clusterEventsChannel, clusterKeys } from "./keys.ts";
import { twoDecimals } from "./numbers.ts";

/** Lower bounds of the TTL classes, in seconds; see lifetimeSeconds. `cache` is the default of CACHE_TTL. */
export const ttlFloorSeconds = { cache: 600, info: 3600, metrics: 300 } as const;

/** How long a collected value lives: at least its class's floor, and three collection intervals, so that a late run loses nothing. */
export function lifetimeSeconds(floorSeconds: number, intervalSeconds: number): number {
  return Math.max(floorSeconds, Math.ceil(3 * intervalSeconds));
}

export interface ClusterSpecValue {
  readonly displayName?: string | undefined;
  readonly endpoint: string;
  readonly credentialsRef?: { readonly name: string; readonly namespace?: string | undefined } | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Seconds; 0 or absent: the hub's default. */
  readonly monitoring?: { readonly interval?: number | undefined; readonly timeout?: number | undefined } | undefined;
}

/** The cluster as its owner declared it. References to credentials are stored; readers of the API do not get to see them. */
export function clusterSpec(cluster: string, spec: ClusterSpecValue): Document[] {
  const { credentialsRef, monitoring } = spec;
  const value = {
    displayName: spec.displayName ?? "",
    endpoint: spec.endpoint,
    credentialsRef: { name: credentialsRef?.name ?? "", namespace: credentialsRef?.namespace ?? "" },
    labels: spec.labels ?? {},
    monitoring: { interval: monitoring?.interval ?? 0, timeout: monitoring?.timeout ?? 0 },
  };
  return [text(clusterKeys.spec(cluster), value, null)];
}

/** The cluster's labels; none: the key is removed. */
export function clusterLabels(cluster: string, labels: Readonly<Record<string, string>>): Document[] {
  const key = clusterKeys.labels(cluster);
  return Object.keys(labels).length === 0 ? [{ kind: "delete", key }] : [text(key, labels, null)];
}

export interface ClusterStatusValue {
  readonly health: "healthy" | "degraded" | "unhealthy" | "unknown";
  readonly message: string;
  /** One CamelCase word: Reachable, Pending, ConnectionRefused. */
  readonly reason: string;
  /** Epoch milliseconds; null: never checked. */
  readonly lastCheckMs: number | null;
  /** Of the cluster's circuit breaker, after the check. */
  readonly breaker?: "closed" | "open" | "half-open" | undefined;
  /** The API server's certificate is not verified, because its owner said so. */
  readonly insecureTls?: boolean | undefined;
}

/** The cluster's status. From this write on the cluster is in the list that readers see. */
export function clusterStatus(cluster: string, status: ClusterStatusValue): Document[] {
  const { health, message, reason, lastCheckMs, breaker, insecureTls } = status;
  const documents: Document[] = [];
  if (lastCheckMs === null) {
    documents.push(text(clusterKeys.status(cluster), { health, message, reason }, null));
  } else {
    const lastCheck = rfc3339(lastCheckMs);
    const more = { ...(breaker && { breaker }), ...(insecureTls && { insecure_tls: true }) };
    const value = { health, last_check: lastCheck, message, reason, ...more };
    documents.push(text(clusterKeys.status(cluster), value, null), {
      kind: "hash",
      key: clusterKeys.meta(cluster),
      fields: { last_update: lastCheck },
      ttlSeconds: null,
    });
  }
  documents.push({ kind: "index", key: allClustersKey, add: [cluster], remove: [] });
  return documents;
}

/** What the cluster said of itself: api_url, version, platform and, on OpenShift, more. Stored as given. */
export function clusterInfo(cluster: string, info: Readonly<Record<string, unknown>>, ttlSeconds: number): Document[] {
  return [text(clusterKeys.info(cluster), info, ttlSeconds)];
}

/** Sums over the cluster. A number that could not be collected is null and is left out, since 0 would be a lie. */
export interface ClusterMetricsValue {
  readonly collectedAtMs: number;
  readonly nodes: number | null;
  readonly nodesReady: number | null;
  readonly namespaces: number | null;
  readonly pods: number | null;
  readonly podsRunning: number | null;
  readonly cpuCapacityCores: number | null;
  readonly memoryCapacityBytes: number | null;
  readonly deployments: number | null;
}

export function clusterMetrics(cluster: string, metrics: ClusterMetricsValue, ttlSeconds: number): Document[] {
  const value = {
    timestamp: rfc3339(metrics.collectedAtMs),
    nodes: metrics.nodes ?? undefined,
    nodes_ready: metrics.nodesReady ?? undefined,
    namespaces: metrics.namespaces ?? undefined,
    pods: metrics.pods ?? undefined,
    pods_running: metrics.podsRunning ?? undefined,
    cpu_capacity: metrics.cpuCapacityCores ?? undefined,
    memory_capacity: metrics.memoryCapacityBytes ?? undefined,
    deployments: metrics.deployments ?? undefined,
  };
  return [text(clusterKeys.metrics(cluster), value, ttlSeconds)];
}

/** The names of the namespaces, as JSON and as a set. */
export function clusterNamespaces(
  cluster: string,
  names: readonly string[],
  atMs: number,
  ttlSeconds: number,
): Document[] {
  const value = { namespaces: names, count: names.length, timestamp: rfc3339(atMs) };
  return [
    text(clusterKeys.namespaces(cluster), value, ttlSeconds),
    { kind: "set", key: clusterKeys.namespacesSet(cluster), members: names, ttlSeconds },
  ];
}

/** One node's finished values. `current` and `point` are JSON text and are stored unopened. */
export interface NodeValue {
  readonly name: string;
  readonly status: string;
  readonly roles: readonly string[];
  /** JSON text of the node's `current` value. */
  readonly current: string;
  /** JSON text of the history point. */
  readonly point: string;
  readonly cpuUsagePercent: number;
  readonly memoryUsagePercent: number;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly podsTotal: number;
}

export interface NodeTimes {
  readonly atMs: number;
  readonly cacheTtlSeconds: number;
  /** How long history points are kept. */
  readonly retentionSeconds: number;
}

/** All nodes of a complete listing: each with a history point, then the list of names, which drops nodes that are gone, and the sums. */
export function clusterNodes(cluster: string, nodes: readonly NodeValue[], times: NodeTimes): Document[] {
  const at = rfc3339(times.atMs);
  const atSeconds = Math.floor(times.atMs / 1000);
  const documents: Document[] = [];
  for (const node of nodes) {
    documents.push({
      kind: "hash",
      key: clusterKeys.node(cluster, node.name),
      fields: {
        current: node.current,
        last_update: at,
        status: node.status,
        cpu_usage: twoDecimals(node.cpuUsagePercent),
        memory_usage: twoDecimals(node.memoryUsagePercent),
        pods_total: String(node.podsTotal),
      },
      ttlSeconds: times.cacheTtlSeconds,
    });
    documents.push({
      kind: "series",
      key: clusterKeys.nodeMetrics(cluster, node.name),
      score: atSeconds,
      member: node.point,
      dropThroughScore: atSeconds - times.retentionSeconds,
      ttlSeconds: times.retentionSeconds,
    });
  }
  documents.push(
    { kind: "set", key: clusterKeys.nodes(cluster), members: nodes.map((node) => node.name), ttlSeconds: null },
    {
      kind: "hash",
      key: clusterKeys.nodesSummary(cluster),
      fields: { data: JSON.stringify(nodesSummary(nodes, at)) },
      ttlSeconds: times.cacheTtlSeconds,
    },
  );
  return documents;
}

/** Counts by status and role, capacities and plain means of the usages (0 for no nodes). Unknown nodes count in `total` only. */
function nodesSummary(nodes: readonly NodeValue[], timestamp: string): Record<string, unknown> {
  const byStatus = new Map<string, number>();
  const byRole = new Map<string, number>();
  const sum = { cpuCapacity: 0, memoryCapacity: 0, cpuUsage: 0, memoryUsage: 0 };
  for (const node of nodes) {
    byStatus.set(node.status, (byStatus.get(node.status) ?? 0) + 1);
    for (const role of node.roles) byRole.set(role, (byRole.get(role) ?? 0) + 1);
    sum.cpuCapacity += node.cpuCapacityCores;
    sum.memoryCapacity += node.memoryCapacityBytes;
    sum.cpuUsage += node.cpuUsagePercent;
    sum.memoryUsage += node.memoryUsagePercent;
  }
  const count = Math.max(1, nodes.length);
  return {
    total: nodes.length,
    ready: byStatus.get("Ready") ?? 0,
    not_ready: byStatus.get("NotReady") ?? 0,
    scheduling_disabled: byStatus.get("SchedulingDisabled") ?? 0,
    by_role: Object.fromEntries(byRole),
    total_cpu_capacity: sum.cpuCapacity,
    total_memory_capacity: sum.memoryCapacity,
    avg_cpu_usage: sum.cpuUsage / count,
    avg_memory_usage: sum.memoryUsage / count,
    timestamp,
  };
}

export interface ClusterFreshnessValue {
  /** When the data was collected, epoch milliseconds. */
  readonly asOfMs: number;
  /** Later than this the data is stale, epoch milliseconds. */
  readonly staleAfterMs: number;
  /** The parts that the last successful collection could not get. */
  readonly missing: readonly string[];
}

/** How old and how complete the collected data is. Absolute times, so that nothing that caches them makes them wrong. */
export function clusterFreshness(cluster: string, value: ClusterFreshnessValue): Document[] {
  const fields = {
    as_of: rfc3339(value.asOfMs),
    stale_after: rfc3339(value.staleAfterMs),
    missing: JSON.stringify(value.missing),
  };
  return [{ kind: "hash", key: clusterKeys.freshness(cluster), fields, ttlSeconds: null }];
}

export interface ClusterEventValue {
  readonly type: "cluster.reconciled" | "cluster.deleted";
  readonly atMs: number;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Whether something changed. Every event is published; only a transition enters the log. */
  readonly transition: boolean;
}

export function clusterEvent(cluster: string, event: ClusterEventValue): Document[] {
  const { type, atMs, data } = event;
  const entry = JSON.stringify({ type, cluster, timestamp: rfc3339(atMs), data });
  const documents: Document[] = [{ kind: "publish", channel: clusterEventsChannel, message: entry }];
  if (event.transition) {
    const id = `${type}@${atMs}`;
    documents.push({
      kind: "log",
      key: clusterKeys.events(cluster),
      id,
      entry,
      maxEntries: eventLog.maxEntries,
      ttlSeconds: eventLog.ttlSeconds,
    });
  }
  return documents;
}

const eventLog = { maxEntries: 100, ttlSeconds: 86_400 } as const;

/** Takes the cluster out of the list, removes everything it stored, and says so. Its event log ages out. */
export function clusterDeleted(cluster: string, atMs: number): Document[] {
  return [
    { kind: "index", key: allClustersKey, add: [], remove: [cluster] },
    { kind: "delete-prefix", prefix: clusterKeys.prefix(cluster) },
    ...clusterEvent(cluster, { type: "cluster.deleted", atMs, data: null, transition: true }),
  ];
}

function text(key: string, value: unknown, ttlSeconds: number | null): Document {
  return { kind: "string", key, value: JSON.stringify(value), ttlSeconds };
}
