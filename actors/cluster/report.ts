// What is said of one cluster: documents for readers after every poll, and the status of its ClusterConnection when something
// changed. Remembers what was said last, so that transitions are told from repetitions. Nothing here waits.
import type { ClusterConnection } from "../../src/api/v1alpha1/cluster-connection.ts";
import { conditionsOf } from "../../src/api/v1alpha1/conditions.ts";
import type { Condition, KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections, group, version } from "../../src/api/v1alpha1/resources.ts";
import type { Collection } from "../../src/cluster/collection.ts";
import { connectionStatus } from "../../src/cluster/connection-status.ts";
import { checkedDocuments, collectionDocuments, declaredDocuments } from "../../src/cluster/documents.ts";
import type { Failure } from "../../src/cluster/failure.ts";
import { type ClusterHealth, healthOf } from "../../src/cluster/health.ts";
import type { Document } from "../../src/store/document.ts";
import { type ClusterStatusValue, clusterStatus } from "../../src/store/documents.ts";
import { type Clock, rfc3339 } from "../../src/support/clock.ts";
import type { EventSink } from "../event-writer/event-writer.ts";
import { type StatusSink, type StatusTarget, statusTargetOf } from "../status-writer/status-writer.ts";
import type { StoreSink } from "../store-writer/store-writer.ts";
import { transitionOf } from "./transitions.ts";

export interface ReportLimits {
  /** CACHE_TTL and METRICS_RETENTION. */
  readonly cacheTtlSeconds: number;
  readonly retentionSeconds: number;
  /** The status of a cluster in a steady state gets a new lastSyncTime this often. */
  readonly statusRefreshMs: number;
}

/** Data older than this many intervals is stale. */
const staleAfterIntervals = 2;

export class ClusterReport {
  readonly #name: string;
  readonly #store: StoreSink;
  readonly #status: StatusSink;
  readonly #events: EventSink;
  readonly #clock: Clock;
  readonly #limits: ReportLimits;
  readonly #breaker: () => ClusterStatusValue["breaker"];
  #displayName: string;
  #declared: readonly Document[] = [];
  #target: StatusTarget | undefined;
  #observedGeneration: number | undefined;
  #health: ClusterHealth | undefined;
  #conditions: readonly Condition[];
  /** The newest that said something of the cluster. */
  #known: readonly Condition[];
  #lastSyncMs: number | null = null;
  /** Of the collection at `#lastSyncMs`: a status of its own for every wobble would be a write for every poll. */
  #latencyMs: number | undefined;
  /** The status as it was stored last. */
  #stored: ClusterStatusValue | undefined;
  #certificateExpiresAtMs: number | undefined;
  #insecureSkipTlsVerify = false;

  /**
   * @param object the ClusterConnection as it was read, whatever is in it
   * @param breaker the state of the cluster's breaker
   */
  constructor(
    name: string,
    object: unknown,
    sinks: { readonly store: StoreSink; readonly status: StatusSink; readonly events: EventSink },
    clock: Clock,
    limits: ReportLimits,
    breaker: () => ClusterStatusValue["breaker"] = () => undefined,
  ) {
    this.#name = name;
    this.#displayName = name;
    this.#conditions = conditionsOf(object);
    this.#known = this.#conditions;
    this.#store = sinks.store;
    this.#status = sinks.status;
    this.#events = sinks.events;
    this.#clock = clock;
    this.#limits = limits;
    this.#breaker = breaker;
  }

  /** Takes over whose status it is, and of which generation. */
  about(object: unknown): void {
    this.#target = statusTargetOf(clusterConnections, object);
    this.#observedGeneration = (object as Partial<KubeObject> | undefined)?.metadata?.generation;
  }

  /** What the owner declared. */
  declared(spec: ClusterConnection["spec"]): void {
    this.#displayName = spec.displayName ?? "";
    this.#declared = declaredDocuments(this.#name, spec);
    this.#store.write(this.#declared);
  }

