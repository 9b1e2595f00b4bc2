// The API servers that this process runs: all of a fleet, or a part of it. Their listeners, what they hold, their faults, who was asked
// what, and the truth about them. It knows nothing of other processes.
import type { Clock } from "../../support/clock.ts";
import { ProcessMetrics, type Traffic } from "../admin/metrics.ts";
import { type ClockControl, controlOf } from "../advancing-clock.ts";
import { Churn } from "../churn/churn.ts";
import { type FaultRecord, FaultRegistry } from "../faults/registry.ts";
import type { FaultRule } from "../faults/rule.ts";
import { AnswerCounts } from "../http/answer-counts.ts";
import { type Authority, loopbackHosts } from "../http/certificates.ts";
import type { Engine } from "../http/engine.ts";
import { KernelConnections } from "../http/kernel-connections.ts";
import type { Origin } from "../http/listeners.ts";
import { Pipeline, type PlainAnswer } from "../http/pipeline.ts";
import { RequestLog, type ServerRequests } from "../http/request-log.ts";
import { createSecureServers } from "../http/secure-server.ts";
import type { SimulatorRequest } from "../http/sockets.ts";
import { HubEngine } from "../hub/engine.ts";
import type { OriginMode } from "../options.ts";
import { addressOf, checkFaultHasListener, Origins, PathOrigin } from "../origins.ts";
import type { SimulatedRegistry } from "../registry/registry.ts";
import { type KeptState, Snapshots } from "../snapshots.ts";
import type { Tokens } from "../tokens.ts";
import { type ExpectedCluster, expectedOf } from "../world/expected.ts";
import type { ClusterIdentity, PresetName, WorldKey } from "../world/profile.ts";
import { type HeldWorlds, World } from "../world/world.ts";
import { ServerStates } from "./server-states.ts";
import { unknownCluster } from "./unknown-cluster.ts";

/** A cluster and its place in the whole fleet, from which everything about it follows. */
export interface PlacedCluster {
  readonly identity: ClusterIdentity;
  readonly index: number;
}

export interface ServersOptions {
  /** What metrics call this process. */
  readonly process: string;
  readonly seed: number;
  readonly preset: PresetName;
  readonly mode: OriginMode;
  /** Port of the hub's API server; 0 takes a free one. */
  readonly hubPort: number;
  readonly clusters: readonly PlacedCluster[];
  /** Number of clusters of the whole fleet. */
  readonly fleetSize: number;
  readonly tokens: Tokens;
  readonly authority: Authority;
  readonly clock: Clock;
  /** Undefined: another process has it. */
  readonly hub?: HubEngine;
  readonly registries?: ReadonlyMap<string, SimulatedRegistry>;
}

export interface Servers {
  /** Throws SIMULATED_CLUSTER_UNKNOWN, as all that takes a name does. */
  urlOf(name: string): string;
  readonly clusters: readonly { readonly name: string; readonly url: string }[];
  readonly faults: {
    add(rule: FaultRule): Promise<void>;
    remove(cluster: string, id?: string): Promise<boolean>;
    list(): readonly FaultRecord[];
  };
  readonly requests: Omit<RequestLog, "arrived"> & { of(name: string): ServerRequests };
  /** Open connections of every cluster. */
  connections(): Promise<readonly { readonly cluster: string; readonly sockets: number }[]>;
  expected(cluster: string): ExpectedCluster;
  /** What happens in the clusters by itself. */
  readonly churn: Churn;
  readonly clock: ClockControl;
  readonly snapshots: Pick<Snapshots<KeptState>, "take" | "list" | "restore">;
  /** Prometheus text of this process. */
  metrics(): Promise<string>;
  close(): Promise<void>;
}

const maxLoggedRequests = 100_000;

