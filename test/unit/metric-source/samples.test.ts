import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseMetricSource } from "../../../src/api/v1alpha1/metric-source.ts";
import { compileMetricSource } from "../../../src/metric-source/compiled.ts";

const read = (name: string): Record<string, unknown> =>
  parse(readFileSync(new URL(`../../../config/samples/${name}.yaml`, import.meta.url), "utf8"));

describe("the MetricSources that come along", () => {
  it.each(["default-deployment-health", "default-pvc-capacity"])("%s compiles without a warning", (name) => {
    const object = read(name);
    const metadata = { ...(object["metadata"] as object), namespace: "clusterpulse" };
    const parsed = parseMetricSource({ ...object, metadata });
    if (!parsed.ok) throw new Error(parsed.problems.join("; "));
    const { spec } = parsed.value;
    const result = compileMetricSource({ metadata: { name, namespace: "clusterpulse" }, spec });
    expect(result).toMatchObject({ ok: true, warnings: [] });
  });
});
