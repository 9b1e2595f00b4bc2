// Pods of a generated cluster. A pod's name carries its index, and all that the pods of a workload share is built once per workload.
import { rfc3339 } from "../../support/clock.ts";
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
import { podCodes, podStates, type Variant } from "./variants.ts";

/** What all pods of a workload have in common, as text. */
interface Template {
  readonly workload: Workload;
  readonly rollouts: number;
  readonly namePrefix: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Made when it is shown first: who looks for one pod needs few. */
  readonly texts: () => TemplateTexts;
}

interface TemplateTexts {
  readonly labels: string;
  /** Metadata after the common members. */
  readonly owner: string;
  readonly containers: string;
}

/** A pod as it is now. */
interface Pod {
  /** Its place among all pods of the cluster. */
  readonly place: number;
  readonly template: Template;
  readonly name: string;
  readonly hash: number;
  readonly phase: Phase;
  readonly variant: Variant | undefined;
  readonly state: (typeof podStates)[number] | undefined;
  readonly restarts: number;
  /** Whether it came after the seed. */
  readonly isNew: boolean;
}

export function podTable(model: ClusterModel): WorldTable {
  const templates = new Map<string, Template>();
  const templateFor = (workload: Workload, index: number, rollouts: number): Template => {
    const key = `${index}/${rollouts}`;
    const known = templates.get(key) ?? templateOf(workload, rollouts);
    templates.set(key, known);
    return known;
  };
  const pods: Pod[] = [];
  model.workloads.forEach((workload, index) => {
    const before = pods.length;
    const seeded = templateFor(workload, index, 0);
    let isRolled = false;
    for (let place = workload.firstPod; place < workload.firstPod + workload.replicas; place++) {
      const phase = phases[model.phaseOfPod[place] as number];
      if (phase === undefined) continue;
      const variant = model.variantOf("pods", place);
      const { state, restarts, revision, life } = variant === undefined ? asSeeded : podCodes.unpack(variant.code);
      isRolled ||= revision > 0;
      const template = revision === 0 ? seeded : templateFor(workload, index, revision);
      const seedHash = hashOf(model.hash, 80, place);
      const hash = life === 0 ? seedHash : hashOf(seedHash, 83, life);
      const name = template.namePrefix + suffixOf(place - workload.firstPod, workload.replicas, hash);
      const isNew = life > 0;
      pods.push({ place, template, name, hash, phase, variant, state: variant && podStates[state], restarts, isNew });
    }
    // Another ReplicaSet's pods may come before those of the first.
    if (isRolled) pods.push(...pods.splice(before).sort((a, b) => (a.name < b.name ? -1 : 1)));
  });
  const pod = (index: number): Pod => pods[index] as Pod;
  const nodeName = ({ place }: Pod): string => {
    const node = model.nodeOfPod[place] as number;
    return node < 0 ? "" : (model.nodes[node] as NodeModel).name;
  };
  return {
    count: pods.length,
    indexOf: (place) => pods.findIndex((one) => one.place === place),
    namespaceOf: (index) => pod(index).template.workload.namespace,
    nameOf: (index) => pod(index).name,
    labelsOf: (index) => pod(index).template.labels,
    metadataText: (index) => {
      const { name, hash, template, variant, isNew } = pod(index);
      const { workload, texts } = template;
      const { labels, owner } = texts();
      const stamp = variant && { ...variant, ...(isNew ? { createdSeconds: variant.sinceSeconds } : {}) };
      return `{${commonMetadata(name, workload.namespace, hash, labels, stamp)},${owner}}`;
    },
    contentText: (index) => {
      const one = pod(index);
      const node = nodeName(one);
      const { workload, texts } = one.template;
      const restart = workload.kind === "Job" ? "Never" : "Always";
      const place = node === "" ? "" : `"nodeName":"${node}",`;
      const spec = `{${texts().containers},"restartPolicy":"${restart}","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"default","serviceAccount":"default",${place}"securityContext":{},"schedulerName":"default-scheduler","priority":0,"enableServiceLinks":true,"preemptionPolicy":"PreemptLowerPriority"}`;
      return `"spec":${spec},"status":${statusText(one, model.nodeOfPod[one.place] as number)}`;
    },
    fields: {
      "spec.nodeName": (index) => nodeName(pod(index)),
      "status.phase": (index) => pod(index).phase,
      "spec.restartPolicy": (index) => (pod(index).template.workload.kind === "Job" ? "Never" : "Always"),
    },
  };
}

const asSeeded = { state: 0, restarts: 0, revision: 0, life: 0 };

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

