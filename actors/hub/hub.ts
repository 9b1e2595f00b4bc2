// The root of the tree: what runs, in which order it starts, and how it stops. Children start in this order and stop in reverse:
//
//   store-writer, status-writer,
//   finalizers, event-writer       last to stop, so that what the others still said is written
//   informer                       the watches on the hub's own API
//   registries                     one child for each RegistryConnection
//   metric-sources                 one child for each MetricSource
//   clusters                       one child for each ClusterConnection; first to stop
import { defaultCollectLimits } from "../../src/cluster/collect.ts";
import type { Compute } from "../../src/cluster/ports.ts";
import type { StoreWriter } from "../../src/store/document.ts";
import { Admission, type AdmissionStats } from "../../src/support/admission.ts";
import type { Clock } from "../../src/support/clock.ts";
import type { Logger } from "../../src/support/log.ts";
import { type Measures, noMeasures } from "../../src/support/measures.ts";
import type { Random } from "../../src/support/random.ts";
import { defaultFailuresBeforePause } from "../cluster/attempts.ts";
import type { ClusterLimits } from "../cluster/cluster.ts";
import { clustersDefinition } from "../cluster/clusters.ts";
import { minPageBytes } from "../cluster/collections.ts";
import { type FinalizerPatcher, finalizerWriter } from "../cluster/finalizers.ts";
import type { Connector } from "../cluster/link.ts";
import { minAnswerBytes } from "../cluster/poll.ts";
import { defaultScheduleLimits, type ScheduleLimits } from "../cluster/schedule.ts";
import { type EventPoster, eventWriter } from "../event-writer/event-writer.ts";
import { informer, type WatchedSource } from "../informer/informer.ts";
import { SourceBoard } from "../metric-source/board.ts";
import { metricSourcesDefinition } from "../metric-source/metric-sources.ts";
import type { RegistryConnector } from "../registry/link.ts";
import { registriesDefinition } from "../registry/registries.ts";
import { type StatusPatcher, type StatusSink, statusWriter } from "../status-writer/status-writer.ts";
import { type StoreSink, storeWriter } from "../store-writer/store-writer.ts";
import { type ActorDefinition, type ActorSystem, createActorSystem } from "../system/index.ts";
import { type Sweep, sweeperDefinition } from "./sweeper.ts";

/** What the hub needs of the outside world. */
export interface HubPorts {
  readonly store: StoreWriter;
  readonly compute: Compute;
  readonly connector: Connector;
  /** Absent: registries are not checked. */
  readonly registryConnector?: RegistryConnector;
  readonly statusPatcher: StatusPatcher;
  readonly finalizerPatcher: FinalizerPatcher;
  readonly eventPoster: EventPoster;
  /**
   * Removes what this hub stored of those of a kind that are gone, given the names of those that are there. Absent: the store begins
   * empty. Called once for each kind, after the first complete list.
   */
  readonly sweep?: Sweep;
  /** Makes the watched kinds of the hub's own API; `onChange` is to be called when a kind's set of changed keys stops being empty. */
  createSources(onChange: (kind: string) => void): ReadonlyMap<string, WatchedSource>;
}

/** What an operator may set, in the units of the settings. */
export interface HubTuning {
  readonly defaultIntervalMs: number;
  readonly defaultTimeoutMs: number;
  readonly operatorScanIntervalMs: number;
  /** CACHE_TTL and METRICS_RETENTION. */
  readonly cacheTtlSeconds: number;
  readonly retentionSeconds: number;
  /** Whether MetricSources may read the data of Secrets. */
  readonly allowSecretFields: boolean;
}

/** Bounds that tests shorten by injection. There is no flag and no environment name for them. */
export interface HubLimits {
  readonly schedule?: Partial<ScheduleLimits>;
  /** Handshakes in flight over the whole fleet. */
  readonly maxHandshakes?: number;
  /** Of answers to polls, in memory or on their way, over the whole fleet. At least 1 MiB. */
  readonly maxAnswerBytes?: number;
  /** For how long a cluster is not asked for its version again. */
  readonly versionKeepMs?: number;
  /** Failures in a row after which a cluster is left alone for a while. */
  readonly failuresBeforePause?: number;
}

export interface HubOptions {
  readonly ports: HubPorts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly measures?: Measures;
  readonly tuning?: Partial<HubTuning>;
  readonly limits?: HubLimits;
  /** Makes the actor system. Tests tamper with it; there is no other use. */
  readonly createSystem?: typeof createActorSystem;
}

/** A running hub. */
export interface Hub {
  readonly system: ActorSystem;
  /** True once every watched kind had its first complete list. */
  synced(): boolean;
  readonly store: Pick<StoreSink, "stats">;
  readonly status: Pick<StatusSink, "stats">;
  readonly admission: Pick<Admission, "stats">;
  readonly registryChecks: Pick<Admission, "stats">;
  /** Bytes of answers to polls, of pages of MetricSources, and of such pages that wait for their turn. */
  answers(): Readonly<Record<"polls" | "sources" | "ahead", AdmissionStats>>;
  /** How many actors wait to hear of how many objects of the hub's API: pairs of both. */
  interests(): number;
  /** Stops everything, children before parents, within `deadlineMs`; resolves with the paths that had to be abandoned. */
  stop(deadlineMs: number): Promise<{ abandoned: string[] }>;
}

