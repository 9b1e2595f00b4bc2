// All chaos scenarios, in the order of their names.
import { crashScenarios } from "./crashes.ts";
import { isolationScenarios } from "./isolation.ts";
import { leakScenarios } from "./leaks.ts";
import type { Scenario } from "./scenario.ts";
import { threadScenarios } from "./threads.ts";

export const scenarios: readonly Scenario[] = [
  ...isolationScenarios,
  ...crashScenarios,
  ...threadScenarios,
  ...leakScenarios,
].toSorted((a, b) => a.id.localeCompare(b.id));
