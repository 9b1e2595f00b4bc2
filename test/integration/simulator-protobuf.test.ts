// Lists as protobuf say what they say as JSON: measured by what the hub reads of them.
import { gunzipSync } from "node:zlib";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { MAX_INFLATED_BYTES } from "../../src/cluster/body.ts";
import { foldNodes } from "../../src/cluster/fold-nodes.ts";
import { foldPods } from "../../src/cluster/fold-pods.ts";
import { listNames } from "../../src/cluster/names.ts";
import type { ResponseBody } from "../../src/cluster/ports.ts";
import { decodeBody } from "../../src/kube/protobuf/envelope.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string; "certificate-authority-data": string } }[];
  users: { name: string; user: { token: string } }[];
}

const protobuf = "application/vnd.kubernetes.protobuf";
const metadataList = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

describe("protobuf", () => {
  let simulator: Simulator;
  let agent: Agent;
  let config: Kubeconfig;
  const cluster = (): string => simulator.clusters[0]?.name as string;

  beforeAll(async () => {
    simulator = await startSimulator({ clusters: 1, seed: 5, preset: "medium" });
    config = parse(simulator.kubeconfig()) as Kubeconfig;
    const ca = Buffer.from(config.clusters[0]?.cluster["certificate-authority-data"] as string, "base64").toString();
    agent = new Agent({ connect: { ca } });
  });
  afterAll(async () => {
    await agent.close();
    await simulator.close();
  });

  async function get(name: string, path: string, accept: string, encoding = "gzip") {
    const server = config.clusters.find((entry) => entry.name === name)?.cluster.server as string;
    const token = config.users.find((entry) => entry.name === name)?.user.token as string;
    const headers = { authorization: `Bearer ${token}`, accept, "accept-encoding": encoding };
    const response = await request(`${server}${path}`, { dispatcher: agent, headers });
    const bytes = new Uint8Array(await response.body.arrayBuffer());
    return {
      status: response.statusCode,
      type: String(response.headers["content-type"]),
      encoding: String(response.headers["content-encoding"] ?? "identity"),
      bytes,
    };
  }
  const bodyOf = (got: Awaited<ReturnType<typeof get>>): ResponseBody => ({
    bytes: got.bytes as ResponseBody["bytes"],
    encoding: got.encoding as "gzip" | "identity",
    format: got.type === protobuf ? "protobuf" : "json",
  });
  const both = async (path: string, form = "") =>
    Promise.all([
      get(cluster(), path, `${protobuf}${form},application/json${form}`),
      get(cluster(), path, `application/json${form}`),
    ]);

  it("gives pods and nodes that fold to the same values", async () => {
    const [pods, jsonPods] = await both("/api/v1/pods");
    expect([pods.type, pods.encoding, jsonPods.type]).toEqual([protobuf, "gzip", "application/json"]);
    const folds = [pods, jsonPods].map((got) => foldPods({ body: bodyOf(got) }, MAX_INFLATED_BYTES));
    expect(folds[0]).toEqual(folds[1]);
    expect(folds[0]?.pods).toBe(300);
    const [nodes, jsonNodes] = await both("/api/v1/nodes");
    const fold = folds[0];
    if (fold === undefined) throw new Error("no fold");
    const rows = [nodes, jsonNodes].map((got) =>
      foldNodes({ body: bodyOf(got), pods: [fold], collectedAtMs: 0 }, MAX_INFLATED_BYTES),
    );
    expect(rows[0]).toEqual(rows[1]);
    expect(nodes.type).toBe(protobuf);
  });

  it("gives names, pages and what remains, as objects and as metadata", async () => {
    for (const form of ["", `;${metadataList}`]) {
      for (const path of ["/api/v1/namespaces", "/apis/apps/v1/deployments?limit=1", "/api/v1/pods?limit=7"]) {
        const [one, other] = await both(path, form);
        expect(one.type).toBe(protobuf);
        const names = listNames({ body: bodyOf(one) }, MAX_INFLATED_BYTES);
        expect(names, path).toEqual(listNames({ body: bodyOf(other) }, MAX_INFLATED_BYTES));
        expect(names.names.length).toBeGreaterThan(0);
      }
    }
  });

  it("gives the same bytes again, also to a client that takes no gzip", async () => {
    const first = await get(cluster(), "/api/v1/pods", protobuf);
    const plain = await get(cluster(), "/api/v1/pods", protobuf, "identity");
    expect(plain.encoding).toBe("identity");
    expect(gunzipSync(first.bytes).equals(plain.bytes)).toBe(true);
    expect((await get(cluster(), "/api/v1/pods", protobuf)).bytes).toEqual(first.bytes);
  });

  it("gives one object, and JSON where there is no protobuf", async () => {
    const list = JSON.parse(
      Buffer.from((await get(cluster(), "/api/v1/nodes", "application/json", "identity")).bytes).toString(),
    ) as {
      items: { metadata: { name: string } }[];
    };
    const name = list.items[0]?.metadata.name as string;
    const node = await get(cluster(), `/api/v1/nodes/${name}`, protobuf);
    expect(decodeBody(node.bytes)).toMatchObject({ kind: "Node", apiVersion: "v1", metadata: { name } });
    const path = "/apis/clusterpulse.io/v1alpha1/clusterconnections";
    expect((await get("hub", path, `${protobuf},application/json`)).type).toBe("application/json");
    expect((await get("hub", path, protobuf)).status).toBe(406);
  });

  it("never shows the hub's objects as they were", async () => {
    const names = async () =>
      listNames({ body: bodyOf(await get("hub", "/api/v1/namespaces", protobuf)) }, MAX_INFLATED_BYTES).names;
    expect(await names()).not.toContain("later");
    simulator.register({ namespace: "later" });
    expect(await names()).toContain("later");
  });
});
