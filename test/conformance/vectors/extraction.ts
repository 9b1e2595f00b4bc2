// extraction.json: fields and computed values of one object through the compiler and the engine, read back from the stored form; and
// the segments of paths alone.
import { compileMetricSource } from "../../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../../src/metric-source/definition.ts";
import { readPage } from "../../../src/metric-source/engine.ts";
import { parsePath, pathSegments } from "../../../src/metric-source/path.ts";
import { problemText } from "../../../src/metric-source/problem.ts";
import type { RowReader } from "../../../src/metric-source/row-reader.ts";
import type { Value } from "../../../src/metric-source/value.ts";
import { type Actual, isSameValue, plain, type Suite, type Vector } from "./suite.ts";

interface Metadata {
  readonly name?: string;
  readonly namespace?: string;
  readonly labels?: unknown;
}
interface StoredRow {
  readonly _id: string;
  readonly _name: string;
  readonly _namespace?: string;
  readonly _labels?: Readonly<Record<string, string>>;
}

function run(vector: Vector): Actual {
  if (typeof vector["path"] === "string") {
    const parsed = parsePath(vector["path"]);
    return parsed.ok ? { value: pathSegments(parsed.steps) } : { error: parsed.problem.message };
  }
  const { fields, computed } = vector;
  const spec = { source: { apiVersion: "example.org/v1", kind: "Widget" }, fields, computed };
  const compiled = compileMetricSource({
    metadata: { name: "vector", namespace: "test" },
    spec,
  } as unknown as MetricSourceInput);
  if (!compiled.ok) return { error: compiled.problems.map(problemText).join("; ") };
  const resource = plain(vector["resource"]);
  const { name = "", namespace = "", labels } = (resource as { metadata?: Metadata } | null)?.metadata ?? {};
  const reader: RowReader = {
    read(_page, sink) {
      const found = compiled.source.fields.map(({ resolve }) => resolve(resource));
      sink.take(namespace, name, labels, found);
      return { continueToken: "", remainingItemCount: null };
    },
  };
  const values = Object.create(null) as Record<string, Value>;
  const names = [...compiled.source.fields, ...compiled.source.computed].map((part) => part.name);
  const page = readPage(compiled.source, reader, {
    page: Buffer.alloc(0),
    room: 1,
    nowMs: vector.now === undefined ? 0 : Date.parse(vector.now),
    onRow: (row) =>
      names.forEach((part, slot) => {
        values[part] = row[slot] ?? null;
      }),
  });
  const stored = JSON.parse(new TextDecoder().decode(page.rows)) as StoredRow;
  if (vector["identity"] !== undefined) {
    const identity = {
      id: stored._id,
      namespace: stored._namespace ?? "",
      name: stored._name,
      labels: stored._labels ?? {},
    };
    if (!isSameValue(vector["identity"], identity)) return { value: { identity } };
  }
  return { value: values };
}

export const extraction: Suite = { run };
