// Scenarios on a real simulator: by its admin API, while clients are connected.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterConnections, resourcePath } from "../../src/api/v1alpha1/resources.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { eventually } from "../support/processes.ts";

const namespace = "clusterpulse";
let simulator: Simulator;
let hub: KubeTransport;
let admin: AdminClient;
let names: string[];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 6, seed: 3, preset: "tiny" });
  admin = new AdminClient(simulator.admin);
  names = simulator.clusters.map(({ name }) => name);
  hub = createTransport(credentialsFromKubeconfig(simulator.kubeconfig(), simulator.hub.url, "simulator"), {}, "test");
});
afterAll(async () => {
  await hub.close();
  await simulator.close();
});

const connections = async (): Promise<string[]> => {
  const signal = new AbortController().signal;
  const path = resourcePath(clusterConnections, { namespace });
  const { body } = await hub.requestJson("GET", path, { signal, maxBytes: 1 << 20 });
  return (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name).sort();
};
const played = () => eventually(async () => (await admin.scenario())?.running === false, 30_000, "the scenario's end");

describe("a scenario of a running simulator", () => {
  it("cannot take clusters from a hub that was not told of them, and says so", async () => {
    expect(await admin.scenario()).toBeNull();
    await admin.startScenario("steps: [{ at: 0s, remove: 1 }]");
    await played();
    expect(await admin.scenario()).toMatchObject({ failed: 1, lastError: expect.stringContaining("was not told") });
  });

  it("breaks, heals, removes and adds; the hub's API and the faults follow", async () => {
    simulator.register({ namespace, intervalSeconds: 30 });
    const [first = "", second = ""] = names;
    const outline = await admin.startScenario(`
steps:
  - { at: 0s, remove: [${first}], faults: [{ cluster: ${second}, fault: hang }] }
`);
    const spells = [{ cluster: second, fault: "hang", fromMs: 0, toMs: null }];
    expect(outline).toEqual({ actions: 2, durationMs: 0, broken: { [second]: "hang" }, spells, churned: [first] });
    await played();
    expect(await connections()).toEqual(names.filter((name) => name !== first).sort());
    expect(await admin.listFaults()).toMatchObject([{ cluster: second, fault: "hang" }]);

    simulator.scenario.start(`
steps:
  - { at: 0s, remove: [${first}], heal: all }
  - { at: 100ms, add: all }
`);
    await played();
    // It was gone already, so it cannot be removed; what follows is done all the same.
    expect(simulator.scenario.state()).toMatchObject({ failed: 1 });
    expect(await connections()).toEqual([...names].sort());
  });

  it("is refused with everything that is wrong, and can be stopped", async () => {
    await expect(admin.startScenario("steps: [{ at: soon, heal: 0 }]")).rejects.toThrow(
      /steps\[0\]\.at.*steps\[0\]\.heal/,
    );
    await admin.startScenario("steps: [{ at: 0s, every: 100ms, until: 1h, remove: 1, add: all }]");
    await admin.stopScenario();
    expect(await admin.scenario()).toMatchObject({ running: false });
  });
});
