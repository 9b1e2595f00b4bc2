// The status of a RegistryConnection, from the health of its newest check: the members that existing tools read, and conditions. Pure;
// equal inputs give an equal status, so a steady registry causes no writes.
import type { Condition } from "../api/v1alpha1/meta.ts";
import type { RegistryConnectionStatus } from "../api/v1alpha1/registry-connection.ts";
import { rfc3339 } from "../support/clock.ts";
import type { RegistryCheck } from "./check.ts";
import type { RegistryHealth } from "./health.ts";

export interface RegistryStatusInput {
  readonly health: RegistryHealth;
  /** The check that found it; undefined: the registry was not reached. */
  readonly check: RegistryCheck | undefined;
  /** The check whose numbers are shown: those of the newest would never stand still. */
  readonly shown: RegistryCheck | undefined;
  readonly previous: readonly Condition[];
  readonly observedGeneration: number | undefined;
  readonly lastCheckMs: number | null;
  readonly breaker: "closed" | "open" | "half-open";
  readonly nowMs: number;
}

type Verdict = Pick<Condition, "type" | "status" | "reason" | "message">;

const answered: ReadonlySet<string> = new Set([
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "TooManyRequests",
  "ServerError",
  "UnexpectedStatus",
  "ResponseMalformed",
  "ResponseTooLarge",
  "RedirectRefused",
  "TooSlow",
]);
const fine = { reason: "AsExpected", message: "" };
const phases = { healthy: "Connected", degraded: "Connected", unhealthy: "Error", unknown: "Connecting" } as const;
const certificateWarningMs = 14 * 86_400_000;
const maxMessageLength = 1_024;
const word = (yes: boolean): "True" | "False" => (yes ? "True" : "False");

function verdicts({ health, check, nowMs }: RegistryStatusInput): Verdict[] {
  const { reason, message } = health;
  if (health.health === "unknown") {
    return ["Ready", "Reachable", "Synced", "Degraded"].map((type) => ({ type, status: "Unknown", reason, message }));
  }
  const isSpec = reason === "InvalidSpec";
  const works = health.health === "healthy" || reason === "Slow";
  const missing = check?.missing ?? [];
  const [first] = missing;
  const lacking = missing.map((part) => `${part.part}: ${part.message}`).join("; ");
  return [
    { type: "Ready", status: word(works), reason, message },
    {
      type: "Reachable",
      status: isSpec ? "Unknown" : word(check !== undefined || answered.has(reason)),
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
        ? { type: "Degraded", status: "False", ...fine }
        : { type: "Degraded", status: "True", reason: "Incomplete", message: lacking },
    ...(check?.certificateExpiresAtMs ? [certificateVerdict(check.certificateExpiresAtMs, nowMs)] : []),
  ];
}

/** Names the day, not the days left, so that the message stands still. */
function certificateVerdict(expiresAtMs: number, nowMs: number): Verdict {
  const isSoon = expiresAtMs - nowMs < certificateWarningMs;
  return {
    type: "CertificateExpiring",
    status: word(isSoon),
    reason: isSoon ? "ExpiresSoon" : "AsExpected",
    message: `The registry's certificate ${expiresAtMs <= nowMs ? "expired" : "expires"} on ${rfc3339(expiresAtMs).slice(0, 10)}`,
  };
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
          responseTime: Math.round(Number(shown.responseTimeMs.toPrecision(2))),
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
    conditions: verdicts(input).map((verdict) => {
      const before = previous.find((condition) => condition.type === verdict.type);
      const lastTransitionTime = before?.status === verdict.status ? before.lastTransitionTime : rfc3339(nowMs);
      return { ...verdict, message: verdict.message.slice(0, maxMessageLength), lastTransitionTime, ...observed };
    }),
  };
}
