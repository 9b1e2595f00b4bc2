// From a check to health, and from health to the status of a RegistryConnection.
import { describe, expect, test } from "vitest";
import type { RegistryCheck } from "../../../src/registry/check.ts";
import { healthOfBusy, healthOfCheck, healthOfFailure, neverChecked } from "../../../src/registry/health.ts";
import { type RegistryStatusInput, registryConnectionStatus } from "../../../src/registry/status.ts";

const nowMs = Date.parse("2026-05-01T12:00:00Z");
const dayMs = 86_400_000;
const check: RegistryCheck = {
  checkedAtMs: nowMs,
  responseTimeMs: 123,
  version: "registry/2.0",
  features: { docker_v2_api: true },
  catalog: { count: 7, names: [], isComplete: true },
  canary: { atMs: nowMs, pulled: { manifestMs: 4, layerMs: 5 } },
  problem: null,
  missing: [],
  certificateExpiresAtMs: nowMs + 40 * dayMs,
};
const refused = { code: "AUTH_FAILED", reason: "AuthFailed", message: "not accepted" };

const statusOf = (of: RegistryCheck, more: Partial<RegistryStatusInput> = {}) =>
  registryConnectionStatus({
    health: healthOfCheck(of),
    check: of,
    shown: of,
    previous: [],
    observedGeneration: 3,
    lastCheckMs: nowMs,
    breaker: "closed",
    nowMs,
    ...more,
  });
const down = (reason: string) =>
  statusOf(check, { health: healthOfFailure({ code: "X", reason, message: "why" }), check: undefined });
const conditionsOf = ({ conditions = [] }: ReturnType<typeof statusOf>) =>
  Object.fromEntries(conditions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));

describe("the health of a registry", () => {
  test.each([
    [5_000, null, "healthy", "Available"],
    [5_001, null, "degraded", "Slow"],
    [10_000, null, "degraded", "Slow"],
    [10_001, null, "unhealthy", "TooSlow"],
    [20, refused, "degraded", "AuthFailed"],
    [5_001, refused, "degraded", "AuthFailed"],
    [10_001, refused, "unhealthy", "TooSlow"],
  ])("after %i ms with problem %j is %s (%s)", (responseTimeMs, problem, health, reason) => {
    expect(healthOfCheck({ ...check, responseTimeMs, problem })).toMatchObject({ health, reason });
  });

  test("is told without a figure that changes from check to check", () => {
    const messages = [6_000, 7_000].map((responseTimeMs) => healthOfCheck({ ...check, responseTimeMs }).message);
    expect(new Set(messages).size).toBe(1);
  });
});

describe("the status of a RegistryConnection", () => {
  test("of a healthy registry says what was found, and four conditions and that of its certificate", () => {
    const status = statusOf(check);
    expect(status).toMatchObject({
      phase: "Connected",
      health: "healthy",
      available: true,
      message: "Registry is healthy",
      breaker: "closed",
      responseTime: 120,
      version: "registry/2.0",
      repositoryCount: 7,
      lastCheckTime: "2026-05-01T12:00:00Z",
      certificateExpiryTime: "2026-06-10T12:00:00Z",
      canary: { succeeded: true, manifestMilliseconds: 4, layerMilliseconds: 5 },
      observedGeneration: 3,
    });
    expect(conditionsOf(status)).toEqual({
      Ready: "True Available",
      Reachable: "True Available",
      Synced: "True Collected",
      Degraded: "False AsExpected",
      CertificateExpiring: "False AsExpected",
    });
  });

  test.each([
    [14 * dayMs, "False AsExpected", "expires on 2026-05-15"],
    [14 * dayMs - 1, "True ExpiresSoon", "expires on 2026-05-15"],
    [-dayMs, "True ExpiresSoon", "expired on 2026-04-30"],
  ])("warns of a certificate with %i ms left: %s", (leftMs, said, message) => {
    const status = statusOf({ ...check, certificateExpiresAtMs: nowMs + leftMs });
    expect(conditionsOf(status)["CertificateExpiring"]).toBe(said);
    expect(status.conditions?.at(-1)?.message).toBe(`The registry's certificate ${message}`);
  });

  test("names what is missing of a registry that is healthy otherwise", () => {
    const missing = [{ part: "catalog" as const, code: "X", reason: "CatalogFailed", message: "forbidden" }];
    const status = statusOf({ ...check, missing });
    expect(conditionsOf(status)).toMatchObject({
      Ready: "True Available",
      Synced: "False Incomplete",
      Degraded: "True Incomplete",
    });
    expect(status.conditions?.find(({ type }) => type === "Synced")?.message).toBe("catalog: forbidden");
  });

  test("tells apart who answered, who did not, and who was not asked", () => {
    expect(conditionsOf(down("ConnectionRefused"))).toMatchObject({
      Ready: "False ConnectionRefused",
      Reachable: "False ConnectionRefused",
      Synced: "False ConnectionRefused",
      Degraded: "True ConnectionRefused",
    });
    expect(down("ConnectionRefused")).toMatchObject({ phase: "Error", available: false });
    expect(conditionsOf(down("Forbidden"))["Reachable"]).toBe("True Forbidden");
    expect(conditionsOf(down("InvalidSpec"))["Reachable"]).toBe("Unknown InvalidSpec");
    expect(conditionsOf(down("ActorCrashLooping"))["Reachable"]).toBe("Unknown ActorCrashLooping");
    expect(conditionsOf(statusOf({ ...check, problem: refused }))).toMatchObject({
      Ready: "False AuthFailed",
      Reachable: "True Available",
    });
  });

  test("of one that was never checked is unknown in everything", () => {
    const status = statusOf(check, { health: neverChecked, check: undefined, shown: undefined, lastCheckMs: null });
    expect(new Set(status.conditions?.map(({ status }) => status))).toEqual(new Set(["Unknown"]));
    expect(status).toMatchObject({ phase: "Connecting", available: false });
    expect(status).not.toHaveProperty("lastCheckTime");
  });

  test("of one that the hub had no room to check keeps what was found, and knows nothing of how it is", () => {
    const busy = healthOfBusy({ code: "HUB_BUSY", reason: "HubBusy", message: "the hub is busy: no slot" });
    const status = statusOf(check, { health: busy });
    expect(status).toMatchObject({ phase: "Connecting", health: "unknown", available: true, version: "registry/2.0" });
    expect(conditionsOf(status)).toEqual({
      Ready: "Unknown HubBusy",
      Reachable: "Unknown HubBusy",
      Synced: "Unknown HubBusy",
      Degraded: "Unknown HubBusy",
      CertificateExpiring: conditionsOf(statusOf(check))["CertificateExpiring"],
    });
  });

  test("keeps the transition times of what stays as it was", () => {
    const first = statusOf(check);
    const later = { nowMs: nowMs + 60_000, previous: first.conditions ?? [] };
    const again = statusOf({ ...check, problem: refused }, later).conditions ?? [];
    const timeOf = (type: string) => again.find((condition) => condition.type === type)?.lastTransitionTime;
    expect(timeOf("Reachable")).toBe("2026-05-01T12:00:00Z");
    expect(timeOf("Ready")).toBe("2026-05-01T12:01:00Z");
  });
});
