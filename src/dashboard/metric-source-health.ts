// What a MetricSource's conditions amount to, for the page.
import type { Health, MetricSourceRow } from "./api.ts";

/** `namespace/name`. */
export const idOf = ({ namespace, name }: MetricSourceRow): string => `${namespace}/${name}`;

type Condition = MetricSourceRow["status"]["conditions"][number];
const condition = ({ status }: MetricSourceRow, type: string): Condition | undefined =>
  status.conditions.find((one) => one.type === type);

/** Unhealthy: it gives nothing. Degraded: something of what it gives is lacking. Unknown: it has not been collected yet. */
export function healthOfSource(row: MetricSourceRow): Health {
  if (condition(row, "Ready")?.status === "False") return "unhealthy";
  if (row.asOf === null) return "unknown";
  return row.partial || condition(row, "Degraded")?.status === "True" ? "degraded" : "healthy";
}

/** The condition that says the most of what is wrong; where nothing is, what was collected. */
export function whyOf(row: MetricSourceRow): { reason: string; message: string } {
  const wrong = [
    ["Ready", "False"],
    ["Degraded", "True"],
    ["Reachable", "False"],
    ["Synced", "False"],
  ] as const;
  for (const [type, status] of wrong) {
    const found = condition(row, type);
    if (found?.status === status) return { reason: found.reason ?? type, message: found.message ?? "" };
  }
  const reachable = condition(row, "Reachable");
  if (reachable?.reason === "SomeUnreachable") return { reason: reachable.reason, message: reachable.message ?? "" };
  return { reason: condition(row, "Ready")?.reason ?? "–", message: row.status.message ?? "" };
}
