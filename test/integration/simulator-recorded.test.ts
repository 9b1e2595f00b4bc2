// A recorded fleet served again: the recorded bytes, pages, refusals, and a hub's API that leads to them.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { LookupFunction } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RecordedFleet, startRecordedFleet } from "../../src/simulator/recorded/index.ts";

const golden = fileURLToPath(new URL("../fixtures/golden-fleet/", import.meta.url));
const protobuf = "application/vnd.kubernetes.protobuf";

interface Connection {
  readonly spec: { readonly endpoint: string };
}
const endpointOf = (fleet: RecordedFleet, name: string): string =>
  (fleet.object("clusterconnections", "clusterpulse", name) as Connection).spec.endpoint;

async function get(agent: Agent, url: string, accept = "application/json") {
  const response = await request(url, { dispatcher: agent, headers: { accept, authorization: "Bearer tok" } });
  const bytes = Buffer.from(await response.body.arrayBuffer());
  return { status: response.statusCode, headers: response.headers, bytes, json: () => JSON.parse(bytes.toString()) };
}

describe("the golden fleet", () => {
  let fleet: RecordedFleet;
  let agent: Agent;
  beforeAll(async () => {
    fleet = await startRecordedFleet(golden);
    agent = new Agent({ connect: { ca: fleet.caPem } });
  });
  afterAll(async () => {
    await agent.close();
    await fleet.close();
  });

  it("serves whole lists byte for byte, JSON and protobuf", async () => {
    const url = endpointOf(fleet, "plain");
    for (const [path, file] of [
      ["/api/v1/pods", "pods"],
      ["/apis/apps/v1/deployments?limit=500", "deployments"],
    ] as const) {
      expect(
        (await get(agent, url + path)).bytes.equals(readFileSync(join(golden, `cluster-plain/${file}.json`))),
      ).toBe(true);
      const pb = await get(agent, url + path, `${protobuf},application/json`);
      expect(pb.headers["content-type"]).toBe(protobuf);
      expect(pb.bytes.equals(readFileSync(join(golden, `cluster-plain/${file}.pb`)))).toBe(true);
    }
    // Recorded as JSON alone.
    const claims = await get(agent, `${url}/api/v1/persistentvolumeclaims`, `${protobuf},application/json`);
    expect(claims.headers["content-type"]).toBe("application/json");
  });

  it("pages, selects and finds single objects", async () => {
    const url = endpointOf(fleet, "ocp");
    const first = (await get(agent, `${url}/api/v1/pods?limit=25`)).json();
    expect([first.items.length, first.metadata.remainingItemCount]).toEqual([25, 35]);
    const second = (await get(agent, `${url}/api/v1/pods?limit=500&continue=${first.metadata.continue}`)).json();
    expect(second.items.length).toBe(35);
    const front = (await get(agent, `${url}/api/v1/pods?labelSelector=tier%3Dfront`)).json();
    expect(front.items.length).toBeGreaterThan(0);
    expect(front.items.length).toBeLessThan(60);
    const version = await get(agent, `${url}/apis/config.openshift.io/v1/clusterversions/version`);
    expect(version.json()).toMatchObject({ kind: "ClusterVersion", spec: { channel: "stable-4.17" } });
    const route = await get(agent, `${url}/apis/route.openshift.io/v1/namespaces/openshift-console/routes/console`);
    expect(route.json()).toMatchObject({ kind: "Route" });
    const gone = await get(
      agent,
      `${url}/apis/operators.coreos.com/v1alpha1/namespaces/pay/clusterserviceversions/gone.v9`,
    );
    expect([gone.status, gone.json().reason]).toEqual([404, "NotFound"]);
    const plain = endpointOf(fleet, "plain");
    expect((await get(agent, `${plain}/apis/config.openshift.io/v1/clusteroperators`)).status).toBe(404);
    expect((await get(agent, `${plain}/version`)).json()).toMatchObject({ gitVersion: "v1.31.2" });
  });

  it("refuses and denies as recorded, and gives endpoints their recorded names back", async () => {
    expect((await get(agent, `${endpointOf(fleet, "deny")}/api/v1/nodes`)).status).toBe(401);
    await expect(get(agent, `${endpointOf(fleet, "refuse")}/api/v1/nodes`)).rejects.toMatchObject({
      code: "ECONNREFUSED",
    });
    expect(fleet.originalOf(`to ${endpointOf(fleet, "sick")} and back`)).toBe("to https://127.1.0.3:20443/ and back");
    expect(fleet.requests("https://127.1.0.4:20443").map(({ path }) => path)).toEqual(["/api/v1/nodes"]);
  });

  it("has this run's authority in the Secrets that had one", () => {
    const data = (name: string) =>
      (fleet.object("secrets", "clusterpulse", name) as { data: Record<string, string> }).data;
    expect(Buffer.from(data("plain-creds")["ca.crt"] as string, "base64").toString()).toBe(fleet.caPem);
    expect(data("sick-creds")["ca.crt"]).toBeUndefined();
    expect(Buffer.from(data("reg-creds")["username"] as string, "base64").toString()).toBe("u");
  });
});

