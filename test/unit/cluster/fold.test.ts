import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INFLATED_BYTES } from "../../../src/cluster/body.ts";
import {
  foldNodes,
  MAX_ANNOTATION_LENGTH,
  MAX_ANNOTATIONS_LENGTH,
  MAX_ROW_LENGTH,
} from "../../../src/cluster/fold-nodes.ts";
import { foldPods, mergePodFolds } from "../../../src/cluster/fold-pods.ts";
import type { PodFold, PodsOfNode } from "../../../src/cluster/ports.ts";
import {
  anyJson,
  bodyOf,
  nodeList,
  nodeModels,
  nodeNames,
  podList,
  podModel,
  podObject,
  reference,
} from "./arbitrary.ts";

const collectedAtMs = Date.parse("2026-01-02T03:04:05.999Z");
const foldOf = (pods: unknown): PodFold => foldPods({ body: bodyOf(pods) }, MAX_INFLATED_BYTES);
const byName = (fold: PodFold): PodsOfNode[] => fold.byNode.toSorted((a, b) => (a.node < b.node ? -1 : 1));
const pods = fc.array(podModel, { maxLength: 30 });

function nodesOf(items: readonly unknown[], folds: readonly PodFold[] = []) {
  const body = bodyOf({ kind: "NodeList", items });
  return foldNodes({ body, pods: folds, collectedAtMs }, MAX_INFLATED_BYTES);
}

/** The only node of a list, as it is stored. */
function current(node: unknown): Record<string, unknown> {
  return JSON.parse(nodesOf([node]).nodes[0]?.current ?? "") as Record<string, unknown>;
}

describe("pods", () => {
  it("add up to the reference, exactly", () => {
    fc.assert(
      fc.property(pods, (models) => {
        const fold = foldOf(podList(models, "next"));
        const wanted = nodeNames.map((node) => reference(models, node)).filter((node) => node.total > 0);
        expect(byName(fold)).toEqual(wanted.toSorted((a, b) => (a.node < b.node ? -1 : 1)));
        expect(fold).toMatchObject({ pods: models.length, skipped: 0, continueToken: "next" });
      }),
    );
  });

  it("folded page by page give what the whole list gives", () => {
    fc.assert(
      fc.property(pods, fc.array(fc.nat({ max: 30 })), (models, cuts) => {
        const edges = [0, ...cuts.map((cut) => cut % (models.length + 1)).sort((a, b) => a - b), models.length];
        const pages = edges.slice(1).map((end, i) => foldOf(podList(models.slice(edges[i], end))));
        const whole = foldOf(podList(models));
        const merged = mergePodFolds(pages);
        expect(byName(merged)).toEqual(byName(whole));
        expect(merged.pods).toBe(whole.pods);
        expect(mergePodFolds([])).toEqual({ continueToken: "", pods: 0, skipped: 0, byNode: [] });
      }),
    );
  });

  it("cores that no double holds exactly still add up exactly over pages", () => {
    const page = (text: string) => {
      const containers = [{ resources: { requests: { cpu: text } } }];
      const pod = { metadata: { name: "p" }, spec: { nodeName: "n", containers }, status: { phase: "Running" } };
      return foldOf({ kind: "PodList", items: [pod] });
    };
    const merged = mergePodFolds([page("34301511822n"), page("65639171876n"), page("17619834981n")]);
    expect(merged.byNode[0]?.cpuRequestedCores).toBe(117560518679 / 1e9);
  });

  it("malformed items are skipped, counted, and lose nobody else", () => {
    const [good] = fc.sample(podModel, { numRuns: 1, seed: 7 });
    if (good === undefined) throw new Error("no sample");
    const items = [null, "pod", {}, { metadata: { name: 1 } }, podObject({ ...good, node: "node-a" }), []];
    const fold = foldOf({ kind: "PodList", items });
    expect(fold).toMatchObject({ pods: 1, skipped: 5 });
    expect(fold.byNode.map((node) => node.node)).toEqual(["node-a"]);
  });

  it("survive members of any shape", () => {
    fc.assert(
      fc.property(fc.array(anyJson), anyJson, anyJson, (items, spec, status) => {
        const odd = { metadata: { name: "odd" }, spec, status };
        const fold = foldOf({ kind: "PodList", items: [...items, odd] });
        expect(fold.pods + fold.skipped).toBe(items.length + 1);
      }),
    );
  });
});

