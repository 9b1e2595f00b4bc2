// What servers hold, taken and put back: the hub's API, clusters that changed by themselves and by writes, fault rules and churn.
import { beforeEach, expect, test } from "vitest";
import { Churn } from "../../../../src/simulator/churn/churn.ts";
import { FaultRegistry } from "../../../../src/simulator/faults/registry.ts";
import { ServerStates } from "../../../../src/simulator/fleet/server-states.ts";
import { type OpenWatch, Origin } from "../../../../src/simulator/http/listeners.ts";
import { expectedOf } from "../../../../src/simulator/world/expected.ts";
import { type ClusterIdentity, clusterIdentities } from "../../../../src/simulator/world/profile.ts";
import { type HeldWorlds, World } from "../../../../src/simulator/world/world.ts";
import { ask, type List, list, watch } from "../../../support/generated-cluster.ts";
import { HubClient, type WatchEvent } from "../../../support/hub-client.ts";

const count = 3;
const identities = clusterIdentities(4, count);
let hub: HubClient;
let held: HeldWorlds;
let churn: Churn;
let faults: FaultRegistry;
let origins: ReadonlyMap<string, Origin>;
let states: ServerStates;
beforeEach(async () => {
  hub = new HubClient();
  // Its controllers have made what belongs to a new namespace.
  await hub.clock.advance(5_000);
  held = new Map();
  churn = new Churn({ count, seed: 4, worldAt, worldOf: (name) => worldAt(placeOf(name)) }, hub.clock);
  origins = new Map(identities.map(({ name }) => [name, new Origin(name, () => {})]));
  faults = new FaultRegistry((name) => origins.get(name) as Origin, hub.clock);
  const originOf = (name: string): Origin => origins.get(name) as Origin;
  states = new ServerStates({ hub: hub.engine, held, worldAt, originOf, faults, churn });
});
const placeOf = (name: string): number => identities.findIndex((identity) => identity.name === name);
const worldAt = (index: number): World =>
  new World({ seed: 4, index, preset: "tiny" }, identities[index] as ClusterIdentity, hub.clock, held);
const cluster = (index: number): string => identities[index]?.name as string;

const kinds = ["namespaces", "nodes", "pods", "deployments", "persistentvolumeclaims"] as const;
/** Everything that a cluster shows, without resource versions. */
const shown = (index: number): unknown =>
  kinds.map((kind) =>
    list(worldAt(index).engine(), kind).items.map(({ metadata: { resourceVersion: _, ...metadata }, ...rest }) => ({
      ...rest,
      metadata,
    })),
  );
const truth = (index: number): unknown => expectedOf(worldAt(index).model());
const versionOf = (index: number): number => Number(list(worldAt(index).engine(), "nodes").metadata.resourceVersion);
const configMap = (name: string, value: string) => ({ metadata: { name }, data: { value } });
const configMaps = (): unknown =>
  (JSON.parse((hub.send("list", "configmaps") as { text: string }).text) as List).items.map(
    (item) => [item.metadata.name, (item as unknown as { data: { value?: string } }).data.value] as const,
  );

test("clusters are what they were then, by themselves and by writes, under resource versions that go on", async () => {
  churn.set({ eventsPerSecond: 40 });
  await hub.clock.advance(30_000);
  churn.stop();
  const node = list(worldAt(0).engine(), "nodes").items[0]?.metadata.name as string;
  ask(worldAt(0).engine(), "nodes", "", { verb: "patch", name: node, body: { spec: { unschedulable: true } } });
  const pod = list(worldAt(0).engine(), "pods").items[0]?.metadata;
  ask(worldAt(0).engine(), "pods", "", { verb: "delete", name: pod?.name ?? "", namespace: pod?.namespace ?? "" });
  const then = [0, 1, 2].map((index) => [shown(index), truth(index)]);
  const state = states.capture();
  expect(state.objects).toBeGreaterThan(10);

  churn.set({ eventsPerSecond: 40 });
  await hub.clock.advance(30_000);
  ask(worldAt(0).engine(), "nodes", "", { verb: "patch", name: node, body: { spec: { unschedulable: false } } });
  ask(worldAt(1).engine(), "nodes", "", {
    verb: "patch",
    name: list(worldAt(1).engine(), "nodes").items[0]?.metadata.name ?? "",
    body: { metadata: { labels: { a: "b" } } },
  });
  expect([0, 1, 2].map((index) => [shown(index), truth(index)])).not.toEqual(then);
  const versions = [0, 1, 2].map(versionOf);

  await states.restore(state);
  expect([0, 1, 2].map((index) => [shown(index), truth(index)])).toEqual(then);
  expect(churn.state().settings).toBeNull();
  for (const [index, version] of versions.entries()) expect(versionOf(index)).toBeGreaterThan(version);
  // They go on from there.
  churn.set({ eventsPerSecond: 40 });
  await hub.clock.advance(10_000);
  expect([0, 1, 2].map(shown)).not.toEqual(then.map(([one]) => one));
  churn.stop();
});

test("clusters that were untouched then are as the seed made them, and can be put back again and again", async () => {
  const then = [0, 1].map((index) => [shown(index), truth(index)]);
  const state = states.capture();
  for (let round = 0; round < 2; round++) {
    churn.set({ eventsPerSecond: 40 });
    await hub.clock.advance(20_000);
    ask(worldAt(1).engine(), "namespaces", "", {
      verb: "patch",
      name: "default",
      body: { metadata: { labels: { a: "b" } } },
    });
    await states.restore(state);
    expect([0, 1].map((index) => [shown(index), truth(index)])).toEqual(then);
  }
});

