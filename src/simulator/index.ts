// A fleet of simulated Kubernetes API servers in this process: one hub that is written to, and clusters and container registries that are
// generated from a seed, with faults to switch on and the truth to compare with. Everything listens on 127.0.0.1 only.
// It shares no code with what it tests: its ground truth is never computed by the code under test.
import { fileURLToPath } from "node:url";
import { systemClock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import { startAdminServer } from "./admin/server.ts";
import { HubArchive } from "./archive.ts";
import { FaultRegistry } from "./faults/registry.ts";
import type { FaultRule } from "./faults/rule.ts";
import { apiVersionOf, type ResourceType } from "./http/catalog.ts";
import { loopbackHosts, mintAuthority } from "./http/certificates.ts";
import type { Engine } from "./http/engine.ts";
import type { Origin } from "./http/listeners.ts";
import { Pipeline, type PlainAnswer } from "./http/pipeline.ts";
import { RequestLog, type RequestRecord } from "./http/request-log.ts";
import { createSecureServers } from "./http/secure-server.ts";
import type { SimulatorRequest } from "./http/sockets.ts";
import { HubEngine } from "./hub/engine.ts";
import { kubeconfigText } from "./kubeconfig.ts";
import { checkOptions, type SimulatorOptions } from "./options.ts";
import { addressOf, checkFaultHasListener, hubName, Origins, PathOrigin } from "./origins.ts";
import { type Registration, registerFleet, unregisterCluster } from "./register.ts";
import { SimulatedRegistry } from "./registry/registry.ts";
import { type ScenarioOutline, Scenarios } from "./scenario/control.ts";
import type { ScenarioState } from "./scenario/run.ts";
import { isSameToken, Tokens } from "./tokens.ts";
import { WorldEngine } from "./world/engine.ts";
import { type ExpectedCluster, expectedOf } from "./world/expected.ts";
import { buildModel } from "./world/model.ts";
import { overlayEngine } from "./world/overlay.ts";
import { type ClusterIdentity, clusterIdentities, type WorldKey } from "./world/profile.ts";

export type { Clock } from "../support/clock.ts";
export { VirtualClock } from "../support/virtual-clock.ts";
export { type FaultName, type FaultParameters, type FaultRule, faultNames, parseFaultRule } from "./faults/rule.ts";
export type { RequestRecord } from "./http/request-log.ts";
export type { SimulatorOptions } from "./options.ts";
export type { Registration } from "./register.ts";
export type { ExpectedCluster, ExpectedNode } from "./world/expected.ts";
export { type PresetName, presetNames } from "./world/profile.ts";

export interface SimulatedCluster {
  readonly name: string;
  readonly url: string;
}

/** An object of the hub's API: a definition, or whatever one makes possible. */
export interface SimulatedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [member: string]: unknown };
  readonly [member: string]: unknown;
}

export interface RegistryIdentity {
  readonly name: string;
  readonly url: string;
  /** The truth about its catalog, in order. */
  readonly repositories: readonly string[];
}

export interface Simulator {
  readonly hub: {
    readonly url: string;
    /** Creates an object by the rules of the API, as the server itself. Throws an error with the API's refusal as message. */
    create(object: SimulatedObject): void;
  };
  readonly clusters: readonly SimulatedCluster[];
  readonly registries: readonly RegistryIdentity[];
  readonly admin: { readonly url: string; readonly token: string };
  readonly faults: {
    /** Switches the fault on in place of the former one of that cluster or registry. Throws SIMULATED_CLUSTER_UNKNOWN; `hub` names the hub's API server. */
    add(rule: FaultRule): Promise<void>;
    /** The cluster serves again once this resolves. False when it had no fault. Throws SIMULATED_CLUSTER_UNKNOWN. */
    remove(cluster: string): Promise<boolean>;
    list(): readonly FaultRule[];
  };
  readonly requests: {
    /** Requests that ever arrived at the cluster. */
    count(cluster: string): number;
    /** The cluster's recent requests, oldest first; at most a few hundred. */
    recent(cluster: string): readonly RequestRecord[];
  };
  /**
   * YAML text with the contexts `hub` and one per cluster, of which `current` (`hub` unless told) is the current one; with `alone` the
   * only one. Holds credentials.
   */
  kubeconfig(current?: string, options?: { readonly alone?: boolean }): string;
  /** The truth about a cluster. Throws SIMULATED_CLUSTER_UNKNOWN. */
  expected(cluster: string): ExpectedCluster;
  /** Makes the hub's API server know every cluster and registry. What exists already is left as it is, but for addresses and credentials. */
  register(registration: Registration): void;
  /** A timeline of faults, heals and clusters that go and come back; YAML, see docs/simulator.md. */
  readonly scenario: {
    /** Begins it in place of one that is under way. Throws InvalidInputError that lists everything wrong. */
    start(yaml: string): ScenarioOutline;
    /** Of the newest one; null: there was none. */
    state(): ScenarioState | null;
    /** Leaves everything as it is now. */
    stop(): void;
  };
  close(): Promise<void>;
}

