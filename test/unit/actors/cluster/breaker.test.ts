// A cluster that is down: left alone more and more, asked again in time, and never shown as anything but down.
import { afterEach, describe, expect, test, vi } from "vitest";
import { retryAfterMsOf, verdictOf } from "../../../../actors/cluster/attempts.ts";
import { KubeError } from "../../../../src/kube/errors.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { ownTrouble, ownTroubleCodes } from "../../../../src/support/own-trouble.ts";
import { busyForMs, startVirtualFleet } from "../../../support/virtual-fleet.ts";

const intervalMs = 30_000;
let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet?.stop();
});
const polls = (): readonly number[] => fleet.pollsMs.get("a") ?? [];
const gaps = (): number[] => polls().flatMap((at, i) => (i === 0 ? [] : [at - (polls()[i - 1] as number)]));

/** A fleet whose cluster a is down from the start; runs until it has been tried `attempts` times. */
async function downFor(attempts: number, behaviour: "refuse" | "unauthorized" | "busy" = "refuse"): Promise<void> {
  fleet = startVirtualFleet(["a", "b"]);
  fleet.behaviours.set("a", behaviour);
  while (polls().length < attempts) await fleet.clock.advance(1_000);
}

describe("a cluster that is down", () => {
  test("is retried at its interval five times, then left alone for a minute, then longer, never longer than five", async () => {
    await downFor(1);
    await fleet.clock.advance(4 * 3_600_000);
    const [first = 0, ...rest] = gaps();
    expect(first).toBeLessThanOrEqual(1.5 * intervalMs + 100);
    for (const gap of rest.slice(0, 3)) expect(gap).toBeCloseTo(intervalMs, -3);
    for (const gap of rest.slice(3)) expect(gap).toBeGreaterThanOrEqual(60_000);
    for (const gap of rest) expect(gap).toBeLessThanOrEqual(300_000 + 200);
    expect(Math.max(...rest.slice(-20))).toBeGreaterThan(200_000);
  });

  test("that comes back within its first minutes is seen within a minute and a little, whenever that is", async () => {
    for (const attempts of [1, 3, 5, 6, 8]) {
      await downFor(attempts);
      await fleet.clock.advance(1_000);
      fleet.behaviours.set("a", "healthy");
      await fleet.clock.advance(67_000);
      expect(fleet.row("a").status, `after ${attempts} attempts`).toMatchObject({ health: "healthy" });
      await fleet.stop();
    }
  });

  test("is back at its interval with the first success", async () => {
    await downFor(7);
    fleet.behaviours.set("a", "healthy");
    await fleet.clock.advance(120_000);
    const before = polls().length;
    await fleet.clock.advance(10 * intervalMs);
    expect(polls().length - before).toBe(10);
    fleet.behaviours.set("a", "refuse");
    await fleet.clock.advance(4 * intervalMs);
    expect(polls().length - before).toBe(14);
  });

  test("keeps its cause and the age of what was known, and says when it is asked again", async () => {
    fleet = startVirtualFleet(["a", "b"]);
    await fleet.clock.advance(60_000);
    const { asOf } = fleet.row("a");
    fleet.behaviours.set("a", "refuse");
    await fleet.clock.advance(5 * intervalMs + 1_000);
    const { status } = fleet.row("a");
    expect(status).toMatchObject({ health: "unhealthy", reason: "ConnectionRefused" });
    const [, cause, at] = /^(.*); probing again at (\S+)$/.exec(status.message) ?? [];
    expect(cause).toBe("connection refused by 127.0.0.1:6443");
    const dueMs = Date.parse(at ?? "") - fleet.clock.nowMs();
    expect(dueMs).toBeGreaterThan(10_000);
    expect(dueMs).toBeLessThanOrEqual(66_000);
    const before = polls().length;
    await fleet.clock.advance(dueMs - 1_100);
    expect(polls().length, "no network while it is left alone").toBe(before);
    expect(fleet.row("a").status).toEqual(status);
    expect(fleet.row("a").asOf).not.toBeNull();
    expect(Date.parse(fleet.row("a").asOf ?? "")).toBeLessThanOrEqual(Date.parse(asOf ?? "") + 2 * intervalMs);
    await fleet.clock.advance(2_500);
    expect(polls().length).toBe(before + 1);
  });

  test("says that it is being asked while it is, and that it is left alone again after", async () => {
    await downFor(6);
    const before = polls().length;
    expect(fleet.row("a").status).toMatchObject({ breaker: "open", reason: "ConnectionRefused" });
    fleet.behaviours.set("a", "hang");
    while (polls().length === before) await fleet.clock.advance(1_000);
    await fleet.clock.advance(1_000);
    expect(fleet.row("a").status).toMatchObject({ breaker: "half-open", reason: "ConnectionRefused" });
    await fleet.clock.advance(60_000);
    expect(fleet.row("a").status).toMatchObject({ breaker: "open", reason: "ResponseTimeout" });
    fleet.behaviours.set("a", "healthy");
    await fleet.clock.advance(300_000);
    expect(fleet.row("a").status).toMatchObject({ breaker: "closed", health: "healthy" });
  });

  test("with a long interval is asked no earlier than that, and says so", async () => {
    fleet = startVirtualFleet(["a"]);
    fleet.declare("a", { generation: 2, spec: { monitoring: { interval: 400 } } });
    fleet.behaviours.set("a", "refuse");
    while (polls().length < 8) await fleet.clock.advance(1_000);
    const at = /; probing again at (\S+)$/.exec(fleet.row("a").status.message)?.[1];
    const saidMs = Date.parse(at ?? "") - fleet.clock.nowMs();
    const lastMs = polls().at(-1) ?? 0;
    await fleet.clock.advance(500_000);
    for (const gap of gaps().slice(2)) expect(gap).toBeCloseTo(400_000, -3);
    expect(Math.abs((polls()[8] ?? 0) - lastMs - saidMs)).toBeLessThan(2_000);
  });

  test("does not have its custom resource rewritten with every attempt", async () => {
    await downFor(1);
    await fleet.clock.advance(3_600_000);
    expect(fleet.statuses.get("a")?.writes).toBe(1);
    expect(fleet.statuses.get("a")?.status["message"]).toBe("connection refused by 127.0.0.1:6443");
  });

  test("is asked at once when its spec or its Secret changes, and left alone again if that was not it", async () => {
    await downFor(6);
    await fleet.clock.advance(2_000);
    let before = polls().length;
    fleet.declare("a", { generation: 2, spec: { endpoint: "https://127.0.0.1:7443" } });
    await fleet.clock.advance(1_000);
    expect(polls().length).toBe(before + 1);
    await fleet.clock.advance(50_000);
    expect(polls().length).toBe(before + 1);
    fleet.setSecret("a", "9");
    fleet.behaviours.set("a", "healthy");
    before = polls().length;
    await fleet.clock.advance(1_000);
    expect(polls().length).toBe(before + 1);
    expect(fleet.row("a").status.health).toBe("healthy");
  });

  test("stays left alone over a crash of its actor", async () => {
    await downFor(6);
    const before = polls().length;
    fleet.poisonSecret("a");
    await fleet.clock.advance(500);
    fleet.setSecret("a", "1");
    await fleet.clock.advance(20_000);
    const snapshot = fleet.hub.system.snapshot().find(({ path }) => path === "/hub/clusters/a");
    expect(snapshot).toMatchObject({ state: "running" });
    expect(snapshot?.restarts).toBeGreaterThan(0);
    expect(polls().length, "a restart is no reason to ask again").toBe(before);
  });
});

