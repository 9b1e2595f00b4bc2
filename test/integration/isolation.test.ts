// The promise for real: a simulated fleet, real sockets, real threads, real time. Short; the long form is in virtual time
// (test/unit/actors/hub/isolation.test.ts).
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hub } from "../../actors/hub/hub.ts";
import type { ActorDefinition } from "../../actors/system/index.ts";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { type FaultName, type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually, pause } from "../support/processes.ts";

/** Three slow answers in a row fit into it, so that slow stays apart from silent. */
const intervalMs = 4_000;
const namespace = "clusterpulse";
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-isolation-"));
let simulator: Simulator;
let process_: HubProcess;
let hub: Hub;

interface Row {
  readonly name: string;
  readonly status: { readonly health: string; readonly reason: string };
}
const rows = async (): Promise<Row[]> => (await (await fetch(`${process_.url}/api/v1/clusters`)).json()) as Row[];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 25, seed: 11, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: intervalMs / 1_000 });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  const config = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  process_ = await openHubProcess({ version: "test", namespace, port: 0, log: silentLogger });
  hub = process_.watch({
    kubeconfig: config,
    limits: { schedule: { minIntervalMs: intervalMs, minTimeoutMs: 1_000 } },
    clusterLimits: { connectTimeoutMs: 600, headersTimeoutMs: 1_600 },
  });
  await eventually(
    async () => (await rows()).filter(({ status }) => status.health === "healthy").length === 25,
    30_000,
    "a healthy fleet",
  );
  // Past the spread, so that every poll is due one interval after the one before.
  await pause(1.5 * intervalMs);
});
afterAll(async () => {
  await process_.stop(4_000);
  await simulator.close();
  rmSync(scratch, { recursive: true, force: true });
});

const pollsMs = (name: string): number[] =>
  simulator.requests
    .recent(name)
    .filter(({ path }) => path === "/version")
    .map(({ atMs }) => atMs);

/** No healthy cluster's polls are further apart than one interval and a little: a missed one would make it two. */
function expectNoMissedPoll(names: readonly string[], fromMs: number): void {
  for (const name of names) {
    const polls = pollsMs(name).filter((at) => at >= fromMs - intervalMs);
    expect(polls.length, name).toBeGreaterThanOrEqual(Math.floor((Date.now() - fromMs) / intervalMs));
    for (let i = 1; i < polls.length; i++)
      expect((polls[i] ?? 0) - (polls[i - 1] ?? 0), name).toBeLessThan(1.6 * intervalMs);
  }
}

const faults: readonly { fault: FaultName; health: string; reason: string; parameters?: { latencyMs: number } }[] = [
  { fault: "refuse", health: "unhealthy", reason: "ConnectionRefused" },
  { fault: "unauthorized", health: "unhealthy", reason: "Unauthorized" },
  { fault: "blackhole", health: "unhealthy", reason: "ConnectTimeout" },
  { fault: "hang", health: "unhealthy", reason: "ResponseTimeout" },
  { fault: "latency", health: "degraded", reason: "Slow", parameters: { latencyMs: 1_100 } },
];

describe("five of twenty-five clusters broken", () => {
  test.each(faults)(
    "$fault: the other twenty never miss a poll, and the five say $reason",
    async ({ fault, health, reason, parameters }) => {
      const names = simulator.clusters.map(({ name }) => name);
      const broken = names.filter((_, i) => i % 5 === 1);
      const healthy = names.filter((name) => !broken.includes(name));
      const fromMs = Date.now();
      for (const cluster of broken) await simulator.faults.add({ cluster, fault, ...(parameters && { parameters }) });
      await eventually(
        async () =>
          (await rows()).filter(
            ({ name, status }) => broken.includes(name) && status.health === health && status.reason === reason,
          ).length === 5,
        25_000,
        `five clusters with ${reason}`,
      );
      await pause(intervalMs);
      expect((await rows()).filter(({ status }) => status.health === "healthy").map(({ name }) => name)).toEqual(
        healthy.toSorted(),
      );
      expectNoMissedPoll(healthy, fromMs);
      for (const cluster of broken) await simulator.faults.remove(cluster);
      await eventually(
        async () => (await rows()).every(({ status }) => status.health === "healthy"),
        25_000,
        "all heal",
      );
      expectNoMissedPoll(healthy, fromMs);
    },
  );
});

interface ActorRow {
  readonly path: string;
  readonly state: string;
  readonly restarts: number;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly runs: readonly { readonly name: string; readonly deadlineAtMs: number }[];
  readonly mailbox: { readonly overflowed: number; readonly highWater: number };
  readonly deadLetters: number;
}

describe("GET /api/v1/system/actors", () => {
  const actors = async (): Promise<Map<string, ActorRow>> => {
    const { actors: all } = (await (await fetch(`${process_.url}/api/v1/system/actors`)).json()) as {
      actors: ActorRow[];
    };
    return new Map(all.map((actor) => [actor.path, actor]));
  };

  test("shows one that throws, one that hangs in a run and one that floods its mailbox; nothing else changes", async () => {
    const before = [...(await actors()).keys()];
    const fromMs = Date.now();
    const throwing: ActorDefinition<"go"> = {
      kind: "test",
      create: () => ({
        onMessage() {
          throw new RangeError("a secret that must not be shown");
        },
      }),
    };
    const hanging: ActorDefinition<"go"> = {
      kind: "test",
      create: (context) => ({
        onMessage: () => void context.run("forever", { deadlineMs: 3_600_000 }, () => new Promise(() => undefined)),
      }),
    };
    const flooded: ActorDefinition<"go"> = { kind: "test", create: () => ({ onMessage() {} }) };
    const spawn = (name: string, definition: ActorDefinition<"go">) => hub.system.spawn(definition, { name });
    const [thrower, hanger, flood] = [spawn("throws", throwing), spawn("hangs", hanging), spawn("floods", flooded)];
    thrower.tell("go");
    hanger.tell("go");
    for (let i = 0; i < 100_000; i++) flood.tell("go");
    await pause(3 * intervalMs);

    const after = await actors();
    expect(after.get("/throws")).toMatchObject({
      lastError: { code: "UNEXPECTED", message: expect.stringMatching(/^RangeError at test\//) },
    });
    expect(after.get("/throws")?.restarts).toBeGreaterThan(0);
    expect(after.get("/throws")?.deadLetters).toBe(1);
    expect(after.get("/hangs")?.runs).toMatchObject([{ name: "forever" }]);
    expect(after.get("/floods")?.mailbox).toMatchObject({ highWater: 256, overflowed: 100_000 - 256 });
    for (const path of before)
      expect(after.get(path), path).toMatchObject({ state: "running", restarts: 0, lastError: null });
    expectNoMissedPoll(
      simulator.clusters.map(({ name }) => name),
      fromMs,
    );
  });
});
