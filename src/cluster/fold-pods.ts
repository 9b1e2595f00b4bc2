// Pods to counters per node. Pure: the same bytes give the same fold, and folding the pages of a list one by one and merging
// gives what folding the whole list gives, to the last digit.
import { parseBytes, parseCpuNanocores } from "../support/quantity.ts";
import { asArray, asObject, asText, isName, type ListShape, listShape, nameOf, readList } from "./body.ts";
import { type PodOnWire, readPods } from "./pods-wire.ts";
import type { ComputeTasks, PodFold, PodsOfNode } from "./ports.ts";

const podList: ListShape = listShape("PodList", "core/v1.PodList", [
  "metadata.name",
  "spec.nodeName",
  "spec.containers.resources.requests",
  "status.phase",
]);
const podListHead = listShape("PodList", "core/v1.PodList", []);

/**
 * Folds one page of /api/v1/pods. Requests are those of regular containers of pods in phase Running or Pending; init containers, sidecars
 * and overhead do not count. Pods without a node are counted in `pods` only; items that are not pods in `skipped`.
 */
export function foldPods({ body }: ComputeTasks["foldPods"]["input"], maxInflatedBytes: number): PodFold {
  const page = new PodPage();
  if (body.format === "json") {
    const { items, continueToken } = readList(body, maxInflatedBytes, podList);
    for (const item of items) page.addObject(item);
    return page.fold(continueToken);
  }
  const decode: ListShape["decode"] = (list) => {
    readPods(list, (pod) => page.addOnWire(pod));
    return podListHead.decode(list);
  };
  return page.fold(readList(body, maxInflatedBytes, { kind: "PodList", decode }).continueToken);
}

/** The pods of one page, added one by one. */
class PodPage {
  readonly #byNode = new Map<string, Counters>();
  // Few texts are written again and again.
  readonly #nanocores = remembering(parseCpuNanocores);
  readonly #bytes = remembering(parseBytes);
  #pods = 0;
  #skipped = 0;

  fold(continueToken: string): PodFold {
    return { continueToken, pods: this.#pods, skipped: this.#skipped, byNode: finished(this.#byNode) };
  }

  addObject(item: unknown): void {
    const pod = asObject(item);
    const spec = asObject(pod?.["spec"]);
    const counters = this.#add(
      nameOf(item) !== undefined,
      asText(spec?.["nodeName"]),
      asObject(pod?.["status"])?.["phase"],
    );
    if (counters === undefined) return;
    for (const container of asArray(spec?.["containers"])) {
      const requests = asObject(asObject(asObject(container)?.["resources"])?.["requests"]);
      if (requests === undefined) continue;
      counters.cpuNanocores += this.#nanocores(quantityText(requests["cpu"]));
      counters.memoryBytes += this.#bytes(quantityText(requests["memory"]));
    }
  }

  addOnWire(pod: PodOnWire): void {
    const counters = this.#add(pod.hasName, pod.node, pod.phase);
    if (counters === undefined) return;
    for (let i = 0; i < pod.containers; i++) {
      const { cpu, memory } = pod.requests[i] as PodOnWire["requests"][number];
      counters.cpuNanocores += this.#nanocores(cpu);
      counters.memoryBytes += this.#bytes(memory);
    }
  }

  /** Counts a pod; returns where its requests are to be added, if they are. */
  #add(hasName: boolean, node: string, phase: unknown): Counters | undefined {
    if (!hasName) {
      this.#skipped++;
      return undefined;
    }
    this.#pods++;
    let counters = this.#byNode.get(node);
    if (counters === undefined) {
      if (!isName(node)) return undefined;
      counters = countersOf(this.#byNode, node);
    }
    counters.total++;
    if (phase === "Running") counters.running++;
    else if (phase === "Pending") counters.pending++;
    else if (phase === "Failed") counters.failed++;
    else if (phase === "Succeeded") counters.succeeded++;
    return phase === "Running" || phase === "Pending" ? counters : undefined;
  }
}

const MAX_REMEMBERED = 256;

/** What `parse` makes of a text, 0 for what it does not understand. */
function remembering(parse: (text: string) => number | undefined): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const value = parse(text) ?? 0;
    if (known.size < MAX_REMEMBERED) known.set(text, value);
    return value;
  };
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
