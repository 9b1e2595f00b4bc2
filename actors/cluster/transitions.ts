// Which Event a cluster's new conditions are worth, if any: transitions are news, a steady state is not. Pure.
import type { Condition } from "../../src/api/v1alpha1/meta.ts";

/** Reasons of events about ClusterConnections. What the owner has to mend keeps its own word. */
export type TransitionReason =
  | "ClusterConnected"
  | "ClusterRecovered"
  | "ClusterSlow"
  | "ClusterUnreachable"
  | "ClusterFailing"
  | "InvalidSpec"
  | "CredentialsMissing"
  | "CredentialsInvalid";

export interface Transition {
  readonly type: "Normal" | "Warning";
  readonly reason: TransitionReason;
}

const ownersReasons = ["InvalidSpec", "CredentialsMissing", "CredentialsInvalid"] as const;

/** What an event would say of a cluster in this state; undefined while nothing is known of it. */
function stateOf(conditions: readonly Condition[]): TransitionReason | undefined {
  const find = (type: string): Condition | undefined => conditions.find((condition) => condition.type === type);
  const ready = find("Ready");
  if (ready === undefined || ready.status === "Unknown") return undefined;
  if (ready.status === "True") return ready.reason === "Slow" ? "ClusterSlow" : "ClusterConnected";
  const owners = ownersReasons.find((reason) => reason === ready.reason);
  return owners ?? (find("Reachable")?.status === "False" ? "ClusterUnreachable" : "ClusterFailing");
}

/** The event that is due when conditions change from `before` to `after`. */
export function transitionOf(before: readonly Condition[], after: readonly Condition[]): Transition | undefined {
  const [was, is] = [stateOf(before), stateOf(after)];
  if (is === undefined || is === was) return undefined;
  if (is !== "ClusterConnected") return { type: "Warning", reason: is };
  return { type: "Normal", reason: was === undefined ? "ClusterConnected" : "ClusterRecovered" };
}
