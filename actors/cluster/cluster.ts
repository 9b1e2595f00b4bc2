// One cluster: when it is polled, with which credentials, and where what was found goes. The work of a poll is src/cluster.
// While a poll is under way this actor answers every message within its turn; a poll that hangs ends at its deadline, and the
// cluster then says so, with the age of what it last knew.
import { isDeepStrictEqual } from "node:util";
import { type ClusterConnection, parseClusterConnection } from "../../src/api/v1alpha1/cluster-connection.ts";
import type { Condition, ObjectMeta } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections, secrets } from "../../src/api/v1alpha1/resources.ts";
import {
  type Collection,
  type CollectLimits,
  collectCluster,
  type Failure,
  failureOf,
} from "../../src/cluster/collect.ts";
import { conditionsOf, connectionStatus } from "../../src/cluster/connection-status.ts";
import { checkedDocuments, collectionDocuments, declaredDocuments } from "../../src/cluster/documents.ts";
import { type ClusterHealth, healthOf } from "../../src/cluster/health.ts";
import type { Compute } from "../../src/cluster/ports.ts";
import { clusterStatus } from "../../src/store/documents.ts";
import type { Admission } from "../../src/support/admission.ts";
import type { InformerMessage, ObjectCache, ObjectChanged } from "../informer/informer.ts";
import type { StatusSink } from "../status-writer/status-writer.ts";
import type { StoreSink } from "../store-writer/store-writer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, RunOutcome } from "../system/index.ts";
import { ClusterLink, type Connector } from "./link.ts";
import { delayToSpreadMs, type Schedule, type ScheduleLimits, scheduleOf } from "./schedule.ts";

export type ClusterMessage =
  /** The ClusterConnection has a new generation. */
  | { readonly type: "spec-changed" }
  /** The Secret of this cluster changed, appeared or went. */
  | ObjectChanged
  | { readonly type: "tick" }
  | { readonly type: "polled"; readonly outcome: RunOutcome<Poll> };

/** How one poll ended. */
export type Poll =
  | { readonly kind: "collected"; readonly collection: Collection }
  | { readonly kind: "failed"; readonly failure: Failure };

export interface ClusterLimits {
  readonly schedule: ScheduleLimits;
  readonly collect: CollectLimits;
  /** CACHE_TTL and METRICS_RETENTION. */
  readonly cacheTtlSeconds: number;
  readonly retentionSeconds: number;
  /** The CR status of a cluster in a steady state gets a new lastSyncTime this often. */
  readonly statusRefreshMs: number;
}

export interface ClusterDependencies {
  readonly cache: ObjectCache;
  readonly informer: ActorRef<InformerMessage>;
  readonly connector: Connector;
  readonly admission: Admission;
  readonly compute: Compute;
  readonly store: StoreSink;
  readonly status: StatusSink;
  readonly limits: ClusterLimits;
}

/** @param key `namespace/name` of the ClusterConnection */
export function clusterDefinition(key: string, dependencies: ClusterDependencies): ActorDefinition<ClusterMessage> {
  return {
    kind: "cluster",
    create: (context) => new ClusterActor(key, context, dependencies),
    keyOf: (message) => (message.type === "polled" ? undefined : message.type),
  };
}

/** Data older than this many intervals is stale. */
const staleAfterIntervals = 2;

class ClusterActor implements Actor<ClusterMessage> {
  readonly #key: string;
  readonly #context: ActorContext<ClusterMessage>;
  readonly #dependencies: ClusterDependencies;
  readonly #link: ClusterLink;
  #connection: ClusterConnection | undefined;
  #schedule: Schedule | undefined;
  #secret: { readonly key: string; version: string | undefined } | undefined;
  #health: ClusterHealth | undefined;
  #conditions: readonly Condition[] = [];
  #lastSyncMs: number | null = null;
  #afterCrash = false;

