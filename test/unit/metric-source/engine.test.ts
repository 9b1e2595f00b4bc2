// The engine on the recorded list of 5,000 claims, and on small lists: rows, aggregates, limits, counts.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { type CompiledSource, compileDefinition, compileMetricSource } from "../../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../../src/metric-source/definition.ts";
import { collectList } from "../../../src/metric-source/engine.ts";
import { createJsonReader } from "../../../src/metric-source/json-reader.ts";

const fixture = (name: string): Buffer => {
  const bytes = readFileSync(new URL(`../../fixtures/golden/engine/${name}`, import.meta.url));
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes;
};

function compiled(input: unknown): CompiledSource {
  const result = compileMetricSource(input as MetricSourceInput);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.source;
}

function collect(source: CompiledSource, pages: readonly (Buffer | object)[]) {
  const reader = createJsonReader(source.fields.map(({ resolve }) => resolve));
  const bytes = pages.map((page) => (Buffer.isBuffer(page) ? page : Buffer.from(JSON.stringify(page))));
  const result = collectList(source, reader, bytes, 0);
  const text = Buffer.concat(
    result.rows.flatMap((rows, at) => (at === 0 ? [rows] : [Buffer.from(","), rows])),
  ).toString();
  return { ...result, text, parsed: JSON.parse(`[${text}]`) as { _id: string; values: Record<string, unknown> }[] };
}

const spec = (fields: object[], more: object = {}) => ({
  metadata: { name: "s", namespace: "n" },
  spec: { source: { apiVersion: "v1", kind: "Pod" }, fields, ...more },
});
const pod = (name: string, more: object = {}, namespace = "a") => ({ metadata: { name, namespace }, ...more });
const list = (...items: unknown[]) => ({ kind: "PodList", items });

describe("the recorded list", () => {
  const source = compiled(parse(fixture("metricsource.yaml").toString()));
  const page = fixture("pvcs.json.gz");

  it("gives the recorded rows and aggregates", () => {
    const result = collect(source, [page]);
    expect(result.parsed).toEqual(
      (JSON.parse(fixture("resources.json.gz").toString()) as { resources: unknown }).resources,
    );
    expect(JSON.parse(result.aggregates ?? "")).toEqual(JSON.parse(fixture("expected-aggregates.json").toString()));
    expect(result).toMatchObject({ count: 5000, isTruncated: false, skipped: 0 });
  });

  it("gives the same text in pages, and after its definition crossed to another thread", () => {
    const whole = JSON.parse(page.toString()) as { kind: string; items: unknown[] };
    const pages = [0, 1700, 3400].map((from) => ({ kind: whole.kind, items: whole.items.slice(from, from + 1700) }));
    const other = compileDefinition(structuredClone(source.definition));
    expect(other.hash).toBe(source.hash);
    expect(collect(other, pages).text).toBe(collect(source, [page]).text);
    expect(collect(other, pages).aggregates).toBe(collect(source, [page]).aggregates);
  });
});

