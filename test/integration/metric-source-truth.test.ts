// Twenty simulated clusters, one MetricSource for each scope, function, type and filter, and a whole hub between them: what lies in the store
// is what the world's own model says. The model is numbers that the API's answers are made of; nothing of the engine, the readers or the
// collection has a part in what is expected here.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { buildModel, type ClusterModel, phases } from "../../src/simulator/world/model.ts";
import { podTable } from "../../src/simulator/world/pods.ts";
import { clusterIdentities } from "../../src/simulator/world/profile.ts";
import { sourceKeys } from "../../src/store/metric-source-keys.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually } from "../support/processes.ts";
import { aggregateSlowly } from "../support/reference-aggregate.ts";
import type { Plain } from "../support/reference-expression.ts";

const clusterCount = 20;
const seed = 11;
const preset = "tiny";
const namespace = "fleet";
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-truth-"));

type Values = Readonly<Record<string, Plain>>;
interface Row {
  readonly _id: string;
  readonly _namespace?: string;
  readonly _name: string;
  readonly _labels: Readonly<Record<string, string>>;
  readonly values: Values;
}
interface Aggregation {
  readonly name: string;
  readonly function: string;
  readonly field?: string;
  readonly percentile?: number;
  readonly groupBy?: string;
  readonly filter?: { readonly field: string; readonly operator: string; readonly value: string };
}
/** A MetricSource, and what it should come to in a cluster. */
interface Case {
  readonly spec: { readonly source: object; readonly fields: readonly object[]; readonly [more: string]: unknown };
  readonly rows: (model: ClusterModel) => readonly Row[];
  readonly aggregates?: (rows: readonly Row[]) => Readonly<Record<string, unknown>>;
}

const positive = (quantity: { text: string; value: number } | undefined): number | null =>
  quantity === undefined || quantity.text === "" ? null : quantity.value;

/** Every pod of a cluster with everything that these sources ask of pods. */
function pods(model: ClusterModel): Row[] {
  const table = podTable(model);
  return model.workloads.flatMap(({ namespace: at, app, firstPod, replicas, containers, kind }) =>
    Array.from({ length: replicas }, (_, i): Row => {
      const pod = firstPod + i;
      const [main] = containers;
      const [name, node] = [table.nameOf(pod), model.nodes[model.nodeOfPod[pod] as number]];
      const values = {
        phase: phases[model.phaseOfPod[pod] as number] as string,
        node: node?.name ?? null,
        app,
        cpu: positive(main?.cpu),
        memory: positive(main?.memory),
        containers: containers.length,
        restart: kind === "Job" ? "Never" : "Always",
      };
      return { _id: `${at}/${name}`, _namespace: at, _name: name, _labels: table.labelsOf(pod), values };
    }),
  );
}

const pod = { apiVersion: "v1", kind: "Pod", scope: "Namespaced" };
const fieldsOfPods = [
  { name: "phase", path: ".status.phase", type: "string" },
  { name: "node", path: ".spec.nodeName", type: "string" },
  { name: "app", path: ".metadata.labels['app']", type: "string" },
  { name: "cpu", path: ".spec.containers[0].resources.requests.cpu", type: "quantity" },
  { name: "memory", path: ".spec.containers[0].resources.requests.memory", type: "quantity" },
  { name: "containers", path: ".spec.containers", type: "arrayLength" },
  { name: "restart", path: ".spec.restartPolicy", type: "string" },
];

/** Nodes with the values that a function makes of each. */
const nodes =
  (valuesOf: (node: ClusterModel["nodes"][number]) => Values) =>
  (model: ClusterModel): Row[] =>
    model.nodes.map((node) => ({
      _id: node.name,
      _name: node.name,
      _labels: {
        "kubernetes.io/hostname": node.name,
        "kubernetes.io/arch": model.architecture,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/region": model.identity.region,
        "topology.kubernetes.io/zone": `${model.identity.region}-${"abc"[node.hash % 3]}`,
        ...Object.fromEntries(node.roles.map((role) => [`node-role.kubernetes.io/${role}`, ""])),
      },
      values: valuesOf(node),
    }));
