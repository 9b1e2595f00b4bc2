// The ground truth of a cluster, summed over its numeric model and never over what its API shows.
// Definitions: only pods that have a node are counted; requests are those of the regular containers of running and pending pods;
// a node that is cordoned is neither ready nor not ready.
import type { Transition } from "../faults/effects.ts";
import { type ExpectedClaims, expectedClaims } from "./claims.ts";
import {
  absentPhase,
  type ClusterModel,
  type NodeModel,
  type NodeStatus,
  nodeStatus,
  type Phase,
  phases,
  type Workload,
} from "./model.ts";

export interface ExpectedNode {
  readonly status: NodeStatus;
  /** In order of name. */
  readonly roles: readonly string[];
  readonly cpuCapacityCores: number;
  readonly cpuAllocatableCores: number;
  readonly memoryCapacityBytes: number;
  readonly memoryAllocatableBytes: number;
  readonly cpuRequestedCores: number;
  readonly memoryRequestedBytes: number;
  readonly podsRunning: number;
  readonly podsPending: number;
  readonly podsFailed: number;
  readonly podsSucceeded: number;
  readonly podsTotal: number;
}

export interface ExpectedCluster {
  readonly version: string;
  /** `linux/amd64`. */
  readonly platform: string;
  readonly nodes: number;
  readonly nodesReady: number;
  /** In order of name. */
  readonly namespaces: readonly string[];
  /** Pods that have a node. */
  readonly pods: number;
  readonly podsRunning: number;
  /** Of the pods that have a node. */
  readonly podsByPhase: Readonly<Record<Phase, number>>;
  /** Pods that wait for a node; in no other number. */
  readonly podsUnscheduled: number;
  readonly deployments: number;
  readonly persistentVolumeClaims: ExpectedClaims;
  readonly cpuCapacityCores: number;
  readonly memoryCapacityBytes: number;
  readonly perNode: Readonly<Record<string, ExpectedNode>>;
  /** False while a fault of its connections keeps everybody out: what requests meet does not count. */
  readonly reachable: boolean;
  /** When that changes next, where it is known. */
  readonly transitions?: readonly Transition[];
}

interface NodeSums {
  cpuRequestedMilli: number;
  memoryRequestedBytes: number;
  total: number;
  readonly byPhase: Record<Phase, number>;
}

const noPods = (): Record<Phase, number> => ({ Pending: 0, Running: 0, Succeeded: 0, Failed: 0 });

/** As it is without faults. */
export function expectedOf(model: ClusterModel): ExpectedCluster {
  const sums = sumPods(model);
  const podsByPhase = noPods();
  for (const { byPhase } of sums) for (const phase of phases) podsByPhase[phase] += byPhase[phase];
  const pods = sums.reduce((sum, node) => sum + node.total, 0);
  const total = (value: (node: NodeModel) => number): number => model.nodes.reduce((sum, node) => sum + value(node), 0);
  return {
    version: model.gitVersion,
    platform: `linux/${model.architecture}`,
    nodes: model.nodes.length,
    nodesReady: model.nodes.filter((node) => nodeStatus(node) === "Ready").length,
    namespaces: model.namespaces,
    pods,
    podsRunning: podsByPhase.Running,
    podsByPhase,
    podsUnscheduled: model.phaseOfPod.filter((phase) => phase !== absentPhase).length - pods,
    deployments: model.workloads.filter((workload) => workload.kind === "Deployment").length,
    persistentVolumeClaims: expectedClaims(model),
    cpuCapacityCores: total((node) => node.cpuCapacityMilli) / 1000,
    memoryCapacityBytes: total((node) => node.memoryCapacityKi * 1024),
    perNode: Object.fromEntries(model.nodes.map((node, i) => [node.name, expectedNode(node, sums[i] as NodeSums)])),
    reachable: true,
  };
}

function sumPods(model: ClusterModel): NodeSums[] {
  const sums = model.nodes.map(
    (): NodeSums => ({ cpuRequestedMilli: 0, memoryRequestedBytes: 0, total: 0, byPhase: noPods() }),
  );
  const addPod = (pod: number, workload: Workload): void => {
    const node = sums[model.nodeOfPod[pod] as number];
    const phase = phases[model.phaseOfPod[pod] as number];
    if (node === undefined || phase === undefined) return;
    node.total++;
    node.byPhase[phase]++;
    if (phase !== "Running" && phase !== "Pending") return;
    node.cpuRequestedMilli += workload.cpuMilli;
    node.memoryRequestedBytes += workload.memoryBytes;
  };
  for (const workload of model.workloads) {
    for (let i = 0; i < workload.replicas; i++) addPod(workload.firstPod + i, workload);
  }
  return sums;
}

const expectedNode = (node: NodeModel, sums: NodeSums): ExpectedNode => ({
  status: nodeStatus(node),
  roles: [...node.roles].sort(),
  cpuCapacityCores: node.cpuCapacityMilli / 1000,
  cpuAllocatableCores: node.cpuAllocatableMilli / 1000,
  memoryCapacityBytes: node.memoryCapacityKi * 1024,
  memoryAllocatableBytes: node.memoryAllocatableKi * 1024,
  cpuRequestedCores: sums.cpuRequestedMilli / 1000,
  memoryRequestedBytes: sums.memoryRequestedBytes,
  podsRunning: sums.byPhase.Running,
  podsPending: sums.byPhase.Pending,
  podsFailed: sums.byPhase.Failed,
  podsSucceeded: sums.byPhase.Succeeded,
  podsTotal: sums.total,
});
