// What the hub writes into a status must be what the definition takes: the API server refuses a status as a whole.
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseClusterConnection } from "../../../../src/api/v1alpha1/cluster-connection.ts";
import { connectionStatus } from "../../../../src/cluster/connection-status.ts";

test("every status of a ClusterConnection keeps to the definition", () => {
  const reason = fc.constantFrom("Reachable", "Slow", "Unauthorized", "CollectionTimeout", "InvalidSpec", "Pending");
  const health = fc.record({
    health: fc.constantFrom("healthy" as const, "degraded" as const, "unhealthy" as const, "unknown" as const),
    reason,
    message: fc.string({ maxLength: 2_000, unit: "grapheme" }),
  });
  const missing = fc.record({
    part: fc.constant("pods" as const),
    code: fc.constant("X"),
    reason,
    message: fc.string(),
  });
  const count = fc.option(fc.nat(), { nil: undefined });
  fc.assert(
    fc.property(
      health,
      fc.array(missing, { maxLength: 5 }),
      count,
      count,
      (given, parts, nodes, observedGeneration) => {
        const status = connectionStatus({
          health: given,
          missing: parts,
          previous: [],
          observedGeneration,
          lastSyncMs: 0,
          nodes,
          namespaces: nodes,
          nowMs: 1_700_000_000_000,
        });
        const metadata = { name: "a", namespace: "b" };
        const spec = { endpoint: "https://a", credentialsRef: { name: "x" } };
        const parsed = parseClusterConnection({ metadata, spec, status });
        expect(parsed.ok && parsed.value.status).toEqual(status);
      },
    ),
  );
});
