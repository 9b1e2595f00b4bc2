// What one collection found, as the values that are stored and told: sums over the nodes, and what the cluster says it is. Pure.
import { rfc3339 } from "../support/clock.ts";
import type { Extensions } from "./extensions.ts";
import type { MissingPart } from "./failure.ts";
import type { NodeRow, OpenShiftInfo, VersionInfo } from "./ports.ts";

/** Sums over the cluster; null is "not known", never 0. Pods are those on listed nodes. */
export interface CollectedMetrics {
  readonly collectedAtMs: number;
  readonly nodes: number;
  readonly nodesReady: number;
  readonly namespaces: number | null;
  readonly pods: number;
  readonly podsRunning: number;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly deployments: number | null;
}

/** The stored info. `version` is OpenShift's there, else Kubernetes', and "unknown" when the server did not say. */
export interface CollectedInfo extends OpenShiftInfo {
  readonly api_url: string;
  readonly platform?: string;
  /** On OpenShift only. */
  readonly console_url?: string;
  readonly kubernetes_version?: string;
  /** When the API server's certificate expires. */
  readonly certificate_expires?: string;
}

export interface Collection extends Omit<Extensions, "openShift"> {
  /** Wall-clock time at the start of the run: nothing in it is older than this. */
  readonly collectedAtMs: number;
  readonly elapsedMs: number;
  /** Median over all requests of the time from sending to the answer's headers. */
  readonly latencyMs: number;
  /** Null when a cluster that is OpenShift does not say more this time: what is stored is better. */
  readonly info: CollectedInfo | null;
  /** As /version says, such as v1.33.2. Null when it did not say. */
  readonly kubernetesVersion: string | null;
  /** Epoch milliseconds; null: not known. */
  readonly certificateExpiresAtMs: number | null;
  /** The server's certificate was not verified, because its owner said so. */
  readonly insecureSkipTlsVerify: boolean;
  readonly metrics: CollectedMetrics;
  /** Null when they could not be listed. */
  readonly namespaces: readonly string[] | null;
  readonly nodes: readonly NodeRow[];
  readonly missing: readonly MissingPart[];
  /** How long operators stay unasked for once they were listed. */
  readonly operatorScanIntervalMs: number;
}

/** What a run found out, as it found it. */
export interface Findings
  extends Pick<
    Collection,
    | "collectedAtMs"
    | "elapsedMs"
    | "certificateExpiresAtMs"
    | "insecureSkipTlsVerify"
    | "namespaces"
    | "nodes"
    | "missing"
    | "operatorScanIntervalMs"
  > {
  /** spec.endpoint, as readers see it. */
  readonly endpoint: string;
  /** Of each request. */
  readonly headersAfterMs: readonly number[];
  /** Null: the server did not say. */
  readonly version: VersionInfo | null;
  readonly deployments: number | null;
  readonly extensions: Extensions;
}

export function collectionOf(findings: Findings): Collection {
  const { endpoint, headersAfterMs, version, deployments, extensions, ...asFound } = findings;
  const { collectedAtMs, nodes, namespaces, certificateExpiresAtMs } = asFound;
  const { openShift, ...found } = extensions;
  return {
    ...asFound,
    ...found,
    latencyMs: median(headersAfterMs),
    info: openShift === "unknown" ? null : infoOf(endpoint, version, openShift, certificateExpiresAtMs),
    kubernetesVersion: version?.gitVersion ?? null,
    metrics: {
      collectedAtMs,
      nodes: nodes.length,
      nodesReady: nodes.filter((node) => node.status === "Ready").length,
      namespaces: namespaces?.length ?? null,
      pods: sum(nodes, (node) => node.podsTotal),
      podsRunning: sum(nodes, (node) => node.podsRunning),
      cpuCapacityCores: sum(nodes, (node) => node.cpuCapacityCores),
      memoryCapacityBytes: sum(nodes, (node) => node.memoryCapacityBytes),
      deployments,
    },
  };
}

/** OpenShift's own version and platform take the place of Kubernetes', which moves aside. */
function infoOf(
  endpoint: string,
  version: VersionInfo | null,
  openShift: Exclude<Extensions["openShift"], "unknown">,
  certificateExpiresAtMs: number | null,
): CollectedInfo {
  const certificate = certificateExpiresAtMs === null ? {} : { certificate_expires: rfc3339(certificateExpiresAtMs) };
  if (openShift === "absent") {
    if (version === null) return { api_url: endpoint, version: "unknown", ...certificate };
    const platform = version.platform === "" ? {} : { platform: version.platform };
    return { api_url: endpoint, version: version.gitVersion, ...platform, ...certificate };
  }
  const { info, consoleUrl } = openShift;
  return {
    api_url: endpoint,
    platform: "OpenShift",
    ...info,
    ...(version === null ? {} : { kubernetes_version: version.gitVersion }),
    ...(consoleUrl === undefined ? {} : { console_url: consoleUrl }),
    ...certificate,
  };
}

export function sum<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