const crdFolder = fileURLToPath(new URL("../../config/crd/", import.meta.url));
const maxLoggedRequests = 100_000;

/**
 * Starts the fleet; it serves when this resolves. Throws InvalidInputError, and ClusterPulseError LISTEN_FAILED and, with a data folder,
 * ARCHIVE_UNREADABLE.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  checkOptions(options);
  const { seed, preset = "small", hubPort = 0, clock = systemClock, hubNamespace = "clusterpulse" } = options;
  const identities = clusterIdentities(seed, options.clusters);
  const indexes = new Map(identities.map(({ name }, index) => [name, index]));
  const tokens = new Tokens();
  const authority = mintAuthority();
  const hub = new HubEngine({
    clock,
    crdFolder,
    caPem: authority.caPem,
    isServerToken: (token) => isSameToken(token, tokens.of(hubName)),
    ...(options.historySize === undefined ? {} : { historySize: options.historySize }),
  });
  const archive = options.dataFolder === undefined ? undefined : new HubArchive(options.dataFolder, hub, clock);
  await archive?.open();
  const registryCount = options.registries ?? 0;
  const sites = new Map(
    Array.from({ length: registryCount }, (_, index) => {
      const name = `registry-${String(index + 1).padStart(2, "0")}`;
      return [name, new SimulatedRegistry(seed, index, tokens.of(name))];
    }),
  );
  const keyAt = (index: number): WorldKey => ({ seed, index, preset });
  const identityAt = (index: number) => identities[index] as (typeof identities)[number];

  /** Clusters that were written to or are watched; of all others nothing is held. */
  const touched = new Map<string, Engine>();
  const engineOf = ({ name }: Origin): Engine => {
    const index = indexes.get(name);
    if (index === undefined) return hub;
    const touch = (): Engine => {
      const engine = overlayEngine(keyAt(index), identityAt(index), clock);
      touched.set(name, engine);
      return engine;
    };
    return touched.get(name) ?? new WorldEngine(keyAt(index), identityAt(index), touch);
  };
  const log = new RequestLog(Math.max(20, Math.min(500, Math.floor(maxLoggedRequests / identities.length))));
  const { origin: mode = "port" } = options;
  const originOf = (name: string): Origin => {
    const origin = origins.find(name);
    if (origin === undefined) throw unknownCluster(name);
    return origin;
  };
  const faults = new FaultRegistry(originOf, clock);
  const intercept = (origin: Origin, request: SimulatorRequest): PlainAnswer | undefined => {
    if (!(origin instanceof PathOrigin) || request.url.split("?")[0] !== "/openapi/v3") return undefined;
    tokens.check(origin.name, request.headers.authorization, false);
    return { status: 200, contentType: "application/json", text: origin.openApiIndex(engineOf(origin).catalog) };
  };
  const pipeline = new Pipeline({
    engineOf,
    siteOf: ({ name }) => sites.get(name),
    tokens,
    faults,
    log,
    clock,
    intercept,
  });
  const names = identities.map(({ name }) => name);
  const server = createSecureServers(
    authority,
    (origin, request, response) => void pipeline.handle(origins.serverOf(origin, request), request, response),
    mode === "ip" ? [...loopbackHosts, ...names.map((_, index) => addressOf(index))] : loopbackHosts,
  );
  const origins = new Origins({ mode, hubPort, clusters: names, sites: [...sites.keys()], connect: server.connect });
  const closeOrigins = async (): Promise<void> => {
    await origins.close();
    server.close();
    await archive?.close();
  };
  await origins.open().catch(async (error: unknown) => {
    server.close();
    await archive?.close();
    throw error;
  });

  const urlOf = (name: string): string => originOf(name).url;
  const clusters = identities.map(({ name }) => ({ name, url: urlOf(name) }));
  const registries = [...sites].map(([name, { repositories }]) => ({ name, url: urlOf(name), repositories }));
  const core = {
    clusters,
    registries,
    faults: {
      add: (rule: FaultRule): Promise<void> => {
        checkFaultHasListener(originOf(rule.cluster), rule);
        return faults.add(rule);
      },
      remove: (cluster: string) => faults.remove(cluster),
      list: () => faults.list(),
    },
    requests: log,
    connections: () => identities.map(({ name }) => ({ cluster: name, sockets: originOf(name).socketCount })),
    expected(name: string): ExpectedCluster {
      const index = indexes.get(name);
      if (index === undefined) throw unknownCluster(name);
      const transitions = faults.transitions(name);
      const truth = expectedOf(buildModel(keyAt(index), identityAt(index)));
      return transitions.length === 0 ? truth : { ...truth, transitions };
    },
  };
  let registration: Registration | undefined;
  const registered = (): Registration => {
    if (registration === undefined)
      throw new ClusterPulseError("NOT_REGISTERED", "the hub's API server was not told of the fleet");
    return registration;
  };
  const asRegistered = (identity: ClusterIdentity) => {
    const { name } = identity;
    return { identity, url: urlOf(name), token: tokens.of(name) };
  };
  const scenario = new Scenarios(
    {
      names,
      seed,
      breakCluster: core.faults.add,
      healCluster: async (cluster) => void (await core.faults.remove(cluster)),
      addCluster(cluster) {
        const identity = identityAt(indexes.get(cluster) as number);
        registerFleet(hub, [asRegistered(identity)], [], authority.caPem, registered());
      },
      removeCluster: (cluster) => unregisterCluster(hub, registered().namespace, cluster),
    },
    clock,
  );
  const admin = await startAdminServer({ ...core, scenario }).catch(async (error: unknown) => {
    await closeOrigins();
    throw error;
  });
  return {
    ...core,
    hub: {
      url: urlOf(hubName),
      create(object) {
        const { apiVersion, kind, metadata } = object;
        const isOf = (type: ResourceType): boolean => type.kind === kind && apiVersionOf(type) === apiVersion;
        const type = hub.catalog.types.find(isOf);
        if (type === undefined) {
          throw new ClusterPulseError("SIMULATED_KIND_UNKNOWN", `the hub's API serves no ${kind} of ${apiVersion}`);
        }
        hub.create(type, type.namespaced ? (metadata.namespace ?? "default") : "", object);
      },
    },
    admin: { url: admin.url, token: admin.token },
    kubeconfig: (current = hubName, { alone = false } = {}) => {
      if (sites.has(current)) throw unknownCluster(current);
      const url = urlOf(current);
      const servers = alone ? [{ name: current, url }] : [{ name: hubName, url: urlOf(hubName) }, ...clusters];
      return kubeconfigText(
        servers.map((one) => ({ ...one, token: tokens.of(one.name) })),
        authority.caPem,
        hubNamespace,
        current,
      );
    },
    register: (wanted) => {
      registration = wanted;
      const passwords = registries.map((registry) => ({ ...registry, password: tokens.of(registry.name) }));
      registerFleet(hub, identities.map(asRegistered), passwords, authority.caPem, wanted);
    },
    scenario,
    close: async () => {
      scenario.stop();
      await Promise.all([admin.close(), closeOrigins()]);
      await faults.clear();
    },
  };
}

const unknownCluster = (name: string): ClusterPulseError =>
  new ClusterPulseError(
    "SIMULATED_CLUSTER_UNKNOWN",
    `no simulated cluster is called ${JSON.stringify(name.slice(0, 100))}`,
  );
