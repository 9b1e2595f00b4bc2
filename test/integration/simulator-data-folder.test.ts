// What the simulated hub API keeps in a folder, over restarts.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { isKubeError } from "../../src/kube/errors.ts";
import { listObjects } from "../../src/kube/list.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { watchEvents } from "../../src/kube/watch.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";

const signal = AbortSignal.timeout(300_000);
const connections = "/apis/clusterpulse.io/v1alpha1/namespaces/fleet/clusterconnections";
let dataFolder: string;
beforeEach(() => {
  dataFolder = join(mkdtempSync(join(tmpdir(), "clusterpulse-data-")), "data");
});
afterEach(() => rmSync(join(dataFolder, ".."), { recursive: true, force: true }));

interface Life {
  readonly fleet: Simulator;
  readonly hub: ReturnType<typeof createTransport>;
  list(path: string): Promise<{ readonly items: readonly KubeObject[]; readonly resourceVersion: string }>;
}

/** From a start to an end of the simulator. */
async function live<T>(use: (life: Life) => Promise<T>): Promise<T> {
  const fleet = await startSimulator({ clusters: 2, seed: 3, preset: "tiny", dataFolder });
  fleet.register({ namespace: "fleet" });
  const hub = createTransport(credentialsFromKubeconfig(fleet.kubeconfig(), fleet.hub.url, "hub"), {}, "test");
  const list: Life["list"] = (path) => listObjects<KubeObject>(hub, path, { signal, maxObjects: 1_000 });
  try {
    return await use({ fleet, hub, list });
  } finally {
    await hub.close();
    await fleet.close();
  }
}

const definition = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "things.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "things", kind: "Thing" },
    versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
  },
};

describe("a data folder", () => {
  test("brings back every object as it was, custom ones too, and what was deleted stays away", async () => {
    const before = await live(async ({ fleet, hub, list }) => {
      fleet.hub.create(definition);
      fleet.hub.create({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "one", labels: { a: "b" } } });
      fleet.hub.create({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "two" } });
      const two = "/apis/example.com/v1/namespaces/default/things/two";
      await hub.requestJson("DELETE", two, { signal, maxBytes: 1e6 });
      const body = { status: { message: "kept" } };
      const options = { signal, maxBytes: 1e6, contentType: "application/merge-patch+json", body };
      await hub.requestJson("PATCH", `${connections}/${fleet.clusters[0]?.name}/status`, options);
      return { things: await list("/apis/example.com/v1/things"), connections: await list(connections) };
    });
    await live(async ({ list }) => {
      const plain = ({ metadata: { resourceVersion: _, ...metadata }, ...rest }: KubeObject) => ({ metadata, ...rest });
      const things = await list("/apis/example.com/v1/things");
      expect(things.items.map(plain)).toEqual(before.things.items.map(plain));
      const statuses = (await list(connections)).items as (KubeObject & { status?: { message?: string } })[];
      expect(statuses.map(({ metadata }) => metadata.uid)).toEqual(
        before.connections.items.map(({ metadata }) => metadata.uid),
      );
      expect(statuses.map(({ status }) => status?.message)).toContain("kept");
      expect(Number(things.resourceVersion)).toBeGreaterThan(Number(before.connections.resourceVersion));
    });
  });

  test("has the addresses and credentials of the new start in what is registered", async () => {
    await live(async () => {});
    await live(async ({ fleet, list }) => {
      const endpoints = (await list(connections)).items.map(
        (item) => (item as { spec?: { endpoint?: string } }).spec?.endpoint,
      );
      expect(endpoints.sort()).toEqual(fleet.clusters.map(({ url }) => url).sort());
      const [{ name, url } = { name: "", url: "" }] = fleet.clusters;
      const secrets = (await list("/api/v1/namespaces/fleet/secrets")).items;
      const data = (
        secrets.find(({ metadata }) => metadata.name === `${name}-credentials`) as { data?: { token?: string } }
      )?.data;
      expect(Buffer.from(data?.token ?? "", "base64").toString()).toBe(
        credentialsFromKubeconfig(fleet.kubeconfig(name), url, name).token,
      );
    });
  });

  test("tells who watched before that the past is gone", async () => {
    const { resourceVersion } = await live(({ list }) => list(connections));
    await live(async ({ hub }) => {
      const options = { resourceVersion, initialEvents: false, timeoutSeconds: 5, idleTimeoutMs: 10_000, signal };
      const watched = (async () => {
        for await (const _event of watchEvents<KubeObject>(hub, connections, options)) throw new Error("an event");
      })();
      await expect(watched).rejects.toSatisfy((error) => isKubeError(error, "GONE"));
    });
  });

  test("is for its owner alone, and refuses a file that is not its own", async () => {
    await live(async () => {});
    const file = join(dataFolder, "hub.ndjson");
    expect(statSync(dataFolder).mode & 0o777).toBe(0o700);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8").split("\n").length).toBeGreaterThan(10);
    writeFileSync(file, "something else\n");
    await expect(live(async () => {})).rejects.toMatchObject({ code: "ARCHIVE_UNREADABLE" });
  });
});
