// Registries in virtual time: the hub's tree, store and view over registries that a test scripts.
import type { EventSeries } from "../../actors/event-writer/event-writer.ts";
import { type Hub, startHub } from "../../actors/hub/hub.ts";
import type { RegistryConnector } from "../../actors/registry/link.ts";
import { clusterConnections, registryConnections, secrets } from "../../src/api/v1alpha1/resources.ts";
import { KubeError } from "../../src/kube/errors.ts";
import type { RegistryCheck } from "../../src/registry/check.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { createRegistriesView } from "../../src/view/registries.ts";
import { createInlineCompute } from "../../workers/inline.ts";
import { healthyCheck, ScriptedSource } from "./virtual-fleet.ts";

/** Of foreign messages: nobody may see it. */
export const secretText = "canary-secret-in-a-foreign-message";
/** What a registry does, and what is said of it. */
export const faults = {
  hang: { reason: "CheckTimeout" },
  refuse: { reason: "ConnectionRefused" },
  busy: { reason: "TooManyRequests" },
  broken: { reason: "ServerError" },
  throws: { reason: "Unexpected" },
  auth: { reason: "AuthFailed" },
} as const;
export type Fault = keyof typeof faults;

export interface RegistryRow {
  readonly name: string;
  readonly status: {
    readonly available: boolean;
    readonly health: string;
    readonly reason: string;
    readonly message: string;
    readonly breaker: string;
  };
  readonly asOf: string | null;
}

/**
 * Starts a hub on these registries, all well.
 * @param intervalSeconds of the specs; left to the default unless told
 * @param connecting awaited before a registry's client is made
 * @param checking awaited before it answers
 */
export function startRegistries(
  names: readonly string[],
  {
    intervalSeconds,
    connecting = () => undefined,
    checking = () => undefined,
  }: {
    intervalSeconds?: number | undefined;
    connecting?: (name: string, clock: VirtualClock) => Promise<void> | undefined;
    checking?: (name: string, clock: VirtualClock) => Promise<void> | undefined;
  } = {},
) {
  const clock = new VirtualClock();
  const store = createMemoryStore({ clock });
  const view = createRegistriesView({ store, clock });
  const broken = new Map<string, Fault>();
  const checksMs = new Map<string, number[]>(names.map((name) => [name, []]));
  const patches: string[] = [];
  const statuses = new Map<string, Readonly<Record<string, unknown>>>();
  const events: EventSeries[] = [];
  const sources = new Map<string, ScriptedSource>();
  const check = async (name: string): Promise<RegistryCheck> => {
    checksMs.get(name)?.push(clock.monotonicMs());
    await checking(name, clock);
    const good: RegistryCheck = {
      ...healthyCheck(clock),
      // Never the same: a steady state must not follow it.
      responseTimeMs: 20 + (clock.monotonicMs() % 7),
    };
    switch (broken.get(name)) {
      case undefined:
        return good;
      case "hang":
        return await new Promise(() => undefined);
      case "refuse":
        throw new KubeError("CONNECTION_REFUSED", "connection refused");
      case "busy":
        throw new KubeError("RATE_LIMITED", "too many", { httpStatus: 429, retryAfterMs: 200_000 });
      case "broken":
        throw new KubeError("SERVER_ERROR", "an error", { httpStatus: 500 });
      case "throws":
        throw new TypeError(secretText);
      case "auth":
        return { ...good, problem: { code: "AUTH_FAILED", reason: "AuthFailed", message: "not accepted" } };
    }
  };
  const connector: RegistryConnector = {
    async connect({ metadata }) {
      await connecting(metadata.name, clock);
      return {
        client: { check: () => check(metadata.name), close: () => Promise.resolve() },
        isProvisional: false,
      };
    },
  };
  const hub: Hub = startHub({
    clock,
    random: seededRandom(7),
    limits: { schedule: { minIntervalMs: 1_000 } },
    log: silentLogger,
    ports: {
      store,
      compute: createInlineCompute(),
      createSources(onChange) {
        for (const { kind } of [clusterConnections, registryConnections, secrets])
          sources.set(kind, new ScriptedSource(() => onChange(kind)));
        return sources;
      },
      connector: { connect: () => Promise.reject(new Error("no clusters here")) },
      registryConnector: connector,
      finalizerPatcher: { patchFinalizers: () => Promise.resolve() },
      eventPoster: { post: (series) => Promise.resolve(void events.push(series)) },
      statusPatcher: {
        patch({ name }, status) {
          patches.push(name);
          statuses.set(name, { ...statuses.get(name), ...status });
          return Promise.resolve();
        },
      },
    },
  });
  const declare = (name: string, object: object | undefined): void =>
    (sources.get(registryConnections.kind) as ScriptedSource).set(`hubs/${name}`, object);
  for (const name of names) {
    const metadata = { name, namespace: "hubs", uid: `uid-${name}`, generation: 1 };
    const monitoring = intervalSeconds === undefined ? {} : { monitoring: { interval: intervalSeconds } };
    declare(name, { metadata, spec: { endpoint: `${name}.example`, ...monitoring } });
  }
  return {
    clock,
    hub,
    view,
    broken,
    checksMs,
    patches,
    statuses,
    /** A Secret whose reading throws stands for any bug in a handler; undefined: mended. */
    setSecret: (key: string, object: object | undefined) =>
      (sources.get(secrets.kind) as ScriptedSource).set(key, object),
    events,
    declare,
    rows: () => view.registries().map(({ bytes }) => JSON.parse(bytes.toString()) as RegistryRow),
    async stop() {
      const stopped = hub.stop(5_000);
      await clock.advance(6_000);
      await stopped;
      view.close();
      await store.close();
    },
  };
}
