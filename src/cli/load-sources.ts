// MetricSources for a load run, put into the simulated hub API as an operator would: on Deployments, each with fields, an
// expression and sums of its own.
import { metricSources, resourcePath } from "../api/v1alpha1/resources.ts";
import { loadHubKubeconfig } from "../kube/kubeconfig.ts";
import { createTransport } from "../kube/transport.ts";

const deadlineMs = 60_000;
const maxAnswerBytes = 1 << 20;

/** Creates `load-01` and so on. Rejects with KubeError when the API refuses one. */
export async function addMetricSources(kubeconfig: string, namespace: string, count: number): Promise<void> {
  if (count === 0) return;
  const { credentials } = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  const transport = createTransport(credentials, {}, "clusterpulse-load");
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const path = resourcePath(metricSources, { namespace });
    for (let i = 1; i <= count; i++)
      await transport.requestJson("POST", path, { body: source(i), signal, maxBytes: maxAnswerBytes });
  } finally {
    await transport.close();
  }
}

const source = (number: number): object => ({
  apiVersion: "clusterpulse.io/v1alpha1",
  kind: "MetricSource",
  metadata: { name: `load-${String(number).padStart(2, "0")}` },
  spec: {
    source: { apiVersion: "apps/v1", kind: "Deployment", scope: "Namespaced" },
    fields: [
      { name: "replicas", path: ".spec.replicas", type: "integer", default: "1" },
      { name: "ready", path: ".status.readyReplicas", type: "integer", default: "0" },
    ],
    computed: [{ name: "missing", expression: `max(replicas - ready, 0) * ${number}`, type: "float" }],
    aggregations: [
      { name: "total", function: "count" },
      { name: "replicas", function: "sum", field: "replicas" },
      { name: "missing", function: "max", field: "missing" },
    ],
    collection: { intervalSeconds: 60, maxResources: 5_000 },
  },
});
