// Nodes of a generated cluster.
import { hashOf, hex8 } from "../hash.ts";
import type { ClusterModel, NodeModel } from "./model.ts";
import { cpuText } from "./quantities.ts";
import { commonMetadata, timeText, type WorldTable } from "./table.ts";

export function nodeTable(model: ClusterModel): WorldTable {
  const node = (index: number): NodeModel => model.nodes[index] as NodeModel;
  return {
    count: model.nodes.length,
    namespaceOf: () => "",
    nameOf: (index) => node(index).name,
    labelsOf: (index) => labelsOf(model, node(index)),
    metadataText: (index) => {
      const { name, hash } = node(index);
      const labels = JSON.stringify(labelsOf(model, node(index)));
      return `{${commonMetadata(name, "", hash, labels)},"annotations":{"node.alpha.kubernetes.io/ttl":"0","volumes.kubernetes.io/controller-managed-attach-detach":"true"}}`;
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

function conditionText(type: string, status: string, reason: string, message: string, hash: number): string {
  return `{"type":"${type}","status":"${status}","lastHeartbeatTime":"${heartbeatText}","lastTransitionTime":"${timeText(hash)}","reason":"${reason}","message":"${message}"}`;
}

function readyText(node: NodeModel): string[] {
  const hash = hashOf(node.hash, 60);
  switch (node.ready) {
    case undefined:
      return [];
    case "True":
      return [conditionText("Ready", "True", "KubeletReady", "kubelet is posting ready status", hash)];
    case "False":
      return [conditionText("Ready", "False", "KubeletNotReady", "container runtime network not ready", hash)];
    case "Unknown":
      return [conditionText("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", hash)];
  }
}

function statusText(model: ClusterModel, node: NodeModel, index: number): string {
  const storageKi = 104_857_600 + (hashOf(node.hash, 61) % 20_000_000);
  const conditions = [
    conditionText(
      "MemoryPressure",
      "False",
      "KubeletHasSufficientMemory",
      "kubelet has sufficient memory available",
      node.hash,
    ),
    conditionText("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure", node.hash),
    conditionText("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available", node.hash),
    ...readyText(node),
  ];
  const capacity = `{"cpu":"${cpuText(node.cpuCapacityMilli)}","ephemeral-storage":"${storageKi}Ki","hugepages-2Mi":"0","memory":"${node.memoryCapacityKi}Ki","pods":"110"}`;
  const allocatable = `{"cpu":"${cpuText(node.cpuAllocatableMilli)}","ephemeral-storage":"${Math.floor(storageKi * 0.9) * 1024}","hugepages-2Mi":"0","memory":"${node.memoryAllocatableKi}Ki","pods":"110"}`;
  const addresses = `[{"type":"InternalIP","address":"${nodeAddress(index)}"},{"type":"Hostname","address":"${node.name}"}]`;
  return `{"capacity":${capacity},"allocatable":${allocatable},"conditions":[${conditions.join(",")}],"addresses":${addresses},"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}},"nodeInfo":${nodeInfoText(model, node)},"images":[${imagesText(node)}]}`;
}

function nodeInfoText(model: ClusterModel, node: NodeModel): string {
  const id = [1, 2, 3, 4].map((i) => hex8(hashOf(node.hash, 62, i))).join("");
  const machine = model.architecture === "amd64" ? "x86_64" : "aarch64";
  return `{"machineID":"${id}","systemUUID":"${id.slice(0, 8)}-${id.slice(8, 12)}-4${id.slice(13, 16)}-a${id.slice(17, 20)}-${id.slice(20)}","bootID":"${hex8(hashOf(node.hash, 63))}","kernelVersion":"6.8.0-${40 + (model.hash % 20)}-generic.${machine}","osImage":"Ubuntu 24.04.2 LTS","containerRuntimeVersion":"containerd://1.7.${20 + (model.hash % 8)}","kubeletVersion":"${model.gitVersion}","kubeProxyVersion":"${model.gitVersion}","operatingSystem":"linux","architecture":"${model.architecture}"}`;
}

function imagesText(node: NodeModel): string {
  return Array.from({ length: 5 + (node.hash % 8) }, (_, i) => {
    const digest = Array.from({ length: 8 }, (_, j) => hex8(hashOf(node.hash, 64, i, j))).join("");
    return `{"names":["registry.example.com/app-${i}@sha256:${digest}"],"sizeBytes":${20_000_000 + (hashOf(node.hash, 65, i) % 400_000_000)}}`;
  }).join(",");
}
