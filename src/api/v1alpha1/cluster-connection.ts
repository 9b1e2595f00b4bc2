// ClusterConnection: what the hub reads of it, with the schema's defaults filled in, and the status it writes.
// The API server may have let anything through, so the parser trusts nothing and never throws.
import type { Condition, KubeObject, ObjectMeta } from "./meta.ts";
import { type Parsed, Problems, parseMetadata } from "./parse.ts";

export interface ClusterConnection extends KubeObject {
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: ClusterConnectionSpec;
  readonly status?: ClusterConnectionStatus;
}

export interface ClusterConnectionSpec {
  readonly displayName?: string;
  /** `https://` or `http://` URL of the API server, possibly with a path prefix. */
  readonly endpoint: string;
  /** Without a namespace the Secret is in the ClusterConnection's own. */
  readonly credentialsRef: { readonly name: string; readonly namespace?: string };
  readonly labels: Readonly<Record<string, string>>;
  /** Seconds, as written: lower limits are applied by the collector. */
  readonly monitoring: { readonly interval: number; readonly timeout: number };
  readonly collectionMode: "pull" | "push";
  readonly ingesterAddress?: string;
  readonly collectorVersion?: string;
}

export interface ClusterConnectionStatus {
  readonly phase?: "Connected" | "Connecting" | "Error";
  readonly lastSyncTime?: string;
  readonly health?: "healthy" | "degraded" | "unhealthy" | "unknown";
  readonly message?: string;
  readonly nodes?: number;
  readonly namespaces?: number;
  readonly collectorStatus?: {
    readonly connected: boolean;
    readonly lastHeartbeat?: string;
    readonly version?: string;
  };
  readonly conditions?: readonly Condition[];
}

export const clusterConnectionDefaults = { intervalSeconds: 30, timeoutSeconds: 10, collectionMode: "pull" } as const;

const maxSeconds = 2_147_483_647;

/** The typed object without its status, or every problem found: each names the field and says what would be right. */
export function parseClusterConnection(value: unknown): Parsed<ClusterConnection> {
  const problems = new Problems();
  const object = problems.object(value, "object");
  const metadata = parseMetadata(problems, object?.["metadata"]);
  if (metadata !== undefined && metadata.namespace === undefined) problems.add("metadata.namespace", "must be set");
  const spec = parseSpec(problems, object?.["spec"]);
  if (metadata?.namespace === undefined || spec === undefined || problems.list.length > 0) {
    return { ok: false, problems: problems.list };
  }
  return { ok: true, value: { metadata: { ...metadata, namespace: metadata.namespace }, spec } };
}

function parseSpec(problems: Problems, value: unknown): ClusterConnectionSpec | undefined {
  const spec = problems.object(value, "spec");
  if (spec === undefined) return undefined;
  const endpoint = problems.requiredText(spec["endpoint"], "spec.endpoint", 2_048);
  if (endpoint !== undefined) checkEndpoint(problems, endpoint);
  const reference = problems.object(spec["credentialsRef"], "spec.credentialsRef");
  const name = reference && problems.objectName(reference["name"], "spec.credentialsRef.name");
  const namespace =
    reference &&
    problems.optional(reference["namespace"], (v) => problems.objectName(v, "spec.credentialsRef.namespace"));
  const monitoring = problems.optional(spec["monitoring"], (v) => problems.object(v, "spec.monitoring")) ?? {};
  const seconds = (field: "interval" | "timeout", preset: number) =>
    problems.optional(monitoring[field], (v) => problems.positiveInteger(v, `spec.monitoring.${field}`, maxSeconds)) ??
    preset;
  const text = (field: string) => problems.optional(spec[field], (v) => problems.text(v, `spec.${field}`, 1_024));
  const displayName = text("displayName");
  const ingesterAddress = text("ingesterAddress");
  const collectorVersion = text("collectorVersion");
  const mode = problems.optional(spec["collectionMode"], (v) =>
    problems.oneOf(v, "spec.collectionMode", ["pull", "push"] as const),
  );
  const labels = problems.optional(spec["labels"], (v) => problems.textMap(v, "spec.labels")) ?? {};
  const interval = seconds("interval", clusterConnectionDefaults.intervalSeconds);
  const timeout = seconds("timeout", clusterConnectionDefaults.timeoutSeconds);
  if (endpoint === undefined || name === undefined) return undefined;
  return {
    endpoint,
    credentialsRef: { name, ...(namespace && { namespace }) },
    labels,
    monitoring: { interval, timeout },
    collectionMode: mode ?? clusterConnectionDefaults.collectionMode,
    ...(displayName && { displayName }),
    ...(ingesterAddress && { ingesterAddress }),
    ...(collectorVersion && { collectorVersion }),
  };
}

function checkEndpoint(problems: Problems, endpoint: string): void {
  const url = URL.parse(endpoint);
  const wrong = (why: string) =>
    problems.add("spec.endpoint", `must be an https:// or http:// URL such as https://api.example.com:6443: ${why}`);
  if (/[\s\p{Cc}\p{Cf}]/u.test(endpoint)) wrong("it holds white space or invisible characters");
  else if (url === null) wrong("it is not a URL");
  else if (url.protocol !== "https:" && url.protocol !== "http:") wrong("its scheme is another one");
  else if (url.username !== "" || url.password !== "") wrong("it holds a user name or password");
  else if (url.search !== "" || url.hash !== "") wrong("it holds a query or fragment");
}
