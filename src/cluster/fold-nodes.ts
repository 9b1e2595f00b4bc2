// Nodes to the values that are stored for them: the row readers see, as finished JSON text, and a point of its history.
// Pure. The shape of both texts is the contract of the `current` and `metrics` keys; member names are fixed there.
import { rfc3339 } from "../support/clock.ts";
import { parseBytes, parseCpuCores } from "../support/quantity.ts";
import { asArray, asObject, asText, isName, type JsonObject, listShape, nameOf, readList } from "./body.ts";
import { mergePodFolds, quantityText } from "./fold-pods.ts";
import type { ComputeTasks, NodeFold, NodeRow, NodeStatus, PodsOfNode } from "./ports.ts";
import { utcSeconds, ZERO_TIME } from "./times.ts";

/** An annotation with a longer value is not stored. */
export const MAX_ANNOTATION_LENGTH = 1024;
/** Annotations beyond this many characters of names and values together are not stored. */
export const MAX_ANNOTATIONS_LENGTH = 16 * 1024;
/** A node whose row is longer is skipped: real rows are a few kilobytes. */
export const MAX_ROW_LENGTH = 256 * 1024;

const ROLE_PREFIX = "node-role.kubernetes.io/";
const NEVER_STORED = "kubectl.kubernetes.io/last-applied-configuration";

const nodeList = listShape("NodeList", "core/v1.NodeList", [
  "metadata.name",
  "metadata.labels",
  "metadata.annotations",
  "spec.unschedulable",
  "spec.taints",
  "status.capacity",
  "status.allocatable",
  "status.conditions.type",
  "status.conditions.status",
  "status.conditions.reason",
  "status.conditions.message",
  "status.conditions.lastTransitionTime",
  "status.addresses",
  "status.nodeInfo",
  // Of these only their number is wanted: one small member each is enough.
  "status.images.sizeBytes",
  "status.volumesAttached.name",
]);

/**
 * Finishes one page of /api/v1/nodes with the pod folds of the whole run. Usage is requests divided by what is allocatable, in percent,
 * unrounded; it is not measured use. Items that are not nodes, or far too large for one, are counted in `skipped`.
 */
export function foldNodes(input: ComputeTasks["foldNodes"]["input"], maxInflatedBytes: number): NodeFold {
  const page = readList(input.body, maxInflatedBytes, nodeList);
  const pods = new Map(mergePodFolds(input.pods).byNode.map((part) => [part.node, part]));
  const timestamp = rfc3339(input.collectedAtMs);
  const nodes: NodeRow[] = [];
  for (const item of page.items) {
    const name = nameOf(item);
    if (name === undefined) continue;
    const row = nodeRow(name, asObject(item) ?? {}, pods.get(name) ?? noPods(name), timestamp);
    if (row.current.length <= MAX_ROW_LENGTH) nodes.push(row);
  }
  return { continueToken: page.continueToken, skipped: page.items.length - nodes.length, nodes };
}

function noPods(node: string): PodsOfNode {
  return {
    node,
    cpuRequestedCores: 0,
    memoryRequestedBytes: 0,
    running: 0,
    pending: 0,
    failed: 0,
    succeeded: 0,
    total: 0,
  };
}

