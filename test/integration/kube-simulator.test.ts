// The Kubernetes client against simulated API servers: watches that begin with a list, and discovery.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { clusterConnections, type ResourceType, resourcePath, secrets } from "../../src/api/v1alpha1/resources.ts";
import { Discovery } from "../../src/kube/discovery.ts";
import { listObjects } from "../../src/kube/list.ts";
import { objectSource, Reflector } from "../../src/kube/reflector.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { patchStatus } from "../../src/kube/status-patch.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";

const namespace = "clusterpulse";
const never = new AbortController().signal;
let simulator: Simulator;
let hub: KubeTransport;

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 30, seed: 5, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: 30 });
  const credentials = credentialsFromKubeconfig(simulator.kubeconfig(), simulator.hub.url, "the simulator");
  hub = createTransport(credentials, {}, "clusterpulse-hub/test");
});

afterAll(async () => {
  await hub.close();
  await simulator.close();
});

function reflect(type: ResourceType, metadataOnly: boolean) {
  const path = resourcePath(type, { namespace });
  const reflector = new Reflector<KubeObject>({
    name: type.plural,
    source: objectSource(hub, path, { metadataOnly }),
    clock: systemClock,
    random: seededRandom(3),
    log: silentLogger,
    onChange: () => {},
  });
  const stop = new AbortController();
  const done = reflector.run(stop.signal);
  return {
    path,
    reflector,
    stop: () => {
      stop.abort();
      return done;
    },
  };
}

describe("a watch that begins with a list", () => {
  test("brings what a list brings, without one, and then every change", async () => {
    const before = simulator.requests.count("hub");
    const { path, reflector, stop } = reflect(clusterConnections, false);
    await expect.poll(() => reflector.state.synced).toBe(true);
    expect(simulator.requests.count("hub") - before).toBe(1);
    const { items } = await listObjects<KubeObject>(hub, path, { signal: never, maxObjects: 1_000 });
    expect(items).toHaveLength(30);
    const reflected = reflector.takeChanges();
    expect(new Map(reflected.map(({ object }) => [object?.metadata.name, object?.metadata.resourceVersion]))).toEqual(
      new Map(items.map(({ metadata }) => [metadata.name, metadata.resourceVersion])),
    );
    expect(Object.keys(reflected[0]?.object ?? {})).toEqual(expect.arrayContaining(["apiVersion", "kind", "spec"]));

    const name = items[0]?.metadata.name ?? "";
    const patched = await patchStatus(hub, `${path}/${name}/status`, { message: "seen" }, { signal: never });
    await expect
      .poll(() => reflector.takeChanges().map(({ object }) => object?.metadata.resourceVersion))
      .toEqual([patched.metadata.resourceVersion]);
    await hub.requestJson("DELETE", `${path}/${name}`, { signal: never, maxBytes: 1 << 20 });
    await expect.poll(() => reflector.get(`${namespace}/${name}`)).toBeUndefined();
    expect(reflector.state).toMatchObject({ objects: 29, relists: 0, reconnects: 0, watchLists: true });
    await stop();
  });

  test("of Secrets brings no values", async () => {
    const { reflector, stop } = reflect(secrets, true);
    await expect.poll(() => reflector.state.synced).toBe(true);
    const objects = reflector.takeChanges().map(({ object }) => object);
    expect(objects).toHaveLength(30);
    expect(new Set(objects.flatMap((object) => Object.keys(object ?? {})))).toEqual(new Set(["metadata"]));
    await stop();
  });
});

test("discovery finds what a server serves, built in and defined, and what it does not", async () => {
  const discovery = new Discovery(hub, { clock: systemClock });
  const before = simulator.requests.count("hub");
  const [own, core, absent] = await Promise.all(
    ["clusterpulse.io/v1alpha1", "v1", "config.openshift.io/v1"].map((groupVersion) =>
      discovery.discover(groupVersion, never),
    ),
  );
  expect(own?.find(({ name }) => name === clusterConnections.plural)).toMatchObject({
    kind: "ClusterConnection",
    namespaced: true,
    verbs: expect.arrayContaining(["list", "watch"]),
  });
  expect(core?.find(({ name }) => name === "secrets")).toMatchObject({ kind: "Secret", namespaced: true });
  expect(absent).toBeUndefined();
  expect(simulator.requests.count("hub") - before).toBe(2);
});
