// Metrics of registries: health, breaker and age by name.
import { expect, test } from "vitest";
import { registryMetrics } from "../../../src/server/registry-metrics.ts";

test("each registry has its health, its breaker's state and the age of its last check", () => {
  const row = { name: "quay", status: { health: "degraded", breaker: "open" }, asOf: "2026-01-02T03:04:05Z" };
  const rows = [{ name: "quay", revision: 1, bytes: Buffer.from(JSON.stringify(row)) }];
  const text = registryMetrics(rows, Date.parse("2026-01-02T03:04:15Z"));
  expect(text).toContain('clusterpulse_registry_health{registry="quay",health="degraded"} 1');
  expect(text).toContain('clusterpulse_registry_health{registry="quay",health="healthy"} 0');
  expect(text).toContain('clusterpulse_registry_breaker_state{registry="quay",state="open"} 1');
  expect(text).toContain('clusterpulse_registry_check_age_seconds{registry="quay"} 10');
  expect(registryMetrics([], 0)).toContain("clusterpulse_registries 0");
});
