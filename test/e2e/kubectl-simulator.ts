// `clusterpulse simulate` as a test of kubectl starts it, with a folder for what the clients keep, and the clients that take the steps.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { Kubectl, kubectls } from "../support/kubectl.ts";
import { type Started, startCommand } from "../support/processes.ts";

export interface KubectlSimulator {
  readonly kubeconfig: string;
  readonly scratch: string;
  /** The fleet, registered in the namespace `clusterpulse`. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** @param startMore starts what works on the simulator, once it is ready; stopped before it */
export function kubectlSimulator(startMore?: (kubeconfig: string) => Promise<Started>): KubectlSimulator {
  const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-kubectl-"));
  const kubeconfig = join(scratch, "kubeconfig");
  const started: Started[] = [];
  return {
    kubeconfig,
    scratch,
    async start() {
      const fleet = ["--clusters", "3", "--seed", "5", "--preset", "tiny", "--register", "clusterpulse"];
      const simulator = startCommand("simulate", ...fleet, "--kubeconfig-out", kubeconfig);
      started.push(simulator);
      await simulator.until(/\n/);
      if (startMore !== undefined) started.push(await startMore(kubeconfig));
    },
    async stop() {
      for (const { child } of started.toReversed()) child.kill("SIGTERM");
      await Promise.all(started.map(({ ended }) => ended));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

/** The clients work side by side, the steps of each one after the other. */
export const inTurn = { concurrent: false };

export interface KubectlSteps {
  readonly client: Kubectl;
  readonly version: string;
  readonly id: string;
  readonly kubectl: Kubectl["output"];
  readonly refused: Kubectl["refused"];
}

/** The tests of a file, for every client of the machine, while the simulator runs. */
export function eachKubectl(simulator: KubectlSimulator, steps: (given: KubectlSteps) => void): void {
  const clients = kubectls();
  beforeAll(async () => {
    if (clients.length > 0) await simulator.start();
  });
  afterAll(() => simulator.stop());
  describe.skipIf(clients.length === 0).each(clients)("kubectl %s", { concurrent: true }, (version, file) => {
    const client = new Kubectl(version, file, simulator.kubeconfig, simulator.scratch);
    const kubectl: Kubectl["output"] = (...command) => client.output(...command);
    const refused: Kubectl["refused"] = (...command) => client.refused(...command);
    steps({ client, version, id: client.id, kubectl, refused });
  });
}

/** A ClusterConnection as JSON. */
export const connection = (
  name: string,
  spec: Record<string, unknown> = {},
  metadata: Record<string, unknown> = {},
): string =>
  JSON.stringify({
    apiVersion: "clusterpulse.io/v1alpha1",
    kind: "ClusterConnection",
    metadata: { name, namespace: "clusterpulse", ...metadata },
    spec: { displayName: name, endpoint: "https://127.0.0.1:1", credentialsRef: { name: "none" }, ...spec },
  });

/** A ConfigMap as JSON. */
export const configMap = (
  namespace: string,
  name: string,
  data: Record<string, string>,
  labels: Record<string, string> = {},
): string => JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace, labels }, data });

/** Several objects in one input: old clients read no stream of JSON. */
export const listOf = (...objects: readonly string[]): string =>
  JSON.stringify({ apiVersion: "v1", kind: "List", items: objects.map((object) => JSON.parse(object)) });
