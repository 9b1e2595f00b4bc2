// What the controllers of workloads report, without what they do: every replica that is wanted is there and ready soon after it is asked
// for, so that a rollout ends. No pod comes of it; a Job is complete at once.
import { type Clock, rfc3339 } from "../../support/clock.ts";
import type { ResourceType } from "../http/catalog.ts";
import { daemonSetType, deploymentType, jobType, nodeType, replicaSetType, statefulSetType } from "../kinds/types.ts";
import type { ControlLoop } from "./control-loop.ts";
import { type KubeObject, keyOf } from "./object.ts";
import type { HubStore } from "./store.ts";
import { type HubWriter, targetOf } from "./writes.ts";

type Json = Readonly<Record<string, unknown>>;

const reports = new Map<ResourceType, (object: KubeObject, nodes: number, now: string) => Json>([
  [deploymentType, deploymentStatus],
  [
    replicaSetType,
    (object) => {
      const replicas = wanted(object, "replicas");
      return { replicas, fullyLabeledReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas };
    },
  ],
  [
    statefulSetType,
    (object) => {
      const replicas = wanted(object, "replicas");
      const revision = `${object.metadata.name}-${object.metadata.generation}`;
      return {
        ...{ replicas, readyReplicas: replicas, availableReplicas: replicas },
        ...{ currentReplicas: replicas, updatedReplicas: replicas },
        ...{ currentRevision: revision, updateRevision: revision, collisionCount: 0 },
      };
    },
  ],
  [
    daemonSetType,
    (_object, nodes) => ({
      ...{ desiredNumberScheduled: nodes, currentNumberScheduled: nodes, updatedNumberScheduled: nodes },
      ...{ numberReady: nodes, numberAvailable: nodes, numberMisscheduled: 0 },
    }),
  ],
  [
    jobType,
    (object, _nodes, now) => ({
      succeeded: wanted(object, "completions"),
      startTime: now,
      completionTime: now,
      conditions: [condition("Complete", "CompletionsReached", "Reached expected number of succeeded pods", now)],
    }),
  ],
]);

/** Fills the status of every workload in whenever what is wanted of it has changed. */
export function reportWorkloads(store: HubStore, writer: HubWriter, loop: ControlLoop, clock: Clock): void {
  store.observe((type, { type: change, current }) => {
    const report = reports.get(type);
    const { metadata } = current.object;
    if (report === undefined || change === "DELETED" || isReported(current.object)) return;
    loop.soon(`workload ${metadata.uid}`, () => {
      const object = store.table(type).get(keyOf(metadata.namespace ?? "", metadata.name))?.object;
      if (object === undefined || isReported(object)) return;
      const nodes = store.table(nodeType).list().length;
      const status = report(object, nodes, rfc3339(clock.nowMs()));
      writer.patch({ ...targetOf(type, object), subresource: "status" }, (before) => ({
        ...before,
        status: { ...status, observedGeneration: object.metadata.generation },
      }));
    });
  });
}

/** Somebody, this controller or a client that plays one, has said what became of what is wanted. */
function isReported({ metadata, status }: KubeObject): boolean {
  const { observedGeneration } = (status ?? {}) as { readonly observedGeneration?: number };
  return observedGeneration === metadata.generation || metadata.deletionTimestamp !== undefined;
}

/** A number of the spec; 1 unless it is given. */
function wanted({ spec }: KubeObject, name: string): number {
  const number = (spec as Json | undefined)?.[name];
  return typeof number === "number" ? number : 1;
}

function deploymentStatus(object: KubeObject, _nodes: number, now: string): Json {
  const replicas = wanted(object, "replicas");
  const { name } = object.metadata;
  const available = condition("Available", "MinimumReplicasAvailable", "Deployment has minimum availability.", now);
  const progress = `ReplicaSet "${name}" has successfully progressed.`;
  return {
    ...{ replicas, updatedReplicas: replicas, readyReplicas: replicas, availableReplicas: replicas },
    conditions: [available, condition("Progressing", "NewReplicaSetAvailable", progress, now)],
  };
}

const condition = (type: string, reason: string, message: string, now: string): Json => ({
  ...{ type, status: "True", reason, message, lastTransitionTime: now },
  ...(type === "Complete" ? { lastProbeTime: now } : { lastUpdateTime: now }),
});
