import { describe, expect, it } from "vitest";
import { failureOf } from "../../../src/cluster/collect.ts";
import { checkedDocuments, declaredDocuments } from "../../../src/cluster/documents.ts";
import { busyReason } from "../../../src/cluster/failure.ts";
import { healthOf } from "../../../src/cluster/health.ts";
import { CredentialsError } from "../../../src/kube/credentials.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";
import { ownTrouble, ownTroubleCodes, ownTroubleOf } from "../../../src/support/own-trouble.ts";

const collected = (latencyMs: number) => healthOf({ kind: "collected", collection: { latencyMs } });

describe("health", () => {
  it("is unknown before the first run", () => {
    expect(healthOf({ kind: "never-ran" })).toEqual({
      health: "unknown",
      reason: "Pending",
      message: "Waiting for the first collection",
    });
  });

  it.each([0, 999, 1000])("is healthy at a median of %d ms", (latencyMs) => {
    expect(collected(latencyMs)).toEqual({ health: "healthy", reason: "Reachable", message: "Cluster is reachable" });
  });

  it.each([
    [1001, 1],
    [2000, 1],
    [2001, 2],
    [7300, 5],
    [60_000, 10],
  ])("is degraded at %d ms, with a message that names %d s", (latencyMs, seconds) => {
    expect(collected(latencyMs)).toEqual({
      health: "degraded",
      reason: "Slow",
      message: `API server answers slowly: half of its answers take more than ${seconds} s`,
    });
  });

  it.each([
    [new KubeError("CONNECTION_REFUSED", "connection refused"), "ConnectionRefused", "connection refused"],
    [new CredentialsError("CREDENTIALS_MISSING", "no token"), "CredentialsMissing", "no token"],
    [new ClusterPulseError("BODY_MALFORMED", "not JSON"), "ResponseMalformed", "not JSON"],
    [new ClusterPulseError("COMPUTE_DEADLINE", "too slow"), "ComputeDeadline", "too slow"],
    [new ClusterPulseError("SOMETHING_ELSE", "said"), "Unexpected", "said"],
  ])("is unhealthy with the error's reason and message: %s", (error, reason, message) => {
    expect(healthOf({ kind: "failed", failure: failureOf(error) })).toEqual({ health: "unhealthy", reason, message });
  });

  it.each(ownTroubleCodes)("is unknown where the hub itself was short of something, and only there: %s", (code) => {
    const { health, reason } = healthOf({ kind: "failed", failure: failureOf(ownTrouble(code, "ours")) });
    const isShort = ownTroubleOf(code) === "short";
    expect([health, reason === busyReason]).toEqual([isShort ? "unknown" : "unhealthy", isShort]);
  });

  it("shows nothing of a foreign error but its class", () => {
    const failure = failureOf(new TypeError("Bearer abc"));
    expect(failure).toMatchObject({ code: "UNEXPECTED", reason: "Unexpected" });
    expect(failure.message).not.toContain("abc");
  });
});

describe("documents", () => {
  it("of a check: status always, and the event log only on a change", () => {
    const check = { ...collected(5), atMs: Date.parse("2026-01-02T03:04:05Z"), displayName: "Prod" };
    const steady = checkedDocuments("prod", { ...check, transition: false });
    expect(steady.map((document) => document.kind)).not.toContain("log");
    expect(steady[0]).toMatchObject({
      key: "cluster:prod:status",
      value: expect.stringContaining('"health":"healthy"'),
      ttlSeconds: null,
    });
    const changed = checkedDocuments("prod", { ...check, transition: true });
    expect(changed.filter((document) => document.kind === "log").length).toBe(1);
  });

  it("of a declaration: spec, and labels that vanish when there are none", () => {
    const spec = { endpoint: "https://api:6443", labels: { env: "prod" } };
    const [, labels] = declaredDocuments("prod", spec);
    expect(labels).toMatchObject({ kind: "string", key: "cluster:prod:labels", value: '{"env":"prod"}' });
    expect(declaredDocuments("prod", { endpoint: "https://api:6443" })[1]).toMatchObject({ kind: "delete" });
  });
});