describe("breakers that are open", () => {
  test("leave no timer of the runtime when their clusters go, or the hub stops", async () => {
    const set = vi.spyOn(globalThis, "setTimeout");
    const cleared = vi.spyOn(globalThis, "clearTimeout");
    try {
      const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
      fleet = startVirtualFleet(names);
      for (const name of names) fleet.behaviours.set(name, "refuse");
      await fleet.clock.advance(300_000);
      for (const name of names.slice(0, 10)) fleet.delete(name);
      await fleet.clock.advance(10_000);
      const left = (): number => {
        const gone = new Set(cleared.mock.calls.map(([timer]) => timer));
        const all = set.mock.results.filter((_, i) => (set.mock.calls[i]?.[1] ?? 0) > 86_400_000);
        expect(all.length).toBeGreaterThanOrEqual(20);
        return all.filter(({ value }) => !gone.has(value as NodeJS.Timeout)).length;
      };
      expect(left()).toBe(10);
      await fleet.stop();
      expect(left()).toBe(0);
    } finally {
      vi.restoreAllMocks();
    }
  });
});

describe("a cluster that is down and whose actor has crashed", () => {
  test("is asked at once when its spec is edited", async () => {
    await downFor(6);
    fleet.poisonSecret("a");
    await fleet.clock.advance(5_000);
    const before = polls().length;
    fleet.setSecret("a", "1");
    fleet.declare("a", { generation: 2 });
    await fleet.clock.advance(500);
    expect(polls().length).toBe(before + 1);
    expect(fleet.row("a").status.reason).toBe("ConnectionRefused");
    await fleet.clock.advance(40_000);
    expect(polls().length).toBe(before + 1);
  });
});

