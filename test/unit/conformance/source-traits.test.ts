// Which of the original's faults a value of a MetricSource may rest on.
import { describe, expect, it } from "vitest";
import { explain, readDifferences } from "../../conformance/differences.ts";
import { traitsOfSources } from "../../conformance/source-traits.ts";

const definition = {
  name: "pods",
  namespace: "team",
  fields: [
    { name: "zone", path: ".metadata.labels.topology\\.io/zone", type: "string" },
    { name: "memory", path: ".spec.memory", type: "quantity" },
    { name: "phase", path: ".status.phase", type: "string" },
  ],
  computed: [{ name: "shown", expression: "formatBytes(memory)", type: "string" }],
  aggregations: [
    { name: "byPhase", function: "count", groupBy: "phase" },
    { name: "byShown", function: "sum", field: "memory", groupBy: "memory" },
    { name: "median", function: "percentile", field: "memory", groupBy: "phase" },
    { name: "inZone", function: "count", filter: { field: "zone" } },
  ],
};
const traitsOf = traitsOfSources({ "metricsource:team:pods": { value: { json: definition } } }, [
  { plural: "metricsources", name: "wrong", status: { phase: "Error" } },
  { plural: "metricsources", name: "pods", status: { phase: "Active" } },
]);
const ofRow = (name: string) => [...traitsOf(`cluster:one:custom:team/pods:resources/resources/3/values/${name}`)];
const ofSum = (name: string) => [...traitsOf(`cluster:one:custom:team/pods:aggregations/values/${name}/a/b`)];

describe("traits of a value of a MetricSource", () => {
  it("come from its field, and from what it is computed of", () => {
    expect(ofRow("zone")).toEqual(["escaped path"]);
    expect(ofRow("memory")).toEqual(["number"]);
    expect(ofRow("shown")).toEqual(["number"]);
    expect(ofRow("phase")).toEqual([]);
  });

  it("come from how it is aggregated, and over what", () => {
    expect(ofSum("byPhase")).toEqual([]);
    expect(ofSum("byShown").toSorted()).toEqual(["grouped by values", "number"]);
    expect(ofSum("median").toSorted()).toEqual(["grouped percentile", "number"]);
    expect(ofSum("inZone")).toEqual(["escaped path"]);
  });

  it("are none for other keys, and tell a source that does not compile", () => {
    expect([...traitsOf("cluster:one:info/memory")]).toEqual([]);
    expect([...traitsOf("cluster:one:custom:team/other:aggregations/values/memory")]).toEqual([]);
    expect([...traitsOf("metricsources/wrong/status/errorsLastRun")]).toEqual(["broken"]);
    expect([...traitsOf("metricsources/pods/status/errorsLastRun")]).toEqual([]);
  });

  it("explain a difference in a number, and none in plain text", () => {
    const differs = (name: string): string | undefined => {
      const path = `cluster:one:custom:team/pods:resources/resources/0/values/${name}`;
      return explain(readDifferences(), { path, original: 1, ours: 2 }, traitsOf(path))?.id;
    };
    expect(differs("memory")).toBe("source-quantities");
    expect(differs("zone")).toBe("source-paths");
    expect(differs("phase")).toBeUndefined();
  });
});
