// The examples of docs/metricsources.md, evaluated.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compileExpression } from "../../../../src/metric-source/expression/compile.ts";
import type { Slot, Value } from "../../../../src/metric-source/value.ts";

const nowMs = Date.parse("2026-03-03T00:00:00Z");
const fields: [string, Slot["type"], Value][] = [
  ["used", "integer", 512],
  ["capacity", "quantity", 2048],
  ["phase", "string", "Bound"],
  ["created", "timestamp", "2026-03-01T00:00:00Z"],
  ["missing", "string", null],
];
const environment = new Map(fields.map(([name, type], slot): [string, Slot] => [name, { slot, type }]));
const guide = readFileSync(new URL("../../../../docs/metricsources.md", import.meta.url), "utf8");
const block = /```expressions\n(.*?)```/s.exec(guide)?.[1] ?? "";
const examples = block
  .trimEnd()
  .split("\n")
  .map((line) => line.split(/ {2,}/) as [string, string]);

it("there are examples in the guide", () => expect(examples.length).toBeGreaterThan(15));

it.each(examples)("%s is %s, as the guide says", (text, value) => {
  const compiled = compileExpression(text, environment);
  if (!compiled.ok) throw new Error(compiled.problems.map(({ message }) => message).join("; "));
  const row = fields.map(([, , given]) => given);
  expect(compiled.evaluate(row, nowMs)).toBe(JSON.parse(value));
});
