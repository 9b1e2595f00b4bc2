// One page of nodes, with the pods of the run, to their stored values.
import { foldNodes } from "../../src/cluster/fold-nodes.ts";
import { fold } from "../task.ts";

export const foldNodesTask = fold<"foldNodes">(foldNodes);
