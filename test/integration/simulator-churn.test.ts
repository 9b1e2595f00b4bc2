// Churn over real sockets: what the hub's own collector and reflector make of clusters that change, against the truth; and its doors.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { collectCluster, defaultCollectLimits } from "../../src/cluster/collect.ts";
import { listObjects } from "../../src/kube/list.ts";
import { objectSource, Reflector } from "../../src/kube/reflector.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { startFleet } from "../../src/simulator/fleet/start.ts";
import { type Simulator, startSimulator, VirtualClock } from "../../src/simulator/index.ts";
import { findSimulators } from "../../src/simulator/process.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { createInlineCompute } from "../../workers/inline.ts";
import { eventually, runCommand, startCommand } from "../support/processes.ts";

const clock = new VirtualClock();
const never = new AbortController().signal;
const pods = "/api/v1/pods";
let simulator: Simulator;
let admin: AdminClient;
const transports: KubeTransport[] = [];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 4, seed: 9, preset: "small", clock });
  admin = new AdminClient(simulator.admin, { deadlineMs: 60_000 });
});
afterAll(async () => {
  await Promise.all(transports.map((transport) => transport.close()));
  await simulator.close();
});

function connect(name: string): KubeTransport {
  const url = simulator.clusters.find((cluster) => cluster.name === name)?.url ?? "";
  const transport = createTransport(credentialsFromKubeconfig(simulator.kubeconfig(name), url, name), {}, "test");
  transports.push(transport);
  return transport;
}

describe("churn of a running simulator", () => {
  it("is collected as the truth has it, as protobuf and as JSON, whenever it stands still", async () => {
    const state = await admin.setChurn({ eventsPerSecond: 40 });
    expect(state.settings).toEqual({ eventsPerSecond: 40 });
    const seen = new Set<string>();
    for (let round = 0; round < 3; round++) {
      await clock.advance(15_000);
      for (const { name, url } of simulator.clusters) {
        const truth = await admin.expected(name);
        seen.add(`${name} ${JSON.stringify(truth)}`);
        const request = {
          ...{ transport: connect(name), endpoint: url, clock: systemClock, compute: createInlineCompute() },
          limits: { ...defaultCollectLimits, pageSize: 17 },
        };
        for (const jsonOnly of [false, true]) {
          const { info, metrics, namespaces, missing } = await collectCluster({ ...request, jsonOnly }, never);
          expect(missing).toEqual([]);
          expect(info).toMatchObject({ version: truth.version, platform: truth.platform });
          expect([...(namespaces ?? [])].sort()).toEqual(truth.namespaces);
          expect(metrics).toMatchObject({
            nodes: truth.nodes,
            nodesReady: truth.nodesReady,
            pods: truth.pods,
            podsRunning: truth.podsRunning,
            deployments: truth.deployments,
          });
        }
      }
    }
    expect(seen.size).toBe(12);
  });

  it("reaches a reflector of the hub in full", async () => {
    const transport = connect(simulator.clusters[0]?.name ?? "");
    const reflector = new Reflector<KubeObject>({
      name: "pods",
      source: objectSource(transport, pods, { metadataOnly: false }),
      clock: systemClock,
      random: seededRandom(3),
      log: silentLogger,
      onChange: () => {},
    });
    const stop = new AbortController();
    const done = reflector.run(stop.signal);
    await eventually(() => Promise.resolve(reflector.state.synced), 30_000, "the first state");
    reflector.takeChanges();
    simulator.churn.set({ eventsPerSecond: 40, kinds: { rollout: 1, crashloop: 1 } });
    await clock.advance(30_000);
    simulator.churn.stop();
    const { items } = await listObjects<KubeObject>(transport, pods, { signal: never, maxObjects: 1_000 });
    const versionsOf = (objects: readonly (KubeObject | undefined)[]): string =>
      objects
        .map((object) => `${object?.metadata.namespace}/${object?.metadata.name} ${object?.metadata.resourceVersion}`)
        .sort()
        .join("\n");
    const keys = items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
    await eventually(
      () => Promise.resolve(versionsOf(keys.map((key) => reflector.get(key))) === versionsOf(items)),
      30_000,
      "every change",
    );
    expect(reflector.state.objects).toBe(items.length);
    expect(reflector.takeChanges().length).toBeGreaterThan(5);
    stop.abort();
    await done;
  });

  it("is refused with everything that is wrong, and stopped where it is", async () => {
    const wrong = { eventsPerSecond: -1, kinds: { meteor: 1 } } as unknown as Parameters<AdminClient["setChurn"]>[0];
    await expect(admin.setChurn(wrong)).rejects.toThrow(/eventsPerSecond: must be.*meteor/s);
    expect(() => simulator.churn.set({})).toThrow("exactly one of");
    await admin.setChurn({ perClusterRate: 10 });
    await clock.advance(2_000);
    const stopped = await admin.stopChurn();
    expect(stopped).toMatchObject({ settings: null, pending: 0 });
    await clock.advance(60_000);
    expect(await admin.churn()).toEqual(stopped);
  });

  it("is done by a scenario", async () => {
    const before = (await admin.churn()).steps;
    const yaml = "steps: [{ at: 1s, churn: { eventsPerSecond: 20 } }, { at: 11s, churn: stop }]";
    expect(simulator.scenario.start(yaml)).toMatchObject({ actions: 2, churned: [] });
    await clock.advance(5_000);
    expect((await admin.churn()).settings).toEqual({ eventsPerSecond: 20 });
    await clock.advance(10_000);
    const { settings, steps } = await admin.churn();
    expect(settings).toBeNull();
    expect(steps).toBeGreaterThan(before);
  });
});

