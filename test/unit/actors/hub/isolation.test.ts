// The promise, in virtual time: whatever state some clusters are in, the others are polled on time, and each broken one says why.
import { afterEach, describe, expect, test } from "vitest";
import { type Behaviour, busyForMs, startVirtualFleet } from "../../../support/virtual-fleet.ts";

const names = Array.from({ length: 25 }, (_, i) => `cluster-${i}`);
const intervalMs = 30_000;
/** The timer wheel turns every 100 ms; a poll may be that late, and no later. */
const tickMs = 100;
const outageMs = 600_000;

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet.stop();
});

/** Every gap between two polls after the spread is one interval, give or take a turn of the wheel. */
function expectOnTime(name: string, fromMs: number, untilMs: number): void {
  const polls = (fleet.pollsMs.get(name) ?? []).filter((at) => at >= fromMs && at <= untilMs);
  expect(polls.length, name).toBeGreaterThanOrEqual(Math.floor((untilMs - fromMs) / intervalMs));
  for (let i = 1; i < polls.length; i++) {
    const gap = (polls[i] as number) - (polls[i - 1] as number);
    expect(Math.abs(gap - intervalMs), `${name}: gap of ${gap} ms before ${polls[i]}`).toBeLessThanOrEqual(tickMs);
  }
}

const down = (reason: string) => ({ health: "unhealthy", reason });
const causes: Readonly<Record<Exclude<Behaviour, "healthy" | "flap">, { health: string; reason: string }>> = {
  blackhole: down("ConnectTimeout"),
  refuse: down("ConnectionRefused"),
  hang: down("ResponseTimeout"),
  slowbody: down("RequestTimeout"),
  stalled: down("ResponseStalled"),
  reset: down("ConnectionReset"),
  dns: down("NameNotResolved"),
  noRoute: down("HostUnreachable"),
  tlsExpired: down("TLSCertificateExpired"),
  tlsWrongHost: down("TLSHostMismatch"),
  tlsUnknownCa: down("TLSUnknownAuthority"),
  tlsOther: down("TLSFailed"),
  unauthorized: down("Unauthorized"),
  forbidden: down("Forbidden"),
  serverError: down("ServerError"),
  unavailable: down("ServerError"),
  redirect: down("RedirectRefused"),
  tooLarge: down("ResponseTooLarge"),
  garbage: down("ResponseMalformed"),
  busy: down("TooManyRequests"),
  latency: { health: "degraded", reason: "Slow" },
  deaf: down("CollectionTimeout"),
  throws: down("Unexpected"),
};

describe("five of twenty-five clusters broken for ten minutes", () => {
  test.each(Object.keys(causes) as (keyof typeof causes)[])("%s: the other twenty never miss a poll", async (fault) => {
    fleet = startVirtualFleet(names);
    await fleet.clock.advance(120_000);
    const broken = names.filter((_, i) => i % 5 === 2);
    for (const name of broken) fleet.behaviours.set(name, fault);
    await fleet.clock.advance(outageMs);
    const untilMs = fleet.clock.monotonicMs();

    for (const name of names) {
      const { status, asOf } = fleet.row(name);
      if (broken.includes(name)) {
        expect(status, name).toMatchObject(causes[fault]);
        expect(status.message).not.toContain("canary");
        if (causes[fault].health === "unhealthy")
          expect(Date.parse(asOf ?? "")).toBeLessThan(fleet.clock.nowMs() - outageMs + 100_000);
      } else {
        expect(status, name).toMatchObject({ health: "healthy", reason: "Reachable" });
        expect(fleet.clock.nowMs() - Date.parse(asOf ?? "")).toBeLessThanOrEqual(intervalMs + 1_000);
        expectOnTime(name, 60_000, untilMs);
      }
    }

    for (const name of broken) fleet.behaviours.set(name, "healthy");
    // A busy one is left alone for as long as it asked, any other for at most a tenth of the time it was broken.
    await fleet.clock.advance((fault === "busy" ? busyForMs : outageMs / 10) + 20_000);
    for (const name of broken) expect(fleet.row(name).status, name).toMatchObject({ health: "healthy" });
  });

  test("every fault at once: each names its own cause", async () => {
    fleet = startVirtualFleet(names);
    const faults = Object.keys(causes) as (keyof typeof causes)[];
    for (const [i, fault] of faults.entries()) fleet.behaviours.set(`cluster-${i}`, fault);
    await fleet.clock.advance(300_000);
    for (const [i, fault] of faults.entries()) expect(fleet.row(`cluster-${i}`).status).toMatchObject(causes[fault]);
    expectOnTime("cluster-24", 60_000, fleet.clock.monotonicMs());
  });

  test("flap: the other twenty never miss a poll; each of the five is told down and told well again", async () => {
    fleet = startVirtualFleet(names);
    await fleet.clock.advance(120_000);
    const broken = names.filter((_, i) => i % 5 === 2);
    const seen = new Map(broken.map((name) => [name, new Set<string>()]));
    for (const name of broken) fleet.behaviours.set(name, "flap");
    for (let i = 0; i < 120; i++) {
      await fleet.clock.advance(5_000);
      for (const [name, reasons] of seen) reasons.add(fleet.row(name).status.reason);
    }
    for (const [name, reasons] of seen) expect([...reasons].sort(), name).toEqual(["ConnectionRefused", "Reachable"]);
    for (const name of names.filter((other) => !seen.has(other))) expectOnTime(name, 60_000, fleet.clock.monotonicMs());
  });
});

