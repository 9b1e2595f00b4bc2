// A generated cluster as its clients see it, without sockets; and what its lists amount to, counted with no help from the code under test.
import { administrator } from "../../src/simulator/http/callers.ts";
import type { Answer, Engine, ResourceRequest } from "../../src/simulator/http/engine.ts";
import type { ExpectedCluster } from "../../src/simulator/world/expected.ts";

export interface Item {
  metadata: { name: string; namespace?: string; resourceVersion: string; labels: Record<string, string> };
  spec: {
    nodeName?: string;
    unschedulable?: boolean;
    replicas?: number;
    selector?: { matchLabels: { app: string } };
    containers?: { resources: { requests?: Record<string, string> } }[];
  };
  status: {
    phase?: string;
    replicas?: number;
    readyReplicas?: number;
    capacity?: Record<string, string>;
    allocatable?: Record<string, string>;
    conditions?: { type: string; status: string }[];
    containerStatuses?: { ready: boolean }[];
  };
}

/** One line of a watch. */
export interface WatchedEvent {
  readonly type: string;
  readonly object: Item;
}

export interface List {
  kind: string;
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: Item[];
}

export const resourceGroups = {
  namespaces: "",
  nodes: "",
  pods: "",
  deployments: "apps",
  persistentvolumeclaims: "",
} as const;
export type Resource = keyof typeof resourceGroups;

type Part = Partial<Pick<ResourceRequest, "verb" | "namespace" | "name" | "form" | "body">>;

/** The text of an answer: a get when the part has a name, a list otherwise. A body is a merge patch. */
export function ask(engine: Engine, resource: Resource, query = "", part: Part = {}): string {
  const answer = answerOf(engine, resource, query, part);
  if (answer.type !== "body") throw new Error("not a body");
  return answer.text;
}

/** Events from now on, and what ends them. */
export function watch(engine: Engine, resource: Resource, query = ""): { events: WatchedEvent[]; stop(): void } {
  const answer = answerOf(engine, resource, query, { verb: "watch" });
  if (answer.type !== "watch") throw new Error("not a watch");
  const events: WatchedEvent[] = [];
  const stop = answer.start({ write: (line) => void events.push(JSON.parse(line) as WatchedEvent), end: () => {} });
  return { events, stop };
}

function answerOf(engine: Engine, resource: Resource, query: string, part: Part): Answer {
  const type = engine.catalog.find(resourceGroups[resource], "v1", resource);
  if (type === undefined) throw new Error(`no ${resource}`);
  return engine.answer({
    type,
    verb: part.verb ?? (part.name === undefined ? "list" : "get"),
    namespace: part.namespace ?? "",
    name: part.name ?? "",
    subresource: "",
    query: new URLSearchParams(query),
    form: part.form ?? "full",
    contentType: part.body === undefined ? "" : "application/merge-patch+json",
    userAgent: "",
    caller: administrator,
    body: part.body,
  });
}

export const list = (...args: Parameters<typeof ask>): List => JSON.parse(ask(...args)) as List;

/** Cores in thousandths and bytes as whole numbers, from Kubernetes quantity texts, with no help from the code under test. */
function readQuantity(text: string): { milli: bigint; whole: bigint } {
  const match = /^(\d+)(m|Ki|Mi|Gi|k|M|G|)$/.exec(text);
  if (match === null) throw new Error(`not a canonical quantity: ${text}`);
  const factors: Record<string, bigint> = {
    "": 1n,
    Ki: 1n << 10n,
    Mi: 1n << 20n,
    Gi: 1n << 30n,
    k: 10n ** 3n,
    M: 10n ** 6n,
    G: 10n ** 9n,
  };
  const digits = BigInt(match[1] as string);
  if (match[2] === "m") return { milli: digits, whole: digits / 1000n };
  const whole = digits * (factors[match[2] as string] as bigint);
  return { milli: whole * 1000n, whole };
}