const node = { apiVersion: "v1", kind: "Node", scope: "Cluster" };
const ofNodes = (
  field: { readonly name: string; readonly path: string; readonly type: string; readonly default?: string },
  truthOf: (node: ClusterModel["nodes"][number]) => Plain,
): Case => ({
  spec: { source: node, fields: [field] },
  rows: nodes((each) => ({ [field.name]: truthOf(each) })),
});

const deployments = (model: ClusterModel): Row[] =>
  model.workloads
    .filter(({ kind }) => kind === "Deployment")
    .map(({ namespace: at, app, firstPod, replicas }) => {
      const places = model.phaseOfPod.subarray(firstPod, firstPod + replicas);
      const ready = places.filter((phase) => phases[phase] === "Running").length;
      const values = { replicas, ready, share: ready / replicas, label: `${at}/${app}`, whole: ready === replicas };
      return { _id: `${at}/${app}`, _namespace: at, _name: app, _labels: { app }, values };
    });

const scopes: Record<string, Case> = {
  "scope-cluster": ofNodes({ name: "kubelet", path: ".metadata.name", type: "string" }, ({ name }) => name),
  "scope-namespaced": { spec: { source: pod, fields: fieldsOfPods }, rows: pods },
  "scope-named": {
    spec: {
      source: { ...pod, namespaces: { include: ["kube-system", "default", "not-there"] } },
      fields: fieldsOfPods,
    },
    rows: (model) => pods(model).filter(({ _namespace }) => _namespace === "default" || _namespace === "kube-system"),
  },
  "scope-patterns": {
    spec: { source: { ...pod, namespaces: { include: ["*e*"], exclude: ["kube-*"] } }, fields: fieldsOfPods },
    rows: (model) =>
      pods(model).filter(({ _namespace = "" }) => _namespace.includes("e") && !_namespace.startsWith("kube-")),
  },
  "scope-selector": {
    spec: {
      source: {
        ...pod,
        labelSelector: { matchExpressions: [{ key: "pod-template-hash", operator: "Exists" }] },
      },
      fields: fieldsOfPods,
    },
    rows: (model) => pods(model).filter(({ values }) => values["restart"] === "Always"),
  },
  "scope-truncated": {
    spec: { source: pod, fields: fieldsOfPods, collection: { maxResources: 7, batchSize: 10 } },
    rows: (model) => pods(model).slice(0, 7),
  },
  // An object's length is what only JSON shows in full: this list comes in the other lane.
  "scope-in-json": {
    spec: {
      source: { ...pod, labelSelector: { matchExpressions: [{ key: "app", operator: "Exists" }] } },
      fields: [...fieldsOfPods, { name: "security", path: ".spec.securityContext", type: "arrayLength" }],
    },
    rows: (model) => pods(model).map((row) => ({ ...row, values: { ...row.values, security: 0 } })),
  },
};

const heartbeat = ".status.conditions[0].lastHeartbeatTime";
const types: Record<string, Case> = {
  "type-string": ofNodes({ name: "v", path: ".status.capacity.memory", type: "string" }, (each) => {
    return `${each.memoryCapacityKi}Ki`;
  }),
  "type-integer": ofNodes({ name: "v", path: ".status.capacity.pods", type: "integer" }, () => 110),
  "type-float": ofNodes({ name: "v", path: ".status.capacity.cpu", type: "float" }, (each) => {
    return each.cpuCapacityMilli / 1000;
  }),
  "type-boolean": ofNodes({ name: "v", path: ".spec.unschedulable", type: "boolean", default: "false" }, (each) => {
    return each.isCordoned;
  }),
  "type-quantity": ofNodes({ name: "v", path: ".status.allocatable.memory", type: "quantity" }, (each) => {
    return each.memoryAllocatableKi * 1024;
  }),
  "type-quantity-of-cpu": ofNodes({ name: "v", path: ".status.allocatable.cpu", type: "quantity" }, (each) => {
    return each.cpuAllocatableMilli;
  }),
  "type-timestamp": ofNodes({ name: "v", path: heartbeat, type: "timestamp" }, () => "2026-01-01T00:00:00Z"),
  "type-arraylength": ofNodes({ name: "v", path: ".spec.taints", type: "arrayLength", default: "0" }, (each) => {
    return Number(each.isControlPlane) + Number(each.isCordoned);
  }),
  "type-computed": {
    spec: {
      source: { apiVersion: "apps/v1", kind: "Deployment", scope: "Namespaced" },
      fields: [
        { name: "replicas", path: ".spec.replicas", type: "integer" },
        { name: "ready", path: ".status.readyReplicas", type: "integer", default: "0" },
      ],
      computed: [
        { name: "share", expression: "ready / replicas", type: "float" },
        { name: "missing", expression: "replicas - ready", type: "integer" },
        { name: "text", expression: "concat(ready, ' of ', replicas)", type: "string" },
        { name: "whole", expression: "missing == 0 && share >= 1", type: "boolean" },
      ],
    },
    rows: (model) =>
      deployments(model).map((row) => {
        const { replicas, ready, share, whole } = row.values as Record<string, number>;
        const missing = Number(replicas) - Number(ready);
        return {
          ...row,
          values: { replicas, ready, share, missing, text: `${ready} of ${replicas}`, whole } as Values,
        };
      }),
  },
};