test("nobody can resume a watch of a cluster from before, and those that are open are told so", async () => {
  const engine = worldAt(0).engine();
  const version = list(engine, "nodes").metadata.resourceVersion;
  watch(engine, "nodes", `resourceVersion=${version}`).stop();
  const told: string[] = [];
  const open: Partial<OpenWatch> = {
    finish: (line, ends) => void told.push(`${(JSON.parse(line) as WatchEvent).object.code} ${ends}`),
    faultBegan: () => undefined,
  };
  origins.get(cluster(0))?.watchOpened(open as OpenWatch);
  const before = list(worldAt(0).engine(), "nodes").metadata.resourceVersion;
  await states.restore(states.capture());
  expect(told).toEqual(["410 true"]);
  const { events, stop } = watch(worldAt(0).engine(), "nodes", `resourceVersion=${before}`);
  stop();
  expect(events).toMatchObject([{ type: "ERROR", object: { code: 410 } }]);
});

test("the hub's API holds what it held then; who watches is told of each change, and definitions go and come back", async () => {
  hub.send("create", "configmaps", { body: configMap("stays", "1") });
  hub.send("create", "configmaps", { body: configMap("changes", "1") });
  hub.send("create", "configmaps", { body: configMap("goes", "1") });
  hub.send("create", "clusterconnections", {
    body: {
      apiVersion: "clusterpulse.io/v1alpha1",
      kind: "ClusterConnection",
      metadata: { name: "one" },
      spec: { endpoint: "https://127.0.0.1:6443", credentialsRef: { name: "s" } },
    },
  });
  const connection = hub.call("get", "clusterconnections", { name: "one" });
  const then = configMaps();
  const state = states.capture();

  hub.send("patch", "configmaps", { name: "changes", body: { data: { value: "2" } } });
  hub.send("delete", "configmaps", { name: "goes" });
  hub.send("create", "configmaps", { body: configMap("comes", "1") });
  hub.send("delete", "customresourcedefinitions", { name: "clusterconnections.clusterpulse.io" });
  expect(hub.engine.catalog.types.some(({ resource }) => resource === "clusterconnections")).toBe(false);
  const answer = hub.send("watch", "configmaps", { query: `resourceVersion=${hub.revision}` });
  const events: WatchEvent[] = [];
  if (answer.type !== "watch") throw new Error("not a watch");
  const stop = answer.start({ write: (line) => void events.push(JSON.parse(line) as WatchEvent), end: () => {} });
  const revision = hub.revision;

  await states.restore(state);
  expect(configMaps()).toEqual(then);
  const { metadata, spec } = hub.call("get", "clusterconnections", { name: "one" });
  expect([metadata.uid, spec]).toEqual([connection.metadata.uid, connection.spec]);
  expect(events.map(({ type, object }) => `${type} ${object.metadata.name}`).sort()).toEqual([
    ...["ADDED goes", "DELETED comes", "MODIFIED changes"],
  ]);
  stop();
  expect(hub.revision).toBeGreaterThan(revision);
  // Controllers have nothing to put right, and writes go on.
  await hub.clock.advance(60_000);
  expect(configMaps()).toEqual(then);
  hub.send("patch", "configmaps", { name: "changes", body: { data: { value: "3" } } });
});

test("definitions that came since then go, with their objects", async () => {
  const state = states.capture();
  const names = { plural: "things", singular: "thing", kind: "Thing", listKind: "ThingList" };
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  hub.send("create", "customresourcedefinitions", {
    body: {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        ...{ group: "example.com", scope: "Namespaced", names },
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    },
  });
  hub.send("create", "things", { body: { apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "a" } } });
  await states.restore(state);
  expect(hub.engine.catalog.types.some(({ resource }) => resource === "things")).toBe(false);
});

test("fault rules are those of then, in their order, and churn goes on by the settings of then", async () => {
  await faults.add({ cluster: cluster(0), fault: "status", id: "a", parameters: { code: 429, verb: "list" } });
  await faults.add({ cluster: cluster(0), fault: "hang" });
  await faults.add({ cluster: cluster(1), fault: "latency" });
  churn.set({ eventsPerSecond: 3 });
  const rules = faults.list();
  const state = states.capture();
  await faults.remove(cluster(0));
  await faults.add({ cluster: cluster(0), fault: "reset" });
  await faults.add({ cluster: cluster(2), fault: "blackhole" });
  churn.set({ eventsPerSecond: 9 });
  await states.restore(state);
  expect(faults.list()).toEqual(rules);
  expect(churn.state().settings).toEqual({ eventsPerSecond: 3 });
  churn.stop();
});

test("when rules cannot be put back, everything is as before", async () => {
  hub.send("create", "configmaps", { body: configMap("old", "1") });
  await faults.add({ cluster: cluster(0), fault: "hang" });
  const state = states.capture();
  hub.send("create", "configmaps", { body: configMap("new", "1") });
  await faults.remove(cluster(0));
  await faults.add({ cluster: cluster(1), fault: "latency" });
  churn.set({ eventsPerSecond: 3 });
  const [rules, then] = [faults.list(), configMaps()];
  const broken = {
    ...state,
    rules: [...state.rules, { cluster: cluster(2), fault: "refuse" }, { cluster: cluster(2), fault: "tls" }],
  };
  await expect(states.restore(broken as typeof state)).rejects.toThrow("fault: tls meets connections");
  expect([faults.list(), configMaps(), churn.state().settings]).toEqual([rules, then, { eventsPerSecond: 3 }]);
  churn.stop();
});
