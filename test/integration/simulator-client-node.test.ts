// The official JavaScript client against the simulated hub API: its informer, its typed and its dynamic doors.
import {
  CoordinationV1Api,
  CoreV1Api,
  CustomObjectsApi,
  KubeConfig,
  type KubernetesListObject,
  type KubernetesObject,
  KubernetesObjectApi,
  makeInformer,
  PatchStrategy,
  V1MicroTime,
} from "@kubernetes/client-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";

const [group, version, plural] = ["clusterpulse.io", "v1alpha1", "clusterconnections"];
const namespace = "clusterpulse";
const kind = { group, version, plural, namespace };
let simulator: Simulator;
let config: KubeConfig;

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 3, seed: 4, preset: "tiny" });
  simulator.register({ namespace });
  config = new KubeConfig();
  config.loadFromString(simulator.kubeconfig());
});
afterAll(() => simulator.close());

const body = (name: string) => ({
  apiVersion: `${group}/${version}`,
  kind: "ClusterConnection",
  metadata: { name, namespace },
  spec: { endpoint: "https://127.0.0.1:1", credentialsRef: { name: "none" } },
});

describe("the official JavaScript client", () => {
  test("keeps an informer current: what is there, what comes, changes and goes", async () => {
    const api = config.makeApiClient(CustomObjectsApi);
    const path = `/apis/${group}/${version}/namespaces/${namespace}/${plural}`;
    const list = async () => (await api.listNamespacedCustomObject(kind)) as KubernetesListObject<KubernetesObject>;
    const informer = makeInformer(config, path, list);
    const seen: string[] = [];
    for (const event of ["add", "update", "delete"] as const) {
      informer.on(event, (object) => void seen.push(`${event} ${object.metadata?.name}`));
    }
    const failed = new Promise<never>((_resolve, reject) => informer.on("error", reject));
    const until = (event: string) =>
      Promise.race([failed, expect.poll(() => seen, { timeout: 30_000 }).toContain(event)]);
    await informer.start();
    try {
      for (const { name } of simulator.clusters) await until(`add ${name}`);
      await api.createNamespacedCustomObject({ ...kind, body: body("informed") });
      await until("add informed");
      await api.replaceNamespacedCustomObject({
        ...kind,
        name: "informed",
        body: {
          ...((await api.getNamespacedCustomObject({ ...kind, name: "informed" })) as object),
          spec: { ...body("informed").spec, displayName: "changed" },
        },
      });
      await until("update informed");
      await api.deleteNamespacedCustomObject({ ...kind, name: "informed" });
      await until("delete informed");
      expect(informer.list().map(({ metadata }) => metadata?.name)).not.toContain("informed");
    } finally {
      await informer.stop();
    }
  });

  test("applies on the server through its dynamic door, and owns what it applied", async () => {
    const api = KubernetesObjectApi.makeApiClient(config);
    const apply = (spec: object, manager: string) =>
      api.patch({ ...body("applied"), spec }, undefined, undefined, manager, false, PatchStrategy.ServerSideApply);
    await apply(body("applied").spec, "one");
    await expect(apply({ ...body("applied").spec, endpoint: "https://other:1" }, "two")).rejects.toMatchObject({
      code: 409,
    });
    const read = (await api.read(body("applied"))) as KubernetesObject;
    expect(read.metadata?.managedFields).toMatchObject([{ manager: "one", operation: "Apply" }]);
    await api.delete(body("applied"));
    await expect(api.read(body("applied"))).rejects.toMatchObject({ code: 404 });
  });

  test("elects by a Lease: whoever has an old version loses", async () => {
    const api = config.makeApiClient(CoordinationV1Api);
    const lease = {
      metadata: { name: "leader", namespace },
      spec: { holderIdentity: "a", renewTime: new V1MicroTime() },
    };
    const held = await api.createNamespacedLease({ namespace, body: lease });
    const renew = (holderIdentity: string) =>
      api.replaceNamespacedLease({
        namespace,
        name: "leader",
        body: { ...held, spec: { ...held.spec, holderIdentity } },
      });
    expect((await renew("a")).spec?.holderIdentity).toBe("a");
    await expect(renew("b")).rejects.toMatchObject({ code: 409 });
  });

  test("reads a generated cluster by its context", async () => {
    const cluster = new KubeConfig();
    cluster.loadFromString(simulator.kubeconfig());
    const [{ name } = { name: "" }] = simulator.clusters;
    cluster.setCurrentContext(name);
    const { items } = await cluster.makeApiClient(CoreV1Api).listNode();
    expect(items).toHaveLength(simulator.expected(name).nodes);
  });
});
