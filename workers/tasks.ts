// Every task that pool threads and inline runs can do, by name. A task is a pure function of its input: no sockets, no timers, no logger.
import { readApiGroups } from "../src/cluster/api-groups.ts";
import { readClusterOperators } from "../src/cluster/cluster-operators.ts";
import { foldNodes } from "../src/cluster/fold-nodes.ts";
import { foldPods } from "../src/cluster/fold-pods.ts";
import { listNames } from "../src/cluster/names.ts";
import { readClusterVersion, readConsoleRoute } from "../src/cluster/openshift.ts";
import { readOperatorGroups, readSubscriptions } from "../src/cluster/operator-inputs.ts";
import { readOperators } from "../src/cluster/operators.ts";
import type { ComputeTasks } from "../src/cluster/ports.ts";
import { readVersion } from "../src/cluster/version.ts";

export type TaskName = keyof ComputeTasks;
export type TaskInput<K extends TaskName> = ComputeTasks[K]["input"];
export type TaskOutput<K extends TaskName> = ComputeTasks[K]["output"];

type Tasks = { readonly [K in TaskName]: (input: TaskInput<K>, maxInflatedBytes: number) => TaskOutput<K> };

const tasks: Tasks = {
  foldPods,
  foldNodes,
  listNames,
  readVersion,
  readApiGroups,
  readClusterVersion,
  readConsoleRoute,
  readClusterOperators,
  readSubscriptions,
  readOperatorGroups,
  readOperators,
};

/** Runs a task on the calling thread. Throws what the task throws, above all BODY_MALFORMED and BODY_TOO_LARGE. */
export function runTask<K extends TaskName>(task: K, input: TaskInput<K>, maxInflatedBytes: number): TaskOutput<K> {
  return tasks[task](input, maxInflatedBytes);
}
