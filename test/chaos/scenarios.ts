// All chaos scenarios, in the order of their names.
import { crashScenarios } from "./crashes.ts";
import { isolationScenarios } from "./isolation.ts";
import type { Scenario } from "./scenario.ts";

export const scenarios: readonly Scenario[] = [...isolationScenarios, ...crashScenarios].toSorted((a, b) =>
  a.id.localeCompare(b.id),
);
