// How often what is said of a cluster changes: a latency that never stands still must not be a write for every poll.
import { expect, test } from "vitest";
import { ClusterReport } from "../../../../actors/cluster/report.ts";
import type { Collection } from "../../../../src/cluster/collect.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";
import { startCollecting } from "../../cluster/recorded-server.ts";

test("latency and certificate are told with the time of the sync and not in between", async () => {
  const { server, collect } = startCollecting();
  server.insecureSkipTlsVerify = true;
  server.certificateExpiresAtMs = Date.parse("2026-11-30T00:00:00Z");
  const { collection } = await collect();
  const clock = new VirtualClock(collection.collectedAtMs);
  const statuses = new Set<string>();
  const nothing = { write: () => undefined, emit: () => undefined, forget: () => undefined, stats: () => never() };
  const report = new ClusterReport(
    "ocp",
    undefined,
    {
      store: nothing,
      events: nothing,
      status: { ...nothing, set: (_, status) => void statuses.add(JSON.stringify(status)) },
    },
    clock,
    { cacheTtlSeconds: 600, retentionSeconds: 3_600, statusRefreshMs: 300_000 },
  );
  report.about({ metadata: { namespace: "hubs", name: "ocp", uid: "1", generation: 1 } });
  const polls = 30;
  for (let i = 0; i < polls; i++) {
    const next: Collection = { ...collection, collectedAtMs: clock.nowMs(), latencyMs: 10 + 7 * i };
    report.collected(next, 30_000);
    await clock.advance(30_000);
  }
  const told = [...statuses].map((status) => JSON.parse(status) as Record<string, unknown>);
  expect(told.map(({ latencyMs }) => latencyMs)).toEqual([10, 80, 150]);
  for (const status of told) {
    expect(status).toMatchObject({ kubernetesVersion: "v1.30.6" });
    expect(JSON.stringify(status["conditions"])).toContain("CertificateExpiring");
  }
  report.failed({ code: "CONNECTION_REFUSED", reason: "ConnectionRefused", message: "refused" });
  expect([...statuses].at(-1)).toContain("CertificateExpiring");
  expect([...statuses].at(-1), "E-12 an opt-out of verification stays in sight").toContain("InsecureSkipTLSVerify");
  report.collected({ ...collection, insecureSkipTlsVerify: false }, 30_000);
  expect([...statuses].at(-1)).not.toContain("InsecureSkipTLSVerify");
});

function never(): never {
  throw new Error("nobody should ask");
}
