// The status of a MetricSource, from what its clusters last gave: the legacy members that existing tools read, and conditions. Pure.
// While nothing changes but times, durations and costs, the status stays as it is, to the byte, until a refresh is due: so a steady
// source causes no writes.
import type { Condition } from "../api/v1alpha1/meta.ts";
import type { MetricSourceStatus } from "../api/v1alpha1/metric-source.ts";
import { conditionsFrom, maxMessageLength, type Verdict } from "../reconcile/index.ts";
import { rfc3339 } from "../support/clock.ts";
import { durationText } from "./duration.ts";
import type { Quarantine } from "./quarantine.ts";
import { STRIKES } from "./quarantine.ts";

/** What one cluster's newest collection of the source came to. */
export interface ClusterOutcome {
  readonly cluster: string;
  /** `failed`: reached, but it gave nothing. `unreachable`: not asked. `pending`: not asked yet. */
  readonly state: "collected" | "failed" | "unreachable" | "pending";
  /** Of the last collection that succeeded; 0 without one. */
  readonly resources: number;
  readonly truncated: boolean;
  /** Why rows are lacking, or why there are none. */
  readonly problems: readonly string[];
  readonly durationMs: number;
  /** Epoch milliseconds; null: never. */
  readonly collectedAtMs: number | null;
  readonly cpuMs: number;
  readonly bytes: number;
  readonly objects: number;
  readonly storedBytes: number;
  /** By field, in the order of the definition: for how many rows its path led to a value. */
  readonly resolved: readonly number[];
  /** By computed value, in the order of the definition: for how many rows a limit stopped it. */
  readonly stopped: readonly number[];
  /** Its runs there were stopped so often that it is left alone there for a while. */
  readonly isQuarantined: boolean;
}

/** Of a cluster that was never collected: what is added is its name and why. */
export const neverCollected: Omit<ClusterOutcome, "cluster" | "state"> = {
  resources: 0,
  truncated: false,
  problems: [],
  durationMs: 0,
  collectedAtMs: null,
  cpuMs: 0,
  bytes: 0,
  objects: 0,
  storedBytes: 0,
  resolved: [],
  stopped: [],
  isQuarantined: false,
};

export interface SourceStatusInput {
  /** Problems of the definition, each a sentence with its field; empty: it compiles. */
  readonly compileProblems: readonly string[];
  /** Field names in the order of the definition, with what was found of each when it was compiled. */
  readonly fields: readonly { readonly name: string; readonly warning?: string | undefined }[];
  /** Names of computed values in the order of the definition. */
  readonly computed: readonly string[];
  /** How its objects are read, and why not as protobuf; absent: it does not compile. */
  readonly lane?: { readonly lane: "protobuf" } | { readonly lane: "json"; readonly why: string } | undefined;
  readonly clusters: readonly ClusterOutcome[];
  readonly quarantine: Quarantine;
  /** Groups of the largest aggregate, and how many there may be; absent: nothing is grouped. */
  readonly groups?: { readonly most: number; readonly limit: number } | undefined;
  /** The status as it stands, for transition times and for members that need no refresh. */
  readonly previous: MetricSourceStatus | undefined;
  readonly observedGeneration: number | undefined;
  readonly nowMs: number;
  /** Times, durations and costs are brought up to date this often. */
  readonly refreshMs: number;
}

type Fields = NonNullable<MetricSourceStatus["fieldValidation"]>;

const maxNamed = 3;
/** The share of the limit on groups from which on the owner is warned. */
const groupsWarning = 0.8;

/** The status to be written: the previous one while nothing is news. @param fresh currentStatus(input), where it is known */
export function sourceStatus(input: SourceStatusInput, fresh = currentStatus(input)): MetricSourceStatus {
  const { previous, nowMs, refreshMs } = input;
  const lastMs = Date.parse(previous?.lastCollectionTime ?? "");
  const isDue = !(nowMs - lastMs < refreshMs);
  if (previous === undefined || isDue || steady(fresh) !== steady(previous)) return fresh;
  return previous;
}