const statusRefreshMs = 300_000;
const maxRegistryChecks = 20;
/**
 * 140 MiB for 896 answers. With the pages of MetricSources that is less than the pool of threads takes in, in bytes and in tasks: what the
 * pool has not read yet holds its room, so that the next requests wait to be sent instead of failing.
 */
const maxAnswerBytes = 896 * minAnswerBytes;
/** Of MetricSources, in memory or on their way, over the whole fleet. */
const maxSourcePageBytes = 32 * minPageBytes;
/** A page must find room, however large it is. */
const maxAheadPageBytes = 2 * defaultCollectLimits.maxPageBytes;
const registryIntervalMs = 60_000;
const defaultTuning: HubTuning = {
  defaultIntervalMs: defaultScheduleLimits.defaultIntervalMs,
  defaultTimeoutMs: defaultScheduleLimits.defaultTimeoutMs,
  operatorScanIntervalMs: defaultCollectLimits.operatorScanIntervalMs,
  cacheTtlSeconds: 600,
  retentionSeconds: 3_600,
  allowSecretFields: false,
};

/** Starts the tree. It begins to watch and to poll at once; `synced` tells when it has seen everything there is. */
export function startHub(options: HubOptions): Hub {
  const { ports, clock, random, log, tuning = {}, limits = {}, measures = noMeasures } = options;
  const {
    defaultIntervalMs,
    defaultTimeoutMs,
    operatorScanIntervalMs,
    cacheTtlSeconds,
    retentionSeconds,
    allowSecretFields,
  } = {
    ...defaultTuning,
    ...tuning,
  };
  const system = (options.createSystem ?? createActorSystem)({ clock, random, log });
  const admission = new Admission(limits.maxHandshakes ?? 50, "slot for a handshake");
  const registryChecks = new Admission(maxRegistryChecks, "slot for a check");
  const answerBytes = limits.maxAnswerBytes ?? maxAnswerBytes;
  const answers = new Admission(answerBytes, "room for one more answer");
  const pages = new Admission(maxSourcePageBytes, "room for one more page");
  const aheadPages = new Admission(maxAheadPageBytes, "room for one more page");
  const maxPageBytes = Math.min(defaultCollectLimits.maxPageBytes, Math.floor(answerBytes / 2));
  const versionKeepMs = limits.versionKeepMs ?? defaultCollectLimits.versionKeepMs;
  const clusterLimits: ClusterLimits = {
    schedule: { ...defaultScheduleLimits, defaultIntervalMs, defaultTimeoutMs, ...limits.schedule },
    collect: { ...defaultCollectLimits, operatorScanIntervalMs, versionKeepMs, maxPageBytes },
    cacheTtlSeconds,
    retentionSeconds,
    statusRefreshMs,
    failuresBeforePause: limits.failuresBeforePause ?? defaultFailuresBeforePause,
  };
  const registrySchedule = { ...defaultScheduleLimits, defaultIntervalMs: registryIntervalMs, ...limits.schedule };
  const store = storeWriter(ports.store);
  const status = statusWriter(ports.statusPatcher);
  const watches = informer((onChange) => ports.createSources(onChange));
  const finalizers = finalizerWriter(ports.finalizerPatcher, watches.cache);
  const events = eventWriter(ports.eventPoster);
  const board = new SourceBoard();
  const root: ActorDefinition<never> = {
    kind: "hub",
    create: (context) => ({
      onStart() {
        context.spawn(store.definition, { name: "store-writer" });
        context.spawn(status.definition, { name: "status-writer" });
        context.spawn(finalizers.definition, { name: "finalizers" });
        context.spawn(events.definition, { name: "event-writer" });
        const informerRef = context.spawn(watches.definition, { name: "informer" });
        const clusters = clustersDefinition({
          cache: watches.cache,
          informer: informerRef,
          connector: ports.connector,
          admission,
          answers,
          compute: ports.compute,
          store: store.sink,
          status: status.sink,
          finalizers: finalizers.sink,
          events: events.sink,
          measures,
          limits: clusterLimits,
          board,
          pages,
          aheadPages,
        });
        if (ports.registryConnector !== undefined) {
          const registries = registriesDefinition({
            cache: watches.cache,
            informer: informerRef,
            connector: ports.registryConnector,
            // Slots of their own: registries never hold up clusters.
            admission: registryChecks,
            store: store.sink,
            status: status.sink,
            events: events.sink,
            limits: { schedule: registrySchedule, cacheTtlSeconds, retentionSeconds, statusRefreshMs },
          });
          context.spawn(registries, { name: "registries" });
        }
        const sources = { cache: watches.cache, informer: informerRef, board, store: store.sink, status: status.sink };
        context.spawn(metricSourcesDefinition({ ...sources, statusRefreshMs, allowSecretFields }), {
          name: "metric-sources",
        });
        const clustersRef = context.spawn(clusters, { name: "clusters" });
        board.onChange(() => void clustersRef.tell({ type: "plan-changed" }));
        if (ports.sweep !== undefined)
          context.spawn(sweeperDefinition(ports.sweep, watches.cache), { name: "sweeper" });
      },
      onMessage() {},
    }),
  };
  system.spawn(root, { name: "hub" });
  return {
    system,
    synced: () => watches.cache.synced(),
    store: store.sink,
    status: status.sink,
    admission,
    registryChecks,
    answers: () => ({ polls: answers.stats(), sources: pages.stats(), ahead: aheadPages.stats() }),
    interests: watches.interests,
    stop: (deadlineMs) => system.stop(deadlineMs),
  };
}
