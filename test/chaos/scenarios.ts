// All chaos scenarios, in the order of their names.
import { blockedLoopScenarios } from "./blocked-loop.ts";
import { crashScenarios } from "./crashes.ts";
import { floodScenarios } from "./floods.ts";
import { hugeScenarios } from "./huge-objects.ts";
import { isolationScenarios } from "./isolation.ts";
import { killerScenarios } from "./killer-cluster.ts";
import { leakScenarios } from "./leaks.ts";
import { networkScenarios } from "./network.ts";
import { outageScenarios } from "./redis-outage.ts";
import type { Scenario } from "./scenario.ts";
import { watchScenarios } from "./silent-watches.ts";
import { threadScenarios } from "./threads.ts";

export const scenarios: readonly Scenario[] = [
  ...isolationScenarios,
  ...crashScenarios,
  ...threadScenarios,
  ...killerScenarios,
  ...hugeScenarios,
  ...floodScenarios,
  ...leakScenarios,
  ...networkScenarios,
  ...outageScenarios,
  ...watchScenarios,
  ...blockedLoopScenarios,
].toSorted((a, b) => a.id.localeCompare(b.id));
