// One page of pods to counters per node.
import { foldPods } from "../../src/cluster/fold-pods.ts";
import { fold } from "../task.ts";

export const foldPodsTask = fold<"foldPods">(foldPods);
