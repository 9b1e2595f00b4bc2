// Mistakes that are made on purpose in the rules of the engine, one at a time, in a process of their own: the vectors and the properties that the
// unit tests assert must notice each of them.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { faults, type Outcome } from "../support/planted-faults.ts";

const script = fileURLToPath(new URL("../support/planted-faults.ts", import.meta.url));
let outcomes: readonly Outcome[] = [];

beforeAll(async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script], { maxBuffer: 1 << 26 });
  outcomes = JSON.parse(stdout) as Outcome[];
}, 300_000);

describe("the rules of the engine", () => {
  it("pass without a fault, so that it is the fault that is caught", () => {
    expect(outcomes[0]).toEqual({ family: "", what: "no fault", caughtBy: [] });
  });

  it("have faults in every family", () => {
    const families = Map.groupBy(faults, ({ family }) => family);
    expect([...families.keys()]).toEqual(["paths", "coercions", "filters", "groupBy", "percentile", "quantities"]);
    for (const each of families.values()) expect(each.length).toBeGreaterThanOrEqual(5);
  });

  it.each(faults)("would not pass if $what ($family)", (fault) => {
    const outcome = outcomes.find(({ family, what }) => family === fault.family && what === fault.what);
    expect(outcome?.caughtBy).not.toEqual([]);
    expect(outcome).toBeDefined();
  });
});
