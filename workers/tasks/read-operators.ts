// One page of OLM's ClusterServiceVersions, with all Subscriptions and OperatorGroups of the run.
import { readOperators } from "../../src/cluster/operators.ts";
import { fold } from "../task.ts";

export const readOperatorsTask = fold<"readOperators">(readOperators);
