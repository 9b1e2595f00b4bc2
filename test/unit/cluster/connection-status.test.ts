// What the status of a ClusterConnection says beyond its health: what is missing and why, and when the certificate ends.
import { describe, expect, it } from "vitest";
import { type ConnectionStatusInput, connectionStatus } from "../../../src/cluster/connection-status.ts";
import { openShiftGroups, paths, startCollecting } from "./recorded-server.ts";

const nowMs = Date.parse("2026-11-21T08:03:35Z");
const day = 86_400_000;

function statusOf(input: Partial<ConnectionStatusInput>) {
  return connectionStatus({
    health: { health: "healthy", reason: "Reachable", message: "Cluster is reachable" },
    missing: [],
    previous: [],
    observedGeneration: 1,
    lastSyncMs: nowMs,
    nodes: undefined,
    namespaces: undefined,
    nowMs,
    ...input,
  });
}

const condition = (status: ReturnType<typeof statusOf>, type: string) =>
  status.conditions?.find((candidate) => candidate.type === type);

describe("parts that are missing", () => {
  it("show in Synced and Degraded by name, verb and resource, and the cluster stays healthy", async () => {
    const { server, collect } = startCollecting();
    server.served.set(paths.groups, openShiftGroups);
    server.served.set(paths.clusterOperators, 403);
    server.served.set(paths.namespaces, 403);
    server.served.set(paths.csvs, 500);
    const { collection, documents } = await collect();
    const status = statusOf({ missing: collection.missing });
    expect(status).toMatchObject({ phase: "Connected", health: "healthy" });
    const message = [
      "namespaces: forbidden: the credentials may not list namespaces",
      "clusteroperators: forbidden: the credentials may not list clusteroperators.config.openshift.io",
      "operators: the server answered list clusterserviceversions.operators.coreos.com with status 500",
    ].join("; ");
    expect(condition(status, "Ready")).toMatchObject({ status: "True", reason: "Reachable" });
    expect(condition(status, "Synced")).toMatchObject({ status: "False", reason: "Incomplete", message });
    expect(condition(status, "Degraded")).toMatchObject({ status: "True", reason: "Incomplete", message });
    const freshness = documents.find((document) => "key" in document && document.key === "cluster:ocp:freshness");
    expect(freshness).toMatchObject({ fields: { missing: '["namespaces","clusteroperators","operators"]' } });
  });

  it("read the same whatever came first", async () => {
    const { collect, server } = startCollecting();
    for (const path of [paths.csvs, paths.namespaces, paths.version]) server.served.set(path, 403);
    expect((await collect()).missing).toEqual(["version", "namespaces", "operators"]);
  });
});

describe("the certificate", () => {
  it("of which nothing is known has no condition", () => {
    expect(condition(statusOf({}), "CertificateExpiring")).toBeUndefined();
  });

  it.each([
    [14 * day, "False", "AsExpected", "expires on 2026-12-05"],
    [14 * day - 1, "True", "ExpiresSoon", "expires on 2026-12-05"],
    [day, "True", "ExpiresSoon", "expires on 2026-11-22"],
    [0, "True", "ExpiresSoon", "expired on 2026-11-21"],
    [-day, "True", "ExpiresSoon", "expired on 2026-11-20"],
  ])("with %d ms left", (leftMs, status, reason, words) => {
    const found = condition(statusOf({ certificateExpiresAtMs: nowMs + leftMs }), "CertificateExpiring");
    expect(found).toMatchObject({ status, reason, message: `The API server's certificate ${words}` });
  });

  it("is told in the same words every day, so that the countdown causes no writes", () => {
    const certificateExpiresAtMs = nowMs + 10 * day;
    const first = statusOf({ certificateExpiresAtMs });
    const next = statusOf({ certificateExpiresAtMs, previous: first.conditions ?? [], nowMs: nowMs + 5 * day });
    expect(condition(next, "CertificateExpiring")).toEqual(condition(first, "CertificateExpiring"));
  });
});

describe("version and latency", () => {
  it.each([
    [0, 0],
    [0.4, 0],
    [7.6, 8],
    [12.49, 12],
    [123.4, 120],
    [1_289, 1_300],
  ])("a median of %d ms is shown as %d", (latencyMs, shown) => {
    expect(statusOf({ latencyMs, kubernetesVersion: "v1.33.2" })).toMatchObject({
      latencyMs: shown,
      kubernetesVersion: "v1.33.2",
    });
  });

  it("are left as they are when they are not known", () => {
    expect(statusOf({})).not.toHaveProperty("latencyMs");
    expect(statusOf({})).not.toHaveProperty("kubernetesVersion");
  });
});
