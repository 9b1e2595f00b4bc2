// The columns of the built-in kinds, as a real API server prints them.
import { ageOf, humanDuration } from "../http/durations.ts";

type Json = Readonly<Record<string, unknown>>;

export interface BuiltInColumn {
  readonly name: string;
  readonly type?: string;
  readonly wide?: boolean;
  cell(object: Json, nowMs: number): unknown;
}

const none = "<none>";

function at(value: unknown, path: string): unknown {
  let found = value;
  for (const step of path.split(".")) found = (found as Json | null | undefined)?.[step];
  return found;
}
const list = (value: unknown, path: string): readonly Json[] => (at(value, path) ?? []) as readonly Json[];
const text = (value: unknown, path: string): string => String(at(value, path) ?? "");
const count = (value: unknown, path: string): number => Number(at(value, path) ?? 0);

const name: BuiltInColumn = { name: "Name", cell: (object) => at(object, "metadata.name") };
const age: BuiltInColumn = {
  name: "Age",
  cell: (object, nowMs) => ageOf(at(object, "metadata.creationTimestamp"), nowMs),
};
const show = (label: string, path: string, fallback: unknown = none, wide = false): BuiltInColumn => ({
  name: label,
  wide,
  cell: (object) => at(object, path) ?? fallback,
});
const number = (label: string, path: string): BuiltInColumn => ({
  name: label,
  type: "integer",
  cell: (object) => count(object, path),
});
const size = (label: string, path: string): BuiltInColumn => ({
  name: label,
  type: "integer",
  cell: (object) => Object.keys((at(object, path) ?? {}) as object).length,
});

const labels = (value: unknown): string => {
  const pairs = Object.entries((value ?? {}) as Record<string, string>).map(([key, one]) => `${key}=${one}`);
  return pairs.length === 0 ? none : pairs.sort().join(",");
};
const selector = (path: string): BuiltInColumn => ({
  name: "Selector",
  wide: true,
  cell: (object) => labels(at(object, path)),
});
const containers: BuiltInColumn = {
  name: "Containers",
  wide: true,
  cell: (object) =>
    list(object, "spec.template.spec.containers")
      .map((one) => one["name"])
      .join(","),
};
const images: BuiltInColumn = {
  name: "Images",
  wide: true,
  cell: (object) =>
    list(object, "spec.template.spec.containers")
      .map((one) => one["image"])
      .join(","),
};

function podReason(pod: Json): string {
  if (at(pod, "metadata.deletionTimestamp") !== undefined) return "Terminating";
  for (const status of list(pod, "status.containerStatuses")) {
    const reason = at(status, "state.waiting.reason") ?? at(status, "state.terminated.reason");
    if (reason !== undefined && reason !== "") return String(reason);
  }
  return text(pod, "status.reason") || text(pod, "status.phase");
}

function nodeStatus(node: Json): string {
  const ready = list(node, "status.conditions").find((one) => one["type"] === "Ready");
  const status = ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady";
  return at(node, "spec.unschedulable") === true ? `${status},SchedulingDisabled` : status;
}

function nodeRoles(node: Json): string {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.keys((at(node, "metadata.labels") ?? {}) as object)
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
  return roles.sort().join(",") || none;
}

const nodeAddress = (type: string) => (node: Json) =>
  list(node, "status.addresses").find((one) => one["type"] === type)?.["address"] ?? none;

function servicePorts(service: Json): string {
  const ports = list(service, "spec.ports").map(
    (port) =>
      `${port["port"]}${port["nodePort"] === undefined ? "" : `:${port["nodePort"]}`}/${port["protocol"] ?? "TCP"}`,
  );
  return ports.join(",") || none;
}

function jobDuration(job: Json, nowMs: number): string {
  const start = at(job, "status.startTime");
  if (start === undefined) return "";
  const end = at(job, "status.completionTime");
  return humanDuration((end === undefined ? nowMs : Date.parse(String(end))) - Date.parse(String(start)));
}

