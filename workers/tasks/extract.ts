// One page of a list to what MetricSources make of it.
import { extractPage } from "../../src/metric-source/extract.ts";
import { systemClock } from "../../src/support/clock.ts";
import type { Task } from "../task.ts";

export const extractTask: Task<"extract"> = {
  priority: "extraction",
  // What users compute has a limit for each object, not for a page: only a thread can be stopped.
  mayRunInline: ({ sources, isSuspect }) =>
    !isSuspect && sources.every(({ definition }) => definition.computed.length === 0),
  run: (input, maxInflatedBytes) => extractPage(input, maxInflatedBytes, () => systemClock.monotonicMs()),
};