/** What of a status is news when it changes. */
function steady(status: MetricSourceStatus): string {
  const { lastCollectionTime: _time, lastCollectionDuration: _duration, cost: _cost, ...rest } = status;
  return JSON.stringify(rest, (_name, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** Whether anything became better or worse, beyond the number of resources. */
export function isTransition(before: MetricSourceStatus | undefined, after: MetricSourceStatus): boolean {
  const state = ({ phase, clustersCollected, errorsLastRun, conditions = [] }: MetricSourceStatus): string =>
    JSON.stringify([
      phase,
      clustersCollected,
      errorsLastRun,
      conditions.map(({ type, status, reason }) => [type, status, reason]),
    ]);
  return before === undefined || state(before) !== state(after);
}

/** What readers need to know of the sums: what they are made of, what is lacking, how old the oldest part is. */
export interface SourceCoverage {
  readonly clusters: Readonly<Record<ClusterOutcome["state"], number>>;
  readonly missing: readonly string[];
  /** Epoch milliseconds; null: there are no sums. */
  readonly oldestMs: number | null;
}

export function coverageOf(outcomes: readonly ClusterOutcome[]): SourceCoverage {
  const clusters = { collected: 0, failed: 0, unreachable: 0, pending: 0 };
  const missing: string[] = [];
  let oldestMs: number | null = null;
  for (const { cluster, state, problems, truncated, collectedAtMs } of outcomes) {
    clusters[state]++;
    if (state !== "collected" || problems.length > 0 || truncated) missing.push(cluster);
    if (state === "collected" && collectedAtMs !== null) oldestMs = Math.min(oldestMs ?? collectedAtMs, collectedAtMs);
  }
  return { clusters, missing, oldestMs };
}

/** The status as of now. */
export function currentStatus(input: SourceStatusInput): MetricSourceStatus {
  const { compileProblems, clusters, previous, observedGeneration, nowMs, lane } = input;
  const observed = observedGeneration === undefined ? {} : { observedGeneration };
  const having = (state: ClusterOutcome["state"]): readonly ClusterOutcome[] =>
    clusters.filter((cluster) => cluster.state === state);
  const collected = having("collected");
  const errors = having("failed").length + collected.filter(({ problems }) => problems.length > 0).length;
  const isBroken = compileProblems.length > 0;
  const isFailing = collected.length === 0 && having("failed").length > 0;
  const waiting = isBroken ? undefined : waitingFor(clusters);
  const newestMs = Math.max(...clusters.map(({ collectedAtMs }) => collectedAtMs ?? 0), 0);
  const problem = isBroken ? compileProblems.join("; ") : (having("failed")[0]?.problems[0] ?? "");
  return {
    ...observed,
    phase: isBroken || isFailing ? "Error" : "Active",
    ...(newestMs === 0
      ? {}
      : {
          lastCollectionTime: rfc3339(newestMs),
          lastCollectionDuration: durationText(Math.max(...collected.map(({ durationMs }) => durationMs), 0)),
        }),
    resourcesCollected: sum(collected, ({ resources }) => resources),
    clustersCollected: collected.length,
    errorsLastRun: isBroken ? 1 : errors,
    message:
      isBroken || isFailing
        ? problem.slice(0, maxMessageLength)
        : waiting !== undefined
          ? waiting.message
          : errors > 0
            ? `Collected with ${errors} ${errors === 1 ? "error" : "errors"}`
            : "Collection successful",
    ...(isBroken ? {} : { fieldValidation: fieldsOf(input, collected) }),
    ...(isBroken || lane === undefined ? {} : { lane: lane.lane, laneReason: lane.lane === "json" ? lane.why : "" }),
    ...(collected.length === 0 ? {} : { cost: costOf(collected) }),
    conditions: conditionsFrom(verdicts(input), previous?.conditions ?? [], observedGeneration, nowMs),
  };
}

/** Why there is nothing to say of collections yet; undefined: there is, or there is no cluster. */
function waitingFor(clusters: readonly ClusterOutcome[]): { reason: string; message: string } | undefined {
  const has = (state: ClusterOutcome["state"]): boolean => clusters.some((cluster) => cluster.state === state);
  if (has("collected") || has("failed")) return undefined;
  if (has("pending")) return { reason: "Pending", message: "Waiting for the first collection" };
  return has("unreachable") ? { reason: "NoClusterReachable", message: "No cluster can be reached" } : undefined;
}

/** Of a source that no cluster is asked about. */
function notWorkedOn(reason: string, message: string): Verdict[] {
  const all = (status: Condition["status"]) => (type: string) => ({ type, status, reason, message });
  return [...["Ready", "Synced"].map(all("False")), all("Unknown")("Reachable"), all("True")("Degraded")];
}

/** The status of a source whose actor crashes in a loop. What was said of earlier collections stays, with its times. */
export function crashLoopingStatus(
  { previous, observedGeneration, nowMs }: Pick<SourceStatusInput, "previous" | "observedGeneration" | "nowMs">,
  code: string,
): MetricSourceStatus {
  const message =
    `The actor of this MetricSource crashes again and again (${code}): it is started again at growing intervals, and at once when the ` +
    "MetricSource is edited";
  return {
    ...previous,
    ...(observedGeneration === undefined ? {} : { observedGeneration }),
    phase: "Error",
    message,
    conditions: conditionsFrom(
      notWorkedOn("ActorCrashLooping", message),
      previous?.conditions ?? [],
      observedGeneration,
      nowMs,
    ),
  };
}

function verdicts(input: SourceStatusInput): Verdict[] {
  const { compileProblems, clusters, quarantine, groups } = input;
  if (compileProblems.length > 0) {
    return notWorkedOn("InvalidSpec", compileProblems.join("; "));
  }
  const of = (...states: ClusterOutcome["state"][]): ClusterOutcome[] =>
    clusters.filter(({ state }) => states.includes(state));
  const collected = of("collected");
  const failed = of("failed");
  const unreachable = of("unreachable");
  const lacking = [...failed, ...collected.filter(({ problems }) => problems.length > 0)];
  const resources = sum(collected, (cluster) => cluster.resources);
  const text = `Collected ${resources} resources from ${collected.length} clusters`;
  const why = named(lacking.map(({ cluster, problems }) => `${cluster}: ${problems[0] ?? ""}`));
  const waiting = waitingFor(clusters);
  const list: Verdict[] = [
    failed.length > 0 && collected.length === 0
      ? { type: "Ready", status: "False", reason: "CollectionFailed", message: why }
      : waiting !== undefined
        ? { type: "Ready", status: "Unknown", ...waiting }
        : { type: "Ready", status: "True", reason: "CollectionSuccessful", message: text },
  ];
  const unreached = named(unreachable.map(({ cluster }) => cluster));
  list.push(
    unreachable.length > 0 && collected.length + failed.length === 0
      ? { type: "Reachable", status: "False", reason: "NoClusterReachable", message: unreached }
      : {
          type: "Reachable",
          status: "True",
          reason: unreachable.length > 0 ? "SomeUnreachable" : "Reachable",
          message: unreachable.length > 0 ? `not reachable, their last values stay: ${unreached}` : "",
        },
  );
  const cut = collected.filter(({ truncated }) => truncated);
  list.push(
    lacking.length > 0
      ? { type: "Synced", status: "False", reason: "Incomplete", message: why }
      : cut.length > 0
        ? {
            type: "Synced",
            status: "False",
            reason: "Truncated",
            message: `more than maxResources in ${named(cut.map(({ cluster }) => cluster))}`,
          }
        : { type: "Synced", status: "True", reason: "Collected", message: "" },
  );
  const quarantined = of("failed", "unreachable").filter(({ isQuarantined }) => isQuarantined);
  if (quarantine.strikes >= STRIKES) {
    const message = `${quarantine.strikes} runs in a row were stopped, the last with ${quarantine.code}; it is tried again later and later`;
    list.push({ type: "Degraded", status: "True", reason: "Quarantined", message });
  } else if (quarantined.length > 0) {
    const message = `runs were stopped ${STRIKES} times in a row in ${named(quarantined.map(({ cluster }) => cluster))}; they are tried again later and later`;
    list.push({ type: "Degraded", status: "True", reason: "Quarantined", message });
  } else if (groups !== undefined && groups.most > groups.limit) {
    const message = `groupBy gives more than ${groups.limit} groups; the rest is not stored`;
    list.push({ type: "Degraded", status: "True", reason: "TooManyGroups", message });
  } else if (lacking.length > 0) {
    list.push({ type: "Degraded", status: "True", reason: "Incomplete", message: why });
  } else if (groups !== undefined && groups.most >= groupsWarning * groups.limit) {
    const message = `groupBy nears its limit of ${groups.limit} groups`;
    list.push({ type: "Degraded", status: "False", reason: "ManyGroups", message });
  } else list.push({ type: "Degraded", status: "False", reason: "AsExpected", message: "" });
  return list;
}

/** Of each field, how often its path led to a value. Without rows there is nothing to say but that the text is right. */
function fieldsOf({ fields, computed }: SourceStatusInput, collected: readonly ClusterOutcome[]): Fields {
  const rows = sum(collected, ({ resources }) => resources);
  const stopped = computed.flatMap((field, i): Fields[number][] => {
    const times = sum(collected, (cluster) => cluster.stopped[i] ?? 0);
    if (times === 0) return [];
    return [{ field, status: "warning", message: `stopped by a limit in ${times} of ${rows} resources: null there` }];
  });
  const found = fields.map(({ name: field, warning }, i): Fields[number] => {
    const resolved = sum(collected, (cluster) => cluster.resolved[i] ?? 0);
    if (warning !== undefined) return { field, status: "warning", message: warning };
    if (rows === 0) return { field, status: "valid", message: "no resources yet" };
    const message = `found in ${resolved} of ${rows} resources`;
    return { field, status: resolved === 0 ? "warning" : "valid", message };
  });
  return [...found, ...stopped];
}

function costOf(collected: readonly ClusterOutcome[]): NonNullable<MetricSourceStatus["cost"]> {
  const total = (member: "cpuMs" | "bytes" | "objects" | "storedBytes"): number =>
    Math.round(sum(collected, (cluster) => cluster[member]));
  const top = collected.toSorted((a, b) => b.cpuMs - a.cpuMs || (a.cluster < b.cluster ? -1 : 1)).slice(0, maxNamed);
  return {
    cpuMs: total("cpuMs"),
    bytes: total("bytes"),
    objects: total("objects"),
    storedBytes: total("storedBytes"),
    topClusters: top.map(({ cluster, cpuMs }) => ({ cluster, cpuMs: Math.round(cpuMs) })),
  };
}

function named(names: readonly string[]): string {
  const rest = names.length - maxNamed;
  return `${names.slice(0, maxNamed).join("; ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
