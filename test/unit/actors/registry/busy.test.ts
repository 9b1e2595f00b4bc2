// What the hub itself is short of, in virtual time: slots for checks, answers of its own API, time. No registry is ever blamed for it.
import { afterEach, describe, expect, test } from "vitest";
import { hubBusy } from "../../../../src/support/own-trouble.ts";
import type { VirtualClock } from "../../../../src/support/virtual-clock.ts";
import { startRegistries } from "../../../support/virtual-registries.ts";

const many = Array.from({ length: 100 }, (_, i) => `registry-${i}`);

let running: ReturnType<typeof startRegistries>;
afterEach(() => running.stop());

const sleep = (clock: VirtualClock, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.setTimer(resolve, ms));
const row = (name: string) => running.rows().find((each) => each.name === name);
const checksOf = (name: string): readonly number[] => running.checksMs.get(name) ?? [];

describe("registries that wait for their turn because all slots are taken", () => {
  test("are not known to be well any more, are not blamed, and are well again without a word once there are slots", async () => {
    let takesMs = 0;
    running = startRegistries(many, { checking: (_name, clock) => sleep(clock, takesMs) });
    await running.clock.advance(200_000);
    expect(running.rows().map(({ status }) => status.health)).toEqual(many.map(() => "healthy"));
    const before = { events: running.events.length, asOf: row("registry-0")?.asOf };
    // Twenty slots are enough for 40 checks a minute.
    takesMs = 29_500;
    let mostBusy = 0;
    let unknownStatuses = 0;
    for (let i = 0; i < 60; i++) {
      await running.clock.advance(10_000);
      const busy = running.rows().filter(({ status }) => status.reason === "HubBusy");
      mostBusy = Math.max(mostBusy, busy.length);
      for (const { name, status } of busy) {
        // What was found stays as it was found.
        expect(status, name).toMatchObject({ health: "unknown", available: true, breaker: "closed" });
        expect(status.message).toBe("the hub is busy: no slot for a check within 30 s");
      }
      // Written a little later than rows are.
      for (const [name, status] of running.statuses) {
        if (status["health"] === "healthy") continue;
        unknownStatuses++;
        expect(status, name).toMatchObject({ health: "unknown", phase: "Connecting", available: true });
        expect(status["conditions"], name).toEqual(
          expect.arrayContaining([
            expect.objectContaining({ type: "Ready", status: "Unknown", reason: "HubBusy" }),
            expect.objectContaining({ type: "Degraded", status: "Unknown", reason: "HubBusy" }),
          ]),
        );
      }
      const others = running.rows().filter(({ status }) => status.reason !== "HubBusy");
      expect(others.every(({ status }) => status.reason === "Available")).toBe(true);
    }
    expect(mostBusy).toBeGreaterThan(20);
    expect(unknownStatuses).toBeGreaterThan(20);
    // No slot stands empty meanwhile, and nobody is passed over for ever.
    const checks = many.map((name) => checksOf(name).filter((atMs) => atMs > 200_000).length);
    expect(checks.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0.9 * 20 * (600_000 / takesMs));
    expect(Math.min(...checks)).toBeGreaterThan(0);
    takesMs = 0;
    await running.clock.advance(70_000);
    expect(running.rows().map(({ status }) => status.health)).toEqual(many.map(() => "healthy"));
    expect(row("registry-0")?.asOf).not.toBe(before.asOf);
    expect(running.events.length).toBe(before.events);
  });

  test("keep saying what was wrong with them, and it counts no further", async () => {
    let takesMs = 0;
    const checking = (name: string, clock: VirtualClock) => sleep(clock, name === "bad" ? 0 : takesMs);
    running = startRegistries([...many, "bad"], { checking });
    await running.clock.advance(200_000);
    running.broken.set("bad", "refuse");
    await running.clock.advance(61_000);
    expect(row("bad")?.status).toMatchObject({ health: "unhealthy", reason: "ConnectionRefused", breaker: "closed" });
    // Suspects hold half of the slots, and these never come back.
    takesMs = 10_000_000;
    for (const name of many.slice(0, 50)) running.broken.set(name, "hang");
    await running.clock.advance(60_000);
    const asked = checksOf("bad").length;
    await running.clock.advance(40_000);
    expect(checksOf("bad").length - asked).toBeLessThanOrEqual(1);
    expect(row("bad")?.status).toMatchObject({ health: "unhealthy", reason: "ConnectionRefused", breaker: "closed" });
    expect(running.statuses.get("bad")).toMatchObject({ health: "unhealthy", available: false });
  });

  test("and were never checked say so", async () => {
    running = startRegistries(many, { checking: (_name, clock) => sleep(clock, 29_500) });
    await running.clock.advance(45_000);
    const waiting = running.rows().filter(({ asOf }) => asOf === null);
    expect(waiting.length).toBeGreaterThan(20);
    for (const { name, status } of waiting) {
      expect(status, name).toMatchObject({ health: "unknown", available: false });
      expect(["Pending", "HubBusy"]).toContain(status.reason);
    }
    expect(waiting.some(({ status }) => status.reason === "HubBusy")).toBe(true);
  });
});

