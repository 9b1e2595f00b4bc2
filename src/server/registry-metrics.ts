// Metrics of the registries, from their rows. Bounded: what is beyond the limit is counted, not written.
import type { ViewRow } from "../view/ports.ts";
import { seriesText } from "./metrics-text.ts";

const healths = ["healthy", "degraded", "unhealthy", "unknown"];
const breakers = ["closed", "open", "half-open"];
const maxRegistries = 2_000;

/** Prometheus text. */
export function registryMetrics(rows: readonly ViewRow[], nowMs: number): string {
  const states = rows.slice(0, maxRegistries).map(({ name, bytes }) => {
    const { status = {}, asOf } = JSON.parse(bytes.toString()) as {
      status?: { health?: string; breaker?: string };
      asOf: string | null;
    };
    return { registry: name, health: status.health, breaker: status.breaker, asOfMs: Date.parse(asOf ?? "") };
  });
  return [
    seriesText("clusterpulse_registries", "gauge", "Registries in the list.", [[{}, rows.length]]),
    seriesText(
      "clusterpulse_registry_health",
      "gauge",
      "1 for the health the registry has.",
      states.flatMap(({ registry, health: has }) =>
        healths.map((health) => [{ registry, health }, Number(has === health)] as const),
      ),
    ),
    seriesText(
      "clusterpulse_registry_breaker_state",
      "gauge",
      "1 for the state the registry's circuit breaker was in after its last check.",
      states.flatMap(({ registry, breaker }) =>
        breakers.map((state) => [{ registry, state }, Number(breaker === state)] as const),
      ),
    ),
    seriesText(
      "clusterpulse_registry_check_age_seconds",
      "gauge",
      "Age of the registry's last check.",
      states
        .filter(({ asOfMs }) => !Number.isNaN(asOfMs))
        .map(({ registry, asOfMs }) => [{ registry }, Math.max(0, nowMs - asOfMs) / 1_000] as const),
    ),
  ].join("");
}
