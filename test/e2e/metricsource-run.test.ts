// `clusterpulse metricsource run` against simulated clusters: what it shows, and what it says when it cannot.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { runCommand, startCommand } from "../support/processes.ts";

const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-preview-"));
const kubeconfig = join(scratch, "kubeconfig");
const sample = fileURLToPath(new URL("../../config/samples/default-deployment-health.yaml", import.meta.url));
const deadlineMs = 120_000;
let simulator: ReturnType<typeof startCommand>;

beforeAll(async () => {
  simulator = startCommand("simulate", "--clusters", "2", "--seed", "3", "--kubeconfig-out", kubeconfig);
  await simulator.until(/\n/);
}, deadlineMs);
afterAll(async () => {
  simulator.child.kill("SIGTERM");
  await simulator.ended;
  rmSync(scratch, { recursive: true, force: true });
}, deadlineMs);

interface Deployment {
  readonly metadata: { readonly namespace: string; readonly name: string };
  readonly spec: { readonly replicas: number };
}

async function deploymentsOf(context: string): Promise<readonly Deployment[]> {
  const { credentials } = await loadHubKubeconfig({ path: kubeconfig, context, env: {} });
  const transport = createTransport(credentials, {}, "test");
  try {
    const options = { signal: AbortSignal.timeout(60_000), maxBytes: 1 << 24 };
    const { body } = await transport.requestJson("GET", "/apis/apps/v1/deployments", options);
    return (body as { items: Deployment[] }).items;
  } finally {
    await transport.close();
  }
}

describe("clusterpulse metricsource run", () => {
  test(
    "shows what each context's cluster would give, with sums over all rows",
    async () => {
      const flags = ["--kubeconfig", kubeconfig, "--context", "stage-fra-01", "-o", "json", "--limit", "2"];
      const { code, output } = await runCommand("metricsource", "run", sample, ...flags);
      expect(code).toBe(0);
      const [result] = JSON.parse(output) as { rows: unknown[]; resourceCount: number; aggregates: object }[];
      const wanted = (await deploymentsOf("stage-fra-01")).filter(
        ({ metadata }) => !/^(openshift|kube)-/.test(metadata.namespace),
      );
      expect(wanted.length).toBeGreaterThan(2);
      expect(result).toMatchObject({ resourceCount: wanted.length, truncated: false, problems: [], unresolved: [] });
      expect(result?.rows).toHaveLength(2);
      expect(result?.aggregates).toMatchObject({
        total_deployments: wanted.length,
        total_desired_replicas: wanted.reduce((sum, { spec }) => sum + spec.replicas, 0),
      });
    },
    deadlineMs,
  );

  test(
    "reads one namespace alone when asked to",
    async () => {
      const all = await deploymentsOf("stage-fra-01");
      const namespace = all.find(({ metadata }) => !metadata.namespace.startsWith("kube-"))?.metadata.namespace ?? "";
      const flags = ["--kubeconfig", kubeconfig, "--context", "stage-fra-01", "-n", namespace, "-o", "json"];
      const { output } = await runCommand("metricsource", "run", sample, ...flags);
      const count = all.filter(({ metadata }) => metadata.namespace === namespace).length;
      expect(JSON.parse(output)).toMatchObject([{ resourceCount: count }]);
    },
    deadlineMs,
  );

  test(
    "lists every wrong flag, and names a context that is not there",
    async () => {
      const wrong = await runCommand("metricsource", "run", sample, "-o", "xml", "--limit", "many");
      expect(wrong.code).toBe(2);
      expect(wrong.errors).toMatch(/--output must be one of table, json, yaml/);
      expect(wrong.errors).toMatch(/--limit must be a whole number/);
      const nowhere = await runCommand("metricsource", "run", sample, "--kubeconfig", kubeconfig, "--context", "nope");
      expect(nowhere.code).toBe(1);
      expect(nowhere.errors).toMatch(/no context "nope"/);
    },
    deadlineMs,
  );
});