  /** Lists a cluster that was never polled; one of which more is known already stays as it is. */
  pending(): void {
    if (this.#health !== undefined) return;
    this.#store.write(clusterStatus(this.#name, { ...healthOf({ kind: "never-ran" }), lastCheckMs: null }));
  }

  collected(collection: Collection, intervalMs: number): void {
    const { cacheTtlSeconds, retentionSeconds, statusRefreshMs } = this.#limits;
    const intervalSeconds = intervalMs / 1_000;
    const times = {
      intervalSeconds,
      cacheTtlSeconds,
      retentionSeconds,
      staleAfterMs: staleAfterIntervals * intervalMs,
    };
    this.#store.write(collectionDocuments(this.#name, collection, times));
    const health = healthOf({ kind: "collected", collection });
    const isDue = this.#lastSyncMs === null || collection.collectedAtMs - this.#lastSyncMs >= statusRefreshMs;
    if (isDue || this.#isTransition(health)) {
      this.#lastSyncMs = collection.collectedAtMs;
      this.#latencyMs = collection.latencyMs;
    }
    this.#certificateExpiresAtMs = collection.certificateExpiresAtMs ?? undefined;
    this.#insecureSkipTlsVerify = collection.insecureSkipTlsVerify;
    this.#checked(health, collection);
  }

  /** @param waitMs how long the cluster will be left alone; 0: until the next poll is due */
  failed(failure: Failure, waitMs = 0): void {
    this.#checked(healthOf({ kind: "failed", failure }), undefined, waitMs);
  }

  /** The hub had no room to ask it. What was wrong with it before may be so still, and stands. */
  busy(failure: Failure): void {
    if (this.#health?.health !== "unhealthy" || this.#stored === undefined) this.failed(failure);
    else this.#store.write([...this.#declared, ...clusterStatus(this.#name, this.#stored)]);
  }

  /** The cluster that was left alone is being asked: nothing else is new yet. */
  probing(): void {
    if (this.#stored !== undefined)
      this.#store.write(clusterStatus(this.#name, { ...this.#stored, breaker: "half-open" }));
  }

  #isTransition({ health, reason }: ClusterHealth): boolean {
    return health !== this.#health?.health || reason !== this.#health.reason;
  }

  #checked(health: ClusterHealth, collection: Collection | undefined, waitMs = 0): void {
    const atMs = this.#clock.nowMs();
    const transition = this.#isTransition(health);
    // Readers are told when it is asked again. The custom resource is not: its message would change with every attempt.
    const shown = waitMs === 0 ? health.message : `${health.message}; probing again at ${rfc3339(atMs + waitMs)}`;
    const check = {
      ...health,
      message: shown,
      atMs,
      displayName: this.#displayName,
      transition,
      breaker: this.#breaker(),
      insecureTls: this.#insecureSkipTlsVerify,
    };
    this.#stored = { ...check, lastCheckMs: atMs };
    // What was declared goes along every time: a store that lost its data is whole again with the next poll.
    this.#store.write([...this.#declared, ...checkedDocuments(this.#name, check)]);
    this.#health = health;
    const status = connectionStatus({
      health,
      missing: collection?.missing ?? [],
      previous: this.#conditions,
      observedGeneration: this.#observedGeneration,
      lastSyncMs: this.#lastSyncMs,
      nodes: collection?.metrics.nodes,
      namespaces: collection?.metrics.namespaces ?? undefined,
      kubernetesVersion: collection?.kubernetesVersion ?? undefined,
      latencyMs: this.#latencyMs,
      certificateExpiresAtMs: this.#certificateExpiresAtMs,
      insecureSkipTlsVerify: this.#insecureSkipTlsVerify,
      nowMs: atMs,
    });
    const conditions = status.conditions ?? [];
    this.#conditions = conditions;
    // What the hub had no room to find out is no news, and neither is that it is what it was.
    const news = transitionOf(this.#known, conditions);
    if (health.health !== "unknown") this.#known = conditions;
    if (this.#target === undefined) return;
    this.#status.set(this.#target, status);
    if (news === undefined) return;
    const { namespace, name, uid } = this.#target;
    const target = { apiVersion: `${group}/${version}`, kind: clusterConnections.kind, namespace, name, uid };
    this.#events.emit({ target, ...news, message: health.message, atMs });
  }
}
