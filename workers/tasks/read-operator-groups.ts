// One page of OLM's OperatorGroups.
import { readOperatorGroups } from "../../src/cluster/operator-inputs.ts";
import { fold } from "../task.ts";

export const readOperatorGroupsTask = fold<"readOperatorGroups">(readOperatorGroups);
