// Every task that pool threads and inline runs can do, by name. One file each in tasks/.
import type { Priority, Task, TaskInput, TaskName, TaskOutput } from "./task.ts";
import { extractTask } from "./tasks/extract.ts";
import { foldNodesTask } from "./tasks/fold-nodes.ts";
import { foldPodsTask } from "./tasks/fold-pods.ts";
import { listNamesTask } from "./tasks/list-names.ts";
import { readApiGroupsTask } from "./tasks/read-api-groups.ts";
import { readClusterOperatorsTask } from "./tasks/read-cluster-operators.ts";
import { readClusterVersionTask } from "./tasks/read-cluster-version.ts";
import { readConsoleRouteTask } from "./tasks/read-console-route.ts";
import { readOperatorGroupsTask } from "./tasks/read-operator-groups.ts";
import { readOperatorsTask } from "./tasks/read-operators.ts";
import { readSubscriptionsTask } from "./tasks/read-subscriptions.ts";
import { readVersionTask } from "./tasks/read-version.ts";

const tasks: { readonly [K in TaskName]: Task<K> } = {
  foldPods: foldPodsTask,
  foldNodes: foldNodesTask,
  listNames: listNamesTask,
  readVersion: readVersionTask,
  readApiGroups: readApiGroupsTask,
  readClusterVersion: readClusterVersionTask,
  readConsoleRoute: readConsoleRouteTask,
  readClusterOperators: readClusterOperatorsTask,
  readSubscriptions: readSubscriptionsTask,
  readOperatorGroups: readOperatorGroupsTask,
  readOperators: readOperatorsTask,
  extract: extractTask,
};

/** Runs a task on the calling thread. Throws what the task throws, above all BODY_MALFORMED and BODY_TOO_LARGE. */
export function runTask<K extends TaskName>(task: K, input: TaskInput<K>, maxInflatedBytes: number): TaskOutput<K> {
  return tasks[task].run(input, maxInflatedBytes);
}

/** Where a task with this input waits for a thread. */
export function priorityOf<K extends TaskName>(task: K, input: TaskInput<K>): Priority {
  return input.isSuspect ? "suspect" : tasks[task].priority;
}

/** Whether a task with this input may run on the calling thread if its body is small. */
export function mayRunInline<K extends TaskName>(task: K, input: TaskInput<K>): boolean {
  return tasks[task].mayRunInline(input);
}
