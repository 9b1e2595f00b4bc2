// docs/metricsources.md, run: every example of the guide gives what stands beside it. A fenced block says in its first line what it is.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { checkText } from "../../../src/cli/metricsource-check.ts";
import { encodeBody } from "../../../src/kube/protobuf/encode.ts";
import { compileAggregations } from "../../../src/metric-source/aggregate/aggregate.ts";
import { type CompiledSource, compileMetricSource } from "../../../src/metric-source/compiled.ts";
import type { MetricSourceInput } from "../../../src/metric-source/definition.ts";
import { collectList } from "../../../src/metric-source/engine.ts";
import { compileExpression } from "../../../src/metric-source/expression/compile.ts";
import { createJsonReader } from "../../../src/metric-source/json-reader.ts";
import { createProtobufReader, laneOf } from "../../../src/metric-source/protobuf-lane.ts";
import type { Slot, Value } from "../../../src/metric-source/value.ts";

const guide = readFileSync(new URL("../../../docs/metricsources.md", import.meta.url), "utf8");
const blocks = Array.from(guide.matchAll(/```([^\n]+)\n(.*?)\n```/gs), ([, is = "", text = ""]) => ({ is, text }));
const only = (is: string): string => blocks.find((block) => block.is === is)?.text ?? "";
/** The lines of all blocks of a kind, each split where two blanks or more stand. */
const linesOf = (is: string): string[][] =>
  blocks.filter((block) => block.is === is).flatMap(({ text }) => text.split("\n").map((line) => line.split(/ {2,}/)));

function compiled(input: MetricSourceInput): CompiledSource {
  const result = compileMetricSource(input);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.source;
}

/** Rows and sums of some objects, in each lane that the source can take. */
function collect(
  source: CompiledSource,
  list: { readonly kind: string; readonly items: readonly unknown[] },
  json?: string,
) {
  const resolvers = source.fields.map(({ resolve }) => resolve);
  const lane = laneOf(source);
  const inJson = collectList(source, createJsonReader(resolvers), [Buffer.from(json ?? JSON.stringify(list))], 0);
  if (lane.lane === "protobuf") {
    const page = encodeBody({ apiVersion: source.definition.source.apiVersion, ...list });
    const inProtobuf = collectList(source, createProtobufReader(lane.list, resolvers), [Buffer.from(page ?? [])], 0);
    expect(inProtobuf).toEqual(inJson);
  }
  const rows = JSON.parse(`[${inJson.rows.map((part) => Buffer.from(part).toString()).join(",")}]`) as {
    values: object;
  }[];
  return {
    values: rows.map(({ values }) => values),
    sums: inJson.aggregates,
    text: Buffer.concat(inJson.rows).toString(),
  };
}

const source = (kind: string, field: object): MetricSourceInput =>
  ({
    metadata: { name: "guide", namespace: "guide" },
    spec: { source: { apiVersion: "v1", kind }, fields: [field] },
  }) as unknown as MetricSourceInput;

describe("whole MetricSources of the guide", () => {
  const examples = blocks.flatMap(({ is, text }, at) => {
    const [objects, values, sums] = blocks.slice(at + 1, at + 4);
    if (is !== "yaml source" || objects?.is !== "yaml objects" || values?.is !== "json values") return [];
    return [
      { text, objects: objects.text, values: values.text, sums: sums?.is === "json sums" ? sums.text : undefined },
    ];
  });

  it("there are some, and each has its objects and values", () => {
    expect(examples.length).toBeGreaterThanOrEqual(3);
    expect(examples).toHaveLength(blocks.filter(({ is }) => is === "yaml source").length);
  });

  it.each(examples)("example %#", ({ text, objects, values, sums }) => {
    expect(checkText(text)).toEqual([]);
    const one = compiled(parse(text) as MetricSourceInput);
    const found = collect(one, { kind: `${one.definition.source.kind}List`, items: parse(objects) as unknown[] });
    expect(found.values).toEqual(values.split("\n").map((line) => JSON.parse(line) as object));
    if (sums !== undefined) expect(JSON.parse(found.sums ?? "")).toEqual(JSON.parse(sums));
  });
});

