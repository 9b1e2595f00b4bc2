// Pods to counters per node. Pure: the same bytes give the same fold, and folding the pages of a list one by one and merging
// gives what folding the whole list gives, to the last digit.
import { parseBytes, parseCpuNanocores } from "../support/quantity.ts";
import { asArray, asObject, asText, isName, listShape, nameOf, readList } from "./body.ts";
import type { ComputeTasks, PodFold, PodsOfNode } from "./ports.ts";

const podList = listShape("PodList", "core/v1.PodList", [
  "metadata.name",
  "spec.nodeName",
  "spec.containers.resources.requests",
  "status.phase",
]);

/**
 * Folds one page of /api/v1/pods. Requests are those of regular containers of pods in phase Running or Pending; init containers, sidecars
 * and overhead do not count. Pods without a node are counted in `pods` only; items that are not pods in `skipped`.
 */
export function foldPods(input: ComputeTasks["foldPods"]["input"], maxInflatedBytes: number): PodFold {
  const page = readList(input.body, maxInflatedBytes, podList);
  const byNode = new Map<string, Counters>();
  let pods = 0;
  for (const item of page.items) {
    if (nameOf(item) === undefined) continue;
    pods++;
    const pod = asObject(item);
    const spec = asObject(pod?.["spec"]);
    const node = spec?.["nodeName"];
    if (!isName(node)) continue;
    const counters = countersOf(byNode, node);
    counters.total++;
    const phase = asText(asObject(pod?.["status"])?.["phase"]);
    if (phase === "Running") counters.running++;
    else if (phase === "Pending") counters.pending++;
    else if (phase === "Failed") counters.failed++;
    else if (phase === "Succeeded") counters.succeeded++;
    if (phase === "Running" || phase === "Pending") addRequests(counters, asArray(spec?.["containers"]));
  }
  return { continueToken: page.continueToken, pods, skipped: page.items.length - pods, byNode: finished(byNode) };
}

/** Adds up folds of several pages. The continue token is that of the last one. */
export function mergePodFolds(folds: readonly PodFold[]): PodFold {
  const byNode = new Map<string, Counters>();
  let pods = 0;
  let skipped = 0;
  for (const fold of folds) {
    pods += fold.pods;
    skipped += fold.skipped;
    for (const part of fold.byNode) {
      const sum = countersOf(byNode, part.node);
      // Cores came from whole nanocores: rounding gives them back, and integers add up without drift.
      sum.cpuNanocores += Math.round(part.cpuRequestedCores * NANO);
      sum.memoryBytes += part.memoryRequestedBytes;
      sum.running += part.running;
      sum.pending += part.pending;
      sum.failed += part.failed;
      sum.succeeded += part.succeeded;
      sum.total += part.total;
    }
  }
  return { continueToken: folds.at(-1)?.continueToken ?? "", pods, skipped, byNode: finished(byNode) };
}

const NANO = 1e9;

interface Counters {
  cpuNanocores: number;
  memoryBytes: number;
  running: number;
  pending: number;
  failed: number;
  succeeded: number;
  total: number;
}

function countersOf(byNode: Map<string, Counters>, node: string): Counters {
  let counters = byNode.get(node);
  if (counters === undefined) {
    counters = { cpuNanocores: 0, memoryBytes: 0, running: 0, pending: 0, failed: 0, succeeded: 0, total: 0 };
    byNode.set(node, counters);
  }
  return counters;
}

function addRequests(counters: Counters, containers: readonly unknown[]): void {
  for (const container of containers) {
    const requests = asObject(asObject(asObject(container)?.["resources"])?.["requests"]);
    if (requests === undefined) continue;
    counters.cpuNanocores += parseCpuNanocores(quantityText(requests["cpu"])) ?? 0;
    counters.memoryBytes += parseBytes(quantityText(requests["memory"])) ?? 0;
  }
}

/** API servers write quantities as text; some proxies turn whole numbers into JSON numbers. */
export function quantityText(value: unknown): string {
  return typeof value === "number" ? String(value) : asText(value);
}

function finished(byNode: ReadonlyMap<string, Counters>): PodsOfNode[] {
  return Array.from(byNode, ([node, counters]) => ({
    node,
    cpuRequestedCores: counters.cpuNanocores / NANO,
    memoryRequestedBytes: counters.memoryBytes,
    running: counters.running,
    pending: counters.pending,
    failed: counters.failed,
    succeeded: counters.succeeded,
    total: counters.total,
  }));
}
