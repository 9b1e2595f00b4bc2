// The memory for answers of a whole fleet, in virtual time: it is bounded in bytes, and with it what is asked for and computed at once.
import { afterEach, describe, expect, test } from "vitest";
import type { Compute } from "../../../../src/cluster/ports.ts";
import { noMeasures } from "../../../../src/support/measures.ts";
import { createInlineCompute } from "../../../../workers/inline.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

const inline = createInlineCompute();
const names = Array.from({ length: 60 }, (_, i) => `c${i}`);
const answer = 160 * 1024;

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet.stop();
});

/** A pool whose every task takes this long, and which counts how many it has at once. */
function slowPool(takesMs: () => number) {
  const tasks = { now: 0, most: 0 };
  const compute: Compute = {
    async run(task, input, signal) {
      tasks.most = Math.max(tasks.most, ++tasks.now);
      await new Promise<void>((resolve) => void fleet.clock.setTimer(resolve, takesMs()));
      tasks.now--;
      return await inline.run(task, input, signal);
    },
  };
  return { compute, tasks };
}

const healthOf = (name: string): string => fleet.row(name).status.health;

describe("E-21 a pool that is far too slow", () => {
  test("holds up requests before they are sent: bytes and tasks stay bounded, and no cluster is blamed", async () => {
    let takesMs = 100;
    const { compute } = slowPool(() => takesMs);
    fleet = startVirtualFleet(names, { compute, hub: { limits: { maxAnswerBytes: 8 * answer } } });
    await fleet.clock.advance(90_000);
    expect(names.map(healthOf)).toEqual(names.map(() => "healthy"));
    const toldBefore = fleet.events.length;
    takesMs = 60_000;
    await fleet.clock.advance(28_000);
    const polls = () => fleet.hub.answers().polls;
    expect(polls().waiting).toBeGreaterThan(0);
    await fleet.clock.advance(300_000);
    expect(polls().peak).toBeLessThanOrEqual(8 * answer);
    expect(polls().holders).toBeLessThanOrEqual(8);
    const messages = new Set(names.map((name) => fleet.row(name).status.message));
    expect(messages).toEqual(
      new Set([
        "the hub is busy: no room for one more answer within 15 s",
        "the hub is busy: answers were not read within 20 s",
      ]),
    );
    for (const name of names) {
      expect(fleet.row(name).status).toMatchObject({ health: "unknown", reason: "HubBusy", breaker: "closed" });
      expect(fleet.statuses.get(name)?.status).toMatchObject({ phase: "Connecting", health: "unknown" });
    }
    fleet.declare("new", { spec: { monitoring: { interval: 600 } } });
    await fleet.clock.advance(40_000);
    expect(fleet.row("new").status).toMatchObject({ health: "unknown", reason: "HubBusy" });
    takesMs = 0;
    // Those that wait, the polls under way, and the pause after one that was told to wait no longer: not a whole interval.
    await fleet.clock.advance(26_000);
    expect(["new", ...names].map(healthOf)).toEqual(["new", ...names].map(() => "healthy"));
    // Nothing happened to them.
    const told = fleet.events.slice(toldBefore).map(({ target, reason }) => `${target.name} ${reason}`);
    expect(told).toEqual(["new ClusterConnected"]);
    await fleet.clock.advance(25_000);
    expect(polls()).toMatchObject({ held: 0, holders: 0, waiting: 0 });
  });

  test("with the hub's own bound the pool is never given more than it takes in", async () => {
    const many = Array.from({ length: 1_200 }, (_, i) => `m${i}`);
    const { compute, tasks } = slowPool(() => 2_000);
    fleet = startVirtualFleet(many, { compute });
    await fleet.clock.advance(12_000);
    expect(tasks.most).toBeGreaterThan(400);
    expect(tasks.most).toBeLessThanOrEqual(1_024 - 64);
    expect(fleet.hub.answers().polls.peak).toBeLessThanOrEqual(160 * 1024 * 1024);
  });
});

describe("E-02 bodies that take for ever", () => {
  test("hold at most half of the memory, and nobody else waits for it", async () => {
    const late: number[] = [];
    const measures = { collectedLate: (ms: number): void => void late.push(ms) };
    const slow = names.slice(0, 40);
    fleet = startVirtualFleet(names, {
      hub: {
        limits: { maxAnswerBytes: 20 * answer, failuresBeforePause: 1_000 },
        measures: { ...noMeasures, ...measures },
      },
    });
    await fleet.clock.advance(90_000);
    for (const name of slow) fleet.behaviours.set(name, "slowbody");
    await fleet.clock.advance(120_000);
    late.length = 0;
    let mostSlow = 0;
    for (let i = 0; i < 120; i++) {
      await fleet.clock.advance(1_000);
      mostSlow = Math.max(mostSlow, fleet.hub.answers().polls.held);
    }
    expect(mostSlow).toBeGreaterThan(5 * answer);
    expect(mostSlow).toBeLessThanOrEqual(10 * answer);
    expect(late.length).toBeGreaterThanOrEqual(3 * 20);
    expect(Math.max(...late)).toBeLessThanOrEqual(200);
  });
});
