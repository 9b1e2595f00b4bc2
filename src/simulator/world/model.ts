// The numeric truth of one cluster: its nodes, workloads and pods, derived from (seed, index) whenever someone asks and then dropped.
// Both the API's answers and the ground truth are made of it, and neither of the other. It keeps what holds in a real cluster: a
// pod's node exists, a deployment's replicas are its pods, and requests of live pods fit their node's allocatable.
import { hashOf, hex8, pick } from "../hash.ts";
import { between, type ClusterIdentity, type PresetName, presets, type WorldKey } from "./profile.ts";
import { cpuRequests, memoryRequests, type Quantity } from "./quantities.ts";
import type { Variant, VariantLookup } from "./variants.ts";
import { appNames, jobNames, systemApps, teamNames } from "./words.ts";

export type NodeStatus = "Ready" | "NotReady" | "SchedulingDisabled" | "Unknown";

export interface NodeModel {
  readonly name: string;
  readonly hash: number;
  readonly roles: readonly string[];
  readonly isControlPlane: boolean;
  /** The Ready condition's status; undefined when the node has none yet. */
  readonly ready: "True" | "False" | "Unknown" | undefined;
  readonly isCordoned: boolean;
  readonly kubeletVersion: string;
  readonly cpuCapacityMilli: number;
  readonly cpuAllocatableMilli: number;
  readonly memoryCapacityKi: number;
  readonly memoryAllocatableKi: number;
}

export interface ContainerModel {
  readonly name: string;
  readonly cpu: Quantity;
  readonly memory: Quantity;
}

/** A Deployment, or a Job whose pods have ended or are about to. */
export interface Workload {
  readonly kind: "Deployment" | "Job";
  readonly namespace: string;
  readonly app: string;
  readonly hash: number;
  /** Index of its first pod; the others follow. */
  readonly firstPod: number;
  readonly replicas: number;
  readonly containers: readonly ContainerModel[];
  readonly initContainers: readonly ContainerModel[];
  readonly cpuMilli: number;
  readonly memoryBytes: number;
}

export const phases = ["Pending", "Running", "Succeeded", "Failed"] as const;
export type Phase = (typeof phases)[number];
/** In place of the phase of a pod that is not there for now. */
export const absentPhase = 255;

export interface ClusterModel {
  readonly identity: ClusterIdentity;
  readonly hash: number;
  readonly gitVersion: string;
  readonly architecture: "amd64" | "arm64";
  readonly resourceVersion: number;
  /** In order of name, like everything below. */
  readonly namespaces: readonly string[];
  /** Those of them that the seed does not have. */
  readonly extraNamespaces: ReadonlyMap<string, Variant>;
  readonly nodes: readonly NodeModel[];
  readonly workloads: readonly Workload[];
  readonly podCount: number;
  /** Of every pod: index of its node, -1 while unscheduled. */
  readonly nodeOfPod: Int16Array;
  /** Of every pod: index into `phases`, or `absentPhase`. */
  readonly phaseOfPod: Uint8Array;
  /** The same as the seed made it. */
  readonly seedPhaseOfPod: Uint8Array;
  /** What is no longer as the seed made it. */
  readonly variantOf: VariantLookup;
}

/** Derives the cluster. Pure: equal arguments give equal models. */
export function buildModel(key: WorldKey, identity: ClusterIdentity): ClusterModel {
  const preset = presets[key.preset];
  const hash = hashOf(key.seed, key.index, 1);
  const gitVersion = `v1.${30 + (hashOf(hash, 3) % 5)}.${hashOf(hash, 4) % 9}`;
  const nodes = buildNodes(hash, identity, key.preset, gitVersion);
  const teams = buildNamespaces(hash, preset.teamNamespaces);
  const podCount = between(preset.pods, hashOf(hash, 2));
  const workloads = buildWorkloads(hash, teams, podCount, preset.maxReplicas);
  const pods = placePods(hash, nodes, workloads, podCount);
  const namespaces = ["default", "kube-node-lease", "kube-public", "kube-system", ...teams].sort();
  return {
    identity,
    hash,
    gitVersion,
    architecture: hashOf(hash, 5) % 6 === 0 ? "arm64" : "amd64",
    resourceVersion: 100_000 + (hashOf(hash, 6) % 9_000_000),
    namespaces,
    extraNamespaces: none,
    nodes,
    workloads,
    podCount,
    ...pods,
    seedPhaseOfPod: pods.phaseOfPod,
    variantOf: () => undefined,
  };
}

