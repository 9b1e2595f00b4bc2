// Which of the original's faults a cluster, a node, an operator or a registry of a recording meets.
import { describe, expect, it } from "vitest";
import { ClusterTraits } from "../../conformance/cluster-traits.ts";
import { absent } from "../../conformance/compare.ts";
import type { Recording, ServedObject } from "../../conformance/recording.ts";
import { traitsOfRegistry } from "../../conformance/registry-traits.ts";

const connection = (name: string, spec: object) => ({
  kind: "ClusterConnection",
  metadata: { name },
  spec: { endpoint: `https://${name}`, credentialsRef: { name: "token" }, ...spec },
});
const registryOf = (name: string, spec: object) => ({
  kind: "RegistryConnection",
  metadata: { name },
  spec: { ...spec },
});
const secret = (name: string, stringData: Readonly<Record<string, string>>) => ({
  kind: "Secret",
  metadata: { name },
  stringData,
});
const node = (name: string, memory: string) => ({ metadata: { name }, status: { capacity: { cpu: "2500m", memory } } });
const subscription = { metadata: { namespace: "ops", name: "s" }, status: { installedCSV: "known.v1" } };
const csv = (name: string, annotations = {}) => ({ metadata: { namespace: "ops", name, annotations } });
const served: Readonly<Record<string, readonly ServedObject[]>> = {
  Node: [node("plain", "10Gi"), node("odd", "1500m"), node("fraction", "1.0001Gi")],
  Subscription: [subscription],
  ClusterServiceVersion: [csv("known.v1"), csv("placed.v1", { "olm.targetNamespaces": "a" })],
};
const recording = (parts: Partial<Recording> = {}): Recording => ({
  keys: { "cluster:agents:status": { type: "string", ttlClass: "none", value: {} } },
  resources: [],
  messages: new Map(),
  recordedSeconds: 150,
  manifests: [
    connection("a", {}),
    connection("b", { displayName: "a" }),
    connection("blank", { credentialsRef: { name: "blank" } }),
    connection("pushing", { collectionMode: "push" }),
    secret("token", { token: "t" }),
    secret("blank", { token: "t\n" }),
  ],
  endpoint: () => undefined,
  served: (_connection, _apiVersion, kind) => served[kind],
  overrides: () => [],
  json: () => undefined,
  ...parts,
});

describe("traits of a cluster", () => {
  const traits = new ClusterTraits(recording(), (name) =>
    name === "blank"
      ? { conditions: [{ type: "Synced", reason: "Incomplete", message: "console: away; namespaces: forbidden" }] }
      : { conditions: [{ type: "Synced", reason: "Incomplete", message: "console: away" }] },
  );
  const at = (path: string, original: unknown = 1) => [...traits.of({ path, original, ours: 2 })];

  it("come from its connection, its Secret and what is missing", () => {
    expect(at("cluster:a:status/health")).toContain("shared display name");
    expect(at("cluster:a:status/health")).not.toContain("incomplete");
    expect(at("cluster:blank:status/health")).toEqual(expect.arrayContaining(["other credentials", "incomplete"]));
    expect(at("clusterconnections/pushing/status/phase")).toContain("push");
    expect(at("clusters:all/agents")).toContain("push");
    expect(at("clusters:all/nobody")).not.toContain("push");
    expect(at("registry:a:status/health")).toEqual([]);
  });

  it("come from the quantities of a node", () => {
    const isOdd = (name: string) =>
      at(`cluster:pushing:node:${name}/current/memory_capacity`).includes("odd quantities");
    expect(["plain", "odd", "fraction"].map(isOdd)).toEqual([false, true, true]);
    expect(at("cluster:pushing:nodes:summary/data/total_memory_capacity")).toContain("odd quantities");
  });

  it("tell annotations that are not kept", () => {
    const path = "cluster:pushing:node:plain/current/annotations/note";
    expect(at(path, "short")).not.toContain("annotation not kept");
    expect(at(path, "x".repeat(1_025))).toContain("annotation not kept");
  });

  it("tell how an operator came, where it works, and sums of others", () => {
    const operators = new ClusterTraits(recording(), () => undefined);
    const of = (path: string, original: unknown) => [...operators.of({ path, original, ours: 1 })];
    expect(of("cluster:pushing:operators/ops/known.v1", absent)).not.toContain("without Subscription");
    expect(of("cluster:pushing:operators/ops/loose.v1", absent)).toContain("without Subscription");
    expect(of("cluster:pushing:operators/ops/known.v1/is_cluster_wide", true)).not.toContain("placed operator");
    expect(of("cluster:pushing:operators/ops/placed.v1/is_cluster_wide", true)).toContain("placed operator");
    expect(of("cluster:pushing:operators_summary/total", 2)).not.toContain("other operators");
    operators.explained({ path: "cluster:pushing:operators/ops/loose.v1", original: absent, ours: {} });
    expect(of("cluster:pushing:operators_summary/total", 2)).toContain("other operators");
  });
});

describe("traits of a registry", () => {
  const of = (spec: object, parts: Partial<Recording> = {}) => [
    ...traitsOfRegistry(recording({ manifests: [registryOf("r", spec)], ...parts }), "registry:r:status/available"),
  ];

  it("come from its spec", () => {
    expect(of({ endpoint: "https://r" })).toEqual([]);
    expect(of({ endpoint: "r:5000", insecure: true })).toEqual(["insecure"]);
    expect(of({ endpoint: "http://r", insecure: true })).toEqual([]);
    expect(of({ endpoint: "HTTPS://r" })).toEqual(["odd endpoint"]);
    expect(of({ endpoint: "https://r", monitoring: { timeout: 20 } })).toEqual(["patient"]);
    expect(of({ endpoint: "https://r", healthCheckPaths: ["/v2/"] })).toEqual([]);
    expect(of({ endpoint: "https://r", healthCheckPaths: ["/up"] })).toEqual(["other paths"]);
    expect(of({ endpoint: "https://r", credentialsRef: { name: "none" } })).toEqual(["without credentials"]);
  });

  it("come from what it answered", () => {
    const json = () => ({ features: { requires_auth: true } });
    expect(of({ endpoint: "https://r" }, { json })).toEqual(["asks for credentials"]);
    expect(of({ endpoint: "https://r" }, { json: () => ({ available: false }) })).toEqual(["not available"]);
    const page = { http: { "/v2/": { status: 200, headers: { "Content-Type": "text/html; a" } } } };
    expect(of({ endpoint: "https://r" }, { endpoint: () => page })).toEqual(["no registry's answer"]);
    const paged = { http: { "/v2/_catalog": { status: 200, headers: { Link: "<x>" } } } };
    expect(of({ endpoint: "https://r" }, { endpoint: () => paged })).toEqual(["paged catalog"]);
    const large = { registry: { repositories: ["a", "b", "c"] } };
    const most = { monitoring: { maxCatalogEntries: 2 } };
    expect(of({ endpoint: "https://r", ...most }, { endpoint: () => large })).toEqual(["paged catalog"]);
    expect(of({ endpoint: "https://r" }, { endpoint: () => large })).toEqual([]);
  });
});
