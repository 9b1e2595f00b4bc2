// The ready scenarios of config/scenarios: they can be played on a fleet of any usual size, and leave somebody to judge by.
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { Recoveries, Timeline } from "../../../src/load/timeline.ts";
import { planScenario, spellsOf } from "../../../src/simulator/scenario/plan.ts";
import { parseScenario } from "../../../src/simulator/scenario/steps.ts";

const folder = join(import.meta.dirname, "../../../config/scenarios");
const files = globSync("*.yaml", { cwd: folder }).sort();
const namesOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `c${i}`);
const planOf = (file: string, count: number) =>
  planScenario(parseScenario(readFileSync(join(folder, file), "utf8")), namesOf(count), 1);

describe("the ready scenarios", () => {
  it("are there", () => {
    expect(files).toEqual(["churn.yaml", "rolling-faults.yaml", "total-outage.yaml"]);
  });

  it.each(files)("%s can be played on 25 and on 5,000 clusters, and ends with everything well", (file) => {
    for (const count of [25, 5_000]) {
      const plan = planOf(file, count);
      expect(spellsOf(plan).length).toBeGreaterThan(0);
      expect(spellsOf(plan).filter(({ toMs }) => toMs === null)).toEqual([]);
      const gone = new Set<string>();
      for (const action of plan.actions) {
        if (action.kind === "remove") gone.add(action.cluster);
        if (action.kind === "add") gone.delete(action.cluster);
      }
      expect([...gone]).toEqual([]);
    }
  });

  it.each(files)("the command in %s plays it, long enough to see the end", (file) => {
    const text = readFileSync(join(folder, file), "utf8");
    expect(text).toContain(`--scenario config/scenarios/${basename(file)}`);
    const seconds = Number(/--duration (\d+)/.exec(text)?.[1]);
    expect(seconds * 1_000).toBeGreaterThan(planOf(file, 1_000).durationMs + 45_000);
  });

  it.each(["churn.yaml", "rolling-faults.yaml"])("%s never touches a third of a thousand clusters", (file) => {
    const { broken, churned } = planOf(file, 1_000);
    expect(namesOf(1_000).filter((name) => !broken.has(name) && !churned.has(name)).length).toBeGreaterThan(333);
  });

  it("the total outage breaks every cluster and heals all of them in one moment", () => {
    const plan = planOf("total-outage.yaml", 1_000);
    const timeline = new Timeline(new Map(), spellsOf(plan), 0);
    expect(namesOf(1_000).every((name) => timeline.isBroken(name, 100_000))).toBe(true);
    const recoveries = new Recoveries(spellsOf(plan), plan.churned, 0);
    expect(recoveries.report(plan.durationMs + 1)).toMatchObject([{ clusters: 1_000, missing: 1_000 }]);
  });
});
