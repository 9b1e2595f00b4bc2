// `clusterpulse simulate` as a test of kubectl starts it, with a folder for what the clients keep.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Started, startCommand } from "../support/processes.ts";

export interface KubectlSimulator {
  readonly kubeconfig: string;
  readonly scratch: string;
  /** The fleet, registered in the namespace `clusterpulse`. */
  start(): Promise<void>;
  /** Stopped before the simulator. */
  add(started: Started): void;
  stop(): Promise<void>;
}

export function kubectlSimulator(): KubectlSimulator {
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
    },
    add: (one) => void started.push(one),
    async stop() {
      for (const { child } of started.toReversed()) child.kill("SIGTERM");
      await Promise.all(started.map(({ ended }) => ended));
      rmSync(scratch, { recursive: true, force: true });
    },
  };
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
