// Deployments of a generated cluster: their replicas are its pods.
import { type ClusterModel, phases, type Workload } from "./model.ts";
import { containerText } from "./pods.ts";
import { commonMetadata, type WorldTable } from "./table.ts";

export function deploymentTable(model: ClusterModel): WorldTable {
  const deployments = model.workloads.filter((workload) => workload.kind === "Deployment");
  const deployment = (index: number): Workload => deployments[index] as Workload;
  return {
    count: deployments.length,
    namespaceOf: (index) => deployment(index).namespace,
    nameOf: (index) => deployment(index).app,
    labelsOf: (index) => ({ app: deployment(index).app }),
    metadataText: (index) => {
      const { app, namespace, hash } = deployment(index);
      const revision = 1 + (hash % 20);
      return `{${commonMetadata(app, namespace, hash, `{"app":"${app}"}`)},"generation":${revision},"annotations":{"deployment.kubernetes.io/revision":"${revision}"}}`;
    },
    contentText: (index) => contentText(model, deployment(index)),
    fields: {},
  };
}

function contentText(model: ClusterModel, { app, hash, firstPod, replicas, containers }: Workload): string {
  const running = phases.indexOf("Running");
  const ready = model.phaseOfPod.subarray(firstPod, firstPod + replicas).filter((phase) => phase === running).length;
  const templateText = `{"metadata":{"labels":{"app":"${app}"}},"spec":{"containers":[${containers.map((container) => containerText(container, app)).join(",")}]}}`;
  const spec = `{"replicas":${replicas},"selector":{"matchLabels":{"app":"${app}"}},"template":${templateText},"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%","maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600}`;
  const counts = ready === 0 ? "" : `,"readyReplicas":${ready},"availableReplicas":${ready}`;
  const missing = replicas - ready === 0 ? "" : `,"unavailableReplicas":${replicas - ready}`;
  return `"spec":${spec},"status":{"observedGeneration":${1 + (hash % 20)},"replicas":${replicas},"updatedReplicas":${replicas}${counts}${missing}}`;
}
