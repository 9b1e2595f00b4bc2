// What a fleet shows of itself once its servers are open, in this process or in several: kubeconfigs, what the hub's API is told, scenarios
// and the admin API. It closes what it opened and nothing else.
import type { AdminSubject } from "../admin/routes.ts";
import { startAdminServer } from "../admin/server.ts";
import type { SimulatorOptions } from "../options.ts";
import { hubName } from "../origins.ts";
import type { Registration } from "../register.ts";
import { Scenarios } from "../scenario/control.ts";
import { Directory, type RegistryIdentity } from "./directory.ts";
import type { HubSide } from "./hub-side.ts";

/** All servers of a fleet. */
export interface FleetServers extends Omit<AdminSubject, "clusters" | "registries" | "scenario" | "directory"> {
  /** Throws SIMULATED_CLUSTER_UNKNOWN. */
  urlOf(name: string): string;
}

export interface Front {
  readonly hub: { readonly url: string };
  readonly clusters: readonly { readonly name: string; readonly url: string }[];
  readonly registries: readonly RegistryIdentity[];
  readonly admin: { readonly url: string; readonly token: string };
  readonly scenario: Scenarios;
  readonly snapshots: AdminSubject["snapshots"];
  /**
   * YAML text with the contexts `hub` and one per cluster, of which `current` (`hub` unless told) is the current one; with `alone` the
   * only one. Holds credentials.
   */
  kubeconfig(current?: string, options?: { readonly alone?: boolean }): string;
  /** Makes the hub's API server know every cluster and registry. What exists already is left as it is, but for addresses and credentials. */
  register(registration: Registration): void;
  close(): Promise<void>;
}

/** Throws ClusterPulseError LISTEN_FAILED. */
export async function openFront(
  side: HubSide,
  servers: FleetServers,
  { seed, hubNamespace }: SimulatorOptions,
): Promise<Front> {
  const { faults, churn, urlOf } = servers;
  const directory = new Directory(side, urlOf, hubNamespace);
  const { clusters, registries } = directory;
  const scenario = new Scenarios(
    {
      names: clusters.map(({ name }) => name),
      seed,
      async breakCluster(cluster, rules) {
        await faults.remove(cluster);
        for (const rule of rules) await faults.add(rule);
      },
      healCluster: async (cluster) => void (await faults.remove(cluster)),
      addCluster: (cluster) => directory.add(cluster),
      removeCluster: (cluster) => directory.remove(cluster),
      churn,
    },
    side.clock,
  );
  const snapshots: AdminSubject["snapshots"] = {
    ...servers.snapshots,
    async restore(name) {
      // It would go on to break what is put back.
      if ((await servers.snapshots.list()).some((one) => one.name === name)) scenario.close();
      await servers.snapshots.restore(name);
    },
  };
  const subject = { ...servers, snapshots, clusters, registries, scenario, directory };
  const { url, token, close } = await startAdminServer(subject);
  return {
    hub: { url: urlOf(hubName) },
    ...{ clusters, registries, scenario, snapshots },
    admin: { url, token },
    kubeconfig: (current = hubName, { alone = false } = {}) => directory.kubeconfig(current, alone),
    register: (registration) => directory.register(registration),
    async close() {
      scenario.close();
      await close();
    },
  };
}
