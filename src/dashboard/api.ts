// The page's side of the HTTP API: the shapes it reads and one function per request. The page shares no code with the
// server, so it believes nothing: members may be absent, and texts are shown as text only.

export type Health = "unhealthy" | "degraded" | "unknown" | "healthy";

/** One element of GET /api/v1/clusters, and the data of a `cluster` event. */
export interface ClusterRow {
  readonly name: string;
  readonly spec: {
    readonly displayName?: string;
    readonly endpoint?: string;
    readonly labels?: Readonly<Record<string, string>> | null;
    /** Seconds. */
    readonly monitoring?: { readonly interval?: number; readonly timeout?: number };
  };
  readonly info: { readonly version?: string; readonly platform?: string };
  readonly metrics: ClusterMetrics;
  readonly status: {
    readonly health?: string;
    readonly message?: string;
    readonly reason?: string;
    readonly last_check?: string;
  };
  readonly operator_count?: number;
  /** When the numbers were collected; null: never. */
  readonly asOf: string | null;
  /** Later than this the numbers are stale. */
  readonly staleAfter: string | null;
  /** The parts that the last successful collection could not get. */
  readonly missing: readonly string[];
}

/** Sums over one cluster; empty until the first collection. */
export interface ClusterMetrics {
  readonly nodes?: number;
  readonly nodes_ready?: number;
  readonly namespaces?: number;
  readonly pods?: number;
  readonly pods_running?: number;
  /** Cores. */
  readonly cpu_capacity?: number;
  /** Bytes. */
  readonly memory_capacity?: number;
  readonly deployments?: number;
}

/** One element of GET /api/v1/clusters/{name}/nodes, as far as the page shows it. */
export interface NodeRow {
  readonly name: string;
  readonly status: string;
  readonly roles: readonly string[];
  readonly cpu_capacity?: number;
  readonly memory_capacity?: number;
  /** Requested by pods, as a share of what is allocatable. */
  readonly cpu_usage_percent?: number;
  readonly memory_usage_percent?: number;
  readonly pods_running?: number;
  readonly pods_total?: number;
  readonly kubelet_version?: string;
}

/** One element of GET /api/v1/registries/status, as far as the page shows it. */
export interface RegistryRow {
  readonly name: string;
  readonly spec: { readonly display_name?: string; readonly endpoint?: string };
  readonly status: {
    readonly available?: boolean;
    readonly health?: string;
    readonly reason?: string;
    readonly message?: string;
    /** Milliseconds. */
    readonly response_time?: number;
    readonly certificate_expires_at?: string;
  };
  /** When it was last checked; null: never. */
  readonly asOf: string | null;
  /** Later than this the row is stale. */
  readonly staleAfter: string | null;
}

/** One element of GET /api/v1/metricsources, as far as the page shows it. */
export interface MetricSourceRow {
  readonly name: string;
  readonly namespace: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly status: {
    readonly message?: string;
    readonly resourcesCollected?: number;
    readonly lane?: string;
    readonly laneReason?: string;
    readonly fieldValidation: readonly { readonly field: string; readonly status: string; readonly message?: string }[];
    readonly cost?: {
      readonly cpuMs?: number;
      readonly storedBytes?: number;
      readonly topClusters?: readonly { readonly cluster: string; readonly cpuMs: number }[];
    };
    readonly conditions: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
  };
  /** How many clusters there are in each state. */
  readonly clusters: { readonly collected?: number } & Readonly<Record<string, number>>;
  /** The oldest of the values that make up the sums; null: there are none. */
  readonly asOf: string | null;
  /** Later than this the sums are stale. */
  readonly staleAfter: string | null;
  readonly partial: boolean;
}

/** One element of `perCluster` of GET /api/v1/metricsources/{namespace}/{name}. */
export interface SourceInCluster {
  readonly cluster: string;
  readonly resourceCount?: number;
  readonly truncated?: boolean;
  readonly lastError?: string;
  readonly aggregations?: Readonly<Record<string, unknown>> | null;
  readonly asOf?: string | null;
  readonly staleAfter?: string | null;
}

/** One actor as GET /api/v1/system/actors shows it. Times are epoch milliseconds. */
export interface ActorSnapshot {
  readonly path: string;
  readonly kind: string;
  readonly state: "starting" | "running" | "backoff" | "degraded" | "stopping";
  readonly mailbox: {
    readonly user: number;
    readonly system: number;
    readonly userCapacity: number;
    readonly systemCapacity: number;
    readonly highWater: number;
    readonly coalesced: number;
    readonly overflowed: number;
  };
  readonly processed: number;
  readonly restarts: number;
  readonly lastError: { readonly code: string; readonly message: string; readonly atMs: number } | null;
  readonly runs: readonly { readonly name: string; readonly startedAtMs: number; readonly deadlineAtMs: number }[];
  readonly skippedRuns: number;
  readonly skippedTicks: number;
  readonly nextTimerAtMs: number | null;
  readonly deadLetters: number;
  readonly facts?: { readonly breaker?: string };
}

export interface ActorsAnswer {
  readonly asOf: string;
  readonly actors: readonly ActorSnapshot[];
}

