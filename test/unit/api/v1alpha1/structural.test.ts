import fc from "fast-check";
import { expect, test } from "vitest";
import { Problems } from "../../../../src/api/v1alpha1/problems.ts";
import { readValue, type Schema } from "../../../../src/api/v1alpha1/structural.ts";

function read(schema: Schema, value: unknown): { value: unknown; problems: readonly string[] } {
  const problems = new Problems();
  return { value: readValue(schema, value, "at", problems), problems: problems.list };
}

const accepts = (schema: Schema, value: unknown): boolean => read(schema, value).problems.length === 0;

test("a default needs its parent; an unknown field is dropped", () => {
  const schema: Schema = {
    type: "object",
    properties: {
      mode: { type: "string", default: "pull" },
      limits: { type: "object", properties: { count: { type: "integer", default: 3 } } },
    },
  };
  expect(read(schema, { other: 1 }).value).toEqual({ mode: "pull" });
  expect(read(schema, { mode: null, limits: {} }).value).toEqual({ mode: "pull", limits: { count: 3 } });
});

test("lengths count code points, at the limit and one past it", () => {
  const schema: Schema = { type: "string", minLength: 1, maxLength: 3 };
  expect(
    ["", "a", "abc", "abcd", "👍👍👍", "👍👍👍👍", "x".repeat(1 << 20)].map((text) => accepts(schema, text)),
  ).toEqual([false, true, true, false, true, false, false]);
});

test("numbers keep to their format and bounds", () => {
  const numbers = [-(2 ** 31) - 1, -(2 ** 31), 0, 2 ** 31 - 1, 2 ** 31, 2 ** 63, 2 ** 64, 0.5, Number.NaN, "1", true];
  const taken = (schema: Schema) => numbers.filter((value) => accepts(schema, value));
  expect(taken({ type: "integer", format: "int32" })).toEqual([-(2 ** 31), 0, 2 ** 31 - 1]);
  expect(taken({ type: "integer" })).toEqual(numbers.slice(0, 6));
  expect(taken({ type: "integer", minimum: 1, maximum: 2 ** 31 })).toEqual([2 ** 31 - 1, 2 ** 31]);
  expect(read({ type: "integer", minimum: 0 }, -1).problems).toEqual(["at must be a whole number of at least 0"]);
});

test.each([
  ["2026-01-02T03:04:05Z", true],
  ["2026-01-02T03:04:05.123456789Z", true],
  ["2026-01-02T03:04:05+02:00", true],
  ["2026-01-02", false],
  ["2026-01-02T03:04:05", false],
  ["2026-13-02T03:04:05Z", false],
  ["2026-01-02 03:04:05Z", false],
  [1_700_000_000, false],
])("a time: %s %s", (value, valid) => {
  expect(accepts({ type: "string", format: "date-time" }, value)).toBe(valid);
});

test("entries of a keyed list differ in their keys", () => {
  const text: Schema = { type: "string" };
  const schema: Schema = { type: "array", keys: ["a"], items: { type: "object", properties: { a: text, b: text } } };
  expect(accepts(schema, [{ a: "1" }, { a: "2" }])).toBe(true);
  expect(read(schema, [{ a: "1" }, { a: "1", b: "x" }]).problems).toEqual([
    "at[1] must differ from the earlier entries in a",
  ]);
});

test("a key named __proto__ is an entry like any other", () => {
  const schema: Schema = { type: "object", additionalProperties: { type: "string" } };
  const { value } = read(schema, JSON.parse('{"__proto__":"x","constructor":"y"}'));
  expect(Object.entries(value as object)).toEqual([
    ["__proto__", "x"],
    ["constructor", "y"],
  ]);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test("a user's key is quoted and cut, a value is never repeated, and problems are bounded", () => {
  const schema: Schema = { type: "object", additionalProperties: { type: "string", enum: ["a", "b"] } };
  expect(read(schema, { ['x"\n']: "hunter2" }).problems).toEqual(['at["x\\"\\n"] must be one of a, b']);
  expect(read(schema, { ["k".repeat(1 << 20)]: "c" }).problems[0]?.length).toBeLessThan(120);
  const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`k${at}`, "c"]));
  expect(read(schema, many).problems).toHaveLength(20);
});

const schemas = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3 },
    fc.constant<Schema>({ type: "boolean", default: true }),
    fc.constant<Schema>({ type: "integer", format: "int32", minimum: -1, default: 7 }),
    fc.constant<Schema>({ type: "string", enum: ["x", "y"], default: "x" }),
    fc.constant<Schema>({ type: "string", maxLength: 2 }),
    tie("schema").map((items): Schema => ({ type: "array", items })),
    tie("schema").map((additionalProperties): Schema => ({ type: "object", additionalProperties })),
    fc
      .record({ a: tie("schema"), b: tie("schema") })
      .map((properties): Schema => ({ type: "object", properties, required: ["b"] })),
  ),
})).schema;

test("reading never throws, leaves its input alone, and reading its own result changes nothing", () => {
  const values = fc.anything({ key: fc.constantFrom("a", "b", "c"), maxDepth: 4 });
  fc.assert(
    fc.property(schemas, values, (schema, value) => {
      const before = structuredClone(value);
      const first = read(schema, value);
      expect(value).toEqual(before);
      if (first.problems.length > 0) return;
      expect(read(schema, first.value)).toEqual(first);
    }),
    { numRuns: 500 },
  );
});
