// Ten registries in virtual time: whatever one does, the other nine are checked on time; a steady state writes nothing; what is deleted goes.
import { afterEach, describe, expect, test } from "vitest";
import { type Fault, faults, secretText, startRegistries } from "../../../support/virtual-registries.ts";

const names = Array.from({ length: 10 }, (_, i) => `registry-${i}`);
const intervalMs = 60_000;

let running: ReturnType<typeof startRegistries>;
afterEach(() => running.stop());

const start = (intervalSeconds?: number) => startRegistries(names, { intervalSeconds });

function expectOnTime(name: string, fromMs: number): void {
  const checks = (running.checksMs.get(name) ?? []).filter((at) => at >= fromMs);
  expect(checks.length, name).toBeGreaterThan(20);
  for (let i = 1; i < checks.length; i++) {
    const gap = (checks[i] as number) - (checks[i - 1] as number);
    expect(Math.abs(gap - intervalMs), `${name}: ${gap}`).toBeLessThanOrEqual(100);
  }
}

describe("one of ten registries", () => {
  test.each(Object.keys(faults) as Fault[])(
    "%s: the other nine are checked on time, and it says why",
    async (fault) => {
      running = start();
      await running.clock.advance(200_000);
      running.broken.set("registry-3", fault);
      await running.clock.advance(1_800_000);
      for (const name of names) {
        const status = running.rows().find((row) => row.name === name)?.status;
        if (name === "registry-3") {
          expect(status).toMatchObject({ health: fault === "auth" ? "degraded" : "unhealthy", ...faults[fault] });
          expect(status?.available).toBe(fault === "auth");
          expect(JSON.stringify(running.rows())).not.toContain(secretText);
          expect(running.checksMs.get(name)?.length).toBeLessThan(30);
          const breaker = fault === "auth" ? "closed" : "open";
          expect(status?.breaker).toBe(breaker);
          expect(running.statuses.get(name)?.["breaker"]).toBe(breaker);
          const actors = running.hub.system.snapshot();
          expect(actors.find(({ path }) => path === `/hub/registries/${name}`)?.facts).toEqual({ breaker });
        } else {
          expect(status, name).toMatchObject({ health: "healthy", available: true });
          expectOnTime(name, 200_000);
        }
      }
      running.broken.clear();
      await running.clock.advance(600_000);
      expect(running.rows().every(({ status }) => status.health === "healthy")).toBe(true);
      const told = running.events.filter(({ target }) => target.name === "registry-3").map(({ reason }) => reason);
      expect(told.at(-1)).toBe("RegistryRecovered");
    },
  );
});

describe("a registry whose actor crashes in a loop", () => {
  test("E-17 its RegistryConnection says so until an edit mends it; the others are checked on time", async () => {
    running = start();
    await running.clock.advance(200_000);
    const metadata = { name: "registry-3", namespace: "hubs", uid: "uid-registry-3" };
    const spec = Object.defineProperty({}, "endpoint", {
      enumerable: true,
      get: () => {
        throw new TypeError(secretText);
      },
    });
    running.declare("registry-3", { metadata: { ...metadata, generation: 2 }, spec });
    await running.clock.advance(150_000);
    const actor = () => running.hub.system.snapshot().find(({ path }) => path === "/hub/registries/registry-3");
    expect(actor()?.state).toBe("degraded");
    const because = { reason: "ActorCrashLooping", message: expect.stringContaining("(UNEXPECTED)") };
    expect(running.statuses.get("registry-3")).toMatchObject({ health: "unhealthy", phase: "Error", available: false });
    expect(running.statuses.get("registry-3")?.["conditions"]).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ type: "Degraded", status: "True", observedGeneration: 2, ...because }),
        expect.objectContaining({ type: "Ready", status: "False", ...because }),
        expect.objectContaining({ type: "Reachable", status: "Unknown", ...because }),
      ]),
    );
    expect(running.rows().find(({ name }) => name === "registry-3")?.status).toMatchObject({
      health: "unhealthy",
      reason: "ActorCrashLooping",
    });
    expect(JSON.stringify([...running.statuses, running.rows()])).not.toContain(secretText);

    running.declare("registry-3", { metadata: { ...metadata, generation: 3 }, spec: { endpoint: "r.example" } });
    await running.clock.advance(5_000);
    expect(actor()?.state).toBe("running");
    expect(running.rows().find(({ name }) => name === "registry-3")?.status).toMatchObject({ health: "healthy" });
    await running.clock.advance(1_800_000);
    for (const name of names) if (name !== "registry-3") expectOnTime(name, 200_000);
  });
});