function templateOf(workload: Workload, rollouts: number): Template {
  const { app, kind } = workload;
  const revision = revisionOf(workload, rollouts);
  const owner = `${app}-${revision}`;
  const labels: Record<string, string> =
    kind === "Deployment" ? { app, "pod-template-hash": revision } : { app, "batch.kubernetes.io/job-name": owner };
  let made: TemplateTexts | undefined;
  const texts = (): TemplateTexts => {
    made ??= textsOf(workload, rollouts, owner, labels);
    return made;
  };
  return { workload, rollouts, namePrefix: `${owner}-`, labels, texts };
}

function textsOf(
  workload: Workload,
  rollouts: number,
  owner: string,
  labels: Readonly<Record<string, string>>,
): TemplateTexts {
  const { app, kind, hash } = workload;
  const [ownerApi, ownerKind] = kind === "Deployment" ? ["apps/v1", "ReplicaSet"] : ["batch/v1", "Job"];
  const uid = uuidOf(rollouts === 0 ? hashOf(hash, 81) : hashOf(hash, 81, rollouts));
  const init = workload.initContainers.map((container) => containerText(container, app, rollouts)).join(",");
  const main = workload.containers.map((container) => containerText(container, app, rollouts)).join(",");
  return {
    labels: JSON.stringify(labels),
    owner: `"generateName":"${owner}-","ownerReferences":[{"apiVersion":"${ownerApi}","kind":"${ownerKind}","name":"${owner}","uid":"${uid}","controller":true,"blockOwnerDeletion":true}]`,
    containers: `${init === "" ? "" : `"initContainers":[${init}],`}"containers":[${main}]`,
  };
}

const imageText = (app: string, name: string, rollouts: number): string =>
  `registry.example.com/${app}/${name}:1.${app.length}.${rollouts}`;

/** The text of one container after so many rollouts, also used by the Deployment's template. */
export function containerText({ name, cpu, memory }: ContainerModel, app: string, rollouts: number): string {
  const requests = [
    ...(cpu.text === "" ? [] : [`"cpu":"${cpu.text}"`]),
    ...(memory.text === "" ? [] : [`"memory":"${memory.text}"`]),
  ];
  const resources = requests.length === 0 ? "{}" : `{"requests":{${requests.join(",")}}}`;
  return `{"name":"${name}","image":"${imageText(app, name, rollouts)}","ports":[{"containerPort":8080,"protocol":"TCP"}],"resources":${resources},"terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}`;
}

function statusText({ template, phase, state, variant, hash, place, restarts, isNew }: Pod, node: number): string {
  const { workload } = template;
  const startText = isNew && variant !== undefined ? rfc3339(variant.sinceSeconds * 1_000) : timeText(hashOf(hash, 1));
  const changeText = variant === undefined ? startText : rfc3339(variant.atSeconds * 1_000);
  if (node < 0) {
    const message = "no node can take the pod";
    return `{"phase":"Pending","conditions":[{"type":"PodScheduled","status":"False","lastProbeTime":null,"lastTransitionTime":"${startText}","reason":"Unschedulable","message":"${message}"}],"qosClass":"Burstable"}`;
  }
  const isReady = phase === "Running" && state !== "crashed";
  const condition = (type: string, status: boolean, timeText: string): string =>
    `{"type":"${type}","status":"${status ? "True" : "False"}","lastProbeTime":null,"lastTransitionTime":"${timeText}"}`;
  const conditions = `${condition("PodScheduled", true, startText)},${condition("Initialized", phase !== "Pending", startText)},${condition("ContainersReady", isReady, changeText)},${condition("Ready", isReady, changeText)}`;
  const address =
    phase === "Pending" ? "" : `"podIP":"10.${64 + ((node >> 8) & 0x3f)}.${node & 0xff}.${(place % 250) + 2}",`;
  const stateJson = stateText(phase, state, changeText);
  const lastState = restarts === 0 ? "{}" : stateText("Failed", undefined, changeText);
  const count = (!isNew && hash % 9 === 0 ? hash % 40 : 0) + restarts;
  const statuses = workload.containers
    .map(({ name }) => {
      const image = imageText(workload.app, name, template.rollouts);
      const imageId = isReady ? `registry.example.com/${workload.app}/${name}@sha256:${hex8(hash)}` : "";
      return `{"name":"${name}","state":${stateJson},"lastState":${lastState},"ready":${isReady},"restartCount":${count},"image":"${image}","imageID":"${imageId}","started":${isReady}}`;
    })
    .join(",");
  return `{"phase":"${phase}","conditions":[${conditions}],"hostIP":"${nodeAddress(node)}",${address}"startTime":"${startText}","containerStatuses":[${statuses}],"qosClass":"Burstable"}`;
}

function stateText(phase: Phase, state: Pod["state"], timeText: string): string {
  if (state === "creating") return '{"waiting":{"reason":"ContainerCreating"}}';
  if (state === "crashed") {
    return '{"waiting":{"reason":"CrashLoopBackOff","message":"back-off restarting failed container"}}';
  }
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
