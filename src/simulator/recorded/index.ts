// A recorded fleet, served again: the endpoints of a folder in the recording layout on free ports of 127.0.0.1, and a hub's API with the
// recorded manifests applied, whose endpoints and authorities are those of this run. Names that are no loopback literals are not
// resolved by anybody: `hosts` says where they are, for the lookup of whoever connects.
import { existsSync, readFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "../../support/clock.ts";
import { FaultRegistry } from "../faults/registry.ts";
import { type Authority, loopbackHosts, mintAuthority } from "../http/certificates.ts";
import type { Engine } from "../http/engine.ts";
import { Origin } from "../http/listeners.ts";
import { Pipeline } from "../http/pipeline.ts";
import { RequestLog, type RequestRecord } from "../http/request-log.ts";
import { createSecureServers } from "../http/secure-server.ts";
import type { SimulatorRequest, SimulatorResponse } from "../http/sockets.ts";
import { HubEngine } from "../hub/engine.ts";
import { kubeconfigText } from "../kubeconfig.ts";
import { Tokens } from "../tokens.ts";
import { type Interceptor, interceptorOf } from "./answers.ts";
import { RecordedEngine } from "./engine.ts";
import { addressOf, authorityOf, hasScheme, isLoopbackLiteral, type RecordedEndpoint, readLayout } from "./layout.ts";
import {
  applyManifests,
  type Connection,
  connectionsIn,
  readManifests,
  renewSecrets,
  watchedNamespace,
} from "./manifests.ts";

export interface RecordedFleet {
  /** The hub's API: kubeconfig text with one context. Holds a credential. */
  kubeconfig(namespace: string): string;
  /** The namespace that the original watched: where most of the recorded custom resources are; `clusterpulse` when there are none. */
  readonly namespace: string;
  /** Names of the ClusterConnections that a hub polls: all but those that push. */
  readonly polledClusters: readonly string[];
  /**
   * What signed the certificates of clusters, but for those with another authority: a cluster whose Secret names none has no other, since
   * the original took any certificate there. Registries over https have another one: the original knew public authorities alone.
   */
  readonly caPem: string;
  /** Address of every endpoint's host that is a name. */
  readonly hosts: ReadonlyMap<string, string>;
  /** A text of this run with its endpoints as they are in the recording. */
  originalOf(text: string): string;
  /** The endpoint's recent requests, oldest first. */
  requests(endpoint: string): readonly RequestRecord[];
  /** An object of the hub's API as it is now; undefined when there is none. */
  object(resource: string, namespace: string, name: string): unknown;
  /** Gives every Secret of a ClusterConnection a new version with the same content, as a controller does; says of how many that are polled. */
  renewSecrets(): number;
  close(): Promise<void>;
}

const loopback = "127.0.0.1";
const hubName = "hub";
const crdFolder = fileURLToPath(new URL("../../../config/crd/", import.meta.url));
const loggedRequests = 2_000;

/** One for all fleets of a process: clients keep whom they trust for longer than a fleet is there. */
let authorityOfAll: Authority | undefined;

interface Served {
  readonly engine?: Engine;
  readonly intercept?: Interceptor;
}

/** The manifest says where fleet.json does not; what nobody says is https for a cluster, and http for a registry without TLS. */
function schemeOf(
  endpoint: string,
  what: RecordedEndpoint,
  users: readonly Connection[],
  isCluster: boolean,
): "http" | "https" {
  if (hasScheme(endpoint)) return addressOf(endpoint).scheme;
  const [user] = users.filter((one) => hasScheme(one.endpoint));
  if (user !== undefined) return addressOf(user.endpoint).scheme;
  return isCluster || "tls" in what ? "https" : "http";
}

/** Serves the folder. Throws ClusterPulseError RECORDING_UNREADABLE or LISTEN_FAILED, InvalidInputError, and ApiError for manifests that the API refuses. */
export async function startRecordedFleet(
  folder: string,
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<RecordedFleet> {
  const { endpoints } = readLayout(folder);
  const file = join(folder, "applied-manifests.yaml");
  const manifests = existsSync(file) ? readManifests(readFileSync(file, "utf8")) : [];
  const addresses = new Map([...endpoints.keys()].map((endpoint) => [endpoint, addressOf(endpoint)]));
  const declared = connectionsIn(manifests);
  const ofEndpoint = (endpoint: string): readonly Connection[] => {
    const { host, port } = addressOf(endpoint);
    return declared.filter((one) => one.host === host && one.port === port);
  };
  const names = [
    ...new Set([...addresses.values()].map(({ host }) => host).filter((host) => !isLoopbackLiteral(host))),
  ];
  authorityOfAll ??= mintAuthority();
  const authority = authorityOfAll;
  const hub = new HubEngine({ clock, crdFolder });
  const tokens = new Tokens();
  const log = new RequestLog(loggedRequests);
  const origins = new Map<string, Origin>();
  const served = new Map<string, Served>([[hubName, { engine: hub }]]);
  const engines = new Map<string, RecordedEngine>();
  const engineIn = (cluster: string): RecordedEngine => {
    let engine = engines.get(cluster);
    if (engine === undefined) {
      engine = new RecordedEngine(join(folder, cluster));
      engines.set(cluster, engine);
    }
    return engine;
  };

  for (const [endpoint, what] of endpoints) {
    const intercept = interceptorOf(what, folder, clock);
    served.set(endpoint, {
      ...("cluster" in what ? { engine: engineIn(what.cluster) } : {}),
      ...(intercept === undefined ? {} : { intercept }),
    });
  }

  const pipeline = new Pipeline({
    engineOf: ({ name }) => served.get(name)?.engine ?? hub,
    // Recorded servers took whatever token the recording's Secrets hold.
    tokens: { check: (server, header, isPublic) => server === hubName && tokens.check(server, header, isPublic) },
    faults: new FaultRegistry((name) => origins.get(name) as Origin, clock),
    log,
    clock,
    intercept: ({ name }, request) => served.get(name)?.intercept?.(request),
  });
  const handle = (origin: Origin, request: SimulatorRequest, response: SimulatorResponse): void =>
    void pipeline.handle(origin, request, response);
  const secure = createSecureServers(authority, handle, [...loopbackHosts, ...names]);
  const plainServers = new Map<Origin, ReturnType<typeof createHttpServer>>();
  const plainServer = (origin: Origin): ReturnType<typeof createHttpServer> => {
    let server = plainServers.get(origin);
    if (server === undefined) {
      server = createHttpServer((request, response) =>
        handle(origin, request as unknown as SimulatorRequest, response as unknown as SimulatorResponse),
      );
      server.on("clientError", (_error, socket) => socket.destroy());
      plainServers.set(origin, server);
    }
    return server;
  };
  const listen = async (name: string, scheme: "http" | "https"): Promise<Origin> => {
    const origin: Origin = new Origin(name, (socket, presentation) => {
      if (scheme === "https") secure.connect(socket, origin, presentation);
      else plainServer(origin).emit("connection", socket);
    });
    origins.set(name, origin);
    await origin.listen(0);
    return origin;
  };
  const close = async (): Promise<void> => {
    await Promise.all([...origins.values()].map((origin) => origin.close()));
    secure.close();
  };

  try {
    await listen(hubName, "https");
    for (const [endpoint, what] of endpoints) {
      const users = ofEndpoint(endpoint);
      const isCluster = "cluster" in what || users.some(({ kind }) => kind === "ClusterConnection");
      const origin = await listen(endpoint, schemeOf(endpoint, what, users, isCluster));
      if ("refuse" in what) await origin.refuse();
      const isOther = "tls" in what && what.tls === "other-ca" && users.every(({ hasAuthority }) => hasAuthority);
      if (isCluster ? isOther : users.length > 0) origin.present("unknownCa");
    }
    const here = (endpoint: string): string | undefined => {
      const wanted = addressOf(endpoint);
      for (const [key, { host, port }] of addresses) {
        if (host !== wanted.host || port !== wanted.port) continue;
        return `${isLoopbackLiteral(host) ? loopback : host}:${(origins.get(key) as Origin).port}`;
      }
      return undefined;
    };
    applyManifests(hub, manifests, { caPem: authority.caPem, here });
    const backwards = [...addresses].map(([key, { host }]): [string, string] => {
      const now = (origins.get(key) as Origin).port;
      const then = authorityOf(ofEndpoint(key)[0]?.endpoint ?? key);
      return [`${isLoopbackLiteral(host) ? loopback : host}:${now}`, then];
    });
    const namespace = watchedNamespace(manifests);
    return {
      namespace,
      polledClusters: declared
        .filter((one) => one.kind === "ClusterConnection" && one.namespace === namespace && !one.isPush)
        .map(({ name }) => name),
      caPem: authority.caPem,
      hosts: new Map(names.map((name) => [name, loopback])),
      kubeconfig: (namespace) => {
        const url = (origins.get(hubName) as Origin).url;
        return kubeconfigText([{ name: hubName, url, token: tokens.of(hubName) }], authority.caPem, namespace);
      },
      originalOf: (text) => backwards.reduce((result, [now, then]) => result.replaceAll(now, then), text),
      requests: (endpoint) => log.recent(endpoint),
      object: (resource, namespace, name) => {
        const type = hub.catalog.types.find((candidate) => candidate.resource === resource);
        return type === undefined ? undefined : hub.store.table(type).get(`${namespace}/${name}`)?.object;
      },
      renewSecrets: () => renewSecrets(hub, namespace),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
