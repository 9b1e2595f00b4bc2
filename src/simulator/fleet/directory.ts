// A fleet by address, once all of it serves: what clients are told of it in a kubeconfig, and what the hub's API is told of it.
import { ClusterPulseError } from "../../support/errors.ts";
import { kubeconfigText } from "../kubeconfig.ts";
import { hubName } from "../origins.ts";
import { connectionState, type Registration, registerFleet, unregisterCluster } from "../register.ts";
import type { ClusterIdentity } from "../world/profile.ts";
import type { HubSide } from "./hub-side.ts";
import { unknownCluster } from "./unknown-cluster.ts";

export interface RegistryIdentity {
  readonly name: string;
  readonly url: string;
  /** The truth about its catalog, in order. */
  readonly repositories: readonly string[];
}

/** Clusters, by name, that the hub's API is to know again, or no more. */
export interface MembershipChange {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

export class Directory {
  readonly registries: readonly RegistryIdentity[];
  readonly clusters: readonly { readonly name: string; readonly url: string }[];
  readonly #side: HubSide;
  readonly #hubNamespace: string;
  readonly #urlOf: (name: string) => string;
  readonly #byName: ReadonlyMap<string, ClusterIdentity>;
  #registration: Registration | undefined;

  /** @param urlOf of every server of the fleet; throws SIMULATED_CLUSTER_UNKNOWN */
  constructor(side: HubSide, urlOf: (name: string) => string, hubNamespace = "clusterpulse") {
    this.#side = side;
    this.#urlOf = urlOf;
    this.#hubNamespace = hubNamespace;
    this.#byName = new Map(side.identities.map((identity) => [identity.name, identity]));
    this.clusters = side.identities.map(({ name }) => ({ name, url: urlOf(name) }));
    this.registries = [...side.registries].map(([name, { repositories }]) => ({
      name,
      url: urlOf(name),
      repositories,
    }));
  }

  /** See Simulator.kubeconfig. */
  kubeconfig(current: string, alone: boolean): string {
    const { tokens, authority, registries } = this.#side;
    if (registries.has(current)) throw unknownCluster(current);
    const url = this.#urlOf(current);
    const hub = { name: hubName, url: this.#urlOf(hubName) };
    const servers = alone ? [{ name: current, url }] : [hub, ...this.clusters];
    return kubeconfigText(
      servers.map((one) => ({ ...one, token: tokens.of(one.name) })),
      authority.caPem,
      this.#hubNamespace,
      current,
    );
  }

  /** Makes the hub's API know every cluster and registry. */
  register(registration: Registration): void {
    this.#registration = registration;
    const { tokens } = this.#side;
    const registries = this.registries.map((registry) => ({ ...registry, password: tokens.of(registry.name) }));
    this.#register(this.#side.identities, registries, registration);
  }

  /** Registers a cluster again, in the same way. Throws NOT_REGISTERED when the fleet never was, STILL_LEAVING before it is gone. */
  add(cluster: string): void {
    const identity = this.#identityOf(cluster);
    this.#checkHasLeft(cluster);
    this.#register([identity], [], this.#registered());
  }

  /** Deletes what registering a cluster made. Throws NOT_REGISTERED, and ApiError when it is not there. */
  remove(cluster: string): void {
    unregisterCluster(this.#side.engine, this.#registered().namespace, this.#identityOf(cluster).name);
  }

  /** Does both for those that are not so yet, and names them. All or nothing is done where a name is unknown. Throws as add and remove. */
  change({ add = [], remove = [] }: MembershipChange): Required<MembershipChange> {
    const { namespace } = this.#registered();
    const state = (name: string) => connectionState(this.#side.engine, namespace, name);
    for (const name of [...add, ...remove]) this.#identityOf(name);
    for (const name of add) this.#checkHasLeft(name);
    const changed = {
      add: add.filter((name) => state(name) === "gone"),
      remove: remove.filter((name) => state(name) === "there"),
    };
    for (const name of changed.remove) this.remove(name);
    for (const name of changed.add) this.add(name);
    return changed;
  }

  #checkHasLeft(name: string): void {
    if (connectionState(this.#side.engine, this.#registered().namespace, name) !== "leaving") return;
    const why = `${name} is still leaving: its ClusterConnection waits for finalizers`;
    throw new ClusterPulseError("STILL_LEAVING", why);
  }

  #register(
    identities: readonly ClusterIdentity[],
    registries: Parameters<typeof registerFleet>[2],
    registration: Registration,
  ): void {
    const { engine, tokens, authority } = this.#side;
    const fleet = identities.map((identity) => ({
      identity,
      url: this.#urlOf(identity.name),
      token: tokens.of(identity.name),
    }));
    registerFleet(engine, fleet, registries, authority.caPem, registration);
  }

  #identityOf(name: string): ClusterIdentity {
    const identity = this.#byName.get(name);
    if (identity === undefined) throw unknownCluster(name);
    return identity;
  }

  #registered(): Registration {
    if (this.#registration === undefined)
      throw new ClusterPulseError("NOT_REGISTERED", "the hub's API server was not told of the fleet");
    return this.#registration;
  }
}
