// Deployments of a generated cluster: their replicas are its pods.
import { type ClusterModel, phases, type Workload } from "./model.ts";
import { containerText } from "./pods.ts";
import { commonMetadata, type WorldTable } from "./table.ts";
import { deploymentCodes, type Variant } from "./variants.ts";

export function deploymentTable(model: ClusterModel): WorldTable {
  const deployments = model.workloads.filter((workload) => workload.kind === "Deployment");
  const deployment = (index: number): Workload => deployments[index] as Workload;
  return {
    count: deployments.length,
    indexOf: (place) => place,
    namespaceOf: (index) => deployment(index).namespace,
    nameOf: (index) => deployment(index).app,
    labelsOf: (index) => ({ app: deployment(index).app }),
    metadataText: (index) => {
      const { app, namespace, hash } = deployment(index);
      const variant = model.variantOf("deployments", index);
      const { generation, rollouts } = deploymentState(model, deployment(index), variant);
      return `{${commonMetadata(app, namespace, hash, `{"app":"${app}"}`, variant)},"generation":${generation},"annotations":{"deployment.kubernetes.io/revision":"${1 + (hash % 20) + rollouts}"}}`;
    },
    contentText: (index) =>
      contentText(deployment(index), deploymentState(model, deployment(index), model.variantOf("deployments", index))),
    fields: {},
  };
}

/** What a Deployment wants and what its status tells. */
export interface DeploymentState {
  readonly generation: number;
  /** Since the seed. */
  readonly rollouts: number;
  readonly wanted: number;
  readonly existing: number;
  readonly updated: number;
  readonly ready: number;
}

function deploymentState(model: ClusterModel, workload: Workload, variant: Variant | undefined): DeploymentState {
  const { hash, replicas, firstPod } = workload;
  const generation = 1 + (hash % 20);
  if (variant === undefined) {
    // What its pods are like by now, its own variant would tell.
    const running = phases.indexOf("Running");
    const ready = model.seedPhaseOfPod
      .subarray(firstPod, firstPod + replicas)
      .filter((phase) => phase === running).length;
    return { generation, rollouts: 0, wanted: replicas, existing: replicas, updated: replicas, ready };
  }
  const { revision, scalings, scaledIn, ...counts } = deploymentCodes.unpack(variant.code);
  return { ...counts, generation: generation + revision + scalings, rollouts: revision, wanted: replicas - scaledIn };
}

function contentText({ app, containers }: Workload, state: DeploymentState): string {
  const { generation, rollouts, wanted, existing, updated, ready } = state;
  const containersText = containers.map((container) => containerText(container, app, rollouts)).join(",");
  const templateText = `{"metadata":{"labels":{"app":"${app}"}},"spec":{"containers":[${containersText}]}}`;
  const spec = `{"replicas":${wanted},"selector":{"matchLabels":{"app":"${app}"}},"template":${templateText},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}`;
  const counts = ready === 0 ? "" : `,"readyReplicas":${ready},"availableReplicas":${ready}`;
  const unavailable = Math.max(wanted, existing) - ready;
  const missing = unavailable === 0 ? "" : `,"unavailableReplicas":${unavailable}`;
  return `"spec":${spec},"status":{"observedGeneration":${generation},"replicas":${existing},"updatedReplicas":${updated}${counts}${missing}}`;
}
