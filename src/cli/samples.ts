// The MetricSources of config/samples, created as `kubectl apply -k config/samples` would create them.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { metricSources, resourcePath } from "../api/v1alpha1/resources.ts";
import type { HubKubeconfig } from "../kube/kubeconfig.ts";
import { createTransport } from "../kube/transport.ts";

const folder = new URL("../../config/samples/", import.meta.url);
const deadlineMs = 10_000;
const maxBytes = 1 << 20;

/** Creates them in the namespace; rejects with what the API server says, ALREADY_EXISTS included. Resolves with their names. */
export async function createSamples({ credentials }: HubKubeconfig, namespace: string): Promise<readonly string[]> {
  const read = (file: string): Record<string, unknown> => parse(readFileSync(new URL(file, folder), "utf8"));
  const { resources } = read("kustomization.yaml") as { resources: readonly string[] };
  const transport = createTransport(credentials, {}, "clusterpulse-demo");
  try {
    return await Promise.all(
      resources.map(async (file) => {
        const body = read(file);
        const signal = AbortSignal.timeout(deadlineMs);
        await transport.requestJson("POST", resourcePath(metricSources, { namespace }), { body, signal, maxBytes });
        return (body["metadata"] as { readonly name: string }).name;
      }),
    );
  } finally {
    await transport.close();
  }
}