describe("the other forms of endpoints", () => {
  it("names, another authority, overrides, plain HTTP and registries", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-recorded-"));
    mkdirSync(join(folder, "cluster-a"));
    cpSync(join(golden, "cluster-plain/nodes.json"), join(folder, "cluster-a/nodes.json"));
    const overrides = [
      { match: "^/api/v1/pods", code: 403, reason: "Forbidden", message: "no pods", details: { kind: "pods" } },
      { match: "/healthz$", code: 500, body: "broken" },
    ];
    writeFileSync(join(folder, "cluster-a/_overrides.json"), JSON.stringify(overrides));
    const endpoints = {
      "https://api.one.example:6443": { cluster: "cluster-a" },
      "https://127.1.0.9:6443": { cluster: "cluster-a", tls: "other-ca" },
      "http://127.1.0.8:8080": {
        http: { "/a": { status: 201, headers: { "X-Said": "a" }, body: "A" }, "*": { status: 418 } },
      },
      "http://127.0.0.1:5000": { registry: { repositories: ["tiny/app"], htpasswd: "u:p" } },
    };
    writeFileSync(join(folder, "fleet.json"), JSON.stringify({ endpoints }));
    const manifest = (name: string, endpoint: string) =>
      `apiVersion: clusterpulse.io/v1alpha1\nkind: ClusterConnection\nmetadata: {name: ${name}, namespace: elsewhere}\nspec: {endpoint: "${endpoint}", credentialsRef: {name: s}}\n`;
    const manifests = Object.keys(endpoints).map((endpoint, i) => manifest(`c${i}`, endpoint));
    writeFileSync(join(folder, "applied-manifests.yaml"), manifests.join("---\n"));
    const fleet = await startRecordedFleet(folder);
    const lookup: LookupFunction = (name, _options, done) =>
      done(null, [{ address: fleet.hosts.get(name) as string, family: 4 }]);
    const agent = new Agent({ connect: { ca: fleet.caPem, lookup } });
    try {
      const urls = [0, 1, 2, 3].map(
        (i) => (fleet.object("clusterconnections", "elsewhere", `c${i}`) as Connection).spec.endpoint,
      );
      expect([...fleet.hosts]).toEqual([["api.one.example", "127.0.0.1"]]);
      expect(new URL(urls[0] as string).hostname).toBe("api.one.example");
      expect((await get(agent, `${urls[0]}/api/v1/nodes`)).json().items.length).toBe(3);
      const refused = await get(agent, `${urls[0]}/api/v1/pods?limit=1`);
      expect([refused.status, refused.json().message, refused.json().details]).toEqual([
        403,
        "no pods",
        { kind: "pods" },
      ]);
      expect((await get(agent, `${urls[0]}/healthz`)).bytes.toString()).toBe("broken");
      await expect(get(agent, `${urls[1]}/api/v1/nodes`)).rejects.toMatchObject({ code: /CERT|VERIFY|SIGNATURE/ });
      const said = await get(agent, `${urls[2]}/a?b=1`);
      expect([said.status, said.headers["x-said"], said.bytes.toString()]).toEqual([201, "a", "A"]);
      expect((await get(agent, `${urls[2]}/b`)).status).toBe(418);
      expect((await get(agent, `${urls[3]}/v2/`)).status).toBe(401);
    } finally {
      await agent.close();
      await fleet.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("says what is wrong with a recording, and in which file", async () => {
    await expect(startRecordedFleet("/nowhere")).rejects.toMatchObject({ code: "RECORDING_UNREADABLE" });
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-recorded-"));
    const fleetOf = (endpoints: unknown) => writeFileSync(join(folder, "fleet.json"), JSON.stringify({ endpoints }));
    try {
      fleetOf({ "https://127.0.0.1:1": { clusters: "a" }, "https://": { refuse: true } });
      await expect(startRecordedFleet(folder)).rejects.toThrow(/fleet\.json: endpoints\.https:\/\/127.*fleet\.json/s);
      fleetOf({ "https://127.0.0.1:1": { cluster: "a" } });
      mkdirSync(join(folder, "a"));
      writeFileSync(join(folder, "a/_overrides.json"), JSON.stringify([{ match: "(", code: 1 }]));
      await expect(startRecordedFleet(folder)).rejects.toThrow(/_overrides\.json: entry 1: match/);
      rmSync(join(folder, "a/_overrides.json"));
      writeFileSync(join(folder, "a/pods.json"), "{");
      await expect(startRecordedFleet(folder)).rejects.toThrow(/a\/pods\.json: is not there or not JSON/);
      writeFileSync(join(folder, "a/pods.json"), JSON.stringify({ kind: "PodList", apiVersion: "v1", items: [{}] }));
      await expect(startRecordedFleet(folder)).rejects.toThrow(/a\/pods\.json: item 1 has no metadata\.name/);
      rmSync(join(folder, "a/pods.json"));
      writeFileSync(join(folder, "applied-manifests.yaml"), "kind: Secret");
      await expect(startRecordedFleet(folder)).rejects.toThrow(/applied-manifests\.yaml: object 1/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("takes objects from Lists and single files, and leaves files alone that hold none", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-recorded-"));
    mkdirSync(join(folder, "a"));
    const save = (file: string, value: unknown) => writeFileSync(join(folder, file), JSON.stringify(value));
    const widget = (name: string) => ({ apiVersion: "x.io/v1", kind: "Widget", metadata: { name, namespace: "n" } });
    save("a/all.json", { apiVersion: "v1", kind: "List", items: [widget("one"), { ...widget("g"), kind: "Gateway" }] });
    save("a/two.json", widget("two"));
    save("a/notes.json", { about: "nothing" });
    save("a/numbers.json", [1, 2]);
    save("fleet.json", { endpoints: { "https://127.0.0.1:1": { cluster: "a" } } });
    const connection =
      "apiVersion: clusterpulse.io/v1alpha1\nkind: ClusterConnection\nmetadata: {name: c, namespace: w}\n";
    const beside =
      "apiVersion: v1\nkind: Namespace\nmetadata: {name: w}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
    const spec = "spec: {endpoint: '127.0.0.1:1', credentialsRef: {name: s}}\n";
    writeFileSync(
      join(folder, "applied-manifests.yaml"),
      `${connection}${spec}---\n${beside}---\n${connection}${spec}`,
    );
    const fleet = await startRecordedFleet(folder);
    const agent = new Agent({ connect: { ca: fleet.caPem } });
    try {
      expect([fleet.namespace, fleet.polledClusters]).toEqual(["w", ["c"]]);
      const url = `https://${(fleet.object("clusterconnections", "w", "c") as Connection).spec.endpoint}`;
      const names = async (path: string) =>
        (await get(agent, url + path)).json().items.map((item: { metadata: { name: string } }) => item.metadata.name);
      expect(await names("/apis/x.io/v1/widgets")).toEqual(["one", "two"]);
      expect(await names("/apis/x.io/v1/namespaces/n/gateways")).toEqual(["g"]);
    } finally {
      await agent.close();
      await fleet.close();
      rmSync(folder, { recursive: true });
    }
  });

  it("serves a registry's catalog in pages, to those whom it knows", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-recorded-"));
    const endpoint = "http://127.0.0.1:5000";
    const registry = { repositories: ["c", "a", "b"], htpasswd: "u:p\nother:{SHA}nopenope" };
    writeFileSync(join(folder, "fleet.json"), JSON.stringify({ endpoints: { [endpoint]: { registry } } }));
    writeFileSync(
      join(folder, "applied-manifests.yaml"),
      `apiVersion: clusterpulse.io/v1alpha1\nkind: RegistryConnection\nmetadata: {name: r, namespace: w}\nspec: {endpoint: "${endpoint}"}\n`,
    );
    const fleet = await startRecordedFleet(folder);
    try {
      const url = (fleet.object("registryconnections", "w", "r") as Connection).spec.endpoint;
      const ask = async (path: string, login = "u:p") => {
        const headers = { authorization: `Basic ${Buffer.from(login).toString("base64")}` };
        const answer = await request(url + path, { headers });
        const { repositories } = (await answer.body.json()) as { repositories?: string[] };
        return [answer.statusCode, repositories, answer.headers["link"]];
      };
      const next = '</v2/_catalog?last=b&n=2>; rel="next"';
      expect(await ask("/v2/_catalog?n=2")).toEqual([200, ["a", "b"], next]);
      expect(await ask("/v2/_catalog?last=b&n=2")).toEqual([200, ["c"], undefined]);
      expect((await ask("/v2/_catalog?n=5000"))[0]).toBe(400);
      expect((await ask("/v2/", "u:q"))[0]).toBe(401);
      expect((await ask("/v2/", "other:p"))[0]).toBe(401);
    } finally {
      await fleet.close();
      rmSync(folder, { recursive: true });
    }
  });
});
