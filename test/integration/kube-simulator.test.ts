// The Kubernetes client against simulated API servers: watches that begin with a list, and discovery.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { kubernetesPorts } from "../../actors/hub/kubernetes.ts";
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

describe("the connection to a cluster", () => {
  interface Config {
    clusters: { name: string; cluster: Record<string, unknown> }[];
    [member: string]: unknown;
  }

  /** The cluster's own context of the simulator's kubeconfig, with `changes` to its cluster, in a Secret of the hub. */
  async function connect(secret: string, changes: object, insideCluster: boolean | undefined, server = hub.server) {
    const target = simulator.clusters[0] ?? expect.fail("no clusters");
    const config = parse(simulator.kubeconfig()) as Config;
    for (const { name, cluster } of config.clusters) {
      if (name === target.name) Object.assign(cluster, { server: "https://elsewhere.invalid" }, changes);
    }
    config["current-context"] = target.name;
    const data = { kubeconfig: Buffer.from(JSON.stringify(config)).toString("base64") };
    const body = { apiVersion: "v1", kind: "Secret", metadata: { name: secret, namespace }, data };
    await hub.requestJson("POST", resourcePath(secrets, { namespace }), { body, signal: never, maxBytes: 1 << 20 });
    const { connector } = kubernetesPorts({
      hub: {
        server,
        facts: hub.facts,
        get: (...request) => hub.get(...request),
        requestJson: (...request) => hub.requestJson(...request),
        stream: (...request) => hub.stream(...request),
        close: () => hub.close(),
      },
      namespace,
      userAgent: "clusterpulse-hub/test",
      ...(insideCluster !== undefined && { insideCluster }),
      clock: systemClock,
      random: seededRandom(1),
      log: silentLogger,
    });
    const { name, url: endpoint } = target;
    const schedule = { intervalMs: 30_000, requestTimeoutMs: 5_000, runDeadlineMs: 20_000 };
    const where = { namespace, name, endpoint, credentialsRef: { name: secret } };
    return (await connector.connect(where, schedule, never)) as KubeTransport;
  }
  const version = (transport: KubeTransport) =>
    transport.get("/version", { accept: "application/json", signal: never, maxBytes: 1 << 20 });

  test("may be made of a kubeconfig; the endpoint of the ClusterConnection wins; it is said what is not verified", async () => {
    const verified = await connect("verified", {}, false);
    expect((await version(verified)).status).toBe(200);
    expect(verified.facts.insecureSkipTlsVerify).toBe(false);
    expect(verified.facts.peerCertificateExpiresAtMs).toBeGreaterThan(Date.now());
    const insecure = { "insecure-skip-tls-verify": true, "certificate-authority-data": undefined };
    const unverified = await connect("unverified", insecure, false);
    expect((await version(unverified)).status).toBe(200);
    expect(unverified.facts.insecureSkipTlsVerify).toBe(true);
    await Promise.all([verified.close(), unverified.close()]);
  });

  test.each([
    ["refused in a pod", "10.96.0.1", "https://10.96.0.1", "ENDPOINT_FORBIDDEN"],
    ["allowed in a pod that has its own API on loopback too", "10.96.0.1", "https://127.0.0.1:6443", 200],
    ["allowed outside of pods", undefined, "https://10.96.0.1", 200],
  ])("on loopback is %s", async (name, serviceHost, server, outcome) => {
    const former = process.env["KUBERNETES_SERVICE_HOST"];
    if (serviceHost === undefined) delete process.env["KUBERNETES_SERVICE_HOST"];
    else process.env["KUBERNETES_SERVICE_HOST"] = serviceHost;
    try {
      const transport = await connect(name.replaceAll(" ", "-").toLowerCase(), {}, undefined, server);
      const got = await version(transport).then(
        ({ status }) => status,
        (error: { code: unknown }) => error.code,
      );
      expect(got).toBe(outcome);
      await transport.close();
    } finally {
      if (former === undefined) delete process.env["KUBERNETES_SERVICE_HOST"];
      else process.env["KUBERNETES_SERVICE_HOST"] = former;
    }
  });

  test("does not lead to the hub's own loopback inside a cluster", async () => {
    const before = simulator.requests.count(simulator.clusters[0]?.name ?? "");
    const transport = await connect("inside", {}, true);
    await expect(version(transport)).rejects.toMatchObject({ code: "ENDPOINT_FORBIDDEN", reason: "EndpointForbidden" });
    expect(simulator.requests.count(simulator.clusters[0]?.name ?? "")).toBe(before);
    await transport.close();
  });
});