describe("registries whose Secret the hub's own API does not give", () => {
  test("are asked again seconds later, whatever the interval, and never left alone for it", async () => {
    let isDown = true;
    const asked: number[] = [];
    running = startRegistries(["a"], {
      intervalSeconds: 600,
      connecting: (_name, clock) => {
        asked.push(clock.monotonicMs());
        return isDown ? Promise.reject(hubBusy("the hub's own API gave no Secret")) : undefined;
      },
    });
    await running.clock.advance(120_000);
    expect(row("a")?.status).toMatchObject({ health: "unknown", reason: "HubBusy", breaker: "closed" });
    const gapsMs = asked.slice(1).map((atMs, i) => atMs - (asked[i] as number));
    expect(gapsMs.length).toBeGreaterThan(20);
    expect(Math.max(...gapsMs)).toBeLessThanOrEqual(4_700);
    expect(running.events).toEqual([]);
    isDown = false;
    await running.clock.advance(5_000);
    expect(row("a")?.status).toMatchObject({ health: "healthy", available: true });
  });

  test("and for which nothing ends the wait say so at the deadline", async () => {
    running = startRegistries(["a"], { connecting: () => new Promise(() => undefined) });
    await running.clock.advance(91_000);
    expect(row("a")?.status).toMatchObject({ health: "unknown", reason: "HubBusy", breaker: "closed" });
    expect(row("a")?.status.message).toBe("the hub is busy: the Secret was not read in time");
  });
});

describe("a registry that gives no answer", () => {
  test("is blamed when it had an interval for it, and not when the hub left it less", async () => {
    let connectMs = 40_000;
    running = startRegistries(["a"], {
      connecting: (_name, clock) => sleep(clock, connectMs),
    });
    running.broken.set("a", "hang");
    await running.clock.advance(89_000);
    expect(row("a")?.status).toMatchObject({ health: "unknown", reason: "Pending" });
    await running.clock.advance(2_000);
    expect(row("a")?.status).toMatchObject({ health: "unknown", reason: "HubBusy", breaker: "closed" });
    expect(row("a")?.status.message).toBe("the hub is busy: too little time was left for the check");
    connectMs = 0;
    running.declare("a", {
      metadata: { name: "a", namespace: "hubs", uid: "uid-a", generation: 2 },
      spec: { endpoint: "b" },
    });
    await running.clock.advance(59_000);
    expect(row("a")?.status.reason).toBe("HubBusy");
    await running.clock.advance(2_000);
    expect(row("a")?.status).toMatchObject({ health: "unhealthy", reason: "CheckTimeout" });
    expect(row("a")?.status.message).toContain("the check did not end within 60 s");
  });
});
