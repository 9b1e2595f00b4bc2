// Members that a JSON text names twice.
import fc from "fast-check";
import { expect, it } from "vitest";
import { duplicateFields } from "../../../../src/simulator/http/duplicate-fields.ts";

it("are named by their paths, wherever they stand", () => {
  const text = '{"a":1,"b":{"c":[{"d":1},{"d":2,"d":{"x":"{,}","x":3}}]},"a":"\\"a\\":","e":["a","a"]}';
  expect(duplicateFields(text)).toEqual(["b.c[1].d", "b.c[1].d.x", "a"]);
});

it("are the same member however it is written", () => {
  expect(duplicateFields('{"a":1,"\\u0061":2}')).toEqual(["a"]);
});

it("are never found in what was an object", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(duplicateFields(JSON.stringify(value))).toEqual([]);
    }),
  );
});

it("are named up to a limit", () => {
  expect(duplicateFields(`{${'"a":1,'.repeat(100)}"a":1}`)).toHaveLength(50);
});
