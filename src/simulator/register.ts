// Makes the hub's API server know the fleet, as an operator would: a Namespace, per cluster a Secret and a ClusterConnection, and per
// registry a Secret and a RegistryConnection.
import type { ResourceType } from "./http/catalog.ts";
import type { HubEngine } from "./hub/engine.ts";
import { type KubeObject, keyOf } from "./hub/object.ts";
import { namespaceType, secretType } from "./kinds/types.ts";
import { registryUser } from "./registry/registry.ts";
import type { ClusterIdentity } from "./world/profile.ts";

export interface Registration {
  readonly namespace: string;
  /** Seconds between two collections or checks; left to the hub's default unless given. */
  readonly intervalSeconds?: number;
}

export interface RegisteredCluster {
  readonly identity: ClusterIdentity;
  readonly url: string;
  readonly token: string;
}

export interface RegisteredRegistry {
  readonly name: string;
  readonly url: string;
  readonly password: string;
  readonly repositories: readonly string[];
}

/**
 * Creates what is missing; what exists already is left as it is, but where its servers are and how they are entered is made true:
 * a restart changes both.
 */
export function registerFleet(
  hub: HubEngine,
  fleet: readonly RegisteredCluster[],
  registries: readonly RegisteredRegistry[],
  caPem: string,
  { namespace, intervalSeconds }: Registration,
): void {
  const typeOf = (resource: string) => {
    const type = hub.catalog.find("clusterpulse.io", "v1alpha1", resource);
    if (type === undefined) throw new Error(`the CRD folder holds no ${resource}`);
    return type;
  };
  const connectionType = typeOf("clusterconnections");
  const registryType = typeOf("registryconnections");
  const ensure = (type: typeof connectionType, where: string, name: string, body: object): void => {
    if (hub.store.table(type).get(keyOf(where, name)) === undefined) {
      hub.create(type, where, { ...body, metadata: { name } });
      return;
    }
    const target = { type, namespace: where, name, subresource: "", dryRun: false, manager: "kube-apiserver" };
    hub.writer.patch(target, (current) => withTrueServer(current, body));
  };
  ensure(namespaceType, "", namespace, {});
  for (const { identity, url, token } of fleet) {
    const secretName = `${identity.name}-credentials`;
    const data = { token: base64(token), "ca.crt": base64(caPem) };
    ensure(secretType, namespace, secretName, { data });
    ensure(connectionType, namespace, identity.name, {
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "ClusterConnection",
      spec: {
        displayName: displayName(identity),
        endpoint: url,
        credentialsRef: { name: secretName },
        labels: { env: identity.environment, region: identity.region },
        collectionMode: "pull",
        ...(intervalSeconds === undefined ? {} : { monitoring: { interval: intervalSeconds } }),
      },
    });
  }
  for (const { name, url, password, repositories } of registries) {
    const secretName = `${name}-credentials`;
    const values = { username: registryUser, password, "ca.crt": caPem };
    const data = Object.fromEntries(Object.entries(values).map(([key, text]) => [key, base64(text)]));
    ensure(secretType, namespace, secretName, { data });
    ensure(registryType, namespace, name, {
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "RegistryConnection",
      spec: {
        displayName: `Registry ${name.split("-").at(-1)}`,
        endpoint: url,
        type: "distribution",
        credentialsRef: { name: secretName },
        monitoring: { checkCatalog: true, ...(intervalSeconds === undefined ? {} : { interval: intervalSeconds }) },
        canary: { repository: repositories[0] },
      },
    });
  }
}

interface Connection {
  readonly data?: unknown;
  readonly spec?: { readonly endpoint?: unknown };
}

function withTrueServer(current: KubeObject, { data, spec }: Connection): KubeObject {
  return {
    ...current,
    ...(data === undefined ? {} : { data }),
    ...(spec === undefined ? {} : { spec: { ...(current["spec"] as object), endpoint: spec.endpoint } }),
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Deletes what registerFleet made for one cluster. Throws ApiError when it is not there. */
export function unregisterCluster(hub: HubEngine, namespace: string, cluster: string): void {
  const connectionType = hub.catalog.find("clusterpulse.io", "v1alpha1", "clusterconnections");
  const remove = (type: ResourceType, name: string): void => {
    const target = { type, namespace, name, subresource: "", dryRun: false, manager: "kube-apiserver" };
    hub.writer.delete(target, {});
  };
  if (connectionType !== undefined) remove(connectionType, cluster);
  remove(secretType, `${cluster}-credentials`);
}

/** What became of a cluster's ClusterConnection: it may still wait for finalizers. */
export function connectionState(hub: HubEngine, namespace: string, cluster: string): "there" | "leaving" | "gone" {
  const type = hub.catalog.find("clusterpulse.io", "v1alpha1", "clusterconnections");
  const stored = type === undefined ? undefined : hub.store.table(type).get(keyOf(namespace, cluster));
  if (stored === undefined) return "gone";
  return stored.object.metadata.deletionTimestamp === undefined ? "there" : "leaving";
}

const words: Readonly<Record<string, string>> = { prod: "Production", stage: "Staging", dev: "Development" };

/** `prod-fra-03` reads `Production FRA 03`. */
function displayName({ name, environment, region }: ClusterIdentity): string {
  return `${words[environment] ?? environment} ${region.toUpperCase()} ${name.split("-").at(-1)}`;
}
