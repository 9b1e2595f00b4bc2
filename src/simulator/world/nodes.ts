// Nodes of a generated cluster.
import { rfc3339 } from "../../support/clock.ts";
import { hashOf, hex8 } from "../hash.ts";
import type { ClusterModel, NodeModel } from "./model.ts";
import { cpuText } from "./quantities.ts";
import { commonMetadata, timeText, type WorldTable } from "./table.ts";
import { nodeCodes, type Variant } from "./variants.ts";

export function nodeTable(model: ClusterModel): WorldTable {
  const node = (index: number): NodeModel => model.nodes[index] as NodeModel;
  return {
    count: model.nodes.length,
    indexOf: (place) => place,
    namespaceOf: () => "",
    nameOf: (index) => node(index).name,
    labelsOf: (index) => labelsOf(model, node(index)),
    metadataText: (index) => {
      const { name, hash } = node(index);
      const labels = JSON.stringify(labelsOf(model, node(index)));
      const variant = model.variantOf("nodes", index);
      const stamp = variant && { revision: variant.revision };
      return `{${commonMetadata(name, "", hash, labels, stamp)},"annotations":{"node.alpha.kubernetes.io/ttl":"0","volumes.kubernetes.io/controller-managed-attach-detach":"true"}}`;
    },
    contentText: (index) => `"spec":${specText(node(index), index)},"status":${statusText(model, node(index), index)}`,
    fields: { "spec.unschedulable": (index) => String(node(index).isCordoned) },
  };
}

function labelsOf(model: ClusterModel, node: NodeModel): Record<string, string> {
  return {
    "kubernetes.io/hostname": node.name,
    "kubernetes.io/arch": model.architecture,
    "kubernetes.io/os": "linux",
    "topology.kubernetes.io/region": model.identity.region,
    "topology.kubernetes.io/zone": `${model.identity.region}-${"abc"[node.hash % 3]}`,
    ...Object.fromEntries(node.roles.map((role) => [`node-role.kubernetes.io/${role}`, ""])),
  };
}

function specText(node: NodeModel, index: number): string {
  const taints = [
    ...(node.isControlPlane ? ['{"key":"node-role.kubernetes.io/control-plane","effect":"NoSchedule"}'] : []),
    ...(node.isCordoned ? ['{"key":"node.kubernetes.io/unschedulable","effect":"NoSchedule"}'] : []),
  ];
  const cidr = `10.${64 + (index >> 8)}.${index & 0xff}.0/24`;
  return `{"podCIDR":"${cidr}","podCIDRs":["${cidr}"],"providerID":"sim:///${node.name}"${node.isCordoned ? ',"unschedulable":true' : ""}${taints.length > 0 ? `,"taints":[${taints.join(",")}]` : ""}}`;
}

/** Address of a node, also shown by its pods. */
export const nodeAddress = (index: number): string => `10.0.${index >> 8}.${(index & 0xff) + 1}`;

const heartbeatText = "2026-01-01T00:00:00Z";

/** When conditions were reported last, and when they changed. */
interface Times {
  readonly heartbeat: string;
  readonly transition: string;
}

function conditionText(type: string, status: string, reason: string, message: string, times: Times): string {
  return `{"type":"${type}","status":"${status}","lastHeartbeatTime":"${times.heartbeat}","lastTransitionTime":"${times.transition}","reason":"${reason}","message":"${message}"}`;
}

function readyText(node: NodeModel, heartbeat: string, variant: Variant | undefined): string[] {
  const isAsSeeded = variant === undefined || nodeCodes.unpack(variant.code).ready === 0;
  const transition = isAsSeeded ? timeText(hashOf(node.hash, 60)) : rfc3339(variant.sinceSeconds * 1_000);
  const times = { heartbeat, transition };
  switch (node.ready) {
    case undefined:
      return [];
    case "True":
      return [conditionText("Ready", "True", "KubeletReady", "kubelet is posting ready status", times)];
    case "False":
      return [conditionText("Ready", "False", "KubeletNotReady", "container runtime network not ready", times)];
    case "Unknown":
      return [conditionText("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", times)];
  }
}

function statusText(model: ClusterModel, node: NodeModel, index: number): string {
  const storageKi = 104_857_600 + (hashOf(node.hash, 61) % 20_000_000);
  const variant = model.variantOf("nodes", index);
  const heartbeat = variant === undefined ? heartbeatText : rfc3339(variant.atSeconds * 1_000);
  const times = { heartbeat, transition: timeText(node.hash) };
  const conditions = [
    conditionText(
      "MemoryPressure",
      "False",
      "KubeletHasSufficientMemory",
      "kubelet has sufficient memory available",
      times,
    ),
    conditionText("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", times),
    conditionText("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", times),
    ...readyText(node, heartbeat, variant),
  ];
  const capacity = `{"cpu":"${cpuText(node.cpuCapacityMilli)}","ephemeral-storage":"${storageKi}Ki","hugepages-2Mi":"0","memory":"${node.memoryCapacityKi}Ki","pods":"110"}`;
  const allocatable = `{"cpu":"${cpuText(node.cpuAllocatableMilli)}","ephemeral-storage":"${Math.floor(storageKi * 0.9) * 1024}","hugepages-2Mi":"0","memory":"${node.memoryAllocatableKi}Ki","pods":"110"}`;
  const addresses = `[{"type":"InternalIP","address":"${nodeAddress(index)}"},{"type":"Hostname","address":"${node.name}"}]`;
  return `{"capacity":${capacity},"allocatable":${allocatable},"conditions":[${conditions.join(",")}],"addresses":${addresses},"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":${nodeInfoText(model, node)},"images":[${imagesText(node)}]}`;
}

function nodeInfoText(model: ClusterModel, node: NodeModel): string {
  const id = [1, 2, 3, 4].map((i) => hex8(hashOf(node.hash, 62, i))).join("");
  const machine = model.architecture === "amd64" ? "x86_64" : "aarch64";
  return `{"machineID":"${id}","systemUUID":"${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-a${id.slice(17, 20)}-${id.slice(20)}","bootID":"${hex8(hashOf(node.hash, 63))}","kernelVersion":"6.8.0-${40 + (model.hash % 20)}-generic.${machine}","osImage":"Ubuntu 24.04.2 LTS","containerRuntimeVersion":"containerd://1.7.${20 + (model.hash % 8)}","kubeletVersion":"${node.kubeletVersion}","kubeProxyVersion":"${node.kubeletVersion}","operatingSystem":"linux","architecture":"${model.architecture}"}`;
}

function imagesText(node: NodeModel): string {
  return Array.from({ length: 5 + (node.hash % 8) }, (_, i) => {
    const digest = Array.from({ length: 8 }, (_, j) => hex8(hashOf(node.hash, 64, i, j))).join("");
    return `{"names":["registry.example.com/app-${i}@sha256:${digest}"],"sizeBytes":${20_000_000 + (hashOf(node.hash, 65, i) % 400_000_000)}}`;
  }).join(",");
}