function jobStatus(job: Json): string {
  const isTrue = (type: string) =>
    list(job, "status.conditions").some((one) => one["type"] === type && one["status"] === "True");
  return isTrue("Complete") ? "Complete" : isTrue("Failed") ? "Failed" : isTrue("Suspended") ? "Suspended" : "Running";
}

const accessModes = (object: Json): string =>
  ((at(object, "spec.accessModes") ?? []) as readonly string[]).map((mode) => mode.replace(/[a-z]/g, "")).join(",");

const roleRef: BuiltInColumn = {
  name: "Role",
  cell: (object) => `${text(object, "roleRef.kind")}/${text(object, "roleRef.name")}`,
};
const createdAt: BuiltInColumn = {
  name: "Created At",
  type: "date",
  cell: (object) => at(object, "metadata.creationTimestamp"),
};

const eventAge = (event: Json): unknown =>
  at(event, "series.lastObservedTime") ??
  at(event, "lastTimestamp") ??
  at(event, "deprecatedLastTimestamp") ??
  at(event, "eventTime") ??
  at(event, "metadata.creationTimestamp");
const eventObject = (event: Json): string => {
  const object = at(event, "involvedObject") ?? at(event, "regarding");
  return `${text(object, "kind").toLowerCase()}/${text(object, "name")}`;
};
const events: readonly BuiltInColumn[] = [
  { name: "Last Seen", cell: (event, nowMs) => ageOf(eventAge(event), nowMs) },
  show("Type", "type", ""),
  show("Reason", "reason", ""),
  { name: "Object", cell: eventObject },
  { name: "Message", cell: (event) => String(at(event, "message") ?? at(event, "note") ?? "").trim() },
  { name: "Name", wide: true, cell: (event) => at(event, "metadata.name") },
];

const readyOf = (ready: string, wanted: string): BuiltInColumn => ({
  name: "Ready",
  cell: (object) => `${count(object, ready)}/${count(object, wanted)}`,
});

