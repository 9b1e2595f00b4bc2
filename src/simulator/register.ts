// Makes the hub's API server know the fleet, as an operator would: a Namespace, and per cluster a Secret and a ClusterConnection.
import type { HubEngine } from "./hub/engine.ts";
import { keyOf } from "./hub/object.ts";
import { namespaceType, secretType } from "./kinds/types.ts";
import type { ClusterIdentity } from "./world/profile.ts";

export interface Registration {
  readonly namespace: string;
  /** Seconds between two collections; left to the hub's default unless given. */
  readonly intervalSeconds?: number;
}

export interface RegisteredCluster {
  readonly identity: ClusterIdentity;
  readonly url: string;
  readonly token: string;
}

/** Creates what is missing; what exists already is left as it is. */
export function registerFleet(
  hub: HubEngine,
  fleet: readonly RegisteredCluster[],
  caPem: string,
  { namespace, intervalSeconds }: Registration,
): void {
  const connectionType = hub.catalog.find("clusterpulse.io", "v1alpha1", "clusterconnections");
  if (connectionType === undefined) throw new Error("the CRD folder holds no ClusterConnection");
  const ensure = (type: typeof connectionType, where: string, name: string, body: object): void => {
    if (hub.store.table(type).get(keyOf(where, name)) === undefined) {
      hub.create(type, where, { ...body, metadata: { name } });
    }
  };
  ensure(namespaceType, "", namespace, {});
  const ca = Buffer.from(caPem).toString("base64");
  for (const { identity, url, token } of fleet) {
    const secretName = `${identity.name}-credentials`;
    const data = { token: Buffer.from(token).toString("base64"), "ca.crt": ca };
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
}

const words: Readonly<Record<string, string>> = { prod: "Production", stage: "Staging", dev: "Development" };

/** `prod-fra-03` reads `Production FRA 03`. */
function displayName({ name, environment, region }: ClusterIdentity): string {
  return `${words[environment] ?? environment} ${region.toUpperCase()} ${name.split("-").at(-1)}`;
}