const milliCores = (text: string | undefined): number => (text === undefined ? 0 : Number(readQuantity(text).milli));
const bytes = (text: string | undefined): number => (text === undefined ? 0 : Number(readQuantity(text).whole));

/** The definition of the truth, counted slowly from what the API shows. */
export function recount(engine: Engine): ExpectedCluster {
  const nodes = list(engine, "nodes").items;
  const scheduled = list(engine, "pods").items.filter((pod) => pod.spec.nodeName !== undefined);
  const allPods = list(engine, "pods").items.length;
  const statusOf = (node: Item): "Ready" | "NotReady" | "SchedulingDisabled" | "Unknown" => {
    if (node.spec.unschedulable === true) return "SchedulingDisabled";
    const ready = node.status.conditions?.find((condition) => condition.type === "Ready");
    return ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  };
  const inPhase = (pods: readonly Item[], phase: string): number =>
    pods.filter((pod) => pod.status.phase === phase).length;
  const perNode = nodes.map((node) => {
    const pods = scheduled.filter((pod) => pod.spec.nodeName === node.metadata.name);
    const live = pods.filter((pod) => pod.status.phase === "Running" || pod.status.phase === "Pending");
    const requests = live.flatMap((pod) =>
      (pod.spec.containers ?? []).map((container) => container.resources.requests),
    );
    const roles = Object.keys(node.metadata.labels)
      .filter((label) => label.startsWith("node-role.kubernetes.io/"))
      .map((label) => label.slice("node-role.kubernetes.io/".length))
      .sort();
    return [
      node.metadata.name,
      {
        status: statusOf(node),
        roles,
        cpuCapacityCores: milliCores(node.status.capacity?.["cpu"]) / 1000,
        cpuAllocatableCores: milliCores(node.status.allocatable?.["cpu"]) / 1000,
        memoryCapacityBytes: bytes(node.status.capacity?.["memory"]),
        memoryAllocatableBytes: bytes(node.status.allocatable?.["memory"]),
        cpuRequestedCores: requests.reduce((sum, request) => sum + milliCores(request?.["cpu"]), 0) / 1000,
        memoryRequestedBytes: requests.reduce((sum, request) => sum + bytes(request?.["memory"]), 0),
        podsRunning: inPhase(pods, "Running"),
        podsPending: inPhase(pods, "Pending"),
        podsFailed: inPhase(pods, "Failed"),
        podsSucceeded: inPhase(pods, "Succeeded"),
        podsTotal: pods.length,
      },
    ] as const;
  });
  const version = engine.version();
  const claims = list(engine, "persistentvolumeclaims").items;
  return {
    reachable: true,
    version: version["gitVersion"] as string,
    platform: version["platform"] as string,
    nodes: nodes.length,
    nodesReady: nodes.filter((node) => statusOf(node) === "Ready").length,
    namespaces: list(engine, "namespaces").items.map((namespace) => namespace.metadata.name),
    pods: scheduled.length,
    podsRunning: inPhase(scheduled, "Running"),
    podsByPhase: {
      Pending: inPhase(scheduled, "Pending"),
      Running: inPhase(scheduled, "Running"),
      Succeeded: inPhase(scheduled, "Succeeded"),
      Failed: inPhase(scheduled, "Failed"),
    },
    podsUnscheduled: allPods - scheduled.length,
    deployments: list(engine, "deployments").items.length,
    persistentVolumeClaims: {
      total: claims.length,
      bound: inPhase(claims, "Bound"),
      capacityBytes: claims.reduce((sum, claim) => sum + bytes(claim.status.capacity?.["storage"]), 0),
    },
    cpuCapacityCores: nodes.reduce((sum, node) => sum + milliCores(node.status.capacity?.["cpu"]), 0) / 1000,
    memoryCapacityBytes: nodes.reduce((sum, node) => sum + bytes(node.status.capacity?.["memory"]), 0),
    perNode: Object.fromEntries(perNode),
  };
}