describe("a registry that is down and whose actor crashes once", () => {
  test("still says what it said, and is left alone as long as before", async () => {
    running = start();
    await running.clock.advance(200_000);
    const metadata = { name: "registry-3", namespace: "hubs", uid: "uid-registry-3", generation: 2 };
    running.declare("registry-3", { metadata, spec: { endpoint: "r.example", credentialsRef: { name: "login" } } });
    running.broken.set("registry-3", "refuse");
    await running.clock.advance(570_000);
    const row = () => running.rows().find(({ name }) => name === "registry-3");
    const actor = () => running.hub.system.snapshot().find(({ path }) => path === "/hub/registries/registry-3");
    const before = { row: row(), checks: running.checksMs.get("registry-3")?.length };
    expect(before.row?.status).toMatchObject({ health: "unhealthy", reason: "ConnectionRefused", breaker: "open" });
    const poison = Object.defineProperty({}, "metadata", {
      get: () => {
        throw new TypeError(secretText);
      },
    });
    running.setSecret("hubs/login", poison);
    await running.clock.advance(10);
    running.setSecret("hubs/login", undefined);
    await running.clock.advance(15_000);
    expect(actor()).toMatchObject({ state: "running", facts: { breaker: "open" } });
    expect(actor()?.restarts).toBeGreaterThan(0);
    expect({ row: row(), checks: running.checksMs.get("registry-3")?.length }).toEqual(before);
  });
});

describe("a steady state", () => {
  test("is listed at once, and then written every five minutes at most", async () => {
    running = start();
    await running.clock.advance(500);
    expect(running.rows()).toHaveLength(10);
    await running.clock.advance(200_000);
    const before = running.patches.length;
    await running.clock.advance(3_600_000);
    expect(running.patches.length - before).toBeLessThanOrEqual(10 * 13);
    expect(running.events.every(({ count }) => count === 1)).toBe(true);
  });

  test("writes nothing to the hub's API over ten checks, of healthy, refused and broken registries alike", async () => {
    running = start(15);
    await running.clock.advance(5_000);
    running.broken.set("registry-3", "auth").set("registry-4", "busy").set("registry-5", "refuse");
    await running.clock.advance(45_000);
    const before = { patches: running.patches.length, events: running.events.length };
    const checks = new Map(names.map((name) => [name, running.checksMs.get(name)?.length ?? 0]));
    await running.clock.advance(10 * 15_000 + 1_000);
    for (const name of ["registry-0", "registry-9"])
      expect((running.checksMs.get(name)?.length ?? 0) - (checks.get(name) ?? 0), name).toBeGreaterThanOrEqual(10);
    expect(running.rows().map(({ status }) => status.health)).toEqual(
      expect.arrayContaining(["healthy", "degraded", "unhealthy"]),
    );
    expect({ patches: running.patches.length, events: running.events.length }).toEqual({
      ...before,
      // The breaker of the one that refuses opens in this time: that is news.
      patches: before.patches + 1,
    });
  });

  test("E-23 is the same after a registry was created and deleted a thousand times: one actor, one row, one timer", async () => {
    running = start();
    await running.clock.advance(100_000);
    const actors = () => running.hub.system.snapshot().filter(({ kind }) => kind === "registry");
    const before = { actors: actors().length, interests: running.hub.interests() };
    for (let i = 0; i < 1_000; i++) {
      running.declare("registry-4", undefined);
      if (i % 3 === 0) await running.clock.advance(i % 2 === 0 ? 1 : 150);
      const metadata = { name: "registry-4", namespace: "hubs", uid: `uid-${i}`, generation: 1 };
      running.declare("registry-4", { metadata, spec: { endpoint: "r.example", credentialsRef: { name: "login" } } });
      if (i % 5 === 0) await running.clock.advance(1);
    }
    await running.clock.advance(100_000);
    // Its Secret, which it did not have before, is one more interest.
    expect({ actors: actors().length, interests: running.hub.interests() - 1 }).toEqual(before);
    expect(running.rows().filter(({ name }) => name === "registry-4")).toMatchObject([
      { status: { health: "healthy" } },
    ]);
    const from = running.clock.monotonicMs();
    await running.clock.advance(1_800_000);
    expectOnTime("registry-4", from);
  });

  test("ends with the deletion of the RegistryConnection: nothing of it is left", async () => {
    running = start();
    await running.clock.advance(100_000);
    running.declare("registry-4", undefined);
    await running.clock.advance(5_000);
    expect(running.rows().map(({ name }) => name)).toEqual(names.filter((name) => name !== "registry-4"));
    expect(running.hub.system.snapshot().filter(({ kind }) => kind === "registry")).toHaveLength(9);
  });
});
