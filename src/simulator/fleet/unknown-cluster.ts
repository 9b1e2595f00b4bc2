// The one answer to a name that no simulated server has.
import { ClusterPulseError } from "../../support/errors.ts";

export const unknownCluster = (name: string): ClusterPulseError =>
  new ClusterPulseError(
    "SIMULATED_CLUSTER_UNKNOWN",
    `no simulated cluster is called ${JSON.stringify(name.slice(0, 100))}`,
  );