describe("paths of the guide", () => {
  const { apiVersion: _, kind: __, ...pod } = parse(only("yaml object")) as Record<string, object>;

  it.each(linesOf("paths"))("%s as %s is %s", (path = "", type = "", value = "") => {
    const one = compiled(source("Pod", { name: "v", path, type }));
    const items = [{ ...pod, metadata: { namespace: "n", ...pod["metadata"] } }];
    expect(collect(one, { kind: "PodList", items }).values).toEqual([{ v: JSON.parse(value) }]);
  });
});

describe("types of the guide", () => {
  it.each(linesOf("conversions"))("%s at %s: %s is %s", (type = "", key = "", found = "", value = "") => {
    const one = compiled(source("Widget", { name: "v", path: `.${key}`, type }));
    const json = `{"kind":"WidgetList","items":[{"metadata":{"name":"a"},"${key}":${found}}]}`;
    expect(collect(one, { kind: "WidgetList", items: [] }, json).text).toContain(`"values":{"v":${value}}`);
  });
});

describe("expressions of the guide", () => {
  const nowMs = Date.parse("2026-03-03T00:00:00Z");
  const fields: [string, Slot["type"], Value][] = [
    ["used", "integer", 512],
    ["capacity", "quantity", 2048],
    ["phase", "string", "Bound"],
    ["created", "timestamp", "2026-03-01T00:00:00Z"],
    ["missing", "string", null],
  ];
  const environment = new Map(fields.map(([name, type], slot): [string, Slot] => [name, { slot, type }]));

  it.each(linesOf("expressions"))("%s is %s", (text = "", value = "") => {
    const expression = compileExpression(text, environment);
    if (!expression.ok) throw new Error(expression.problems.map(({ message }) => message).join("; "));
    const row = fields.map(([, , given]) => given);
    expect(expression.evaluate(row, nowMs)).toBe(JSON.parse(value));
  });
});

describe("aggregations of the guide", () => {
  const values = JSON.parse(/`(\[1, 2, 3\.5[^`]*\])`/.exec(guide)?.[1] ?? "") as Value[];
  const environment = new Map<string, Slot>([["v", { slot: 0, type: "string" }]]);
  const run = (definition: object, rows: readonly Value[]): unknown => {
    const pass = compileAggregations(
      [{ name: "a", function: "count", field: "v", ...definition }],
      environment,
    ).start();
    for (const value of rows) pass.add([value]);
    return pass.results().get("a");
  };

  it.each(linesOf("functions"))("%s is %s", (name, result = "") => {
    expect(run({ function: name }, values)).toBeCloseTo(Number(result), 10);
  });

  it.each(linesOf("filters"))("%s %s lets %s pass", (operator, operand = "", kept = "") => {
    const filter = { field: "v", operator, value: JSON.parse(operand) as string };
    expect(values.filter((value) => run({ filter }, [value]) === 1)).toEqual(JSON.parse(kept));
  });
});

it("check says what the guide says that it says", () => {
  const lines = checkText(only("yaml broken")).map(
    ({ line, column, isWarning, message }) =>
      `broken.yaml:${line}:${column}: ${isWarning ? "warning: " : ""}${message}`,
  );
  expect(lines.join("\n")).toBe(only("text check"));
});

it("every kind of block is run", () => {
  const known = ["paths", "conversions", "expressions", "functions", "filters", "yaml object", "yaml source", "sh"];
  const run = [...known, "yaml objects", "json values", "json sums", "yaml broken", "text check"];
  expect([...new Set(blocks.map(({ is }) => is))].filter((is) => !run.includes(is))).toEqual([]);
  for (const is of run) expect([is, blocks.filter((block) => block.is === is).length > 0]).toEqual([is, true]);
});
