// A fleet of simulated Kubernetes API servers in this process: one hub that is written to, and clusters and container registries that are
// generated from a seed, with faults to switch on and the truth to compare with. Everything listens on 127.0.0.1 only.
// It shares no code with what it tests: its ground truth is never computed by the code under test.
import type { ClockControl } from "./advancing-clock.ts";
import type { ChurnState } from "./churn/churn.ts";
import type { ChurnSettings } from "./churn/settings.ts";
import type { FaultRecord } from "./faults/registry.ts";
import type { FaultRule } from "./faults/rule.ts";
import { type Front, openFront } from "./fleet/front.ts";
import { HubSide, type SimulatedObject } from "./fleet/hub-side.ts";
import { openServers } from "./fleet/servers.ts";
import type { RequestRecord } from "./http/request-log.ts";
import { checkOptions, type SimulatorOptions } from "./options.ts";
import { processReport } from "./process-report.ts";
import type { ScenarioOutline } from "./scenario/control.ts";
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

export interface Simulator
  extends Pick<Front, "clusters" | "registries" | "admin" | "kubeconfig" | "register" | "snapshots"> {
  readonly hub: {
    readonly url: string;
    /** Creates an object by the rules of the API, as the server itself. Throws an error with the API's refusal as message. */
    create(object: SimulatedObject): void;
  };
  readonly faults: {
    /**
     * Switches the fault on, behind those that the cluster or registry has, or in the place of that with the same id; of each request the
     * first that matches holds. Throws SIMULATED_CLUSTER_UNKNOWN, and InvalidInputError where it cannot stand beside the others; `hub`
     * names the hub's API server.
     */
    add(rule: FaultRule): Promise<void>;
    /** Ends the one with the id, or all: the cluster serves again once this resolves. False when there was none. Throws SIMULATED_CLUSTER_UNKNOWN. */
    remove(cluster: string, id?: string): Promise<boolean>;
    /** What is switched on, the rules of each cluster in their order, and how often each fired. */
    list(): readonly FaultRecord[];
  };
  readonly requests: {
    /** Requests that ever arrived at the cluster. */
    count(cluster: string): number;
    /** The cluster's recent requests, oldest first; at most a few hundred. */
    recent(cluster: string): readonly RequestRecord[];
  };
  /** The truth about a cluster. Throws SIMULATED_CLUSTER_UNKNOWN. */
  expected(cluster: string): ExpectedCluster;
  /** What happens in clusters by itself; see docs/simulator.md. */
  readonly churn: {
    /** Begins it, or goes on by other settings; chains that are under way go their way. Throws InvalidInputError that lists everything wrong. */
    set(settings: ChurnSettings): void;
    /** Lets happen what a trace tells, line by line; 2 plays it in half the time. Throws InvalidInputError, and SIMULATED_CLUSTER_UNKNOWN. */
    replay(trace: string, speed?: number): void;
    state(): ChurnState;
    /** Leaves everything as it is now. */
    stop(): void;
  };
  /** The simulator's own time, which is the machine's unless it was given a clock. */
  readonly clock: ClockControl;
  /** A timeline of faults, heals, churn and clusters that go and come back; YAML, see docs/simulator.md. */
  readonly scenario: {
    /** Begins it in place of one that is under way. Throws InvalidInputError that lists everything wrong. */
    start(yaml: string): ScenarioOutline;
    /** Of the newest one; null: there was none. */
    state(): ScenarioState | null;
    /** Leaves everything as it is now, but for churn, which is again what it was before the scenario. */
    stop(): Promise<void>;
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
  const { faults, requests, expected, churn, clock: clockControl } = servers;
  const closeServers = async (): Promise<void> => {
    await servers.close();
    await side.close();
  };
  const front = await openFront(side, { ...servers, process: processReport }, options).catch(async (error: unknown) => {
    await closeServers();
    throw error;
  });
  return {
    ...front,
    ...{ faults, requests, expected, churn, clock: clockControl },
    hub: { ...front.hub, create: (object) => side.create(object) },
    close: async () => void (await Promise.all([front.close(), closeServers()])),
  };
}
