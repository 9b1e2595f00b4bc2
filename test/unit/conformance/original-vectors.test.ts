// Every vector in which the original is known to be wrong is told as such: no difference of the engine is without its reason.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { expressionFacts } from "../../conformance/original-expressions.ts";
import { isConvertedOtherwise, isPathOfItsOwn, valueAt } from "../../conformance/original-fields.ts";
import type { Recording } from "../../conformance/recording.ts";
import { isAcceptedHereAlone, isRefusedHereAlone, type SourceSpec } from "../../conformance/source-definitions.ts";
import { SourceTraits } from "../../conformance/source-traits.ts";

interface Vector {
  readonly name: string;
  readonly goQuirk?: boolean;
  readonly quirk?: string;
  readonly error?: boolean;
  readonly expected?: unknown;
  readonly saneExpected?: unknown;
  readonly int64Fields?: readonly string[];
}
type Values = Readonly<Record<string, unknown>>;

function vectorsOf<More>(suite: string): readonly (Vector & More)[] {
  const file = new URL(`../../fixtures/vectors/${suite}.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { vectors: (Vector & More)[] }).vectors;
}

const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b);

function typeOf(value: unknown, isWhole: boolean): string | undefined {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "boolean";
  if (value === null || value === undefined) return undefined;
  return isWhole ? "integer" : "float";
}

describe("where the original is wrong", () => {
  it("in expressions", () => {
    const missed: string[] = [];
    let count = 0;
    for (const vector of vectorsOf<{ expression: string; context?: Values; resultType?: string }>("expression")) {
      const { expression, context = {}, resultType = "", int64Fields = [], quirk, expected } = vector;
      // What stopped the original left nothing to compare.
      if (vector.goQuirk !== true || quirk === "EX-SUBSTR-NEG" || quirk === "EX-UNTERMINATED-PANIC") continue;
      count++;
      const facts = expressionFacts(expression, resultType, (name) =>
        typeOf(context[name], int64Fields.includes(name)),
      );
      const isSeen = /[^\p{ASCII}]/u.test(JSON.stringify([context, expression]));
      const isText = typeof expected === "string" && /\de[+-]\d\d|^-\d+\.\d\dB$/.test(expected);
      const isTold = facts.isWrong || facts.compiles !== "rightly" || facts.isOfTheClock || isSeen || isText;
      if (!isTold) missed.push(`${quirk}: ${expression}`);
    }
    expect(missed).toEqual([]);
    expect(count).toBeGreaterThan(20);
  });

  it("in fields", () => {
    const missed: string[] = [];
    let count = 0;
    type Field = { name: string; path: string; type?: string; default?: string };
    for (const vector of vectorsOf<{ resource?: unknown; fields?: readonly Field[]; path?: string }>("extraction")) {
      if (vector.goQuirk !== true) continue;
      const [original, sane] = [vector.expected ?? {}, vector.saneExpected ?? vector.expected ?? {}] as [
        Values,
        Values,
      ];
      for (const field of vector.fields ?? []) {
        if (!differs(original[field.name], sane[field.name])) continue;
        count++;
        const found = valueAt(vector.resource, field.path);
        if (isPathOfItsOwn(field.path) || isConvertedOtherwise({ type: "string", ...field }, found)) continue;
        missed.push(`${vector.quirk}: ${JSON.stringify(field)} of ${JSON.stringify(found)}`);
      }
    }
    expect(missed).toEqual([]);
    expect(count).toBeGreaterThan(20);
  });

  it("in aggregates", () => {
    const missed: string[] = [];
    let count = 0;
    type Aggregation = { name: string; function: string };
    type More = { resources: readonly { values?: Values }[]; aggregations: readonly Aggregation[] };
    for (const vector of vectorsOf<More>("aggregation")) {
      if (vector.goQuirk !== true || vector.error === true) continue;
      const types = new Map<string, string>();
      for (const [name, value] of vector.resources.flatMap(({ values = {} }) => Object.entries(values))) {
        const type = typeOf(value, vector.int64Fields?.includes(name) === true);
        if (type !== undefined) types.set(name, type);
      }
      const fields = [...types].map(([name, type]) => ({ name, type, path: `.${name}` }));
      const { aggregations } = vector;
      const traits = traitsIn({ name: "s", namespace: "n", source: {}, fields, aggregations });
      const [original, sane] = [vector.expected, vector.saneExpected ?? vector.expected] as [Values, Values];
      for (const { name } of aggregations) {
        if (!differs(original[name], sane[name])) continue;
        count++;
        const path = `cluster:c:custom:n/s:aggregations/values/${name}`;
        if (traits.of({ path, original: original[name], ours: sane[name] }).size === 0)
          missed.push(`${vector.quirk}: ${vector.name}`);
      }
    }
    expect(missed).toEqual([]);
    expect(count).toBeGreaterThan(3);
  });

  it("in what it compiles", () => {
    type More = { saneError?: boolean; saneAccept?: boolean; metricSource: { spec: SourceSpec } };
    for (const { name, saneError, saneAccept, metricSource } of vectorsOf<More>("compile")) {
      if (saneError === true) expect(isRefusedHereAlone(metricSource.spec), name).toBe(true);
      if (saneAccept === true) expect(isAcceptedHereAlone(metricSource.spec), name).toBe(true);
    }
  });
});

function traitsIn(definition: object): SourceTraits {
  const stored: Values = { "metricsource:n:s": definition, "cluster:c:custom:n/s:resources": {} };
  const key = { type: "string", ttlClass: "", value: null } as const;
  const recording: Recording = {
    keys: Object.fromEntries(Object.keys(stored).map((name) => [name, key])),
    resources: [],
    messages: new Map(),
    recordedSeconds: 150,
    manifests: [],
    endpoint: () => undefined,
    served: () => undefined,
    overrides: () => [],
    json: (name) => stored[name],
  };
  return new SourceTraits(recording, { status: () => undefined, counts: () => ({}), isConnected: () => true });
}
