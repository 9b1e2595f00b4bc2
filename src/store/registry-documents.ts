// From a registry's domain values to the documents that store them: keys, JSON member names and TTL classes of the original, with more
// members beside them. Pure.
import { rfc3339 } from "../support/clock.ts";
import type { Document } from "./document.ts";
import { clusterEventsChannel } from "./keys.ts";

/** The set of the names of all registries that readers see. */
export const allRegistriesKey = "registries:all";

export const registryKeys = {
  prefix: (registry: string): string => `registry:${registry}:`,
  spec: (registry: string): string => `registry:${registry}:spec`,
  status: (registry: string): string => `registry:${registry}:status`,
  meta: (registry: string): string => `registry:${registry}:meta`,
  metrics: (registry: string): string => `registry:${registry}:metrics`,
  latest: (registry: string): string => `registry:${registry}:metrics:latest`,
  /** Shared with a cluster of the same name, as in the original. */
  events: (registry: string): string => `events:${registry}`,
} as const;

/** The registry that a changed key belongs to; undefined for any other key. */
export function registryOfKey(key: string): string | undefined {
  // Nearly every key that changes is a cluster's.
  if (!key.startsWith("registry:")) return undefined;
  const [, registry, part] = key.split(":");
  return part === undefined ? undefined : registry;
}

export interface RegistrySpecValue {
  readonly displayName?: string | undefined;
  readonly endpoint: string;
  readonly type?: string | undefined;
  readonly insecure?: boolean | undefined;
  readonly skipTLSVerify?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly monitoring?:
    | {
        readonly interval?: number | undefined;
        readonly timeout?: number | undefined;
        readonly checkCatalog?: boolean | undefined;
        readonly maxCatalogEntries?: number | undefined;
      }
    | undefined;
  readonly credentialsRef?: { readonly name: string; readonly namespace?: string | undefined } | undefined;
}

/** The registry as its owner declared it. */
export function registrySpec(registry: string, spec: RegistrySpecValue): Document[] {
  const { monitoring, credentialsRef } = spec;
  const value = {
    display_name: spec.displayName ?? "",
    endpoint: spec.endpoint,
    type: spec.type ?? "",
    insecure: spec.insecure ?? false,
    skip_tls: spec.skipTLSVerify ?? false,
    labels: spec.labels ?? {},
    monitoring: {
      interval: monitoring?.interval ?? 0,
      timeout: monitoring?.timeout ?? 0,
      check_catalog: monitoring?.checkCatalog ?? false,
      max_catalog_entries: monitoring?.maxCatalogEntries ?? 0,
    },
    ...(credentialsRef && {
      credentials_ref: { name: credentialsRef.name, namespace: credentialsRef.namespace ?? "" },
    }),
  };
  return [text(registryKeys.spec(registry), value, null)];
}

/** Times are epoch milliseconds. */
export interface RegistryStatusValue {
  readonly available: boolean;
  readonly responseTimeMs: number;
  readonly version: string;
  readonly repositoryCount: number;
  readonly isCatalogComplete: boolean;
  readonly features: Readonly<Record<string, boolean>>;
  readonly repositories: readonly string[];
  /** Why it is not available or no use; empty: nothing is wrong. */
  readonly error: string;
  readonly health: string;
  readonly reason: string;
  readonly message: string;
  readonly missing: readonly string[];
  readonly breaker: string;
  readonly certificateExpiresAtMs: number | null;
  readonly canary: {
    readonly succeeded: boolean;
    readonly atMs: number;
    readonly manifestMs: number | null;
    readonly layerMs: number | null;
  } | null;
  /** Null: never checked. */
  readonly lastCheckMs: number | null;
  /** Later than this it is stale. */
  readonly staleAfterMs: number | null;
}

export interface RegistryTimes {
  readonly cacheTtlSeconds: number;
  readonly retentionSeconds: number;
}

/** The status; from this write on the registry is in the list that readers see. After a check also its point of the history. */
export function registryStatus(registry: string, status: RegistryStatusValue, times: RegistryTimes): Document[] {
  const { lastCheckMs, staleAfterMs, canary, certificateExpiresAtMs } = status;
  const value = {
    available: status.available,
    response_time: status.responseTimeMs,
    version: status.version,
    repository_count: status.repositoryCount,
    catalog_complete: status.isCatalogComplete,
    features: status.features,
    repositories: status.repositories,
    ...(lastCheckMs === null ? {} : { last_check: rfc3339(lastCheckMs) }),
    ...(status.error === "" ? {} : { error: status.error }),
    health: status.health,
    reason: status.reason,
    message: status.message,
    missing: status.missing,
    breaker: status.breaker,
    ...(certificateExpiresAtMs === null ? {} : { certificate_expires_at: rfc3339(certificateExpiresAtMs) }),
    ...(canary === null
      ? {}
      : {
          canary: {
            succeeded: canary.succeeded,
            at: rfc3339(canary.atMs),
            manifest_ms: canary.manifestMs,
            layer_ms: canary.layerMs,
          },
        }),
    ...(staleAfterMs === null ? {} : { stale_after: rfc3339(staleAfterMs) }),
  };
  const index: Document = { kind: "index", key: allRegistriesKey, add: [registry], remove: [] };
  // One that was never checked must not vanish while it waits.
  if (lastCheckMs === null) return [text(registryKeys.status(registry), value, null), index];
  const atSeconds = Math.floor(lastCheckMs / 1_000);
  const point = { available: status.available, response_time: status.responseTimeMs, timestamp: atSeconds };
  return [
    text(registryKeys.status(registry), value, times.cacheTtlSeconds),
    {
      kind: "hash",
      key: registryKeys.meta(registry),
      fields: { last_update: rfc3339(lastCheckMs), available: String(status.available) },
      ttlSeconds: null,
    },
    index,
    {
      kind: "series",
      key: registryKeys.metrics(registry),
      score: atSeconds,
      member: JSON.stringify(point),
      dropThroughScore: atSeconds - times.retentionSeconds,
      ttlSeconds: times.retentionSeconds,
    },
    text(registryKeys.latest(registry), point, times.cacheTtlSeconds),
  ];
}

export interface RegistryEventValue {
  readonly type: "registry.reconciled" | "registry.deleted";
  readonly atMs: number;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Whether something changed. Every event is published; only a transition enters the log. */
  readonly transition: boolean;
}

export function registryEvent(registry: string, { type, atMs, data, transition }: RegistryEventValue): Document[] {
  const entry = JSON.stringify({ type, cluster: registry, timestamp: rfc3339(atMs), data });
  const published: Document = { kind: "publish", channel: clusterEventsChannel, message: entry };
  if (!transition) return [published];
  const key = registryKeys.events(registry);
  return [published, { kind: "log", key, id: `${type}@${atMs}`, entry, maxEntries: 100, ttlSeconds: 86_400 }];
}

/** Takes the registry out of the list, removes everything it stored, and says so. Its event log ages out. */
export function registryDeleted(registry: string, atMs: number): Document[] {
  return [
    { kind: "index", key: allRegistriesKey, add: [], remove: [registry] },
    { kind: "delete-prefix", prefix: registryKeys.prefix(registry) },
    ...registryEvent(registry, { type: "registry.deleted", atMs, data: null, transition: true }),
  ];
}

function text(key: string, value: unknown, ttlSeconds: number | null): Document {
  return { kind: "string", key, value: JSON.stringify(value), ttlSeconds };
}
