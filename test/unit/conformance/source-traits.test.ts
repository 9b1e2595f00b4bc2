// Which of the original's faults a value of a MetricSource may rest on.
import { describe, expect, it } from "vitest";
import { explain, readDifferences } from "../../conformance/differences.ts";
import type { Recording } from "../../conformance/recording.ts";
import { SourceTraits } from "../../conformance/source-traits.ts";

const definition = {
  name: "pods",
  namespace: "team",
  source: { apiVersion: "v1", kind: "Pod" },
  fields: [
    { name: "zone", path: ".metadata.labels.topology\\.io/zone", type: "string" },
    { name: "cpu", path: ".spec.cpu", type: "quantity" },
    { name: "memory", path: ".spec.memory", type: "quantity" },
    { name: "phase", path: ".status.phase", type: "string" },
  ],
  computed: [
    { name: "cores", expression: "cpu / 1000", type: "float" },
    { name: "shown", expression: "formatBytes(memory)", type: "string" },
    { name: "isTen", expression: "memory == 10", type: "boolean" },
    { name: "ageText", expression: "toString(age(phase))", type: "string" },
  ],
  aggregations: [
    { name: "byPhase", function: "count", groupBy: "phase" },
    { name: "byMemory", function: "count", groupBy: "memory" },
    { name: "median", function: "percentile", field: "memory", groupBy: "phase", percentile: 50 },
    { name: "unsaid", function: "percentile", field: "memory" },
    { name: "cores", function: "sum", field: "cores" },
    { name: "last", function: "max", field: "phase" },
    { name: "late", function: "count", filter: { field: "phase", operator: "greaterThan", value: "1" } },
  ],
  collection: { maxResources: 100 },
};
const pod = {
  metadata: { namespace: "n", name: "p", labels: { "topology.io/zone": "a" } },
  spec: { cpu: "2", memory: "10Gi" },
  status: { phase: "Running" },
};
const rows = [{ _id: "n/p", values: { phase: "Running" } }];
const stored: Readonly<Record<string, unknown>> = {
  "metricsource:team:pods": definition,
  "cluster:one:custom:team/pods:resources": { resources: rows },
  "cluster:one:custom:team/pods:meta": { resourceCount: 1, truncated: false },
};
const metricSource = (name: string, expression: string) => ({
  kind: "MetricSource",
  metadata: { name, namespace: "team" },
  spec: { fields: [{ name: "a", path: ".b" }], computed: [{ name: "c", expression }] },
});
const recording: Recording = {
  keys: Object.fromEntries(
    Object.entries(stored).map(([key, json]) => [key, { type: "string", ttlClass: "600", value: { json } }]),
  ),
  resources: ["wrong", "junk", "pods"].map((name) => {
    return {
      plural: "metricsources",
      namespace: "team",
      name,
      status: { phase: name === "wrong" ? "Error" : "Active" },
    };
  }),
  messages: new Map(),
  recordedSeconds: 150,
  manifests: [metricSource("wrong", "later"), metricSource("junk", "a b"), metricSource("pods", "a")],
  endpoint: () => undefined,
  served: () => [pod],
  overrides: () => [],
  json: (key) => stored[key],
};
const own = (counts: Readonly<Record<string, number>> = { one: 1 }) => ({
  status: (name: string) => ({ phase: name === "pods" ? "Active" : "Error" }),
  counts: () => counts,
  isConnected: () => true,
});
const mismatch = (path: string) => ({ path, original: 1, ours: 2 });
const row = (name: string) => mismatch(`cluster:one:custom:team/pods:resources/resources/n/p/values/${name}`);
const sum = (name: string) => mismatch(`cluster:one:custom:team/pods:aggregations/values/${name}/a`);

describe("traits of a value of a MetricSource", () => {
  const traits = new SourceTraits(recording, own());

  it("come from what its field finds", () => {
    expect([...traits.of(row("zone"))]).toEqual(["path of its own"]);
    expect([...traits.of(row("cpu"))]).toEqual(["converted otherwise"]);
    expect([...traits.of(row("memory"))]).toEqual([]);
    expect([...traits.of(row("phase"))]).toEqual([]);
  });

  it("come from the operations of its expression", () => {
    expect([...traits.of(row("isTen"))]).toEqual(["evaluated otherwise"]);
    expect([...traits.of(row("ageText"))]).toEqual(["of the clock"]);
    expect([...traits.of(row("shown"))]).toEqual([]);
  });

  it("come from how it is aggregated", () => {
    expect([...traits.of(sum("byPhase"))]).toEqual([]);
    expect([...traits.of(sum("byMemory"))]).toEqual(["grouped by values"]);
    expect([...traits.of(sum("median"))]).toEqual(["grouped percentile"]);
    expect([...traits.of(sum("unsaid"))]).toEqual(["percentile unsaid"]);
    expect([...traits.of(sum("last"))]).toEqual(["extreme of texts"]);
    expect([...traits.of(sum("late"))]).toEqual(["filtered otherwise"]);
  });

  it("are passed on to what is made of a value, once that differs", () => {
    const passing = new SourceTraits(recording, own());
    expect([...passing.of(row("cores")), ...passing.of(sum("cores"))]).toEqual([]);
    passing.explained(row("cpu"));
    expect([...passing.of(row("cores"))]).toEqual(["derived"]);
    passing.explained(row("cores"));
    expect([...passing.of(sum("cores"))]).toEqual(["derived"]);
    expect([...passing.of(sum("byPhase"))]).toEqual([]);
  });

  it("tell who takes a source", () => {
    expect([...traits.of(mismatch("metricsources/wrong/status/errorsLastRun"))]).toContain("broken");
    expect([...traits.of(mismatch("metricsources/junk/status/phase"))]).toContain("refused here");
    expect([...traits.of(mismatch("metricsources/pods/status/phase"))]).toEqual([]);
  });

  it("tell counters of other rows", () => {
    const counters = mismatch("metricsources/pods/status/resourcesCollected");
    expect([...traits.of(counters)]).toEqual([]);
    expect([...new SourceTraits(recording, own({ one: 1, two: 4 })).of(counters)]).toEqual(["derived"]);
  });

  it("explain a difference where there is a reason, and none elsewhere", () => {
    const differs = (name: string): string | undefined =>
      explain(readDifferences(), row(name), traits.of(row(name)))?.id;
    expect(differs("cpu")).toBe("source-quantities");
    expect(differs("zone")).toBe("source-paths");
    expect(differs("isTen")).toBe("source-expressions");
    expect(differs("memory")).toBeUndefined();
    expect(differs("phase")).toBeUndefined();
  });
});
