// kpt, a client of another kind (Go informers, an inventory of its own, a definition that it installs and uses at once), against
// `clusterpulse simulate`.
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { configMap, connection, kubectlSimulator } from "./kubectl-simulator.ts";

const hasKpt = spawnSync("kpt", ["version"], { timeout: 60_000 }).status === 0;
if (!hasKpt) console.warn("SKIPPED: No kpt: the simulator is not tested with it.");
const simulator = kubectlSimulator();
const folder = join(simulator.scratch, "package");

/** Its output, whichever stream it chose. Rejects when it fails. */
function kpt(...args: string[]): Promise<string> {
  // Its cache of discovery is in the home folder and outlives a simulator.
  const env = { ...process.env, KUBECONFIG: simulator.kubeconfig, HOME: simulator.scratch };
  return new Promise((resolve, reject) => {
    execFile("kpt", args, { cwd: simulator.scratch, env, timeout: 110_000 }, (error, output, errors) => {
      if (error === null) resolve(output + errors);
      else reject(new Error(`kpt ${args.join(" ")}: ${(output + errors).slice(-2_000)}`));
    });
  });
}

describe.skipIf(!hasKpt)("kpt live", () => {
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

  beforeAll(async () => {
    await simulator.start();
    mkdirSync(folder);
    const kptfile = { apiVersion: "kpt.dev/v1", kind: "Kptfile", metadata: { name: "package" } };
    write("Kptfile", JSON.stringify(kptfile));
    write("map.yaml", configMap("default", "packaged", { v: "1" }));
    write("connection.yaml", connection("packaged"));
    write("deployment.yaml", deployment);
  });
  afterAll(() => simulator.stop());

  test("applies a package, sees it become current, prunes what is dropped and destroys the rest", async () => {
    await kpt("live", "install-resource-group");
    await kpt("live", "init", folder, "--namespace", "default", "--name", "inventory");
    const applied = await kpt("live", "apply", folder, "--reconcile-timeout=90s", "--output=events");
    expect(applied).toMatch(/3 resource\(s\) applied|apply result: 3 attempted, 3 successful/);
    expect(applied).toMatch(/reconcile result: 3 attempted, 3 successful/);
    expect(await kpt("live", "status", folder)).toMatch(/configmap\S*\/packaged is Current/);
    rmSync(join(folder, "map.yaml"));
    const pruned = await kpt("live", "apply", folder, "--reconcile-timeout=90s", "--output=events");
    expect(pruned).toMatch(/prune result: 1 attempted, 1 successful/);
    const destroyed = await kpt("live", "destroy", folder, "--output=events");
    expect(destroyed).toMatch(/delete result: 2 attempted, 2 successful/);
  });
});

const deployment = JSON.stringify({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "packaged", namespace: "default" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "packaged" } },
    template: { metadata: { labels: { app: "packaged" } }, spec: { containers: [{ name: "a", image: "none" }] } },
  },
});
