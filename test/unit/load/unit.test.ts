// The unit of cost: the list that is made must be what was recorded, in all that parsing takes time for.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { claimsText } from "../../../src/load/unit.ts";

const recorded = gunzipSync(
  readFileSync(join(import.meta.dirname, "../../fixtures/golden/engine/pvcs.json.gz")),
).toString("utf8");

/** The names and kinds of all members, in their order. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.entries(value).map(([name, member]) => [name, shapeOf(member)]);
}

describe("the list of claims that U is the parsing of", () => {
  it("has the members of the recorded 5,000 claims in their order, and as many bytes within a percent", () => {
    const [made, original] = [claimsText(), recorded].map((text) => JSON.parse(text) as { items: unknown[] });
    expect(JSON.stringify(shapeOf(made))).toBe(JSON.stringify(shapeOf(original)));
    expect(Math.abs(claimsText().length / recorded.length - 1)).toBeLessThan(0.01);
    expect(claimsText()).toBe(claimsText());
  });
});