const filter = { field: "phase", operator: "equals", value: "Running" };
const sumsOf = (aggregations: readonly Aggregation[]) => (rows: readonly Row[]) => {
  const slow = aggregateSlowly(
    aggregations,
    rows.map(({ values }) => values),
  );
  return Object.fromEntries(
    [...slow].map(([name, result]) => [name, Array.isArray(result) ? Object.fromEntries(result) : result]),
  );
};
const functions = Object.fromEntries(
  ["count", "sum", "avg", "min", "max", "percentile", "distinct"].map((name): [string, Case] => {
    const one = { function: name, ...(name === "count" ? {} : { field: "cpu" }), percentile: 90 };
    const aggregations: Aggregation[] = [
      { ...one, name: "plain" },
      { ...one, name: "filtered", filter },
      { ...one, name: "grouped", groupBy: "node" },
      { ...one, name: "both", filter, groupBy: "app" },
      { ...one, name: "ofTexts", ...(name === "count" ? {} : { field: "app" }) },
      { ...one, name: "byNumber", groupBy: "containers" },
    ];
    const spec = { source: pod, fields: fieldsOfPods, aggregations };
    return [`function-${name}`, { spec, rows: pods, aggregates: sumsOf(aggregations) }];
  }),
);

const filters = Object.fromEntries(
  (
    [
      ["equals", "containers", "2", ({ containers }) => containers === 2],
      ["notEquals", "node", "nowhere", ({ node: on }) => on !== null],
      ["contains", "app", "a", ({ app }) => String(app).includes("a")],
      ["startsWith", "restart", "Al", ({ restart }) => restart === "Always"],
      ["endsWith", "phase", "ing", ({ phase }) => phase === "Running" || phase === "Pending"],
      ["greaterThan", "memory", "100Mi", ({ memory }) => Number(memory) > 100 * 1024 ** 2],
      ["lessThan", "cpu", "125", ({ cpu }) => cpu !== null && Number(cpu) < 125],
      ["in", "phase", "[Failed, Succeeded]", ({ phase }) => phase === "Failed" || phase === "Succeeded"],
      ["matches", "app", "^[a-m]\\w+\\d?$", ({ app }) => /^[a-m]\w+\d?$/.test(String(app))],
    ] as [string, string, string, (values: Values) => boolean][]
  ).map(([operator, field, value, passes]): [string, Case] => {
    const aggregations = [
      { name: "n", function: "count", filter: { field, operator, value } },
      { name: "cpu", function: "sum", field: "cpu", filter: { field, operator, value } },
    ];
    const aggregates = (rows: readonly Row[]) => {
      const kept = rows.filter(({ values }) => passes(values));
      return { n: kept.length, cpu: kept.reduce((sum, { values }) => sum + Number(values["cpu"]), 0) };
    };
    return [
      `filter-${operator.toLowerCase()}`,
      { spec: { source: pod, fields: fieldsOfPods, aggregations }, rows: pods, aggregates },
    ];
  }),
);

