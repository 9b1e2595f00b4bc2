// The short form of every chaos scenario whose time is virtual, and the proof that each protection is needed: without it the scenario
// that it is for fails. `npm run chaos` runs the long forms.
import { describe, expect, test } from "vitest";
import type { Protection } from "../../chaos/scenario.ts";
import { scenarios } from "../../chaos/scenarios.ts";

const seed = 1;
/** Ends what hangs; a busy machine takes its time. */
const timeoutMs = 400_000;

describe("chaos in virtual time", () => {
  test.each(scenarios.filter(({ time }) => time === "virtual"))(
    "$id $promise",
    async (scenario) => {
      const figures = await scenario.run({ form: "short", seed });
      expect(Object.values(figures).every(Number.isFinite)).toBe(true);
    },
    timeoutMs,
  );
});

describe("without the protection that it is for, a scenario fails", () => {
  test.each<[Protection, string, RegExp]>([
    ["breaker", "E-01", /a dead cluster was asked 20 times in 10 min/],
    ["admission", "E-04", /100 handshakes were in flight/],
    ["run deadlines", "hung-runs", /cluster-\d+, whose polls never end, says \w+/],
    ["supervision", "E-16", /cluster-\d+ was polled 0 times in the last two minutes/],
  ])(
    "%s: %s",
    async (without, id, why) => {
      const scenario = scenarios.find((known) => known.id === id);
      await expect(scenario?.run({ form: "short", seed, without })).rejects.toThrow(why);
    },
    timeoutMs,
  );
});
