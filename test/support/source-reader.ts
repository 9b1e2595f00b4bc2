// What a virtual fleet says and stores of its MetricSources, and a MetricSource to begin with.
import type { startVirtualFleet } from "./virtual-fleet.ts";

/** Counts pods every minute; `change` replaces whole members. */
export const sourceSpec = (change: object = {}) => ({
  source: { apiVersion: "v1", kind: "Pod" },
  fields: [{ name: "phase", path: ".status.phase" }],
  aggregations: [{ name: "total", function: "count" }],
  collection: { intervalSeconds: 60, timeoutSeconds: 30, retryAttempts: 0 },
  rbac: { resourceTypeName: "pod" },
  ...change,
});

export interface SourceStatus {
  readonly phase: string;
  readonly message: string;
  readonly clustersCollected: number;
  readonly resourcesCollected: number;
  readonly lane: string;
  readonly laneReason: string;
  readonly fieldValidation: readonly { readonly field: string; readonly status: string; readonly message: string }[];
  readonly conditions: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
}

export function sourceReader(fleet: () => ReturnType<typeof startVirtualFleet>) {
  const statusOf = (name: string): SourceStatus => fleet().statuses.get(name)?.status as unknown as SourceStatus;
  const stored = async (source: string, cluster: string, part: string): Promise<Record<string, unknown>> => {
    const text = await fleet().store.string(`cluster:${cluster}:custom:hubs/${source}:${part}`);
    return JSON.parse(text ?? "{}") as Record<string, unknown>;
  };
  return {
    statusOf,
    /** `True Quarantined`. */
    conditionOf(name: string, type: string): string {
      const found = statusOf(name).conditions.find((condition) => condition.type === type);
      return `${found?.status} ${found?.reason}`;
    },
    /** NaN: never. */
    lastCollectedMs: async (source: string, cluster: string): Promise<number> =>
      Date.parse(String((await stored(source, cluster, "meta"))["lastCollectionTime"])),
    aggregatesOf: async (source: string, cluster: string): Promise<Record<string, unknown>> =>
      (await stored(source, cluster, "aggregations"))["values"] as Record<string, unknown>,
    metaOf: (source: string, cluster: string): Promise<Record<string, unknown>> => stored(source, cluster, "meta"),
  };
}
