// Pods of a generated cluster. A pod's name carries its index, and all that the pods of a workload share is built once per workload.
import { hashOf, hex8, uuidOf } from "../hash.ts";
import {
  type ClusterModel,
  type ContainerModel,
  type NodeModel,
  type Phase,
  phases,
  revisionOf,
  type Workload,
} from "./model.ts";
import { nodeAddress } from "./nodes.ts";
import { commonMetadata, timeText, type WorldTable } from "./table.ts";

/** What all pods of a workload have in common, as text. */
interface Template {
  readonly workload: Workload;
  readonly namePrefix: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly labelsText: string;
  /** Metadata after the common members. */
  readonly ownerText: string;
  readonly containersText: string;
}

export function podTable(model: ClusterModel): WorldTable {
  const templates = model.workloads.map(templateOf);
  const workloadOfPod = new Int32Array(model.podCount);
  model.workloads.forEach(({ firstPod, replicas }, i) => {
    workloadOfPod.fill(i, firstPod, firstPod + replicas);
  });
  const template = (pod: number): Template => templates[workloadOfPod[pod] as number] as Template;
  const phase = (pod: number): Phase => phases[model.phaseOfPod[pod] as number] as Phase;
  const nodeName = (pod: number): string => {
    const node = model.nodeOfPod[pod] as number;
    return node < 0 ? "" : (model.nodes[node] as NodeModel).name;
  };
  const hashOfPod = (pod: number): number => hashOf(model.hash, 80, pod);
  const nameOf = (pod: number): string => {
    const { workload, namePrefix } = template(pod);
    return namePrefix + suffixOf(pod - workload.firstPod, workload.replicas, hashOfPod(pod));
  };
  return {
    count: model.podCount,
    namespaceOf: (pod) => template(pod).workload.namespace,
    nameOf,
    labelsOf: (pod) => template(pod).labels,
    metadataText: (pod) => {
      const { workload, labelsText, ownerText } = template(pod);
      return `{${commonMetadata(nameOf(pod), workload.namespace, hashOfPod(pod), labelsText)},${ownerText}}`;
    },
    contentText: (pod) => {
      const node = nodeName(pod);
      const { workload, containersText } = template(pod);
      const restart = workload.kind === "Job" ? "Never" : "Always";
      const place = node === "" ? "" : `"nodeName":"${node}",`;
      const spec = `{${containersText},"restartPolicy":"${restart}","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","serviceAccount":"default",${place}"securityContext":{},"schedulerName":"default-scheduler","priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}`;
      return `"spec":${spec},"status":${statusText(workload, phase(pod), model.nodeOfPod[pod] as number, pod, hashOfPod(pod))}`;
    },
    fields: {
      "spec.nodeName": nodeName,
      "status.phase": phase,
      "spec.restartPolicy": (pod) => (template(pod).workload.kind === "Job" ? "Never" : "Always"),
    },
  };
}

// In order of bytes, so that a larger number sorts later.
const alphabet = "2456789bcdfghjklmnpqrstvwxz";
const suffixLength = 5;
const suffixSpace = alphabet.length ** suffixLength;

/** Five characters that look drawn and yet rise with the replica: each replica has its own slice of all suffixes. */
function suffixOf(replica: number, replicas: number, hash: number): string {
  const slice = Math.floor(suffixSpace / replicas);
  let left = replica * slice + (hash % slice);
  let text = "";
  for (let i = 0; i < suffixLength; i++) {
    text = alphabet[left % alphabet.length] + text;
    left = Math.floor(left / alphabet.length);
  }
  return text;
}

