// A whole hub in this process: store, view, server, pool and actors, in this order; stopped in the reverse one.
import { availableParallelism } from "node:os";
import { type Hub, type HubLimits, type HubTuning, startHub } from "../../actors/hub/hub.ts";
import { kubernetesPorts } from "../../actors/hub/kubernetes.ts";
import { createPoolCompute, type PoolCompute } from "../../workers/pool.ts";
import { clusterConnections } from "../api/v1alpha1/resources.ts";
import type { ClusterCredentials } from "../kube/credentials.ts";
import type { HubKubeconfig } from "../kube/kubeconfig.ts";
import { createRefreshingTransport } from "../kube/refreshing-transport.ts";
import type { Resolve } from "../kube/resolver.ts";
import { createTransport, type KubeTransport, type TransportLimits } from "../kube/transport.ts";
import { createInstruments } from "../server/instruments.ts";
import { metricSourceMetrics } from "../server/metric-source-metrics.ts";
import { createHubMetrics } from "../server/metrics.ts";
import type { Check, HealthReport, SystemReport } from "../server/ports.ts";
import { startProbeThread } from "../server/probe-thread.ts";
import { registerMetrics } from "../server/probes.ts";
import { registryMetrics } from "../server/registry-metrics.ts";
import { createServer } from "../server/server.ts";
import { type SideServer, startSideServer } from "../server/side-server.ts";
import type { StoreReader } from "../store/document.ts";
import { systemClock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { seededRandom } from "../support/random.ts";
import { createFleetView } from "../view/fleet.ts";
import { createMetricSourcesView } from "../view/metric-sources.ts";
import type { FleetView } from "../view/ports.ts";
import { createRegistriesView } from "../view/registries.ts";
import { type HubStore, openStore } from "./hub-store.ts";

export interface HubProcessOptions {
  readonly version: string;
  readonly log: Logger;
  /** `memory` (the default), or a redis:// or rediss:// URL. */
  readonly store?: string;
  /** The watched namespace: it owns the keys of a shared store. */
  readonly namespace: string;
  /** Removes from the store even when that is more than half of what is there. */
  readonly forceSweep?: boolean;
  /** Port of API and page; undefined: neither is served. */
  readonly port?: number;
  /** Where the built page is. */
  readonly staticDir?: string;
  /** Probes and metrics on addresses of their own. */
  readonly probeAddress?: { readonly host: string; readonly port: number };
  readonly metricsAddress?: { readonly host: string; readonly port: number };
}

export interface WatchOptions {
  /** How to reach the hub's own API. */
  readonly kubeconfig: HubKubeconfig;
  readonly tuning?: Partial<HubTuning>;
  readonly limits?: HubLimits;
  readonly clusterLimits?: Partial<TransportLimits>;
  /** Resolves the host names of clusters; the system's name servers unless told. */
  readonly resolve?: Resolve;
}

/** A hub whose servers listen already; it is ready once it watches and has seen everything there is. */
export interface HubProcess {
  /** Of API and page; empty when neither is served. */
  readonly url: string;
  readonly view: FleetView;
  /** What is stored, as it stands. */
  readonly store: StoreReader;
  /** Starts the actors. To be called once. */
  watch(options: WatchOptions): Hub;
  /** Not ready, then no more polls, then what is left is written, then the servers go. Everything is over after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>;
}

const noActors: SystemReport = {
  counters: {
    processed: 0,
    restarts: 0,
    deadLetters: {},
    overflowed: 0,
    coalesced: 0,
    runsStarted: 0,
    runsSkipped: 0,
    runsDeadlined: 0,
    ticksSkipped: 0,
  },
  actors: [],
};

/** Opens store and servers. Rejects, with everything closed again, when the store's URL is wrong or a port is taken (PORT_IN_USE). */
export async function openHubProcess(options: HubProcessOptions): Promise<HubProcess> {
  const { version, log, namespace } = options;
  const clock = systemClock;
  const instruments = createInstruments([clusterConnections.kind]);
  const { measures } = instruments;
  const hubStore = await openStore(options.store ?? "memory", {
    clock,
    log,
    namespace,
    forceSweep: options.forceSweep ?? false,
    measures,
  });
  const { store } = hubStore;
  const view = createFleetView({ store, clock });
  const registries = createRegistriesView({ store, clock });
  const metricSources = createMetricSourcesView({ store, clock });
  let hub: Hub | undefined;
  let pool: PoolCompute | undefined;
  let stopping = false;

  const system = (): SystemReport =>
    hub === undefined ? noActors : { counters: hub.system.counters(), actors: hub.system.snapshot() };
  const health = (): HealthReport => ({
    live: [{ name: "event-loop", status: "ok" }],
    ready: [acceptingCheck(stopping), informerCheck(hub), storeCheck(hub, hubStore)],
  });
  const hubMetrics = createHubMetrics({
    system,
    view,
    clock,
    version,
    instruments,
    pool: () => pool?.stats(),
    handshakes: () => hub?.admission.stats(),
    registryChecks: () => hub?.registryChecks.stats(),
    answers: () => hub?.answers(),
  });
  const metrics = async (): Promise<string> =>
    [
      await hubMetrics(),
      registryMetrics(registries.registries(), clock.nowMs()),
      metricSourceMetrics(metricSources.metricSources(), clock.nowMs()),
    ].join("");

  // Newest first: what was opened last is closed first.
  const readers: ((deadlineMs: number) => Promise<unknown>)[] = [
    async () => {
      instruments.close();
      view.close();
      registries.close();
      metricSources.close();
      await store.close();
    },
  ];
  const closeReaders = async (deadlineMs: number): Promise<void> => {
    for (const close of readers.splice(0)) await close(deadlineMs);
  };
  let url = "";
  try {
    if (options.port !== undefined) {
      const staticDir = options.staticDir === undefined ? {} : { staticDir: options.staticDir };
      const server = await createServer({
        view,
        registries,
        metricSources,
        system,
        clock,
        log,
        version,
        metrics,
        health,
        lateness: () => instruments.lateness(),
        ...staticDir,
      });
      readers.unshift((deadlineMs) => server.close(deadlineMs));
      ({ url } = await server.listen({ host: "127.0.0.1", port: options.port }));
    }
    const sides = [
      [options.probeAddress, (at) => startProbeThread(at, "--health-probe-bind-address", clock, health)],
      [
        options.metricsAddress,
        (at) => startSideServer(at, "--metrics-bind-address", clock, (app) => registerMetrics(app, metrics)),
      ],
    ] satisfies [typeof options.probeAddress, (at: { host: string; port: number }) => Promise<SideServer>][];
    for (const [address, start] of sides) {
      if (address === undefined) continue;
      const server = await start(address);
      readers.unshift((deadlineMs) => server.close(deadlineMs));
    }
  } catch (error) {
    await closeReaders(0);
    throw error;
  }

  const closers: (() => Promise<unknown>)[] = [];
  return {
    url,
    view,
    store,
    watch({ kubeconfig, tuning, limits, clusterLimits, resolve }) {
      const userAgent = `clusterpulse-hub/${version}`;
      const random = seededRandom(process.pid ^ clock.nowMs());
      const transport = hubTransport(kubeconfig, userAgent, log);
      const compute = createPoolCompute({ threads: Math.max(2, availableParallelism() - 1) });
      pool = compute;
      closers.push(
        () => compute.close(),
        () => transport.close(),
      );
      const kubernetes = kubernetesPorts({
        hub: transport,
        namespace,
        userAgent,
        clock,
        random,
        log,
        ...(clusterLimits && { clusterLimits }),
        ...(resolve && { resolve }),
      });
      const { sweep } = hubStore;
      const ports = { store, compute, ...kubernetes, ...(sweep && { sweep }) };
      hub = startHub({ ports, clock, random, log, measures, ...(tuning && { tuning }), ...(limits && { limits }) });
      return hub;
    },
    async stop(deadlineMs) {
      stopping = true;
      const stopped = await hub?.stop(deadlineMs * 0.75);
      if (stopped !== undefined && stopped.abandoned.length > 0)
        log.warn({ actors: stopped.abandoned }, "these actors had to be abandoned");
      await Promise.allSettled([...closers.map((close) => close()), closeReaders(deadlineMs * 0.25)]);
    },
  };
}

/** The transport to the hub's own API, following credentials that expire. */
function hubTransport({ credentials, refresh }: HubKubeconfig, userAgent: string, log: Logger): KubeTransport {
  const connect = (current: ClusterCredentials): KubeTransport => createTransport(current, {}, userAgent, systemClock);
  if (refresh === undefined) return connect(credentials);
  return createRefreshingTransport(credentials, { refresh, createTransport: connect, clock: systemClock, log });
}

const acceptingCheck = (stopping: boolean): Check =>
  stopping
    ? { name: "accepting", status: "failed", message: "the hub is stopping" }
    : { name: "accepting", status: "ok" };

function informerCheck(hub: Hub | undefined): Check {
  if (hub?.synced()) return { name: "informer", status: "ok" };
  return { name: "informer", status: "failed", message: "the first list of the hub's own API is not complete" };
}

/** A store that is away leaves the hub ready: it goes on collecting, and what it finds waits. */
function storeCheck(hub: Hub | undefined, { describe }: HubStore): Check {
  const { lastError = null, documents = 0 } = hub?.store.stats() ?? {};
  if (lastError === null) return { name: "store", status: "ok" };
  return { name: "store", status: "degraded", message: `${describe}: ${lastError.message}; ${documents} values wait` };
}
