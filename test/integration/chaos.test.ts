// The short form of the chaos scenarios that need real threads or sockets. `npm run chaos` runs the long forms.
import { describe, expect, test } from "vitest";
import { scenarios } from "../chaos/scenarios.ts";

describe("chaos in real time", () => {
  test.each(scenarios.filter(({ time }) => time === "real"))(
    "$id $promise",
    async (scenario) => {
      const figures = await scenario.run({ form: "short", seed: 1 });
      expect(Object.values(figures).every(Number.isFinite)).toBe(true);
    },
    120_000,
  );
});
