// One page of OpenShift's ClusterOperators.
import { readClusterOperators } from "../../src/cluster/cluster-operators.ts";
import { fold } from "../task.ts";

export const readClusterOperatorsTask = fold<"readClusterOperators">(readClusterOperators);