/** By group and resource. A kind that is not here shows name and age. */
export const builtInColumns: Readonly<Record<string, readonly BuiltInColumn[]>> = {
  "/pods": [
    name,
    {
      name: "Ready",
      cell: (pod) =>
        `${list(pod, "status.containerStatuses").filter((one) => one["ready"] === true).length}/${list(pod, "spec.containers").length}`,
    },
    { name: "Status", cell: podReason },
    {
      name: "Restarts",
      cell: (pod) =>
        String(list(pod, "status.containerStatuses").reduce((sum, one) => sum + count(one, "restartCount"), 0)),
    },
    age,
    show("IP", "status.podIP", none, true),
    show("Node", "spec.nodeName", none, true),
    show("Nominated Node", "status.nominatedNodeName", none, true),
    { name: "Readiness Gates", wide: true, cell: () => none },
  ],
  "/nodes": [
    name,
    { name: "Status", cell: nodeStatus },
    { name: "Roles", cell: nodeRoles },
    age,
    show("Version", "status.nodeInfo.kubeletVersion", ""),
    { name: "Internal-IP", wide: true, cell: nodeAddress("InternalIP") },
    { name: "External-IP", wide: true, cell: nodeAddress("ExternalIP") },
    show("OS-Image", "status.nodeInfo.osImage", "<unknown>", true),
    show("Kernel-Version", "status.nodeInfo.kernelVersion", "<unknown>", true),
    show("Container-Runtime", "status.nodeInfo.containerRuntimeVersion", "<unknown>", true),
  ],
  "/namespaces": [name, show("Status", "status.phase", ""), age],
  "/services": [
    name,
    show("Type", "spec.type", "ClusterIP"),
    show("Cluster-IP", "spec.clusterIP"),
    {
      name: "External-IP",
      cell: (service) =>
        list(service, "status.loadBalancer.ingress")
          .map((one) => one["ip"] ?? one["hostname"])
          .join(",") || none,
    },
    { name: "Port(s)", cell: servicePorts },
    age,
    selector("spec.selector"),
  ],
  "/secrets": [name, show("Type", "type", "Opaque"), size("Data", "data"), age],
  "/configmaps": [name, size("Data", "data"), age],
  "/serviceaccounts": [name, { name: "Secrets", type: "integer", cell: (sa) => list(sa, "secrets").length }, age],
  "/persistentvolumeclaims": [
    name,
    show("Status", "status.phase", ""),
    show("Volume", "spec.volumeName", ""),
    show("Capacity", "status.capacity.storage", ""),
    { name: "Access Modes", cell: accessModes },
    show("StorageClass", "spec.storageClassName", ""),
    age,
    show("VolumeMode", "spec.volumeMode", "<unset>", true),
  ],
  "/persistentvolumes": [
    name,
    show("Capacity", "spec.capacity.storage", ""),
    { name: "Access Modes", cell: accessModes },
    show("Reclaim Policy", "spec.persistentVolumeReclaimPolicy", ""),
    show("Status", "status.phase", ""),
    {
      name: "Claim",
      cell: (pv) =>
        at(pv, "spec.claimRef") === undefined
          ? ""
          : `${text(pv, "spec.claimRef.namespace")}/${text(pv, "spec.claimRef.name")}`,
    },
    show("StorageClass", "spec.storageClassName", ""),
    age,
  ],
  "/events": events,
  "events.k8s.io/events": events,
  "apps/deployments": [
    name,
    readyOf("status.readyReplicas", "spec.replicas"),
    number("Up-to-date", "status.updatedReplicas"),
    number("Available", "status.availableReplicas"),
    age,
    containers,
    images,
    selector("spec.selector.matchLabels"),
  ],
  "apps/statefulsets": [name, readyOf("status.readyReplicas", "spec.replicas"), age, containers, images],
  "apps/daemonsets": [
    name,
    number("Desired", "status.desiredNumberScheduled"),
    number("Current", "status.currentNumberScheduled"),
    number("Ready", "status.numberReady"),
    number("Up-to-date", "status.updatedNumberScheduled"),
    number("Available", "status.numberAvailable"),
    { name: "Node Selector", cell: (ds) => labels(at(ds, "spec.template.spec.nodeSelector")) },
    age,
    containers,
    images,
    selector("spec.selector.matchLabels"),
  ],
  "apps/replicasets": [
    name,
    number("Desired", "spec.replicas"),
    number("Current", "status.replicas"),
    number("Ready", "status.readyReplicas"),
    age,
    containers,
    images,
    selector("spec.selector.matchLabels"),
  ],
  "batch/jobs": [
    name,
    { name: "Status", cell: jobStatus },
    { name: "Completions", cell: (job) => `${count(job, "status.succeeded")}/${at(job, "spec.completions") ?? 1}` },
    { name: "Duration", cell: jobDuration },
    age,
    containers,
    images,
  ],
  "batch/cronjobs": [
    name,
    show("Schedule", "spec.schedule", ""),
    show("Timezone", "spec.timeZone"),
    { name: "Suspend", type: "boolean", cell: (job) => at(job, "spec.suspend") === true },
    { name: "Active", type: "integer", cell: (job) => list(job, "status.active").length },
    {
      name: "Last Schedule",
      cell: (job, nowMs) => {
        const last = at(job, "status.lastScheduleTime");
        return last === undefined ? none : ageOf(last, nowMs);
      },
    },
    age,
  ],
  "coordination.k8s.io/leases": [name, show("Holder", "spec.holderIdentity", ""), age],
  "storage.k8s.io/storageclasses": [
    name,
    show("Provisioner", "provisioner", ""),
    show("ReclaimPolicy", "reclaimPolicy", "Delete"),
    show("VolumeBindingMode", "volumeBindingMode", "Immediate"),
    { name: "AllowVolumeExpansion", type: "boolean", cell: (sc) => at(sc, "allowVolumeExpansion") === true },
    age,
  ],
  "rbac.authorization.k8s.io/clusterroles": [name, createdAt],
  "rbac.authorization.k8s.io/roles": [name, createdAt],
  "rbac.authorization.k8s.io/clusterrolebindings": [name, roleRef, age],
  "rbac.authorization.k8s.io/rolebindings": [name, roleRef, age],
  "apiextensions.k8s.io/customresourcedefinitions": [name, createdAt],
};