const cases = Object.entries({ ...scopes, ...types, ...functions, ...filters });
const models = clusterIdentities(seed, clusterCount).map((identity, index) =>
  buildModel({ seed, index, preset }, identity),
);

let simulator: Simulator;
let hub: HubProcess;

beforeAll(async () => {
  simulator = await startSimulator({ clusters: clusterCount, seed, preset });
  simulator.register({ namespace, intervalSeconds: 300 });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  const config = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  const api = createTransport(config.credentials, {}, "test");
  try {
    const path = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/metricsources`;
    for (const [name, { spec }] of cases) {
      const body = {
        apiVersion: "clusterpulse.io/v1alpha1",
        kind: "MetricSource",
        metadata: { name },
        spec: {
          rbac: { resourceTypeName: "thing" },
          ...spec,
          collection: { intervalSeconds: 30, ...(spec["collection"] ?? {}) },
        },
      };
      const signal = AbortSignal.timeout(60_000);
      await api.requestJson("POST", path, { body, contentType: "application/json", signal, maxBytes: 1 << 20 });
    }
  } finally {
    await api.close();
  }
  hub = await openHubProcess({ version: "test", namespace, log: silentLogger });
  hub.watch({ kubeconfig: config });
}, 120_000);
afterAll(async () => {
  await hub.stop(4_000);
  await simulator.close();
  rmSync(scratch, { recursive: true, force: true });
});

/** A collection that a busy machine made too late is repeated after 30 s. */
async function stored<T>(model: ClusterModel, source: string, part: string): Promise<T> {
  const key = `cluster:${model.identity.name}:custom:${namespace}/${source}:${part}`;
  let status = "";
  const text = await eventually(
    async () => {
      const found = await hub.store.string(key);
      if (!found) status = String(await hub.store.string(sourceKeys.status({ namespace, name: source })));
      return found;
    },
    170_000,
    () => `${key}; the source's status: ${status}`,
  );
  return JSON.parse(text.toString()) as T;
}

/** Numbers that are sums of doubles may differ in their last bits. */
function rounded(value: unknown): unknown {
  if (typeof value === "number") return Number(value.toPrecision(12));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)]));
}

describe(`what is stored of ${clusterCount} clusters is what their model says`, () => {
  test("the models are those of the clusters that are served", () => {
    expect(models.map(({ identity }) => identity.name)).toEqual(simulator.clusters.map(({ name }) => name));
    for (const model of models) {
      const { pods: scheduled, podsUnscheduled, nodesReady } = simulator.expected(model.identity.name);
      expect(pods(model)).toHaveLength(scheduled + podsUnscheduled);
      expect(nodesReady).toBeLessThanOrEqual(model.nodes.length);
    }
  });

  test.each(cases)(
    "%s",
    async (name, { rows, aggregates }) => {
      let count = 0;
      for (const model of models) {
        const expected = rows(model);
        count += expected.length;
        const found = await stored<{ resources: Row[]; resourceCount: number; truncated: boolean }>(
          model,
          name,
          "resources",
        );
        const all = name === "scope-truncated" ? pods(model).length : expected.length;
        expect(found.resources).toEqual(expected);
        expect(found).toMatchObject({ resourceCount: expected.length, truncated: expected.length < all });
        if (aggregates === undefined) continue;
        const sums = await stored<{ values: unknown }>(model, name, "aggregations");
        expect(rounded(sums.values)).toEqual(rounded(aggregates(expected)));
      }
      // A source that finds nothing anywhere would prove nothing.
      expect(count).toBeGreaterThan(clusterCount);
    },
    180_000,
  );

  test("a filter keeps some rows and drops others somewhere in the fleet, so that both are proved", () => {
    for (const [name, { aggregates }] of Object.entries(filters)) {
      const counts = models.map((model) => {
        const all = pods(model);
        return { kept: Number(aggregates?.(all)["n"]), all: all.length };
      });
      expect([name, counts.some(({ kept }) => kept > 0), counts.some(({ kept, all }) => kept < all)]).toEqual([
        name,
        true,
        true,
      ]);
    }
  });
});