describe("limits and counts", () => {
  const phase = { name: "phase", path: ".status.phase" };
  const limited = (more: object = {}) => compiled(spec([phase], { collection: { maxResources: 2 }, ...more }));

  it("a list of exactly maxResources is not truncated, one more is", () => {
    expect(collect(limited(), [list(pod("x")), list(pod("y"))])).toMatchObject({ count: 2, isTruncated: false });
    expect(collect(limited(), [list(pod("x")), list(pod("y")), list(pod("z"))])).toMatchObject({
      count: 2,
      isTruncated: true,
    });
  });

  it("objects of namespaces that are not wanted neither count nor truncate", () => {
    const source = compiled({
      metadata: { name: "s", namespace: "n" },
      spec: {
        source: { apiVersion: "v1", kind: "Pod", namespaces: { exclude: ["kube-*"] } },
        fields: [phase],
        collection: { maxResources: 2 },
      },
    });
    const result = collect(source, [list(pod("k", {}, "kube-system"), pod("x"), pod("y"), pod("l", {}, "kube-x"))]);
    expect(result).toMatchObject({ count: 2, isTruncated: false });
    expect(result.parsed.map(({ _id }) => _id)).toEqual(["a/x", "a/y"]);
  });

  it("counts where each path led, and what is no object", () => {
    const source = compiled(spec([{ name: "n", path: ".n", type: "integer", default: "7" }]));
    const result = collect(source, [
      list(pod("a", { n: 1 }), pod("b"), pod("c", { n: null }), pod("d", { n: "x" }), 5, {}),
    ]);
    expect(result.parsed.map(({ values }) => values["n"])).toEqual([1, 7, null, 7]);
    expect(result.fields).toEqual([{ found: 3, nulls: 1, nowhere: 1, unconvertible: 1 }]);
    expect(result.skipped).toBe(2);
  });

  it("keys like __proto__ are data", () => {
    const source = compiled(
      spec([
        { name: "__proto__", path: ".m.__proto__" },
        { name: "constructor", path: ".constructor" },
      ]),
    );
    const page = Buffer.from(
      '{"kind":"PodList","items":[{"metadata":{"name":"x","labels":{"__proto__":"l"}},"m":{"__proto__":"v"}}]}',
    );
    expect(collect(source, [page]).text).toBe(
      '{"_id":"x","_name":"x","_labels":{"__proto__":"l"},"values":{"__proto__":"v","constructor":null}}',
    );
  });

  it("integers beyond 2^53 keep every digit, as numbers, texts and inside of objects", () => {
    const source = compiled(
      spec([
        { name: "i", path: ".o.i", type: "integer" },
        { name: "s", path: ".o.i" },
        { name: "o", path: ".o" },
        { name: "q", path: ".q", type: "quantity" },
      ]),
    );
    const page = Buffer.from(
      '{"kind":"PodList","items":[{"metadata":{"name":"x"},"o":{"i":9007199254740993},"q":"9223372036854775807"}]}',
    );
    expect(collect(source, [page]).text).toContain(
      '"values":{"i":9007199254740993,"s":"9007199254740993","o":"{\\"i\\":9007199254740993}","q":9223372036854775807}',
    );
  });

  it("never shows the last applied configuration or managedFields", () => {
    const source = compiled(
      spec([
        { name: "m", path: ".metadata" },
        { name: "f", path: ".metadata.managedFields", type: "arrayLength" },
      ]),
    );
    const annotations = { "kubectl.kubernetes.io/last-applied-configuration": "secret", k: "v" };
    for (const space of [undefined, 1]) {
      const page = { kind: "PodList", items: [{ metadata: { annotations, managedFields: [{ a: "b" }], name: "x" } }] };
      const { values } = collect(source, [Buffer.from(JSON.stringify(page, null, space))]).parsed[0] ?? { values: {} };
      expect(values).toEqual({ m: '{"annotations":{"k":"v"},"name":"x"}', f: null });
    }
  });

  it("a page that is no list is an error with a code", () => {
    expect(() => collect(limited(), [Buffer.from("{")])).toThrow(expect.objectContaining({ code: "BODY_MALFORMED" }));
    expect(() => collect(limited(), [{ kind: "Pod" }])).toThrow(expect.objectContaining({ code: "BODY_MALFORMED" }));
  });
});

it("reports everything that is wrong at once", () => {
  const input = spec(
    [
      { name: "a", path: "" },
      { name: "a", path: ".x" },
    ],
    {
      computed: [{ name: "c", expression: "nosuch + roun(a)" }],
      aggregations: [{ name: "p", function: "percentile", field: "a", percentile: 101 }],
    },
  );
  const result = compileMetricSource(input as unknown as MetricSourceInput);
  expect(result.ok ? [] : result.problems.map(({ field, column }) => [field, column])).toEqual([
    ["spec.fields[0].path", undefined],
    ["spec.fields[1].name", undefined],
    ["spec.computed[0].expression", 1],
    ["spec.computed[0].expression", 10],
    ["spec.aggregations[0].percentile", undefined],
  ]);
});