/** Ten seconds of collections of reachable clusters: how long after their turn they ended. */
export interface LatenessSample {
  readonly atMs: number;
  readonly cycles: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const requestDeadlineMs = 10_000;

/** A row as it came, with the members that were left out or null filled in. */
export function toClusterRow(value: Partial<ClusterRow> & { readonly name: string }): ClusterRow {
  return {
    name: value.name,
    spec: value.spec ?? {},
    info: value.info ?? {},
    metrics: value.metrics ?? {},
    status: value.status ?? {},
    asOf: value.asOf ?? null,
    staleAfter: value.staleAfter ?? null,
    missing: value.missing ?? [],
    ...(value.operator_count !== undefined && { operator_count: value.operator_count }),
  };
}

/** The row's health as one of the four the page knows; anything else is `unknown`. */
export function healthOf(row: ClusterRow): Health {
  return knownHealth(row.status.health);
}

/** One of the four healths the page knows; anything else is `unknown`. */
export function knownHealth(health: string | undefined): Health {
  return health === "healthy" || health === "degraded" || health === "unhealthy" ? health : "unknown";
}

/** The name people call the cluster by. */
export function displayNameOf(row: ClusterRow): string {
  return row.spec.displayName || row.name;
}

/** What to say of a request that was answered with `status`, in words that say what to do. */
export function explainStatus(status: number, detail = ""): string {
  if (status === 401) return "The hub wants a login (401). Sign in and reload the page.";
  if (status === 403) return "Your account may not see this (403). Ask the hub's owner for an access policy.";
  if (status === 404)
    return "The hub does not know this (404). It may have been removed, or the hub is an older version.";
  return `The hub answered ${status}${detail && `: ${detail}`}.`;
}

/** Thrown words are shown as they are; a failed fetch has none worth showing. */
export function explainFailure(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError") return "The hub did not answer within 10 s.";
  if (error instanceof SyntaxError) return "The hub sent something that is not JSON.";
  if (error instanceof TypeError) return "The hub cannot be reached.";
  return error instanceof Error ? error.message : "The request failed.";
}

async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const deadline = AbortSignal.timeout(requestDeadlineMs);
  const response = await fetch(path, {
    headers: { accept: "application/json" },
    signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
  });
  if (!response.ok) throw new Error(explainStatus(response.status, await errorText(response)));
  return (await response.json()) as T;
}

async function errorText(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const error = typeof body === "object" && body !== null && "error" in body ? body.error : "";
  return typeof error === "string" ? error.slice(0, 200) : "";
}

/** The whole fleet. All of these reject with an Error whose message may be shown; they give up after 10 s. */
export async function fetchClusters(signal?: AbortSignal): Promise<ClusterRow[]> {
  return (await getJson<ClusterRow[]>("api/v1/clusters", signal)).map(toClusterRow);
}

export function fetchNodes(cluster: string, signal?: AbortSignal): Promise<NodeRow[]> {
  return getJson(`api/v1/clusters/${encodeURIComponent(cluster)}/nodes`, signal);
}

export function fetchActors(signal?: AbortSignal): Promise<ActorsAnswer> {
  return getJson("api/v1/system/actors", signal);
}

export async function fetchLateness(signal?: AbortSignal): Promise<readonly LatenessSample[]> {
  const { samples } = await getJson<{ samples?: readonly LatenessSample[] }>("api/v1/system/lateness", signal);
  return samples ?? [];
}

export async function fetchRegistries(signal?: AbortSignal): Promise<RegistryRow[]> {
  const rows = await getJson<(Partial<RegistryRow> & { readonly name: string })[]>("api/v1/registries/status", signal);
  return rows.map(({ name, spec = {}, status = {}, asOf = null, staleAfter = null }) => ({
    name,
    spec,
    status,
    asOf,
    staleAfter,
  }));
}

export async function fetchMetricSources(signal?: AbortSignal): Promise<MetricSourceRow[]> {
  type Answer = Partial<MetricSourceRow> & { readonly name: string };
  const rows = await getJson<Answer[]>("api/v1/metricsources", signal);
  return rows.map(({ name, status, ...row }) => ({
    name,
    namespace: row.namespace ?? "",
    apiVersion: row.apiVersion ?? "",
    kind: row.kind ?? "",
    status: {
      ...status,
      conditions: status?.conditions ?? [],
      fieldValidation: status?.fieldValidation ?? [],
    },
    clusters: row.clusters ?? {},
    asOf: row.asOf ?? null,
    staleAfter: row.staleAfter ?? null,
    partial: row.partial ?? false,
  }));
}

/** What the MetricSource gave in each cluster. */
export async function fetchMetricSource(
  namespace: string,
  name: string,
  signal?: AbortSignal,
): Promise<readonly SourceInCluster[]> {
  const path = [namespace, name].map(encodeURIComponent).join("/");
  const { perCluster = [] } = await getJson<{ readonly perCluster?: readonly SourceInCluster[] }>(
    `api/v1/metricsources/${path}`,
    signal,
  );
  return perCluster;
}
