// Joins the tree to a real hub API: what it watches there, how a cluster's own Secret becomes a connection, how statuses are
// written. One transport to the hub's API serves all of it.
import { isIP } from "node:net";
import { clusterServer } from "../../src/api/v1alpha1/cluster-connection.ts";
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import {
  clusterConnections,
  group,
  metricSources,
  type ResourceType,
  registryConnections,
  resourcePath,
  secrets,
  version,
} from "../../src/api/v1alpha1/resources.ts";
import { createEndpointPolicy, type EndpointPolicy, specialAddress } from "../../src/kube/endpoint-policy.ts";
import { runsInPod } from "../../src/kube/kubeconfig.ts";
import { objectSource, Reflector } from "../../src/kube/reflector.ts";
import { createResolver, type Resolve } from "../../src/kube/resolver.ts";
import { readSecretCredentials } from "../../src/kube/secret-credentials.ts";
import { patchStatus } from "../../src/kube/status-patch.ts";
import { createTransport, type KubeTransport, type TransportLimits } from "../../src/kube/transport.ts";
import type { Clock } from "../../src/support/clock.ts";
import type { Logger } from "../../src/support/log.ts";
import type { Random } from "../../src/support/random.ts";
import type { FinalizerPatcher } from "../cluster/finalizers.ts";
import type { Connector } from "../cluster/link.ts";
import { waitMsOf } from "../cluster/schedule.ts";
import { kubernetesEventPoster } from "../event-writer/kubernetes.ts";
import type { WatchedSource } from "../informer/informer.ts";
import type { StatusPatcher } from "../status-writer/status-writer.ts";
import type { HubPorts } from "./hub.ts";
import { registryConnector } from "./registries.ts";
import { SecretReads } from "./secret-reads.ts";

export interface KubernetesOptions {
  /** The hub's own API. */
  readonly hub: KubeTransport;
  /** The one namespace that is watched. */
  readonly namespace: string;
  readonly userAgent: string;
  /**
   * Clusters on loopback are refused. The default is what the environment says of a pod, unless the hub's own API is on loopback too:
   * then everything is on one machine on purpose, as in a demonstration or a test.
   */
  readonly insideCluster?: boolean;
  /** Deadlines towards clusters; the whole request's comes from each cluster's spec. */
  readonly clusterLimits?: Partial<TransportLimits>;
  /** Resolves the host names of clusters; the system's name servers unless told. */
  readonly resolve?: Resolve;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** The Kubernetes side of the hub's ports. */
export function kubernetesPorts(
  options: KubernetesOptions,
): Pick<
  HubPorts,
  "createSources" | "connector" | "registryConnector" | "statusPatcher" | "finalizerPatcher" | "eventPoster"
> {
  const endpointPolicy = endpointPolicyOf(options);
  const secretReads = new SecretReads(options.clock);
  return {
    createSources: (onChange) =>
      new Map([
        [clusterConnections.kind, watched(options, clusterConnections, false, onChange)],
        [registryConnections.kind, watched(options, registryConnections, false, onChange)],
        [metricSources.kind, watched(options, metricSources, false, onChange)],
        // Names and versions only: a cluster's actor alone reads its own Secret, when it connects.
        [secrets.kind, watched(options, secrets, true, onChange)],
      ]),
    connector: secretConnector(options, endpointPolicy, secretReads),
    registryConnector: registryConnector({ ...options, endpointPolicy, secretReads }),
    statusPatcher: statusPatcher(options.hub),
    finalizerPatcher: finalizerPatcher(options.hub),
    eventPoster: kubernetesEventPoster(options.hub),
  };
}

function watched(
  { hub, namespace, clock, random, log }: KubernetesOptions,
  type: ResourceType,
  metadataOnly: boolean,
  onChange: (kind: string) => void,
): WatchedSource {
  const source = objectSource<KubeObject>(hub, resourcePath(type, { namespace }), { metadataOnly });
  const reflector = new Reflector({
    name: type.plural,
    source,
    clock,
    random,
    log,
    onChange: () => onChange(type.kind),
  });
  return {
    get synced() {
      return reflector.state.synced;
    },
    run: (signal) => reflector.run(signal),
    takeChangedKeys: () => reflector.takeChanges().map(({ key }) => key),
    get: (key) => reflector.get(key),
    keys: () => reflector.keys(),
  };
}

/** One for all clusters and registries, so that they share its resolver. */
function endpointPolicyOf(options: KubernetesOptions): EndpointPolicy {
  const {
    clock,
    insideCluster = runsInPod(process.env) && !isOnLoopback(options.hub.server),
    resolve = createResolver({ clock }),
  } = options;
  return createEndpointPolicy({ insideCluster, resolve });
}

function secretConnector(
  options: KubernetesOptions,
  endpointPolicy: EndpointPolicy,
  secretReads: SecretReads,
): Connector {
  const { hub, userAgent, clusterLimits, clock } = options;
  return {
    async connect({ namespace, endpoint, credentialsRef }, schedule, signal) {
      const reference = { namespace: credentialsRef.namespace ?? namespace, name: credentialsRef.name };
      const read = () => readSecretCredentials(hub, reference, clusterServer(endpoint), signal);
      const credentials = await secretReads.read(read, waitMsOf(schedule), signal);
      const { requestTimeoutMs, intervalMs } = schedule;
      return createTransport(
        credentials,
        { ...clusterLimits, requestTimeoutMs, keepAliveMs: 3 * intervalMs },
        userAgent,
        clock,
        endpointPolicy,
      );
    },
  };
}

function isOnLoopback(server: string): boolean {
  const host = new URL(server).hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || (isIP(host) !== 0 && specialAddress(host) === "loopback");
}

/** The group's resources that have a status the hub writes, by plural. */
const typeOf = (plural: string): ResourceType => ({ group, version, kind: "", plural });

function statusPatcher(hub: KubeTransport): StatusPatcher {
  return {
    async patch({ resource, namespace, name, uid }, status, signal) {
      const path = resourcePath(typeOf(resource), { namespace, name, subresource: "status" });
      await patchStatus(hub, path, { ...status }, { signal, uid });
    },
  };
}

function finalizerPatcher(hub: KubeTransport): FinalizerPatcher {
  return {
    async patchFinalizers({ namespace, name, uid, resourceVersion }, finalizers, signal) {
      await hub.requestJson("PATCH", resourcePath(clusterConnections, { namespace, name }), {
        body: { metadata: { uid, resourceVersion, finalizers } },
        contentType: "application/merge-patch+json",
        signal,
        maxBytes: 4 << 20,
      });
    },
  };
}
