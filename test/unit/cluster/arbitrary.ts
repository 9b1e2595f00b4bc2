// Random nodes and pods, and the slow reference that says what must come of them. The reference works on the numbers the texts were made
// from; it parses nothing.
import fc from "fast-check";
import type { ResponseBody } from "../../../src/cluster/ports.ts";

export function bodyOf(value: unknown): ResponseBody {
  return { bytes: new Uint8Array(Buffer.from(JSON.stringify(value))), encoding: "identity", format: "json" };
}

export interface Amount {
  readonly text: string | undefined;
  /** Nanocores or bytes. */
  readonly amount: number;
}

const nothing: Amount = { text: undefined, amount: 0 };
const cpu = fc.oneof(
  fc.constant(nothing),
  fc.constant({ text: "a lot", amount: 0 }),
  fc.nat({ max: 64_000 }).map((milli) => ({ text: `${milli}m`, amount: milli * 1e6 })),
  fc.nat({ max: 64_000 }).map((milli) => ({ text: String(milli / 1000), amount: milli * 1e6 })),
  fc.nat({ max: 64 }).map((cores) => ({ text: String(cores), amount: cores * 1e9 })),
  fc.nat().map((nano) => ({ text: `${nano}n`, amount: nano })),
);
const memory = fc.oneof(
  fc.constant(nothing),
  fc.nat().map((amount) => ({ text: String(amount), amount })),
  fc.nat({ max: 1e6 }).map((kib) => ({ text: `${kib}Ki`, amount: kib * 1024 })),
  fc.nat({ max: 1e5 }).map((mega) => ({ text: `${mega}M`, amount: mega * 1e6 })),
  fc.nat({ max: 1e6 }).map((milli) => ({ text: `${milli}m`, amount: Math.ceil(milli / 1000) })),
);

export interface PodModel {
  readonly name: string;
  readonly node: string | undefined;
  readonly phase: string | undefined;
  readonly containers: readonly { readonly cpu: Amount; readonly memory: Amount }[];
}

export const nodeNames = ["node-a", "node-b", "__proto__", "constructor", "node-gone"] as const;

export const podModel: fc.Arbitrary<PodModel> = fc.record({
  name: fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/),
  node: fc.option(fc.constantFrom(...nodeNames), { nil: undefined }),
  phase: fc.constantFrom("Running", "Pending", "Failed", "Succeeded", "Unknown", undefined),
  containers: fc.array(fc.record({ cpu, memory }), { maxLength: 3 }),
});

export function podObject(pod: PodModel): unknown {
  return {
    metadata: { name: pod.name, namespace: "default", managedFields: [{ manager: "kubelet" }] },
    spec: {
      nodeName: pod.node,
      containers: pod.containers.map((container) => ({
        name: "c",
        resources: { requests: { cpu: container.cpu.text, memory: container.memory.text }, limits: { cpu: "99" } },
      })),
      initContainers: [{ name: "init", resources: { requests: { cpu: "77", memory: "77Gi" } } }],
      overhead: { cpu: "55" },
    },
    status: { phase: pod.phase },
  };
}

export function podList(pods: readonly PodModel[], continueToken = ""): unknown {
  return { kind: "PodList", metadata: { continue: continueToken }, items: pods.map(podObject) };
}

export interface NodeModel {
  readonly name: string;
  readonly ready: string | undefined;
  readonly unschedulable: boolean;
  readonly roles: readonly string[];
  readonly cpuMillicores: number;
  readonly memoryKib: number;
  readonly labels: readonly (readonly [string, string])[];
}

const role = fc.constantFrom("worker", "control-plane", "infra", "", "__proto__");
export const nodeModels: fc.Arbitrary<readonly NodeModel[]> = fc
  .subarray([...nodeNames].filter((name) => name !== "node-gone"))
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc.record({
          name: fc.constant(name),
          ready: fc.constantFrom("True", "False", "Unknown", undefined),
          unschedulable: fc.boolean(),
          roles: fc.uniqueArray(role),
          cpuMillicores: fc.nat({ max: 256_000 }),
          memoryKib: fc.nat({ max: 2 ** 30 }),
          labels: fc.array(fc.tuple(fc.constantFrom("a", "__proto__", "constructor", "toString"), fc.string()), {
            maxLength: 3,
          }),
        }),
      ),
    ),
  );

export function nodeObject(node: NodeModel): unknown {
  const conditions = [{ type: "DiskPressure", status: "False" }];
  const ready = { type: "Ready", status: node.ready, lastTransitionTime: "2026-01-02T03:04:05.678+02:00" };
  const resources = { cpu: `${node.cpuMillicores}m`, memory: `${node.memoryKib}Ki`, pods: "110" };
  return {
    metadata: {
      name: node.name,
      labels: Object.fromEntries([
        ...node.labels,
        ...node.roles.map((name) => [`node-role.kubernetes.io/${name}`, ""]),
      ]),
      annotations: Object.fromEntries(node.labels),
    },
    spec: { unschedulable: node.unschedulable || undefined },
    status: {
      capacity: resources,
      allocatable: resources,
      conditions: node.ready === undefined ? conditions : [...conditions, ready],
    },
  };
}

export function nodeList(nodes: readonly NodeModel[], continueToken = ""): unknown {
  return { kind: "NodeList", metadata: { continue: continueToken }, items: nodes.map(nodeObject) };
}

/** What the pods of one node must add up to. */
export function reference(pods: readonly PodModel[], node: string) {
  const own = pods.filter((pod) => pod.node === node);
  const requesting = own.filter((pod) => pod.phase === "Running" || pod.phase === "Pending");
  const containers = requesting.flatMap((pod) => pod.containers);
  const phase = (name: string) => own.filter((pod) => pod.phase === name).length;
  return {
    node,
    cpuRequestedCores: containers.reduce((sum, container) => sum + container.cpu.amount, 0) / 1e9,
    memoryRequestedBytes: containers.reduce((sum, container) => sum + container.memory.amount, 0),
    running: phase("Running"),
    pending: phase("Pending"),
    failed: phase("Failed"),
    succeeded: phase("Succeeded"),
    total: own.length,
  };
}

const member = fc.oneof(
  fc.constantFrom(
    ..."metadata name labels spec status nodeName containers resources requests cpu memory phase capacity allocatable".split(
      " ",
    ),
    ..."conditions type lastTransitionTime addresses taints images nodeInfo unschedulable __proto__ toString".split(
      " ",
    ),
  ),
  fc.string(),
);

/** Any JSON, with members that the folds look for in every place. (fast-check's own cannot build objects below a frozen prototype.) */
export const anyJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom(null, true, false, "", "Running", "Ready", "True", "1e400", "-5", -1, 0, 1e308),
    fc.string(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(member, tie("value")), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;