/** They serve when this resolves. Throws ClusterPulseError LISTEN_FAILED, and none listens then. */
export async function openServers(options: ServersOptions): Promise<Servers> {
  const { seed, preset, mode, hubPort, clusters: placed, fleetSize, tokens, authority, clock, hub } = options;
  const registries: ReadonlyMap<string, SimulatedRegistry> = options.registries ?? new Map();
  const byName = new Map(placed.map((cluster) => [cluster.identity.name, cluster]));
  const keyOf = ({ index }: PlacedCluster): WorldKey => ({ seed, index, preset });

  /** Clusters that were written to, are watched or changed by themselves; of all others nothing is held. */
  const held: HeldWorlds = new Map();
  const worldOf = (cluster: PlacedCluster): World => new World(keyOf(cluster), cluster.identity, clock, held);
  const worldAt = (place: number): World => worldOf(placed[place] as PlacedCluster);
  const byIndex = new Map(placed.map((cluster) => [cluster.index, cluster]));
  const worldOfIndex = (index: number): World => worldOf(byIndex.get(index) as PlacedCluster);
  const worldByName = (name: string): World => {
    const cluster = byName.get(name);
    if (cluster === undefined) throw unknownCluster(name);
    return worldOf(cluster);
  };
  const churn = new Churn({ count: placed.length, seed, worldAt, worldOf: worldByName }, clock);
  const engineOf = ({ name }: Origin): Engine => {
    const cluster = byName.get(name);
    if (cluster === undefined) {
      if (hub === undefined) throw unknownCluster(name);
      return hub;
    }
    return worldOf(cluster).engine();
  };
  const log = new RequestLog(Math.max(20, Math.min(500, Math.floor(maxLoggedRequests / fleetSize))));
  const counts = new AnswerCounts();
  const processMetrics = new ProcessMetrics(options.process);
  const originOf = (name: string): Origin => {
    const origin = origins.find(name);
    if (origin === undefined) throw unknownCluster(name);
    return origin;
  };
  const revisionOf = (origin: Origin): number => {
    const engine = registries.has(origin.name) ? undefined : engineOf(origin);
    return engine instanceof HubEngine ? engine.store.revision : 0;
  };
  const faults = new FaultRegistry(originOf, clock, revisionOf);
  const intercept = (origin: Origin, request: SimulatorRequest): PlainAnswer | undefined => {
    if (!(origin instanceof PathOrigin) || request.url.split("?")[0] !== "/openapi/v3") return undefined;
    tokens.check(origin.name, request.headers.authorization, false);
    return { status: 200, contentType: "application/json", text: origin.openApiIndex(engineOf(origin).catalog) };
  };
  const pipeline = new Pipeline({
    engineOf,
    siteOf: ({ name }) => registries.get(name),
    tokens,
    faults,
    log,
    counts,
    clock,
    intercept,
  });
  const server = createSecureServers(
    authority,
    (origin, request, response) => void pipeline.handle(origins.serverOf(origin, request), request, response),
    mode === "ip" ? [...loopbackHosts, ...placed.map(({ index }) => addressOf(index))] : loopbackHosts,
  );
  const origins = new Origins({
    ...{ mode, hubPort, servesHub: hub !== undefined },
    clusters: placed.map(({ identity: { name }, index }) => ({ name, index })),
    sites: [...registries.keys()],
    connect: server.connect,
  });
  await origins.open().catch((error: unknown) => {
    processMetrics.close();
    server.close();
    throw error;
  });
  /** What is silenced is not read, so that only the kernel knows when a client goes. */
  const kernelIfSilent = (): Promise<KernelConnections | undefined> | undefined =>
    origins.all().some(({ isSilent }) => isSilent) ? KernelConnections.read() : undefined;
  const traffic = async (): Promise<Traffic> => {
    const all = origins.all();
    const kernel = await kernelIfSilent();
    const transferred = all.map((origin) => origin.transferred);
    const faulty = new Map<string, Set<string>>();
    for (const { fault, cluster } of faults.list()) {
      faulty.set(fault, (faulty.get(fault) ?? new Set<string>()).add(cluster));
    }
    return {
      answers: counts.list(),
      received: sumOf(log.counts(), ({ count }) => count),
      watches: sumOf(all, ({ watches }) => watches.length),
      connections: sumOf(all, (origin) => origin.socketCount(kernel)),
      sentBytes: sumOf(transferred, ({ sentBytes }) => sentBytes),
      receivedBytes: sumOf(transferred, ({ receivedBytes }) => receivedBytes),
      fired: faults.fired(),
      faulty: new Map([...faulty].map(([fault, clusters]) => [fault, clusters.size])),
      refusedRules: faults.refused,
    };
  };
  const snapshots = new Snapshots(new ServerStates({ hub, held, worldAt: worldOfIndex, originOf, faults, churn }));
  const urlOf = (name: string): string => originOf(name).url;
  const names = [...byName.keys()];
  return {
    urlOf,
    clusters: names.map((name) => ({ name, url: urlOf(name) })),
    faults: {
      add(rule) {
        checkFaultHasListener(originOf(rule.cluster), rule);
        return faults.add(rule);
      },
      remove: (cluster, id) => faults.remove(cluster, id),
      list: () => faults.list(),
    },
    requests: {
      count: (name) => log.count(name),
      recent: (name) => log.recent(name),
      counts: () => log.counts(),
      polls: () => log.polls(),
      since: (sinceMs, limit) => log.since(sinceMs, limit),
      of: (name) => ({ cluster: originOf(name).name, count: log.count(name), recent: log.recent(name) }),
    },
    async connections() {
      const kernel = await kernelIfSilent();
      return names.map((name) => ({ cluster: name, sockets: originOf(name).socketCount(kernel) }));
    },
    expected(name) {
      const truth = { ...expectedOf(worldByName(name).model()), reachable: !faults.isDown(name) };
      const transitions = faults.transitions(name);
      return transitions.length === 0 ? truth : { ...truth, transitions };
    },
    metrics: async () => processMetrics.text(await traffic()),
    churn,
    clock: controlOf(clock),
    snapshots: {
      take: (name) => snapshots.take(name),
      list: () => snapshots.list(),
      restore: (name) => snapshots.restore(name),
    },
    async close() {
      churn.stop();
      processMetrics.close();
      await origins.close();
      server.close();
      await faults.clear();
    },
  };
}

const sumOf = <T>(all: readonly T[], read: (one: T) => number): number => all.reduce((sum, one) => sum + read(one), 0);
