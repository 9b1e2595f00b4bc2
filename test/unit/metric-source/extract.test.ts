// One page for several sources: what each gets is what it would get alone, and what they share is done and paid for once.
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ResponseBody } from "../../../src/kube/list-page.ts";
import { type CompiledSource, compileMetricSource } from "../../../src/metric-source/compiled.ts";
import { type ExtractInput, extractPage } from "../../../src/metric-source/extract.ts";

const compiled = (name: string, path: string): CompiledSource => {
  const spec = {
    source: { apiVersion: "example.com/v1", kind: "Widget" },
    fields: [{ name: "value", path, type: "integer" }],
    aggregations: [{ name: "sum", function: "sum", field: "value" }],
  };
  const result = compileMetricSource({ metadata: { name, namespace: "team" }, spec: spec as never });
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.source;
};
const sources = ["small", "large", "nowhere"].map((name) => compiled(name, `.spec.${name}`));
const items = Array.from(
  { length: 20 },
  (_, i) => `{"metadata":{"name":"w${i}"},"spec":{"small":${i},"large":9007199254740993}}`,
);
const text = `{"kind":"WidgetList","apiVersion":"example.com/v1","metadata":{"continue":"more"},"items":[${items.join(",")}]}`;

const inputOf = (some: readonly CompiledSource[], maxRows = 100): ExtractInput => {
  const body: ResponseBody = { bytes: new Uint8Array(Buffer.from(text)), encoding: "identity", format: "json" };
  return {
    body,
    sources: some.map(({ definition, hash }) => ({ definition, hash, maxRows })),
    nowMs: 0,
    isSuspect: false,
  };
};
const extract = (some: readonly CompiledSource[], maxRows?: number, monotonicMs = () => 0) =>
  extractPage(inputOf(some, maxRows), 1 << 20, monotonicMs);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a page that several sources share", () => {
  it("gives each of them what it gets alone, to the last digit", () => {
    for (const maxRows of [100, 7]) {
      const together = extract(sources, maxRows);
      const alone = sources.map((source) => extract([source], maxRows));
      expect(together.shares).toEqual(alone.flatMap(({ shares }) => shares));
      for (const { objects, continueToken, bytes } of alone)
        expect(together).toMatchObject({ continueToken, bytes, objects: Math.max(objects, together.objects) });
    }
    expect(Buffer.from(extract(sources).shares[1]?.part.rows ?? []).toString()).toContain("9007199254740993");
  });

  it("is parsed once, however many there are", () => {
    const parse = vi.spyOn(JSON, "parse");
    const plain = ["a", "b", "c", "d"].map((name) => compiled(name, ".spec.small"));
    extract(plain);
    expect(parse.mock.calls.filter(([parsed]) => parsed === text)).toHaveLength(1);
  });

  it("is paid for by each in equal parts, and no time is left out", () => {
    let nowMs = 0;
    // Every look at the clock costs a millisecond: two around what is shared, two around each source.
    const { shares } = extract(sources, 100, () => nowMs++);
    for (const { part } of shares) expect(part.cpuMs).toBeCloseTo(1 + 1 / 3, 9);
  });
});
