// What holds an eviction up: a PodDisruptionBudget that says that it allows none. Nobody counts healthy pods here: a budget whose status
// says nothing allows everything.
import { selectsLabels } from "../http/selectors.ts";
import { ApiError } from "../http/status.ts";
import { budgetType } from "../kinds/types.ts";
import type { KubeObject } from "./object.ts";
import type { HubStore } from "./store.ts";

interface Budget {
  readonly spec?: { readonly selector?: Parameters<typeof selectsLabels>[0] };
  readonly status?: {
    readonly disruptionsAllowed?: number;
    readonly desiredHealthy?: number;
    readonly currentHealthy?: number;
  };
}

/** Throws ApiError 429 when a budget of the pod allows no eviction. */
export function checkBudgets(store: HubStore, { metadata: { namespace, labels } }: KubeObject): void {
  for (const { object } of store.table(budgetType).list()) {
    const { spec = {}, status = {} } = object as Budget;
    const isItsOwn = object.metadata.namespace === namespace && selectsLabels(spec.selector, labels);
    if (!isItsOwn || status.disruptionsAllowed !== 0) continue;
    const { desiredHealthy = 0, currentHealthy = 0 } = status;
    const message = `The disruption budget ${object.metadata.name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
    throw new ApiError(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: "DisruptionBudget", message }],
    });
  }
}