  constructor(key: string, context: ActorContext<ClusterMessage>, dependencies: ClusterDependencies) {
    this.#key = key;
    this.#context = context;
    this.#dependencies = dependencies;
    this.#link = new ClusterLink(dependencies.connector, dependencies.admission);
  }

  onRestart(): void {
    this.#afterCrash = true;
  }

  onStart(): void {
    this.#conditions = conditionsOf(this.#dependencies.cache.get(clusterConnections.kind, this.#key));
    this.#readSpec();
    this.#poll();
  }

  onMessage(message: ClusterMessage): void {
    switch (message.type) {
      case "spec-changed":
        this.#readSpec();
        this.#poll("supersede");
        return;
      case "object-changed":
        this.#secretChanged();
        return;
      case "tick":
        this.#poll();
        return;
      case "polled":
        this.#polled(message.outcome);
        return;
    }
  }

  onStop(): void {
    this.#watchSecret(undefined);
    this.#context.finalRun("close", { deadlineMs: 1_000 }, () => this.#link.close());
  }

  /** Takes over the newest spec: stores it, watches its Secret, sets the timer. A spec that cannot be used is a health, not an error. */
  #readSpec(): void {
    const { cache, store, limits } = this.#dependencies;
    const found = parseClusterConnection(cache.get(clusterConnections.kind, this.#key));
    const name = this.#key.slice(this.#key.indexOf("/") + 1);
    if (!found.ok) {
      this.#connection = undefined;
      this.#context.abortRun("poll");
      void this.#link.close();
      this.#context.timers.cancel("tick");
      this.#watchSecret(undefined);
      const health: ClusterHealth = { health: "unhealthy", reason: "InvalidSpec", message: found.problems.join("; ") };
      store.write(
        checkedDocuments(name, { ...health, atMs: this.#context.clock.nowMs(), displayName: name, transition: true }),
      );
      return;
    }
    const { spec, metadata } = found.value;
    const former = this.#connection?.spec;
    const reconnect =
      former?.endpoint !== spec.endpoint || !isDeepStrictEqual(former.credentialsRef, spec.credentialsRef);
    if (reconnect) void this.#link.close();
    this.#connection = found.value;
    this.#schedule = scheduleOf(spec.monitoring, limits.schedule);
    store.write(declaredDocuments(name, spec));
    // A new cluster is listed at once. After a crash the last status stays until the poll that follows has a newer one.
    if (this.#health === undefined && !this.#afterCrash) {
      store.write(clusterStatus(name, { ...healthOf({ kind: "never-ran" }), lastCheckMs: null }));
    }
    this.#watchSecret(`${spec.credentialsRef.namespace ?? metadata.namespace}/${spec.credentialsRef.name}`);
    const { intervalMs } = this.#schedule;
    const firstDelayMs = delayToSpreadMs(metadata.name, intervalMs, this.#context.clock.monotonicMs());
    this.#context.timers.every("tick", { intervalMs, firstDelayMs }, { type: "tick" });
  }

  #watchSecret(key: string | undefined): void {
    if (key === this.#secret?.key) return;
    const { informer } = this.#dependencies;
    const subscriber = this.#context.self as ActorRef<ObjectChanged>;
    if (this.#secret !== undefined)
      informer.tell({ type: "forget", kind: secrets.kind, key: this.#secret.key, subscriber });
    this.#secret = key === undefined ? undefined : { key, version: this.#secretVersion(key) };
    if (key !== undefined) informer.tell({ type: "interest", kind: secrets.kind, key, subscriber });
  }

  #secretVersion(key: string): string | undefined {
    const secret = this.#dependencies.cache.get(secrets.kind, key) as { readonly metadata: ObjectMeta } | undefined;
    return secret?.metadata.resourceVersion;
  }

  /** New credentials: the connection made with the old ones is closed, and the cluster is polled with the new ones at once. */
  #secretChanged(): void {
    if (this.#secret === undefined) return;
    const version = this.#secretVersion(this.#secret.key);
    if (version === this.#secret.version) return;
    this.#secret.version = version;
    void this.#link.close();
    this.#poll("supersede");
  }

  /** Begins a poll. One that is under way is left alone and this one counted as skipped, unless it is to be superseded. */
  #poll(mode: "skip" | "supersede" = "skip"): void {
    const connection = this.#connection;
    const schedule = this.#schedule;
    if (connection === undefined || schedule === undefined) return;
    const { compute, limits } = this.#dependencies;
    const { endpoint, credentialsRef } = connection.spec;
    const target = { ...connection.metadata, endpoint, credentialsRef };
    this.#context.run<Poll>(
      "poll",
      {
        deadlineMs: schedule.runDeadlineMs,
        supersede: mode === "supersede",
        onEnd: (outcome) => ({ type: "polled", outcome }),
      },
      async (signal) => {
        try {
          const transport = await this.#link.open(target, schedule, signal);
          const request = { transport, compute, clock: this.#context.clock, limits: limits.collect, endpoint };
          return { kind: "collected", collection: await collectCluster(request, signal) };
        } catch (error) {
          return { kind: "failed", failure: failureOf(error) };
        }
      },
    );
  }

  #polled(outcome: RunOutcome<Poll>): void {
    switch (outcome.status) {
      case "ok":
        if (outcome.value.kind === "collected") this.#collected(outcome.value.collection);
        else this.#failed(outcome.value.failure);
        return;
      case "failed":
        this.#failed({ ...outcome.error, reason: "Unexpected" });
        return;
      case "deadline":
        this.#failed({
          code: "RUN_DEADLINE",
          reason: "CollectionTimeout",
          message: `the collection did not end within ${(this.#schedule?.runDeadlineMs ?? 0) / 1_000} s`,
        });
        return;
      case "aborted":
        // Only a spec that cannot be used aborts a poll, and that has been said already.
        return;
    }
  }

  #collected(collection: Collection): void {
    const { store, limits } = this.#dependencies;
    const connection = this.#connection;
    if (connection === undefined) return;
    const intervalMs = this.#schedule?.intervalMs ?? limits.schedule.defaultIntervalMs;
    store.write(
      collectionDocuments(connection.metadata.name, collection, {
        intervalSeconds: intervalMs / 1_000,
        cacheTtlSeconds: limits.cacheTtlSeconds,
        retentionSeconds: limits.retentionSeconds,
        staleAfterMs: staleAfterIntervals * intervalMs,
      }),
    );
    this.#checked(healthOf({ kind: "collected", collection }), collection);
  }

  #failed(failure: Failure): void {
    this.#checked(healthOf({ kind: "failed", failure }), undefined);
  }

  /** Says how the poll ended: to readers each time, in the CR's status when it changes something. */
  #checked(health: ClusterHealth, collection: Collection | undefined): void {
    const { store, status, limits } = this.#dependencies;
    const connection = this.#connection;
    if (connection === undefined) return;
    const { metadata, spec } = connection;
    const transition = health.health !== this.#health?.health || health.reason !== this.#health.reason;
    const atMs = this.#context.clock.nowMs();
    store.write(checkedDocuments(metadata.name, { ...health, atMs, displayName: spec.displayName ?? "", transition }));
    const refresh = this.#lastSyncMs === null || atMs - this.#lastSyncMs >= limits.statusRefreshMs;
    if (collection !== undefined && (transition || refresh)) this.#lastSyncMs = collection.collectedAtMs;
    this.#health = health;
    if (metadata.uid === undefined) return;
    const target = {
      resource: clusterConnections.plural,
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
    };
    const wished = connectionStatus({
      health,
      missing: collection?.missing ?? [],
      previous: this.#conditions,
      observedGeneration: metadata.generation,
      lastSyncMs: this.#lastSyncMs,
      nodes: collection?.metrics.nodes,
      namespaces: collection?.metrics.namespaces ?? undefined,
      nowMs: atMs,
    });
    this.#conditions = wished.conditions ?? [];
    status.set(target, wished);
  }
}