describe("nodes", () => {
  it("are finished with all pods of the run, however many pages those came in", () => {
    fc.assert(
      fc.property(nodeModels, pods, (models, podModels) => {
        const half = Math.floor(podModels.length / 2);
        const folds = [foldOf(podList(podModels.slice(0, half))), foldOf(podList(podModels.slice(half)))];
        const body = bodyOf(nodeList(models, "more"));
        const fold = foldNodes({ body, pods: folds, collectedAtMs }, MAX_INFLATED_BYTES);
        expect(fold).toMatchObject({ continueToken: "more", skipped: 0 });
        expect(fold.nodes.map((node) => node.name)).toEqual(models.map((model) => model.name));
        models.forEach((model, i) => {
          const wanted = reference(podModels, model.name);
          const row = fold.nodes[i];
          const stored = JSON.parse(row?.current ?? "") as Record<string, unknown>;
          const cores = model.cpuMillicores / 1000;
          const bytes = model.memoryKib * 1024;
          const roles = [...new Set(model.roles)].filter((role) => role !== "").sort();
          const cpuPercent = cores > 0 ? (wanted.cpuRequestedCores / cores) * 100 : 0;
          const ready = model.ready === "True" ? "Ready" : model.ready === undefined ? "Unknown" : "NotReady";
          const status = model.unschedulable ? "SchedulingDisabled" : ready;
          expect(row).toMatchObject({
            status,
            roles,
            cpuUsagePercent: cpuPercent,
            cpuCapacityCores: cores,
            memoryCapacityBytes: bytes,
            podsTotal: wanted.total,
            podsRunning: wanted.running,
          });
          expect(stored).toMatchObject({
            name: model.name,
            timestamp: "2026-01-02T03:04:05Z",
            status,
            roles,
            cpu_requested: wanted.cpuRequestedCores,
            memory_requested: wanted.memoryRequestedBytes,
            cpu_usage_percent: cpuPercent,
            pods_pending: wanted.pending,
            pods_failed: wanted.failed,
            pods_succeeded: wanted.succeeded,
            pods_allocatable: 110,
          });
          expect(Object.entries(stored["annotations"] as object)).toEqual(
            Object.entries(Object.fromEntries(model.labels)).sort(([a], [b]) => (a < b ? -1 : 1)),
          );
        });
      }),
    );
  });

  it("survive members of any shape, and every number stored is finite", () => {
    fc.assert(
      fc.property(anyJson, anyJson, anyJson, (spec, status, labels) => {
        const node = { metadata: { name: "odd", labels, annotations: labels }, spec, status };
        expect(nodesOf([node, null, { metadata: {} }])).toMatchObject({ skipped: 2, nodes: [{ name: "odd" }] });
        expect(JSON.stringify(current(node))).not.toContain("null");
      }),
    );
  });

  it("names that are members of every object are data", () => {
    const text = '{"metadata":{"name":"__proto__","labels":{"__proto__":"x","constructor":"y"}}}';
    const stored = nodesOf([JSON.parse(text)]).nodes[0]?.current ?? "";
    expect(stored).toContain('"labels":{"__proto__":"x","constructor":"y"}');
    expect(stored).toContain('"name":"__proto__"');
  });

  it("the last address of a type wins, and a taint without a value has the empty one", () => {
    const addresses = [
      { type: "InternalIP", address: "10.0.0.1" },
      { type: "InternalIP", address: "fd00::1" },
      { type: "Hostname", address: "h" },
      { type: "ExternalDNS", address: "ignored" },
    ];
    const node = {
      metadata: { name: "n" },
      spec: { taints: [{ key: "k", effect: "NoSchedule" }] },
      status: { addresses },
    };
    expect(current(node)).toMatchObject({
      internal_ip: "fd00::1",
      external_ip: "",
      hostname: "h",
      taints: [{ key: "k", value: "", effect: "NoSchedule" }],
    });
  });

  it.each([
    ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"],
    ["2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"],
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"],
    ["2026-99-02T03:04:05Z", "0001-01-01T00:00:00Z"],
    ["yesterday", "0001-01-01T00:00:00Z"],
    [undefined, "0001-01-01T00:00:00Z"],
    [null, "0001-01-01T00:00:00Z"],
  ])("a transition at %j is stored as %s", (lastTransitionTime, wanted) => {
    const node = {
      metadata: { name: "n" },
      status: { conditions: [{ type: "Ready", status: "True", lastTransitionTime }] },
    };
    expect(current(node)["conditions"]).toEqual([
      { type: "Ready", status: "True", reason: "", message: "", last_transition_time: wanted },
    ]);
  });

  it("annotations: each up to its limit, all up to theirs, and never the last applied configuration", () => {
    const fits = "x".repeat(MAX_ANNOTATION_LENGTH);
    const annotations = {
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
      fits,
      long: `${fits}x`,
      odd: 7,
    };
    expect(current({ metadata: { name: "n", annotations } })["annotations"]).toEqual({ fits });
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`key-${i}`, fits]));
    const kept = current({ metadata: { name: "n", annotations: many } })["annotations"] as object;
    expect(Object.keys(kept).length).toBe(Math.floor(MAX_ANNOTATIONS_LENGTH / (MAX_ANNOTATION_LENGTH + 6)));
  });

  it("a row beyond the limit is skipped and counted", () => {
    const giant = { metadata: { name: "giant" }, status: { nodeInfo: { osImage: "x".repeat(MAX_ROW_LENGTH) } } };
    expect(nodesOf([giant, { metadata: { name: "n" } }])).toMatchObject({ skipped: 1, nodes: [{ name: "n" }] });
  });
});