const none: ReadonlyMap<string, Variant> = new Map();

/** What a reader is told of a node: cordoned wins over everything, no Ready condition is Unknown. */
export function nodeStatus(node: NodeModel): NodeStatus {
  if (node.isCordoned) return "SchedulingDisabled";
  if (node.ready === undefined) return "Unknown";
  return node.ready === "True" ? "Ready" : "NotReady";
}

const kibibytesPerGibibyte = 1024 * 1024;

function buildNodes(
  clusterHash: number,
  { region }: ClusterIdentity,
  presetName: PresetName,
  kubeletVersion: string,
): NodeModel[] {
  const preset = presets[presetName];
  const count = between(preset.nodes, hashOf(clusterHash, 20));
  const controlPlanes = count >= 10 ? 3 : 1;
  const width = String(count).length;
  const nodes = Array.from({ length: count }, (_, i): NodeModel => {
    const hash = hashOf(clusterHash, 21, i);
    const isControlPlane = i < controlPlanes;
    const cores = isControlPlane ? 4 : pick(preset.workerCores, hashOf(hash, 1));
    // From pools rich in memory to such where it runs out before the cores do.
    const gibibytes = cores * (isControlPlane ? 4 : pick([1, 2, 4, 4, 8], hashOf(hash, 6)));
    const memoryCapacityKi = gibibytes * kibibytesPerGibibyte - (hashOf(hash, 2) % 500_000);
    const number = String(isControlPlane ? i + 1 : i + 1 - controlPlanes).padStart(width, "0");
    return {
      name: `${region}-${isControlPlane ? "cp" : "worker"}-${number}`,
      hash,
      roles: rolesOf(isControlPlane, count, hashOf(hash, 3)),
      isControlPlane,
      ...healthOf(hashOf(hash, 4) % 100),
      kubeletVersion,
      cpuCapacityMilli: cores * 1000,
      cpuAllocatableMilli: cores * 1000 - pick([0, 80, 500, 500, 1000], hashOf(hash, 5)),
      memoryCapacityKi,
      memoryAllocatableKi: memoryCapacityKi - 102_400 - Math.floor(memoryCapacityKi / 25),
    };
  });
  return nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function rolesOf(isControlPlane: boolean, nodeCount: number, hash: number): string[] {
  if (isControlPlane) return nodeCount < 5 && hash % 2 === 0 ? ["control-plane", "worker"] : ["control-plane"];
  if (hash % 10 === 0) return [];
  return hash % 10 === 1 ? ["infra", "worker"] : ["worker"];
}

/** Of a hundred nodes four are not ready, two are silent, three are cordoned and one has not reported yet. */
function healthOf(percentile: number): Pick<NodeModel, "ready" | "isCordoned"> {
  if (percentile < 4) return { ready: "False", isCordoned: percentile === 0 };
  if (percentile < 6) return { ready: "Unknown", isCordoned: false };
  if (percentile < 9) return { ready: "True", isCordoned: true };
  return percentile === 9 ? { ready: undefined, isCordoned: false } : { ready: "True", isCordoned: false };
}

function buildNamespaces(clusterHash: number, count: number): string[] {
  const start = hashOf(clusterHash, 30);
  return Array.from({ length: count }, (_, i) => {
    const round = Math.floor(i / teamNames.length);
    return `${pick(teamNames, start + i)}${round === 0 ? "" : `-${round + 1}`}`;
  });
}

/** Workloads in order of namespace and pod name, whose replicas add up to `podCount`. */
function buildWorkloads(
  clusterHash: number,
  teams: readonly string[],
  podCount: number,
  maxReplicas: number,
): Workload[] {
  const used = new Set<string>();
  const drafts: Omit<Workload, "firstPod">[] = [];
  for (let pods = 0, i = 0; pods < podCount; i++) {
    const hash = hashOf(clusterHash, 40, i);
    const isSystem = i < systemApps.length;
    const isJob = !isSystem && hashOf(hash, 1) % 6 === 0;
    const namespace = isSystem ? "kube-system" : pick(["default", ...teams, ...teams], hashOf(hash, 2));
    const base = isSystem ? (systemApps[i] as string) : pick(isJob ? jobNames : appNames, hashOf(hash, 3));
    const app = firstFree(base, namespace, used);
    const wanted = isJob ? 1 + (hashOf(hash, 4) % 3) : 1 + (hashOf(hash, 4) % maxReplicas);
    const replicas = Math.min(wanted, podCount - pods);
    const containers = containersOf(app, 1 + (hashOf(hash, 5) % 3), hashOf(hash, 6));
    drafts.push({
      kind: isJob ? "Job" : "Deployment",
      namespace,
      app,
      hash,
      replicas,
      containers,
      initContainers: hashOf(hash, 7) % 4 === 0 ? containersOf("init", 1, hashOf(hash, 8)) : [],
      cpuMilli: containers.reduce((sum, container) => sum + container.cpu.value, 0),
      memoryBytes: containers.reduce((sum, container) => sum + container.memory.value, 0),
    });
    pods += replicas;
  }
  // Names are made so that no app followed by "-" begins another: this order is also that of the pods' names.
  const order = (draft: { namespace: string; app: string }): string => `${draft.namespace}/${draft.app}-`;
  drafts.sort((a, b) => (order(a) < order(b) ? -1 : 1));
  let firstPod = 0;
  return drafts.map((draft) => {
    const workload = { ...draft, firstPod };
    firstPod += draft.replicas;
    return workload;
  });
}

function firstFree(base: string, namespace: string, used: Set<string>): string {
  let app = base;
  for (let number = 2; used.has(`${namespace}/${app}`); number++) app = `${base}${number}`;
  used.add(`${namespace}/${app}`);
  return app;
}

const sidecars = ["proxy", "exporter"];

function containersOf(main: string, count: number, hash: number): ContainerModel[] {
  return Array.from({ length: count }, (_, i) => ({
    name: i === 0 ? main : (sidecars[i - 1] as string),
    cpu: pick(cpuRequests, hashOf(hash, i, 1)),
    memory: pick(memoryRequests, hashOf(hash, i, 2)),
  }));
}

function phaseOf(kind: Workload["kind"], percentile: number): Phase {
  if (kind === "Job") return percentile < 65 ? "Succeeded" : percentile < 90 ? "Failed" : "Running";
  return percentile < 95 ? "Running" : "Pending";
}

function placePods(
  clusterHash: number,
  nodes: readonly NodeModel[],
  workloads: readonly Workload[],
  podCount: number,
): Pick<ClusterModel, "nodeOfPod" | "phaseOfPod"> {
  const nodeOfPod = new Int16Array(podCount);
  const phaseOfPod = new Uint8Array(podCount);
  const freeCpuMilli = Float64Array.from(nodes, (node) => node.cpuAllocatableMilli);
  const freeMemoryBytes = Float64Array.from(nodes, (node) => node.memoryAllocatableKi * 1024);
  for (const workload of workloads) {
    const toleratesControlPlane = workload.namespace === "kube-system";
    for (let pod = workload.firstPod; pod < workload.firstPod + workload.replicas; pod++) {
      const hash = hashOf(clusterHash, 50, pod);
      const phase = phaseOf(workload.kind, hash % 100);
      // One pending pod in three waits for a node; so does any pod that fits nowhere.
      const isWaiting = phase === "Pending" && hashOf(hash, 1) % 3 === 0;
      const isLive = phase === "Running" || phase === "Pending";
      const [cpuMilli, memoryBytes] = isLive ? [workload.cpuMilli, workload.memoryBytes] : [0, 0];
      let place = -1;
      for (let i = 0; i < nodes.length && !isWaiting && place < 0; i++) {
        const at = (hash + i) % nodes.length;
        if ((nodes[at] as NodeModel).isControlPlane && !toleratesControlPlane) continue;
        const fits = (freeCpuMilli[at] as number) >= cpuMilli && (freeMemoryBytes[at] as number) >= memoryBytes;
        if (fits) place = at;
      }
      if (place >= 0) {
        freeCpuMilli[place] = (freeCpuMilli[place] as number) - cpuMilli;
        freeMemoryBytes[place] = (freeMemoryBytes[place] as number) - memoryBytes;
      }
      nodeOfPod[pod] = place;
      phaseOfPod[pod] = phases.indexOf(place < 0 ? "Pending" : phase);
    }
  }
  return { nodeOfPod, phaseOfPod };
}

/** The middle of a pod's name: the hash of the ReplicaSet after so many rollouts, or the Job's start time in minutes. */
export function revisionOf(workload: Workload, rollouts: number): string {
  if (workload.kind === "Job") return String(29_000_000 + (workload.hash % 500_000));
  const hash = rollouts === 0 ? workload.hash : hashOf(workload.hash, 82, rollouts);
  return `${hex8(hash)}${(hash % 90) + 10}`;
}
