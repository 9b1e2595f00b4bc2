// OpenShift's ClusterVersion.
import { readClusterVersion } from "../../src/cluster/openshift.ts";
import { fold } from "../task.ts";

export const readClusterVersionTask = fold<"readClusterVersion">(readClusterVersion);
