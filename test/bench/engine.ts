// From response bytes to the stored bytes of resources and aggregates: 5,000 claims in the JSON lane, one thread, against JSON.parse of the
// same bytes. `engine-stripped` is the same without managedFields in the input, for both, so that cutting those out is not all there is.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { parse } from "yaml";
import { withoutManagedFields } from "../../src/kube/list-page.ts";
import { compileMetricSource } from "../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../src/metric-source/definition.ts";
import { collectList } from "../../src/metric-source/engine.ts";
import { createJsonReader } from "../../src/metric-source/json-reader.ts";
import { sourceCollection } from "../../src/store/metric-source-documents.ts";
import type { Measure } from "./harness.ts";
import { parseWhole } from "./reference/parse.mjs";

const fixture = (name: string): Buffer => readFileSync(new URL(`../fixtures/golden/engine/${name}`, import.meta.url));

export async function* measures(): AsyncIterable<Measure> {
  const page = gunzipSync(fixture("pvcs.json.gz"));
  const compiled = compileMetricSource(parse(fixture("metricsource.yaml").toString()) as MetricSourceInput);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.problems));
  const { source } = compiled;
  const reader = createJsonReader(source.fields.map(({ resolve }) => resolve));
  const id = { namespace: source.definition.namespace, name: source.definition.name };
  const toStoredBytes = (bytes: Buffer): unknown => {
    const { rows, count, isTruncated, aggregates } = collectList(source, reader, [bytes], 0);
    const counts = { resourceCount: count, truncated: isTruncated, problems: [] };
    const times = { collectedAtMs: 0, durationMs: 0, aggregateMs: 0, staleAfterMs: 0 };
    return sourceCollection(
      { id, cluster: "bench-cluster", rows, aggregates, ...counts, ...times },
      { cacheTtlSeconds: 600, intervalSeconds: 60 },
    );
  };
  for (const [name, bytes] of [
    ["engine", page],
    ["engine-stripped", Buffer.from(withoutManagedFields(page))],
  ] as const) {
    yield {
      name,
      goal: name === "engine" ? 1.3 : 2,
      unit: "list",
      unitsPerRound: 1,
      reference: () => parseWhole(bytes),
      subject: () => toStoredBytes(bytes),
    };
  }
}
