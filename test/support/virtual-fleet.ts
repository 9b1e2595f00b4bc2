// A fleet in virtual time: the real hub tree, store and view over ports that a test scripts. Nothing here waits for real.
import { gzipSync } from "node:zlib";
import type { EventSeries } from "../../actors/event-writer/event-writer.ts";
import { type HubOptions, startHub } from "../../actors/hub/hub.ts";
import type { WatchedSource } from "../../actors/informer/informer.ts";
import type { RegistryConnector } from "../../actors/registry/link.ts";
import type { StatusTarget } from "../../actors/status-writer/status-writer.ts";
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections, metricSources, registryConnections, secrets } from "../../src/api/v1alpha1/resources.ts";
import type { Compute, Transport, TransportResponse } from "../../src/cluster/ports.ts";
import { KubeError, type TlsFailure } from "../../src/kube/errors.ts";
import type { RegistryCheck } from "../../src/registry/check.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import type { Cancel, Clock } from "../../src/support/clock.ts";
import { ClusterPulseError } from "../../src/support/errors.ts";
import { type Logger, silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { createFleetView } from "../../src/view/fleet.ts";
import { createInlineCompute } from "../../workers/inline.ts";

/** How long a busy server asks to be left alone. */
export const busyForMs = 200_000;

/** What fails, with the time until it does and what the real transport says of it then. */
const failures = {
  blackhole: [3_000, () => new KubeError("CONNECT_TIMEOUT", "no connection within 3 s")],
  refuse: [0, () => new KubeError("CONNECTION_REFUSED", "connection refused by 127.0.0.1:6443")],
  hang: [5_000, () => new KubeError("HEADERS_TIMEOUT", "no response headers within 5 s")],
  slowbody: [10_000, () => new KubeError("REQUEST_DEADLINE", "no complete answer within 10 s")],
  stalled: [5_000, () => new KubeError("BODY_TIMEOUT", "the answer stalled for 5 s")],
  reset: [0, () => new KubeError("CONNECTION_RESET", "connection closed before the answer was complete")],
  dns: [2_500, () => new KubeError("DNS_FAILED", "the host name api.one.example cannot be resolved")],
  noRoute: [0, () => new KubeError("HOST_UNREACHABLE", "no route to 192.0.2.1:6443")],
  tlsExpired: [0, () => tlsError("expired")],
  tlsWrongHost: [0, () => tlsError("wrongHost")],
  tlsUnknownCa: [0, () => tlsError("unknownCa")],
  tlsOther: [0, () => tlsError("other")],
  unauthorized: [0, () => new KubeError("UNAUTHORIZED", "the token was rejected", { httpStatus: 401 })],
  forbidden: [0, () => new KubeError("FORBIDDEN", "the credentials may not list pods", { httpStatus: 403 })],
  serverError: [0, () => new KubeError("SERVER_ERROR", "status 500", { httpStatus: 500 })],
  unavailable: [0, () => new KubeError("SERVER_ERROR", "status 503", { httpStatus: 503, retryAfterMs: 0 })],
  redirect: [0, () => new KubeError("REDIRECT_REFUSED", "redirects are not followed", { httpStatus: 302 })],
  tooLarge: [0, () => new KubeError("BODY_TOO_LARGE", "the answer is larger than 16 MiB")],
  busy: [0, () => new KubeError("RATE_LIMITED", "too many requests", { httpStatus: 429, retryAfterMs: busyForMs })],
  throws: [0, () => new TypeError("a bug in a library: token=canary-in-a-foreign-message")],
} as const satisfies Readonly<Record<string, readonly [afterMs: number, make: () => Error]>>;

const tlsError = (tlsFailure: TlsFailure): KubeError =>
  new KubeError("TLS_FAILED", `TLS failed: ${tlsFailure}`, { tlsFailure });

export type Behaviour = "healthy" | "latency" | "deaf" | "garbage" | "flap" | keyof typeof failures;
/** How long a flapping server is down, and up again, down first. */
const flapMs = { down: 45_000, up: 90_000 };

/** Virtual time that knows how many timers are waiting. */
class CountingClock extends VirtualClock {
  pendingTimers = 0;

  override setTimer(callback: () => void, delayMs: number): Cancel {
    let isPending = true;
    const settle = (): void => {
      if (isPending) this.pendingTimers--;
      isPending = false;
    };
    this.pendingTimers++;
    const cancel = super.setTimer(() => {
      settle();
      callback();
    }, delayMs);
    return () => {
      settle();
      cancel();
    };
  }
}

/** A watched kind that a test fills by hand. */
export class ScriptedSource implements WatchedSource {
  readonly synced = true;
  readonly #objects = new Map<string, unknown>();
  readonly #changed = new Set<string>();
  readonly #onChange: () => void;

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  set(key: string, object: unknown): void {
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    this.#changed.add(key);
    this.#onChange();
  }

  run(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  }

  takeChangedKeys(): readonly string[] {
    const keys = [...this.#changed];
    this.#changed.clear();
    return keys;
  }

  get(key: string): unknown {
    return this.#objects.get(key);
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }
}

const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) =>
    signal.addEventListener("abort", () => reject(new KubeError("ABORTED", "aborted")), { once: true }),
  );

