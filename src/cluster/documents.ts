// What is stored of a cluster, as documents: what its owner declared, what a collection found, and how its newest run ended. Pure.
// Keys, member names and TTL classes are those of src/store/documents.ts; here is only which of them a run writes.
import type { Document } from "../store/document.ts";
import {
  type ClusterSpecValue,
  type ClusterStatusValue,
  clusterEvent,
  clusterFreshness,
  clusterInfo,
  clusterLabels,
  clusterMetrics,
  clusterNamespaces,
  clusterNodes,
  clusterSpec,
  clusterStatus,
  lifetimeSeconds,
  ttlFloorSeconds,
} from "../store/documents.ts";
import {
  clusterOlmOperators,
  clusterOperators,
  clusterWithoutClusterOperators,
  clusterWithoutOlm,
} from "../store/operator-documents.ts";
import type { Collection } from "./collection.ts";
import type { ClusterHealth } from "./health.ts";

/** What the owner declared. Written in both collection modes, before anything is collected. */
export function declaredDocuments(cluster: string, spec: ClusterSpecValue): Document[] {
  return [...clusterSpec(cluster, spec), ...clusterLabels(cluster, spec.labels ?? {})];
}

export interface CollectionTimes {
  readonly intervalSeconds: number;
  /** CACHE_TTL. */
  readonly cacheTtlSeconds: number;
  /** METRICS_RETENTION. */
  readonly retentionSeconds: number;
  /** From the collection's time on; after it readers are told that the data is stale. */
  readonly staleAfterMs: number;
}

/**
 * What a collection found. Lifetimes are at least three intervals. A part that is missing is not written: its last value stays until its own
 * lifetime ends, and freshness names the part.
 */
export function collectionDocuments(cluster: string, collection: Collection, times: CollectionTimes): Document[] {
  const { collectedAtMs, namespaces } = collection;
  const lifetime = (floorSeconds: number) => lifetimeSeconds(floorSeconds, times.intervalSeconds);
  const cacheTtlSeconds = lifetime(times.cacheTtlSeconds);
  return [
    ...clusterNodes(cluster, collection.nodes, {
      atMs: collectedAtMs,
      cacheTtlSeconds,
      retentionSeconds: lifetime(times.retentionSeconds),
    }),
    ...(collection.info === null ? [] : clusterInfo(cluster, { ...collection.info }, lifetime(ttlFloorSeconds.info))),
    ...clusterMetrics(cluster, collection.metrics, Math.max(cacheTtlSeconds, ttlFloorSeconds.metrics)),
    ...(namespaces === null ? [] : clusterNamespaces(cluster, namespaces, collectedAtMs, cacheTtlSeconds)),
    ...clusterOperatorDocuments(cluster, collection, cacheTtlSeconds),
    ...olmDocuments(cluster, collection, times),
    ...clusterFreshness(cluster, {
      asOfMs: collectedAtMs,
      staleAfterMs: collectedAtMs + times.staleAfterMs,
      missing: [...new Set(collection.missing.map((missing) => missing.part))],
    }),
  ];
}

function clusterOperatorDocuments(cluster: string, collection: Collection, ttlSeconds: number): Document[] {
  const { clusterOperators: found, goneClusterOperators: gone, collectedAtMs: atMs } = collection;
  if (found === null) return [];
  if (found === "absent") return clusterWithoutClusterOperators(cluster, gone);
  return clusterOperators(cluster, found, gone, { atMs, ttlSeconds });
}

/** Written only when they were listed, which is not in every run: they live through three scans. */
function olmDocuments(
  cluster: string,
  { operators, operatorScanIntervalMs }: Collection,
  { cacheTtlSeconds, intervalSeconds }: CollectionTimes,
): Document[] {
  if (operators === null) return [];
  if (operators === "absent") return clusterWithoutOlm(cluster);
  const betweenSeconds = Math.max(intervalSeconds, operatorScanIntervalMs / 1_000);
  return clusterOlmOperators(cluster, operators, lifetimeSeconds(cacheTtlSeconds, betweenSeconds));
}

/** How the newest run ended. Every run is published; only a change of health enters the event log. */
export function checkedDocuments(
  cluster: string,
  check: ClusterHealth &
    Pick<ClusterStatusValue, "breaker" | "insecureTls"> & {
      readonly atMs: number;
      readonly displayName: string;
      readonly transition: boolean;
    },
): Document[] {
  const { health, reason, message, atMs, displayName, transition, breaker, insecureTls } = check;
  return [
    ...clusterStatus(cluster, { health, reason, message, lastCheckMs: atMs, breaker, insecureTls }),
    ...clusterEvent(cluster, {
      type: "cluster.reconciled",
      atMs,
      data: { health, display_name: displayName },
      transition,
    }),
  ];
}
