// The status of a RegistryConnection, from the health of its newest check: the members that existing tools read, and conditions. Pure;
// equal inputs give an equal status, so a steady registry causes no writes.
import type { Condition } from "../api/v1alpha1/meta.ts";
import type { RegistryConnectionStatus } from "../api/v1alpha1/registry-connection.ts";
import {
  asExpected,
  certificateVerdict,
  coarse,
  lackingOf,
  phases,
  reachedDespite,
  truth,
  unknownVerdicts,
} from "../cluster/verdicts.ts";
import { conditionsFrom, maxMessageLength, type Verdict } from "../reconcile/index.ts";
import { rfc3339 } from "../support/clock.ts";
import type { RegistryCheck } from "./check.ts";
import type { RegistryHealth } from "./health.ts";

export interface RegistryStatusInput {
  readonly health: RegistryHealth;
  /** The check that found it, or where the health is unknown the newest; undefined: the registry was not reached. */
  readonly check: RegistryCheck | undefined;
  /** The check whose numbers are shown: those of the newest would never stand still. */
  readonly shown: RegistryCheck | undefined;
  readonly previous: readonly Condition[];
  readonly observedGeneration: number | undefined;
  readonly lastCheckMs: number | null;
  readonly breaker: "closed" | "open" | "half-open";
  readonly nowMs: number;
}

function verdicts({ health, check, nowMs }: RegistryStatusInput): Verdict[] {
  const { reason, message } = health;
  const certificate = check?.certificateExpiresAtMs
    ? [certificateVerdict("The registry", check.certificateExpiresAtMs, nowMs)]
    : [];
  if (health.health === "unknown") return [...unknownVerdicts(health), ...certificate];
  const works = health.health === "healthy" || reason === "Slow";
  const missing = check?.missing ?? [];
  const [first] = missing;
  const lacking = lackingOf(missing);
  return [
    { type: "Ready", status: truth(works), reason, message },
    {
      type: "Reachable",
      status: check === undefined ? reachedDespite(reason) : "True",
      reason: check === undefined ? reason : "Available",
      message: check === undefined ? message : "",
    },
    check === undefined
      ? { type: "Synced", status: "False", reason, message }
      : first === undefined
        ? { type: "Synced", status: "True", reason: "Collected", message: "" }
        : { type: "Synced", status: "False", reason: "Incomplete", message: lacking },
    health.health !== "healthy"
      ? { type: "Degraded", status: "True", reason, message }
      : first === undefined
        ? { type: "Degraded", status: "False", ...asExpected }
        : { type: "Degraded", status: "True", reason: "Incomplete", message: lacking },
    ...certificate,
  ];
}

/** The status to write. A condition keeps its transition time while its status stays. */
export function registryConnectionStatus(input: RegistryStatusInput): RegistryConnectionStatus {
  const { health, check, shown, previous, observedGeneration, lastCheckMs, breaker, nowMs } = input;
  const observed = observedGeneration === undefined ? {} : { observedGeneration };
  const canary = shown?.canary;
  return {
    phase: phases[health.health],
    health: health.health,
    available: check !== undefined,
    message: health.message.slice(0, maxMessageLength),
    breaker,
    ...(lastCheckMs === null ? {} : { lastCheckTime: rfc3339(lastCheckMs) }),
    ...(shown === undefined
      ? {}
      : {
          responseTime: coarse(shown.responseTimeMs),
          version: shown.version,
          features: shown.features,
          ...(shown.catalog === null ? {} : { repositoryCount: shown.catalog.count }),
          ...(shown.certificateExpiresAtMs === null
            ? {}
            : { certificateExpiryTime: rfc3339(shown.certificateExpiresAtMs) }),
        }),
    ...(canary
      ? {
          canary: {
            succeeded: canary.pulled !== null,
            lastPullTime: rfc3339(canary.atMs),
            ...(canary.pulled && {
              manifestMilliseconds: canary.pulled.manifestMs,
              layerMilliseconds: canary.pulled.layerMs,
            }),
          },
        }
      : {}),
    ...observed,
    conditions: conditionsFrom(verdicts(input), previous, observedGeneration, nowMs),
  };
}