const sleep = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.setTimer(resolve, ms));

const list = (kind: string, items: object[]): string =>
  JSON.stringify({ kind: `${kind}List`, apiVersion: "v1", metadata: { resourceVersion: "1" }, items });
const answers: readonly [string, string][] = [
  ["/version", JSON.stringify({ gitVersion: "v1.33.2", platform: "linux/amd64" })],
  ["/api/v1/namespaces", list("Namespace", [{ metadata: { name: "default" } }])],
  [
    "/api/v1/nodes",
    list("Node", [
      {
        metadata: { name: "n1" },
        status: {
          capacity: { cpu: "4", memory: "8Gi" },
          allocatable: { cpu: "4", memory: "8Gi" },
          conditions: [{ type: "Ready", status: "True" }],
        },
      },
    ]),
  ],
  [
    "/api/v1/pods",
    list("Pod", [
      {
        metadata: { name: "p1", namespace: "default" },
        spec: { nodeName: "n1", containers: [{ resources: { requests: { cpu: "500m" } } }] },
        status: { phase: "Running" },
      },
    ]),
  ],
  ["/apis/apps/v1/deployments", list("Deployment", [])],
];

/** A transport that behaves, or not, in virtual time. `seen` is called with the time and path of every request. */
function scriptedTransport(
  clock: Clock,
  behaviour: () => Behaviour,
  seen: (path: string) => void,
  latencyMs: number,
  items: (path: string) => object[] | undefined,
): Transport {
  return {
    async get(path, { signal }): Promise<TransportResponse> {
      seen(path);
      const how = behaviour();
      if (latencyMs > 0) await sleep(clock, latencyMs);
      if (how === "latency") await sleep(clock, 2_000);
      // Worse than any network: ignores even its signal. Only the run's deadline ends it.
      else if (how === "deaf") await new Promise(() => undefined);
      else if (how !== "healthy" && how !== "garbage") {
        const isUp = how === "flap" && clock.monotonicMs() % (flapMs.down + flapMs.up) >= flapMs.down;
        const [afterMs, make] = failures[how === "flap" ? "refuse" : how];
        if (!isUp) {
          if (afterMs > 0) await Promise.race([sleep(clock, afterMs), never(signal)]);
          throw make();
        }
      }
      const own = items(path);
      const usual = answers.find(([start]) => path.startsWith(start))?.[1];
      const body = own ? list(/^{"kind":"(\w+)List"/.exec(usual ?? "")?.[1] ?? "", own) : usual;
      // What a plain cluster does not serve, it does not know.
      if (body === undefined) throw new KubeError("NOT_FOUND", `not found: ${path}`, { httpStatus: 404 });
      return {
        status: 200,
        contentType: "application/json",
        encoding: "gzip",
        bytes: new Uint8Array(gzipSync(how === "garbage" ? body.slice(1) : body)),
        headersAfterMs: how === "latency" ? 2_000 : 5,
      };
    },
    close: () => Promise.resolve(),
  };
}

/** What a registry that is well answers now. */
export function healthyCheck(clock: Clock): RegistryCheck {
  return {
    checkedAtMs: clock.nowMs(),
    responseTimeMs: 20,
    version: "registry/2.0",
    features: { docker_v2_api: true },
    catalog: null,
    canary: null,
    problem: null,
    missing: [],
    certificateExpiresAtMs: null,
  };
}

function healthyRegistries(clock: Clock): RegistryConnector {
  const check = (): Promise<RegistryCheck> => Promise.resolve(healthyCheck(clock));
  return {
    connect: () => Promise.resolve({ client: { check, close: () => Promise.resolve() }, isProvisional: false }),
  };
}

/** Starts the hub on `names`, all healthy. */
export function startVirtualFleet(
  names: readonly string[],
  options: {
    seed?: number;
    log?: Logger;
    breakConnector?: (name: string) => void;
    latencyMs?: (name: string) => number;
    /** Stands in for the pool. */
    compute?: Compute;
    /** Answers this path with these items instead; undefined: as always. */
    items?: (cluster: string, path: string) => object[] | undefined;
    onRequest?: (cluster: string, path: string, atMs: number) => void;
    /** RegistryConnections beside the clusters; all of them are well. */
    registries?: readonly string[];
    /** Bounds and actor system of the hub, where a test takes something away. */
    hub?: Pick<HubOptions, "limits" | "createSystem" | "tuning" | "measures">;
  } = {},
) {
  const clock = new CountingClock();
  const store = createMemoryStore({ clock });
  const view = createFleetView({ store, clock });
  const behaviours = new Map<string, Behaviour>(names.map((name) => [name, "healthy"]));
  const pollsMs = new Map<string, number[]>(names.map((name) => [name, []]));
  const open = new Map<string, number>();
  const statuses = new Map<string, { target: StatusTarget; status: Record<string, unknown>; writes: number }>();
  const sources = new Map<string, ScriptedSource>();
  let storeIsDown = false;
  const events: EventSeries[] = [];
  const finalizers = { forbidden: false, patches: 0 };
  const hub = startHub({
    ...options.hub,
    // Every poll then begins with the same request, by which polls are told.
    limits: { versionKeepMs: 0, ...options.hub?.limits },
    clock,
    random: seededRandom(options.seed ?? 1),
    log: options.log ?? silentLogger,
    ports: {
      store: {
        ...store,
        apply: (documents, signal) =>
          storeIsDown ? Promise.reject(new ClusterPulseError("STORE_DOWN", "down")) : store.apply(documents, signal),
      },
      compute: options.compute ?? createInlineCompute(),
      createSources(onChange) {
        const watched = [
          clusterConnections,
          metricSources,
          ...(options.registries ? [registryConnections] : []),
          secrets,
        ];
        for (const { kind } of watched) sources.set(kind, new ScriptedSource(() => onChange(kind)));
        return sources;
      },
      connector: {
        connect(target) {
          options.breakConnector?.(target.name);
          open.set(target.name, (open.get(target.name) ?? 0) + 1);
          const transport = scriptedTransport(
            clock,
            () => behaviours.get(target.name) ?? "healthy",
            (path) => {
              if (path === "/version") pollsMs.get(target.name)?.push(clock.monotonicMs());
              options.onRequest?.(target.name, path, clock.monotonicMs());
            },
            options.latencyMs?.(target.name) ?? 0,
            (path) => options.items?.(target.name, path),
          );
          const close = (): Promise<void> => {
            open.set(target.name, (open.get(target.name) ?? 0) - 1);
            return Promise.resolve();
          };
          return Promise.resolve({ ...transport, close });
        },
      },
      ...(options.registries && { registryConnector: healthyRegistries(clock) }),
      finalizerPatcher: {
        patchFinalizers({ name, uid, resourceVersion }, wanted) {
          finalizers.patches++;
          const object = connection(name);
          if (finalizers.forbidden) return Promise.reject(new KubeError("FORBIDDEN", "forbidden", { httpStatus: 403 }));
          if (object === undefined) return Promise.reject(new KubeError("NOT_FOUND", "gone", { httpStatus: 404 }));
          const { metadata } = object;
          if (metadata.uid !== uid || metadata.resourceVersion !== resourceVersion)
            return Promise.reject(new KubeError("CONFLICT", "changed", { httpStatus: 409 }));
          keep(name, { ...object, metadata: { ...metadata, finalizers: wanted } });
          return Promise.resolve();
        },
      },
      eventPoster: {
        post: (series) => {
          events.push(series);
          return Promise.resolve();
        },
      },
      statusPatcher: {
        patch(target, status) {
          const former = statuses.get(target.name);
          // As a merge patch does: members that are not named stay.
          statuses.set(target.name, {
            target,
            status: { ...former?.status, ...status },
            writes: (former?.writes ?? 0) + 1,
          });
          return Promise.resolve();
        },
      },
    },
  });
  const source = (kind: string): ScriptedSource => sources.get(kind) as ScriptedSource;
  const connection = (name: string) => source(clusterConnections.kind).get(`hubs/${name}`) as KubeObject | undefined;
  let version = 0;
  /** Stores an object as the API server does: with a new version, or not at all once it is deleted and nobody holds it. */
  const keep = (name: string, object: KubeObject): void => {
    const { metadata } = object;
    const isGone = metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length;
    const stored = { ...object, metadata: { ...metadata, resourceVersion: `${++version}` } };
    source(clusterConnections.kind).set(`hubs/${name}`, isGone ? undefined : stored);
  };
  const declare = (
    name: string,
    change: { uid?: string; generation?: number; spec?: object; rawSpec?: object; finalizers?: string[] } = {},
  ): void => {
    const uid = change.uid ?? `uid-${name}`;
    const former = connection(name)?.metadata;
    const finalizers = change.finalizers ?? (former?.uid === uid ? former.finalizers : undefined);
    const object = {
      metadata: {
        name,
        namespace: "hubs",
        uid,
        generation: change.generation ?? 1,
        ...(finalizers && { finalizers }),
      },
      spec: change.rawSpec ?? {
        displayName: name,
        endpoint: "https://127.0.0.1:6443",
        credentialsRef: { name: `${name}-credentials` },
        ...change.spec,
      },
    };
    keep(name, object);
  };
  for (const name of names) declare(name);
  const declareRegistry = (name: string, generation = 1): void => {
    const metadata = { name, namespace: "hubs", uid: `uid-${name}`, generation };
    source(registryConnections.kind).set(`hubs/${name}`, { metadata, spec: { endpoint: `${name}.example` } });
  };
  for (const name of options.registries ?? []) declareRegistry(name);
  return {
    clock,
    hub,
    store,
    view,
    behaviours,
    pollsMs,
    open,
    statuses,
    declare,
    declareRegistry,
    events,
    finalizers,
    connection,
    /** As `kubectl delete` does: gone at once only if nobody holds it. */
    delete: (name: string) => {
      const object = connection(name) as KubeObject;
      const deletionTimestamp = new Date(clock.nowMs()).toISOString();
      keep(name, { ...object, metadata: { ...object.metadata, deletionTimestamp } });
    },
    /** A change that is none: a new version of the same object. */
    touch: (name: string) => {
      const object = connection(name);
      if (object !== undefined) keep(name, object);
    },
    /** The store refuses every batch, or takes them again. */
    breakStore: (broken: boolean) => {
      storeIsDown = broken;
    },
    /** Gone at once, whatever holds it. */
    remove: (name: string) => source(clusterConnections.kind).set(`hubs/${name}`, undefined),
    /** Creates or changes a MetricSource; undefined: it is gone. */
    declareSource: (name: string, spec: object | undefined, generation = 1, status?: object) => {
      const metadata = { name, namespace: "hubs", uid: `uid-${name}`, generation };
      source(metricSources.kind).set(`hubs/${name}`, spec && { metadata, spec, ...(status && { status }) });
    },
    setSecret: (name: string, resourceVersion: string) =>
      source(secrets.kind).set(`hubs/${name}-credentials`, {
        metadata: { name: `${name}-credentials`, namespace: "hubs", resourceVersion },
      }),
    /** A Secret whose reading throws: stands for any bug in a handler. */
    poisonSecret: (name: string) =>
      source(secrets.kind).set(`hubs/${name}-credentials`, {
        get metadata(): never {
          throw new TypeError("boom");
        },
      }),
    row: (name: string): Record<string, never> & Row => JSON.parse(view.cluster(name)?.bytes.toString() ?? "{}"),
    async stop() {
      const stopped = hub.stop(5_000);
      await clock.advance(6_000);
      view.close();
      await store.close();
      return stopped;
    },
  };
}

export interface Row {
  readonly status: { readonly health: string; readonly reason: string; readonly message: string };
  readonly metrics: Record<string, number>;
  readonly info: Record<string, string>;
  readonly asOf: string | null;
  readonly staleAfter: string | null;
  readonly missing: string[];
}