describe("a fleet that starts", () => {
  test("is listed at once as unknown, runs at once, and then spreads over the interval", async () => {
    fleet = startVirtualFleet(names);
    for (const name of names) fleet.behaviours.set(name, "latency");
    await fleet.clock.advance(500);
    expect(fleet.view.clusters()).toHaveLength(25);
    expect(fleet.row("cluster-0").status).toMatchObject({ health: "unknown", reason: "Pending" });
    expect(fleet.row("cluster-0").asOf).toBeNull();
    await fleet.clock.advance(200_000);
    const phases = names.map((name) => Math.floor(((fleet.pollsMs.get(name)?.at(-1) ?? 0) % intervalMs) / 6_000));
    expect(new Set(phases).size).toBe(5);
  });

  test("puts no more than its slots into handshakes, dead clusters no more than half of them", async () => {
    const many = Array.from({ length: 200 }, (_, i) => `c${i}`);
    fleet = startVirtualFleet(many);
    for (const name of many.slice(0, 150)) fleet.behaviours.set(name, "blackhole");
    await fleet.clock.advance(120_000);
    expect(fleet.hub.admission.stats().peak).toBeLessThanOrEqual(50);
    for (const name of many.slice(150)) expectOnTime(name, 60_000, fleet.clock.monotonicMs());
  });
});

describe("trouble in one actor", () => {
  const snapshotOf = (name: string) => fleet.hub.system.snapshot().find(({ path }) => path === `/hub/clusters/${name}`);

  test("one that throws shows its error and restarts; nobody else changes", async () => {
    fleet = startVirtualFleet(names);
    await fleet.clock.advance(60_000);
    // A spec whose reading throws inside the handler: the getter stands for any bug.
    fleet.declare("cluster-3", {
      generation: 2,
      rawSpec: Object.defineProperty({}, "endpoint", {
        enumerable: true,
        get: () => {
          throw new TypeError("boom");
        },
      }),
    });
    await fleet.clock.advance(3_000);
    const troubled = snapshotOf("cluster-3");
    expect(troubled?.restarts).toBeGreaterThan(0);
    expect(troubled?.lastError).toMatchObject({
      code: "UNEXPECTED",
      message: expect.stringContaining("TypeError at test/"),
    });
    await fleet.clock.advance(300_000);
    for (const name of names.filter((other) => other !== "cluster-3"))
      expectOnTime(name, 60_000, fleet.clock.monotonicMs());

    expect(snapshotOf("cluster-3")?.state).not.toBe("running");
    fleet.declare("cluster-3", { generation: 3 });
    await fleet.clock.advance(1_000);
    expect(snapshotOf("cluster-3")?.state).toBe("running");
    expect(fleet.row("cluster-3").status).toMatchObject({ health: "healthy" });
  });

  test("E-17 one that crashes in a loop: its ClusterConnection says so until an edit mends it; nobody else changes", async () => {
    fleet = startVirtualFleet(names);
    await fleet.clock.advance(60_000);
    const conditionsOf = (name: string) => fleet.statuses.get(name)?.status["conditions"];
    const rawSpec = Object.defineProperty({}, "endpoint", {
      enumerable: true,
      get: () => {
        throw new TypeError("boom");
      },
    });
    fleet.declare("cluster-3", { generation: 2, rawSpec });
    await fleet.clock.advance(150_000);
    expect(snapshotOf("cluster-3")?.state).toBe("degraded");
    const because = { reason: "ActorCrashLooping", message: expect.stringContaining("(UNEXPECTED)") };
    expect(conditionsOf("cluster-3")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: "Degraded", status: "True", observedGeneration: 2, ...because }),
        expect.objectContaining({ type: "Ready", status: "False", ...because }),
        expect.objectContaining({ type: "Reachable", status: "Unknown", ...because }),
      ]),
    );
    expect(fleet.row("cluster-3").status).toMatchObject({ health: "unhealthy", reason: "ActorCrashLooping" });
    for (const name of names.filter((other) => other !== "cluster-3")) {
      expectOnTime(name, 60_000, fleet.clock.monotonicMs());
      expect(conditionsOf(name), name).toEqual(
        expect.arrayContaining([expect.objectContaining({ type: "Degraded", status: "False" })]),
      );
    }

    fleet.declare("cluster-3", { generation: 3 });
    await fleet.clock.advance(5_000);
    expect(snapshotOf("cluster-3")?.state).toBe("running");
    expect(conditionsOf("cluster-3")).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: "Degraded", status: "False", reason: "AsExpected" })]),
    );
    expect(fleet.row("cluster-3").status).toMatchObject({ health: "healthy" });
  });

  test("one that hangs in a run shows the run and its deadline", async () => {
    fleet = startVirtualFleet(names);
    fleet.behaviours.set("cluster-4", "deaf");
    await fleet.clock.advance(5_000);
    const runs = snapshotOf("cluster-4")?.runs ?? [];
    expect(runs).toMatchObject([{ name: "poll" }]);
    expect((runs[0]?.deadlineAtMs ?? 0) - (runs[0]?.startedAtMs ?? 0)).toBe(20_000);
    await fleet.clock.advance(600_000);
    expectOnTime("cluster-5", 60_000, fleet.clock.monotonicMs());
  });
});