describe("a cluster that answers, but no", () => {
  test("is left alone likewise, though its breaker stays closed", async () => {
    await downFor(1, "unauthorized");
    await fleet.clock.advance(3_600_000);
    expect(
      gaps()
        .slice(-5)
        .every((gap) => gap >= 60_000),
    ).toBe(true);
    expect(fleet.row("a").status).toMatchObject({ health: "unhealthy", reason: "Unauthorized" });
    fleet.setSecret("a", "2");
    fleet.behaviours.set("a", "healthy");
    await fleet.clock.advance(1_000);
    expect(fleet.row("a").status.health).toBe("healthy");
  });

  test("E-10 and asks to be left alone for a while is, from the first time on", async () => {
    await downFor(1, "busy");
    await fleet.clock.advance(busyForMs - 2_000);
    expect(polls()).toHaveLength(1);
    await fleet.clock.advance(2_000);
    expect(polls()).toHaveLength(2);
  });
});

describe("what an error says", () => {
  test.each([401, 403, 404, 422])("%i is an answer", (httpStatus) => {
    expect(verdictOf(new KubeError("UNEXPECTED_STATUS", "no", { httpStatus }))).toBe("answer");
  });
  test.each([429, 500, 503])("%i is an outage", (httpStatus) => {
    expect(verdictOf(new KubeError("SERVER_ERROR", "no", { httpStatus }))).toBe("outage");
  });
  test.each(ownTroubleCodes)("%s says nothing of the cluster", (code) => {
    expect(verdictOf(ownTrouble(code, "ours"))).toBe("nothing");
  });
  test.each(["CONNECTION_REFUSED", "RUN_DEADLINE"])("%s is an outage", (code) => {
    expect(verdictOf(new ClusterPulseError(code, "theirs"))).toBe("outage");
  });
  test.each([
    [undefined, 0],
    [0, 0],
    [1_000, 1_000],
    [3_600_000, 300_000],
  ])("a wish to be left alone for %s ms counts as %i", (retryAfterMs, counts) => {
    expect(retryAfterMsOf(new KubeError("RATE_LIMITED", "busy", { httpStatus: 429, retryAfterMs }))).toBe(counts);
    expect(retryAfterMsOf(new Error("no such member"))).toBe(0);
  });
});

describe("a fleet that was down as a whole", () => {
  const many = Array.from({ length: 40 }, (_, i) => `m${i}`);
  /** When each of the clusters was first asked after the time. */
  const firstPolls = (names: readonly string[], afterMs: number): number[] =>
    names.map((name) => (fleet.pollsMs.get(name) ?? []).find((atMs) => atMs > afterMs) ?? Number.POSITIVE_INFINITY);

  test("is asked at once when the first one is back, however long it was down", async () => {
    fleet = startVirtualFleet(many);
    await fleet.clock.advance(60_000);
    for (const name of many) fleet.behaviours.set(name, "refuse");
    await fleet.clock.advance(3_600_000);
    for (const name of many) fleet.behaviours.set(name, "healthy");
    const backAtMs = fleet.clock.monotonicMs();
    await fleet.clock.advance(320_000);
    const polls = firstPolls(many, backAtMs);
    // Alone, each would have waited up to five minutes.
    expect(Math.max(...polls) - Math.min(...polls)).toBeLessThan(2_000);
  });

  test("is not asked because one of the few that are down is back", async () => {
    fleet = startVirtualFleet(many);
    await fleet.clock.advance(60_000);
    const few = many.slice(0, 10);
    for (const name of few) fleet.behaviours.set(name, "refuse");
    await fleet.clock.advance(3_600_000);
    for (const name of few) fleet.behaviours.set(name, "healthy");
    const backAtMs = fleet.clock.monotonicMs();
    await fleet.clock.advance(320_000);
    const polls = firstPolls(few, backAtMs);
    expect(Math.max(...polls) - Math.min(...polls)).toBeGreaterThan(10_000);
  });

  test("is not asked more often than once a minute because one comes and goes", async () => {
    fleet = startVirtualFleet(many);
    await fleet.clock.advance(60_000);
    for (const name of many) fleet.behaviours.set(name, name === "m0" ? "flap" : "refuse");
    await fleet.clock.advance(3_600_000);
    const fromMs = fleet.clock.monotonicMs();
    await fleet.clock.advance(600_000);
    for (const name of many.slice(1)) {
      const polls = (fleet.pollsMs.get(name) ?? []).filter((atMs) => atMs > fromMs);
      expect(polls.length, name).toBeLessThanOrEqual(13);
    }
  });
});