function nodeRow(name: string, node: JsonObject, pods: PodsOfNode, timestamp: string): NodeRow {
  const metadata = asObject(node["metadata"]) ?? {};
  const spec = asObject(node["spec"]) ?? {};
  const status = asObject(node["status"]) ?? {};
  const info = asObject(status["nodeInfo"]) ?? {};
  const capacity = resourcesOf(status["capacity"]);
  const allocatable = resourcesOf(status["allocatable"]);
  const labels = textEntries(metadata["labels"]);
  const conditions = asArray(status["conditions"]).map((condition) => asObject(condition) ?? {});
  const state = statusOf(conditions, spec);
  const roles = rolesOf(labels);
  const cpuPercent = percent(pods.cpuRequestedCores, allocatable.cpuCores);
  const memoryPercent = percent(pods.memoryRequestedBytes, allocatable.memoryBytes);
  const current = {
    name,
    timestamp,
    status: state,
    roles,
    conditions: conditions.map((condition) => ({
      type: asText(condition["type"]),
      status: asText(condition["status"]),
      reason: asText(condition["reason"]),
      message: asText(condition["message"]),
      last_transition_time: utcSeconds(condition["lastTransitionTime"]) ?? ZERO_TIME,
    })),
    cpu_capacity: capacity.cpuCores,
    memory_capacity: capacity.memoryBytes,
    storage_capacity: capacity.storageBytes,
    pods_capacity: capacity.pods,
    cpu_allocatable: allocatable.cpuCores,
    memory_allocatable: allocatable.memoryBytes,
    storage_allocatable: allocatable.storageBytes,
    pods_allocatable: allocatable.pods,
    cpu_requested: pods.cpuRequestedCores,
    memory_requested: pods.memoryRequestedBytes,
    cpu_usage_percent: cpuPercent,
    memory_usage_percent: memoryPercent,
    pods_running: pods.running,
    pods_pending: pods.pending,
    pods_failed: pods.failed,
    pods_succeeded: pods.succeeded,
    pods_total: pods.total,
    kernel_version: asText(info["kernelVersion"]),
    os_image: asText(info["osImage"]),
    container_runtime: asText(info["containerRuntimeVersion"]),
    kubelet_version: asText(info["kubeletVersion"]),
    architecture: asText(info["architecture"]),
    labels: Object.fromEntries(labels),
    annotations: Object.fromEntries(withinLimits(textEntries(metadata["annotations"]))),
    taints: asArray(spec["taints"]).map((taint) => ({
      key: asText(asObject(taint)?.["key"]),
      value: asText(asObject(taint)?.["value"]),
      effect: asText(asObject(taint)?.["effect"]),
    })),
    ...addressesOf(status["addresses"]),
    images_count: asArray(status["images"]).length,
    volumes_attached: asArray(status["volumesAttached"]).length,
  };
  const point = {
    timestamp,
    cpu_usage: cpuPercent,
    memory_usage: memoryPercent,
    cpu_requested: pods.cpuRequestedCores,
    memory_requested: pods.memoryRequestedBytes,
    pods_running: pods.running,
    pods_pending: pods.pending,
    pods_total: pods.total,
  };
  return {
    name,
    status: state,
    roles,
    current: JSON.stringify(current),
    point: JSON.stringify(point),
    cpuUsagePercent: cpuPercent,
    memoryUsagePercent: memoryPercent,
    cpuCapacityCores: capacity.cpuCores,
    memoryCapacityBytes: capacity.memoryBytes,
    podsTotal: pods.total,
    podsRunning: pods.running,
  };
}

function statusOf(conditions: readonly JsonObject[], spec: JsonObject): NodeStatus {
  if (spec["unschedulable"] === true) return "SchedulingDisabled";
  const ready = conditions.find((condition) => condition["type"] === "Ready");
  if (ready === undefined) return "Unknown";
  return ready["status"] === "True" ? "Ready" : "NotReady";
}

/**
 * Members whose value is text, by name: API servers send them in that order, but not everything that answers like one does.
 * Entries, not an object: a name like `__proto__` is data.
 */
function textEntries(value: unknown): [string, string][] {
  return Object.entries(asObject(value) ?? {})
    .filter((entry): entry is [string, string] => typeof entry[1] === "string")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function rolesOf(labels: readonly [string, string][]): string[] {
  const roles = new Set<string>();
  for (const [key] of labels) if (key.startsWith(ROLE_PREFIX)) roles.add(key.slice(ROLE_PREFIX.length));
  return [...roles].filter(isName).sort();
}

function withinLimits(annotations: readonly [string, string][]): [string, string][] {
  let room = MAX_ANNOTATIONS_LENGTH;
  return annotations.filter(([key, value]) => {
    if (key === NEVER_STORED || value.length > MAX_ANNOTATION_LENGTH || key.length + value.length > room) return false;
    room -= key.length + value.length;
    return true;
  });
}

interface Resources {
  readonly cpuCores: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly pods: number;
}

/** What is missing or not a quantity counts as 0, as readers of these keys expect. */
function resourcesOf(value: unknown): Resources {
  const resources = asObject(value) ?? {};
  return {
    cpuCores: parseCpuCores(quantityText(resources["cpu"])) ?? 0,
    memoryBytes: parseBytes(quantityText(resources["memory"])) ?? 0,
    storageBytes: parseBytes(quantityText(resources["ephemeral-storage"])) ?? 0,
    pods: parseBytes(quantityText(resources["pods"])) ?? 0,
  };
}

function percent(requested: number, allocatable: number): number {
  return allocatable > 0 ? (requested / allocatable) * 100 : 0;
}

/** The last address of a type wins. */
function addressesOf(value: unknown): { internal_ip: string; external_ip: string; hostname: string } {
  const found = { internal_ip: "", external_ip: "", hostname: "" };
  for (const entry of asArray(value)) {
    const address = asText(asObject(entry)?.["address"]);
    switch (asObject(entry)?.["type"]) {
      case "InternalIP":
        found.internal_ip = address;
        break;
      case "ExternalIP":
        found.external_ip = address;
        break;
      case "Hostname":
        found.hostname = address;
    }
  }
  return found;
}
