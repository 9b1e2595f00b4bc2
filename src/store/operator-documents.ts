// From the operators of a cluster to the documents that store them: those that OLM installed, and OpenShift's own. JSON member names and
// keys are the original's. Pure. Lists hold what the pool finished; only counts and the single keys are made here.
import { rfc3339 } from "../support/clock.ts";
import type { Document } from "./document.ts";
import { clusterKeys } from "./keys.ts";

/** One operator's finished values. `text` is its JSON text and is stored unopened. */
export interface OperatorValue {
  readonly namespace: string;
  /** "" counts as Unknown. */
  readonly status: string;
  readonly clusterWide: boolean;
  readonly text: string;
}

/** All installed operators, and how many there are of which kind. An empty list is stored, so that nothing outlives it. */
export function clusterOlmOperators(
  cluster: string,
  operators: readonly OperatorValue[],
  ttlSeconds: number,
): Document[] {
  const byStatus = new Map<string, number>();
  const byNamespace = new Map<string, number>();
  let clusterWide = 0;
  for (const { status, namespace, clusterWide: isWide } of operators) {
    count(byStatus, status === "" ? "Unknown" : status);
    if (isWide) clusterWide++;
    else count(byNamespace, namespace);
  }
  const summary = {
    total: operators.length,
    by_status: Object.fromEntries(byStatus),
    by_namespace: Object.fromEntries(byNamespace),
    by_install_mode: { cluster_wide: clusterWide, namespace_scoped: operators.length - clusterWide },
  };
  return [
    list(clusterKeys.operators(cluster), operators, ttlSeconds),
    text(clusterKeys.operatorsSummary(cluster), summary, ttlSeconds),
  ];
}

/** Removes what was stored of operators: the cluster has nothing that installs them. */
export function clusterWithoutOlm(cluster: string): Document[] {
  return [clusterKeys.operators(cluster), clusterKeys.operatorsSummary(cluster)].map((key) => ({
    kind: "delete",
    key,
  }));
}

/** One ClusterOperator's finished values. `text` is its JSON text and is stored unopened. */
export interface ClusterOperatorValue {
  readonly name: string;
  readonly available: boolean;
  readonly degraded: boolean;
  readonly progressing: boolean;
  readonly upgradeable: boolean;
  readonly version: string;
  readonly message: string;
  readonly text: string;
}

/** All ClusterOperators, what is wrong with them, and each by itself. `gone` names those of before that are no more. */
export function clusterOperators(
  cluster: string,
  operators: readonly ClusterOperatorValue[],
  gone: readonly string[],
  { atMs, ttlSeconds }: { readonly atMs: number; readonly ttlSeconds: number },
): Document[] {
  const timestamp = rfc3339(atMs);
  const number = (holds: (operator: ClusterOperatorValue) => boolean): number => operators.filter(holds).length;
  const issues = operators.flatMap(({ name, available, degraded, message }) =>
    degraded ? `${name}: degraded - ${message}` : available ? [] : `${name}: not available - ${message}`,
  );
  const summary = {
    total: operators.length,
    available: number((operator) => operator.available),
    degraded: number((operator) => operator.degraded),
    progressing: number((operator) => operator.progressing),
    upgradeable: number((operator) => operator.upgradeable),
    timestamp,
    all_healthy: issues.length === 0,
    has_issues: issues.length > 0,
    issues: issues.length > 0 ? issues : undefined,
  };
  return [
    list(clusterKeys.clusterOperators(cluster), operators, ttlSeconds),
    text(clusterKeys.clusterOperatorsSummary(cluster), summary, ttlSeconds),
    ...operators.map(({ name, available, degraded, progressing, version, message }) => {
      const value = { available, degraded, progressing, version, message, timestamp };
      return text(clusterKeys.clusterOperator(cluster, name), value, ttlSeconds);
    }),
    ...goneClusterOperators(cluster, gone),
  ];
}

/** Removes what was stored of ClusterOperators: the cluster is not OpenShift. */
export function clusterWithoutClusterOperators(cluster: string, gone: readonly string[]): Document[] {
  return [
    { kind: "delete", key: clusterKeys.clusterOperators(cluster) },
    { kind: "delete", key: clusterKeys.clusterOperatorsSummary(cluster) },
    ...goneClusterOperators(cluster, gone),
  ];
}

function goneClusterOperators(cluster: string, gone: readonly string[]): Document[] {
  return gone.map((name) => ({ kind: "delete", key: clusterKeys.clusterOperator(cluster, name) }));
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** A JSON array of elements that are JSON text already. */
function list(key: string, elements: readonly { readonly text: string }[], ttlSeconds: number): Document {
  return { kind: "string", key, value: `[${elements.map((element) => element.text).join()}]`, ttlSeconds };
}

function text(key: string, value: unknown, ttlSeconds: number): Document {
  return { kind: "string", key, value: JSON.stringify(value), ttlSeconds };
}
