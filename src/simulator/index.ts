// A fleet of simulated Kubernetes API servers in this process: one hub that is written to, and clusters and container registries that are
// generated from a seed, with faults to switch on and the truth to compare with. Everything listens on 127.0.0.1 only.
// It shares no code with what it tests: its ground truth is never computed by the code under test.
import { startAdminServer } from "./admin/server.ts";
import type { ChurnState } from "./churn/churn.ts";
import type { ChurnSettings } from "./churn/settings.ts";
import type { FaultRecord } from "./faults/registry.ts";
import type { FaultRule } from "./faults/rule.ts";
import { Directory, type RegistryIdentity } from "./fleet/directory.ts";
import { HubSide, type SimulatedObject } from "./fleet/hub-side.ts";
import { openServers } from "./fleet/servers.ts";
import type { RequestRecord } from "./http/request-log.ts";
import { checkOptions, type SimulatorOptions } from "./options.ts";
import { hubName } from "./origins.ts";
import { processReport } from "./process-report.ts";
import type { Registration } from "./register.ts";
import { type ScenarioOutline, Scenarios } from "./scenario/control.ts";
import type { ScenarioState } from "./scenario/run.ts";
import type { ExpectedCluster } from "./world/expected.ts";

export type { Clock } from "../support/clock.ts";
export { VirtualClock } from "../support/virtual-clock.ts";
export type { ChurnState } from "./churn/churn.ts";
export type { ChurnSettings } from "./churn/settings.ts";
export { type ChurnKind, churnKinds } from "./churn/stages.ts";
export type { FaultRecord } from "./faults/registry.ts";
export { type FaultName, type FaultParameters, type FaultRule, faultNames, parseFaultRule } from "./faults/rule.ts";
export type { RegistryIdentity } from "./fleet/directory.ts";
export type { SimulatedObject } from "./fleet/hub-side.ts";
export type { RequestRecord } from "./http/request-log.ts";
export type { SimulatorOptions } from "./options.ts";
export type { Registration } from "./register.ts";
export type { ExpectedCluster, ExpectedNode } from "./world/expected.ts";
export { type PresetName, presetNames } from "./world/profile.ts";

export interface SimulatedCluster {
  readonly name: string;
  readonly url: string;
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
    /** What is switched on, and how often each fired. */
    list(): readonly FaultRecord[];
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
  /** What happens in clusters by itself; see docs/simulator.md. */
  readonly churn: {
    /** Begins it, or goes on by other settings; chains that are under way go their way. Throws InvalidInputError that lists everything wrong. */
    set(settings: ChurnSettings): void;
    state(): ChurnState;
    /** Leaves everything as it is now. */
    stop(): void;
  };
  /** A timeline of faults, heals, churn and clusters that go and come back; YAML, see docs/simulator.md. */
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

/**
 * Starts the fleet; it serves when this resolves. Throws InvalidInputError, and ClusterPulseError LISTEN_FAILED and, with a data folder,
 * ARCHIVE_UNREADABLE.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  checkOptions(options);
  const { seed, preset = "small", origin: mode = "port", hubPort = 0 } = options;
  const side = await HubSide.open(options);
  const { identities, tokens, authority, clock, registries } = side;
  const servers = await openServers({
    ...{ seed, preset, mode, hubPort, tokens, authority, clock, registries },
    process: "1",
    hub: side.engine,
    clusters: identities.map((identity, index) => ({ identity, index })),
    fleetSize: identities.length,
  }).catch(async (error: unknown) => {
    await side.close();
    throw error;
  });
  const { faults, requests, expected, urlOf, clusters } = servers;
  const directory = new Directory(side, urlOf, options.hubNamespace);
  const scenario = new Scenarios(
    {
      names: identities.map(({ name }) => name),
      seed,
      breakCluster: faults.add,
      healCluster: async (cluster) => void (await faults.remove(cluster)),
      addCluster: (cluster) => directory.add(cluster),
      removeCluster: (cluster) => directory.remove(cluster),
      churn: servers.churn,
    },
    clock,
  );
  const { churn } = servers;
  const core = { clusters, registries: directory.registries, faults, requests, expected, churn, scenario };
  const closeServers = async (): Promise<void> => {
    await servers.close();
    await side.close();
  };
  const admin = await startAdminServer({ ...servers, ...core, directory, process: processReport }).catch(
    async (error: unknown) => {
      await closeServers();
      throw error;
    },
  );
  return {
    ...core,
    hub: { url: urlOf(hubName), create: (object) => side.create(object) },
    admin: { url: admin.url, token: admin.token },
    kubeconfig: (current = hubName, { alone = false } = {}) => directory.kubeconfig(current, alone),
    register: (wanted) => directory.register(wanted),
    close: async () => {
      scenario.stop();
      await Promise.all([admin.close(), closeServers()]);
    },
  };
}
