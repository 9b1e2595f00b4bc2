// From the outcome of a cluster's newest run to its health. Pure. Messages are stable: while nothing changes, neither do they, so that a
// steady cluster causes no writes.
import type { Collection } from "./collection.ts";
import { busyReason, type Failure } from "./failure.ts";

export type RunOutcome =
  | { readonly kind: "never-ran" }
  | { readonly kind: "failed"; readonly failure: Failure }
  | { readonly kind: "collected"; readonly collection: Pick<Collection, "latencyMs"> };

export interface ClusterHealth {
  readonly health: "healthy" | "degraded" | "unhealthy" | "unknown";
  /** CamelCase, usable as the reason of a condition. */
  readonly reason: string;
  readonly message: string;
}

/** Medians above the first step are slow; the message names the highest step passed, so that it does not follow every wobble. */
const slowStepsMs = [1_000, 2_000, 5_000, 10_000] as const;

/**
 * A cluster is healthy when it is reachable and gave its nodes and pods, whatever state those are in: that is what the original means by it.
 * Missing optional parts are named beside the data and do not change the health.
 */
export function healthOf(outcome: RunOutcome): ClusterHealth {
  switch (outcome.kind) {
    case "never-ran":
      return { health: "unknown", reason: "Pending", message: "Waiting for the first collection" };
    case "failed": {
      const { reason, message } = outcome.failure;
      return { health: reason === busyReason ? "unknown" : "unhealthy", reason, message };
    }
    case "collected": {
      const step = slowStepsMs.findLast((ms) => outcome.collection.latencyMs > ms);
      if (step === undefined) return { health: "healthy", reason: "Reachable", message: "Cluster is reachable" };
      return {
        health: "degraded",
        reason: "Slow",
        message: `API server answers slowly: half of its answers take more than ${step / 1000} s`,
      };
    }
  }
}
