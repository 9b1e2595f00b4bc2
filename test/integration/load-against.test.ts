// `clusterpulse load --against`: a hub that runs already, with short intervals, is measured without and with faults, and a scenario.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import type { LoadReport } from "../../src/load/report.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { writeRunFile } from "../../src/simulator/process.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually, runCommand } from "../support/processes.ts";

/** A poll must end before the next is due, also on a busy machine. */
const intervalMs = 3_000;
const clusters = 6;
const namespace = "clusterpulse";
const scratch = mkdtempSync(join(tmpdir(), "load-against-test-"));
let simulator: Simulator;
let removeRunFile: () => Promise<void>;
let hub: HubProcess;

const healthy = async (): Promise<number> =>
  ((await (await fetch(`${hub.url}/api/v1/clusters`)).json()) as { status: { health: string } }[]).filter(
    ({ status }) => status.health === "healthy",
  ).length;

beforeAll(async () => {
  simulator = await startSimulator({ clusters, seed: 5, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: intervalMs / 1_000 });
  removeRunFile = await writeRunFile({ admin: simulator.admin, startedAt: "2026-01-02T03:04:05Z" });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig("hub", { alone: true }), { mode: 0o600 });
  hub = await openHubProcess({ version: "test", namespace, port: 0, log: silentLogger });
  hub.watch({
    kubeconfig: await loadHubKubeconfig({ path: kubeconfig, env: {} }),
    limits: { schedule: { minIntervalMs: intervalMs } },
  });
  await eventually(async () => (await healthy()) === clusters, 120_000, "a healthy fleet");
}, 180_000);
afterAll(async () => {
  await hub.stop(4_000);
  await removeRunFile();
  await simulator.close();
  rmSync(scratch, { recursive: true, force: true });
});

describe("a hub that runs already", () => {
  it("is measured without faults first, then with them, and has none of them left at the end", async () => {
    const file = join(scratch, "a");
    const scenario = join(scratch, "scenario.yaml");
    writeFileSync(
      scenario,
      'steps: [{ at: 0s, faults: "hang=2", churn: { eventsPerSecond: 2 } }, { at: 2s, heal: 1 }]',
    );
    const { code, errors, output } = await runCommand(
      ...["load", "--against", hub.url, "--simulator", String(process.pid), "--interval", "3", "--warm-up", "2"],
      ...["--baseline", "3", "--duration", "4", "--faults", "unauthorized=1", "--scenario", scenario],
      ...["--report", file, "--max-p99-ratio", "1000"],
    );
    expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining("load: settling") });
    const report = JSON.parse(readFileSync(`${file}.json`, "utf8")) as LoadReport;
    expect(report).toMatchObject({
      preset: "unknown",
      clusters,
      command: expect.stringContaining("load --against"),
      limits: { maxP99Ratio: 1_000 },
      exceeded: [],
    });
    // A cluster with both faults counts once.
    expect(report.broken.clusters).toBeLessThanOrEqual(3);
    expect(report.healthy.clusters + report.broken.clusters).toBe(clusters);
    expect(report.baseline?.healthy.clusters).toBe(report.healthy.clusters);
    expect(report.baseline?.healthy.cycles).toBeGreaterThanOrEqual(report.healthy.clusters);
    expect(report.healthyToBaselineP99).toBeGreaterThan(0);
    expect(report.recoveries).toMatchObject([{ atSeconds: 2, clusters: 1 }]);
    expect(report.hub.handshakesPeak).toBeGreaterThan(0);
    expect(report.hub.cpuPerClusterCycleU).toBeGreaterThan(0);
    expect(JSON.parse(output)).toMatchObject({ unitMs: report.unitMs });
    expect(simulator.faults.list()).toEqual([]);
    expect(simulator.scenario.state()).toMatchObject({ done: 4, failed: 0, running: false });
    expect(simulator.churn.state().settings).toBeNull();
  }, 240_000);
});
