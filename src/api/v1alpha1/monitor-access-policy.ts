// MonitorAccessPolicy: the definition's types. Whether patterns and times make sense is for the compiler of policies to say.
import {
  type MonitorAccessPolicy,
  type MonitorAccessPolicySpec,
  type MonitorAccessPolicyStatus,
  monitorAccessPolicySchema,
} from "./gen/monitor-access-policy.ts";
import { type Parsed, parseResource } from "./resource.ts";

export type { MonitorAccessPolicy, MonitorAccessPolicySpec, MonitorAccessPolicyStatus };

/** The typed object, or every problem found. */
export function parseMonitorAccessPolicy(value: unknown): Parsed<MonitorAccessPolicy> {
  return parseResource<MonitorAccessPolicySpec, MonitorAccessPolicyStatus>(monitorAccessPolicySchema, value);
}
