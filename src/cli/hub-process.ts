// A whole hub in this process: store, view, server, pool and actors, in this order; stopped in the reverse one.
import { availableParallelism } from "node:os";
import { type Hub, type HubLimits, startHub } from "../../actors/hub/hub.ts";
import { kubernetesPorts } from "../../actors/hub/kubernetes.ts";
import { createPoolCompute } from "../../workers/pool.ts";
import type { ClusterCredentials } from "../kube/credentials.ts";
import type { HubKubeconfig } from "../kube/kubeconfig.ts";
import { createRefreshingTransport } from "../kube/refreshing-transport.ts";
import { createTransport, type KubeTransport, type TransportLimits } from "../kube/transport.ts";
import { createHubMetrics } from "../server/metrics.ts";
import type { Check, Server, SystemReport } from "../server/ports.ts";
import { createServer } from "../server/server.ts";
import { createMemoryStore } from "../store/memory.ts";
import { systemClock } from "../support/clock.ts";
import type { Logger } from "../support/log.ts";
import { seededRandom } from "../support/random.ts";
import { createFleetView } from "../view/fleet.ts";
import type { FleetView } from "../view/ports.ts";

export interface HubProcessOptions {
  readonly version: string;
  readonly port: number;
  readonly log: Logger;
  /** Where the built page is. */
  readonly staticDir?: string;
}

export interface WatchOptions {
  /** How to reach the hub's own API. */
  readonly kubeconfig: HubKubeconfig;
  readonly namespace: string;
  readonly limits?: HubLimits;
  readonly clusterLimits?: Partial<TransportLimits>;
}

/** A hub whose server listens already; it is ready once it watches and has seen everything there is. */
export interface HubProcess {
  readonly url: string;
  readonly view: FleetView;
  /** Starts the actors. To be called once. */
  watch(options: WatchOptions): Hub;
  /** Not ready, then no more polls, then what is left is written, then the server goes. Everything is over after `deadlineMs`. */
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

/** Opens the server. Rejects with PORT_IN_USE before anything else has been started. */
export async function openHubProcess(options: HubProcessOptions): Promise<HubProcess> {
  const { version, log } = options;
  const clock = systemClock;
  const store = createMemoryStore({ clock });
  const view = createFleetView({ store, clock });
  const closers: (() => Promise<unknown>)[] = [];
  let hub: Hub | undefined;
  let stopping = false;

  const system = (): SystemReport =>
    hub === undefined ? noActors : { counters: hub.system.counters(), actors: hub.system.snapshot() };
  const ready = (): Check[] => [
    { name: "accepting", status: stopping ? "failed" : "ok", ...(stopping ? { message: "the hub is stopping" } : {}) },
    {
      name: "informer",
      ...(hub?.synced()
        ? { status: "ok" }
        : { status: "failed", message: "the first list of the hub's own API is not complete" }),
    },
    { name: "store", ...storeCheck(hub) },
  ];
  const server: Server = await createServer({
    view,
    system,
    clock,
    log,
    version,
    metrics: createHubMetrics({ system, view, clock, version }),
    health: () => ({ live: [{ name: "event-loop", status: "ok" }], ready: ready() }),
    ...(options.staticDir === undefined ? {} : { staticDir: options.staticDir }),
  });
  const closeReaders = async (deadlineMs: number): Promise<void> => {
    await server.close(deadlineMs);
    view.close();
    await store.close();
  };
  const { url } = await server.listen({ host: "127.0.0.1", port: options.port }).catch(async (error: unknown) => {
    await closeReaders(0);
    throw error;
  });

  return {
    url,
    view,
    watch({ kubeconfig, namespace, limits, clusterLimits }) {
      const userAgent = `clusterpulse-hub/${version}`;
      const random = seededRandom(process.pid ^ clock.nowMs());
      const connect = (credentials: ClusterCredentials): KubeTransport =>
        createTransport(credentials, {}, userAgent, clock);
      const { credentials, refresh } = kubeconfig;
      const transport =
        refresh === undefined
          ? connect(credentials)
          : createRefreshingTransport(credentials, { refresh, createTransport: connect, clock, log });
      const compute = createPoolCompute({ threads: Math.max(2, availableParallelism() - 1) });
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
      });
      hub = startHub({ ports: { store, compute, ...kubernetes }, clock, random, log, ...(limits && { limits }) });
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

function storeCheck(hub: Hub | undefined): Pick<Check, "status" | "message"> {
  const { lastError = null, documents = 0 } = hub?.store.stats() ?? {};
  if (lastError === null) return { status: "ok" };
  return { status: "degraded", message: `${lastError.message}; ${documents} values wait` };
}
