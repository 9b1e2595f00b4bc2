import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RowWriter } from "../../../src/metric-source/row-writer.ts";
import type { Value } from "../../../src/metric-source/value.ts";

const textOf = (writer: RowWriter): string => new TextDecoder("utf-8", { fatal: true }).decode(writer.finish());

/** The same row by JSON.stringify, member for member. */
function expected(namespace: string, name: string, labels: Record<string, string>, names: string[], row: Value[]) {
  const texts = Object.entries(labels).map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  const values = names.map((value, at) => {
    const cell = row[at] as Value;
    return `${JSON.stringify(value)}:${typeof cell === "string" ? JSON.stringify(cell) : String(cell)}`;
  });
  const head =
    namespace === ""
      ? `"_id":${JSON.stringify(name)}`
      : `"_id":${JSON.stringify(`${namespace}/${name}`)},"_namespace":${JSON.stringify(namespace)}`;
  const labelsText = texts.length === 0 ? "" : `,"_labels":{${texts.join(",")}}`;
  return `{${head},"_name":${JSON.stringify(name)}${labelsText},"values":{${values.join(",")}}}`;
}

const text = fc.oneof(
  fc.string({ unit: "grapheme-ascii", maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom(
    '"',
    "\\",
    "\u0000",
    "\u001f",
    "\u007f",
    "\u0080",
    "ÿ",
    "\u2028",
    "\ud800",
    "\udc00",
    "😀",
    "__proto__",
  ),
);
const labels = fc
  .array(fc.tuple(text, text), { maxLength: 5 })
  .map((entries) => Object.fromEntries(entries) as Record<string, string>);
const value: fc.Arbitrary<Value> = fc.oneof(text, fc.boolean(), fc.constant(null), fc.integer(), fc.bigInt());

describe("rows as bytes", () => {
  it("are what JSON.stringify writes, whatever their texts hold", () => {
    const row = fc.tuple(text, text, labels, fc.array(value, { minLength: 2, maxLength: 2 }));
    fc.assert(
      fc.property(fc.tuple(text, text), fc.array(row, { maxLength: 4 }), (names, rows) => {
        const writer = new RowWriter(names);
        for (const [namespace, name, ofObject, cells] of rows) writer.write(namespace, name, ofObject, cells);
        const all = rows.map(([namespace, name, ofObject, cells]) => expected(namespace, name, ofObject, names, cells));
        expect(textOf(writer)).toBe(all.join(","));
      }),
    );
  });

  it("grow beyond any memory they started with, at whatever text the end of it falls", () => {
    for (const long of ["a".repeat(65_500), "ü".repeat(65_536), '"'.repeat(65_536), "😀".repeat(32_768)]) {
      for (const name of ["a", "some-longer-name-of-an-object-that-crosses-it"]) {
        const writer = new RowWriter(["v"]);
        for (let times = 0; times < 3; times++) writer.write("ns", name, { key: long }, [long]);
        const one = expected("ns", name, { key: long }, ["v"], [long]);
        expect(textOf(writer)).toBe([one, one, one].join(","));
      }
    }
  });

  it("leave out labels that are no texts, and labels that are no object", () => {
    for (const none of [undefined, null, "text", ["a"], {}, { a: 1, b: null }]) {
      const writer = new RowWriter([]);
      writer.write("", "node-1", none, []);
      expect(textOf(writer)).toBe('{"_id":"node-1","_name":"node-1","values":{}}');
    }
    const writer = new RowWriter([]);
    writer.write("", "node-1", { a: 1, b: "text" }, []);
    expect(textOf(writer)).toContain(',"_labels":{"b":"text"},');
  });

  it("are empty when there are none", () => {
    expect(new RowWriter(["v"]).finish()).toHaveLength(0);
  });
});