it("churn is begun from the command line, which says what is wrong with it", async () => {
  const wrong = await runCommand("simulate", "--churn", "eventsPerSecond=fast,kinds=meteor");
  expect(wrong.code).not.toBe(0);
  expect(wrong.errors).toMatch(/--churn: churn\.eventsPerSecond: must be.*--churn: churn\.kinds: "meteor"/s);
  const lost = await runCommand("simulate", "--churn-trace", "no such file");
  expect([lost.code === 0, lost.errors]).toEqual([
    false,
    expect.stringContaining("--churn-trace: no such file must be"),
  ]);
  const command = startCommand("simulate", "--clusters", "2", "--preset", "tiny", "--churn", "eventsPerSecond=50");
  try {
    const { pid } = JSON.parse(await command.until(/\n/)) as { pid: number };
    const run = (await findSimulators()).find((one) => one.pid === pid);
    const client = new AdminClient(run?.admin ?? { url: "", token: "" }, { deadlineMs: 60_000 });
    await eventually(async () => (await client.churn()).steps > 0, 60_000, "the first step");
  } finally {
    command.child.kill("SIGTERM");
    await command.ended;
  }
}, 120_000);

it("churn of several processes is that of one fleet", async () => {
  const fleet = await startFleet({ clusters: 4, seed: 9, preset: "tiny" }, 2);
  try {
    const client = new AdminClient(fleet.admin, { deadlineMs: 60_000 });
    await fleet.churn.set({ eventsPerSecond: 200, kinds: { namespaces: 1 } });
    await eventually(
      async () => {
        const truths = await Promise.all(fleet.clusters.map(({ name }) => client.expected(name)));
        return truths.every(({ namespaces }) => namespaces.length > 6);
      },
      60_000,
      "namespaces in every cluster",
    );
    const { settings, begun } = await client.churn();
    expect(settings).toEqual({ eventsPerSecond: 200, kinds: { namespaces: 1 } });
    expect(begun.namespaces).toBeGreaterThanOrEqual(4);
    expect(await client.stopChurn()).toMatchObject({ settings: null, pending: 0 });

    const versions = async (): Promise<string[]> =>
      Promise.all(fleet.clusters.map(async ({ name }) => (await client.expected(name)).version));
    const before = await versions();
    const steps = fleet.clusters.map(({ name }) => ({
      t: 50,
      cluster: name,
      kind: "clusters",
      idx: 0,
      op: "upgraded",
    }));
    const trace = steps.map((step) => JSON.stringify(step)).join("\n");
    expect((await client.replayChurn(trace, 10)).trace).toMatchObject({ steps: 4 });
    await eventually(async () => (await client.churn()).trace?.played === 4, 60_000, "the end of the trace");
    expect((await versions()).every((version, i) => version !== before[i])).toBe(true);
    await expect(client.replayChurn(trace.replaceAll("upgraded", "sunk"))).rejects.toThrow(
      "op: must be one of upgraded",
    );
  } finally {
    await fleet.close();
  }
}, 120_000);
