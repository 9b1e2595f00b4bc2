// From the outcome of a registry's newest check to its health. Pure. Messages are stable: a steady registry causes no writes.

export interface RegistryHealth {
  readonly health: "healthy" | "degraded" | "unhealthy" | "unknown";
  /** CamelCase, usable as the reason of a condition. */
  readonly reason: string;
  readonly message: string;
}

/** Why something could not be had. */
export interface Failure {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
}

const slowMs = 5_000;
const tooSlowMs = 10_000;

/** The health that answering times alone give. */
export function speedHealth(available: boolean, responseTimeMs: number): "healthy" | "degraded" | "unhealthy" {
  if (!available || responseTimeMs > tooSlowMs) return "unhealthy";
  return responseTimeMs > slowMs ? "degraded" : "healthy";
}

/** A registry that answers is degraded while its credentials or its canary fail, or while it is slow. */
export function healthOfCheck(check: {
  readonly problem: Failure | null;
  readonly responseTimeMs: number;
}): RegistryHealth {
  const { problem, responseTimeMs } = check;
  const speed = speedHealth(true, responseTimeMs);
  if (speed === "unhealthy") {
    return { health: speed, reason: "TooSlow", message: `Registry takes more than ${tooSlowMs / 1_000} s to answer` };
  }
  if (problem !== null) return { health: "degraded", reason: problem.reason, message: problem.message };
  if (speed === "degraded") {
    return { health: speed, reason: "Slow", message: `Registry takes more than ${slowMs / 1_000} s to answer` };
  }
  return { health: "healthy", reason: "Available", message: "Registry is healthy" };
}

export function healthOfFailure({ reason, message }: Failure): RegistryHealth {
  return { health: "unhealthy", reason, message: `Registry unavailable: ${message}` };
}

/** The hub had no room to check it: that says nothing of the registry. */
export function healthOfBusy({ reason, message }: Failure): RegistryHealth {
  return { health: "unknown", reason, message };
}

export const neverChecked: RegistryHealth = {
  health: "unknown",
  reason: "Pending",
  message: "Waiting for the first check",
};