function templateOf(workload: Workload): Template {
  const { app, kind } = workload;
  const revision = revisionOf(workload);
  const owner = `${app}-${revision}`;
  const labels: Record<string, string> =
    kind === "Deployment" ? { app, "pod-template-hash": revision } : { app, "batch.kubernetes.io/job-name": owner };
  const [ownerApi, ownerKind] = kind === "Deployment" ? ["apps/v1", "ReplicaSet"] : ["batch/v1", "Job"];
  const uid = uuidOf(hashOf(workload.hash, 81));
  const init = workload.initContainers.map((container) => containerText(container, app)).join(",");
  const main = workload.containers.map((container) => containerText(container, app)).join(",");
  return {
    workload,
    namePrefix: `${owner}-`,
    labels,
    labelsText: JSON.stringify(labels),
    ownerText: `"generateName":"${owner}-","ownerReferences":[{"apiVersion":"${ownerApi}","kind":"${ownerKind}","name":"${owner}","uid":"${uid}","controller":true,"blockOwnerDeletion":true}]`,
    containersText: `${init === "" ? "" : `"initContainers":[${init}],`}"containers":[${main}]`,
  };
}

/** The text of one container, also used by the Deployment's template. */
export function containerText({ name, cpu, memory }: ContainerModel, app: string): string {
  const requests = [
    ...(cpu.text === "" ? [] : [`"cpu":"${cpu.text}"`]),
    ...(memory.text === "" ? [] : [`"memory":"${memory.text}"`]),
  ];
  const resources = requests.length === 0 ? "{}" : `{"requests":{${requests.join(",")}}}`;
  return `{"name":"${name}","image":"registry.example.com/${app}/${name}:1.${app.length}.0","ports":[{"containerPort":8080,"protocol":"TCP"}],"resources":${resources},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}`;
}

function statusText(workload: Workload, phase: Phase, node: number, pod: number, hash: number): string {
  const startText = timeText(hashOf(hash, 1));
  if (node < 0) {
    const message = "no node can take the pod";
    return `{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","lastProbeTime":null,"lastTransitionTime":"${startText}","reason":"Unschedulable","message":"${message}"}],"qosClass":"Burstable"}`;
  }
  const isReady = phase === "Running";
  const condition = (type: string, status: boolean): string =>
    `{"type":"${type}","status":"${status ? "True" : "False"}","lastProbeTime":null,"lastTransitionTime":"${startText}"}`;
  const conditions = `${condition("PodScheduled", true)},${condition("Initialized", phase !== "Pending")},${condition("ContainersReady", isReady)},${condition("Ready", isReady)}`;
  const address =
    phase === "Pending" ? "" : `"podIP":"10.${64 + ((node >> 8) & 0x3f)}.${node & 0xff}.${(pod % 250) + 2}",`;
  const state = stateText(phase, startText);
  const restarts = hash % 9 === 0 ? hash % 40 : 0;
  const statuses = workload.containers
    .map(
      ({ name }) =>
        `{"name":"${name}","state":${state},"lastState":{},"ready":${isReady},"restartCount":${restarts},"image":"registry.example.com/${workload.app}/${name}:1.${workload.app.length}.0","imageID":"${isReady ? `registry.example.com/${workload.app}/${name}@sha256:${hex8(hash)}` : ""}","started":${isReady}}`,
    )
    .join(",");
  return `{"phase":"${phase}","conditions":[${conditions}],"hostIP":"${nodeAddress(node)}",${address}"startTime":"${startText}","containerStatuses":[${statuses}],"qosClass":"Burstable"}`;
}

function stateText(phase: Phase, timeText: string): string {
  switch (phase) {
    case "Running":
      return `{"running":{"startedAt":"${timeText}"}}`;
    case "Pending":
      return '{"waiting":{"reason":"ImagePullBackOff","message":"Back-off pulling image"}}';
    case "Succeeded":
      return `{"terminated":{"exitCode":0,"reason":"Completed","startedAt":"${timeText}","finishedAt":"${timeText}"}}`;
    case "Failed":
      return `{"terminated":{"exitCode":1,"reason":"Error","startedAt":"${timeText}","finishedAt":"${timeText}"}}`;
  }
}
