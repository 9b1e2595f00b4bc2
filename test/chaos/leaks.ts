// E-23 and E-24, in virtual time: clusters that come and go, until nothing is left of them.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { queryObjects } from "node:v8";
import { Breaker } from "../../src/support/breaker.ts";
import { seededRandom } from "../../src/support/random.ts";
import type { Behaviour } from "../support/virtual-fleet.ts";
import { assertOnTime, robbedOf, type VirtualFleet, withFleet } from "./isolation.ts";
import type { Figures, Scenario } from "./scenario.ts";
import { slope } from "./slope.ts";

const minute = 60_000;

const racing: Scenario = {
  id: "E-23",
  promise:
    "a cluster is created and deleted again and again under the same name: nothing of it is there twice, no timer, watch or breaker is left",
  time: "virtual",
  async run(options) {
    const rounds = options.form === "long" ? 10_000 : 1_000;
    const random = seededRandom(options.seed);
    return await withFleet(20, options, async (fleet, names): Promise<Figures> => {
      await fleet.clock.advance(2 * minute);
      const racers = names.slice(0, 5);
      const before = held(fleet);
      const breakersBefore = breakers();
      const hows: Behaviour[] = ["healthy", "hang", "refuse", "deaf", "flap"];
      for (let round = 0; round < rounds; round++) {
        const name = racers[Math.floor(random() * racers.length)] as string;
        fleet.behaviours.set(name, hows[Math.floor(random() * hows.length)] as Behaviour);
        if (random() < 0.5) fleet.remove(name);
        fleet.declare(name, { uid: `uid-${round}` });
        if (random() < 0.3) await fleet.clock.advance(Math.floor(random() * 500));
      }
      for (const name of racers) fleet.behaviours.set(name, "healthy");
      await fleet.clock.advance(3 * minute);
      const paths = fleet.hub.system.snapshot().filter(({ kind }) => kind === "cluster");
      assert.equal(paths.length, names.length);
      for (const name of names) {
        assert.equal(fleet.open.get(name), 1, `connections of ${name}`);
        assert.equal(fleet.row(name).status.health, "healthy", name);
      }
      // A writer may still pause between two tries at what the last rounds left.
      for (let waited = 0; waited < 10 && !isDeepStrictEqual(held(fleet), before); waited++)
        await fleet.clock.advance(minute);
      assert.deepEqual(held(fleet), before, `after ${rounds} rounds`);
      await assertNoMoreBreakers(breakersBefore);
      const mostLateMs = assertOnTime(fleet, names.slice(5), minute);
      return { rounds, mostLateMs };
    });
  },
};

/** What a fleet holds; each must be again what it was once clusters are gone. */
function held(fleet: VirtualFleet): Record<string, number> {
  const actors = fleet.hub.system.snapshot();
  return {
    actors: actors.length,
    connections: [...fleet.open.values()].reduce((sum, count) => sum + count, 0),
    runs: actors.reduce((sum, { runs }) => sum + runs.length, 0),
    messages: actors.reduce((sum, { mailbox }) => sum + mailbox.user + mailbox.system, 0),
    interests: fleet.hub.interests(),
    timers: fleet.hub.system.timers(),
    handshakes: fleet.hub.admission.stats().held + fleet.hub.admission.stats().waiting,
    statuses: fleet.hub.status.stats().pending,
    documents: fleet.hub.store.stats().documents,
    rows: fleet.view.clusters().length,
  };
}

/** Others in this process may have gone meanwhile. */
function assertNoMore(what: string, now: number, before: number): void {
  assert.ok(now <= before, `there are ${now} ${what}; before there were ${before}`);
}

/** Circuit breakers that are still in memory, after a collection of what nothing refers to. */
const breakers = (): number => queryObjects(Breaker, { format: "count" });

/**
 * What a compiler's thread looks at while it works stays that long, though nothing else refers to it; what leaked stays for good.
 * A look costs about a second of CPU, most of it collections: once at the end says as much as after every round.
 */
async function assertNoMoreBreakers(before: number): Promise<void> {
  let now = breakers();
  for (let looks = 0; looks < 30 && now > before; looks++) {
    await pause(200);
    now = breakers();
  }
  assertNoMore("breakers", now, before);
}

/** After two collections, where there is a collector to ask: `--expose-gc`. */
function heapBytes(): number | undefined {
  const collect = globalThis.gc as (() => void) | undefined;
  if (collect === undefined) return undefined;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

const leaks: Scenario = {
  id: "E-24",
  promise:
    "ClusterConnections are added and removed by the thousand: nothing is left of them, and memory does not grow",
  time: "virtual",
  async run(options) {
    const [rounds, each] = options.form === "long" ? [125, 80] : [3, 100];
    const body = async (fleet: VirtualFleet): Promise<Figures> => {
      await fleet.clock.advance(minute);
      const before = held(fleet);
      const breakersBefore = breakers();
      const timers = fleet.clock.pendingTimers;
      const hows: Behaviour[] = ["healthy", "refuse", "hang", "deaf", "unauthorized"];
      const heaps: number[] = [];
      for (let round = 0; round < rounds; round++) {
        // The same names come back: what is kept for a name is kept once.
        const names = Array.from({ length: each }, (_, i) => `guest-${i}`);
        for (const [i, name] of names.entries()) {
          fleet.behaviours.set(name, hows[i % hows.length] as Behaviour);
          fleet.pollsMs.delete(name);
          fleet.declare(name, { uid: `uid-${round}-${i}` });
        }
        await fleet.clock.advance(70_000);
        assert.equal(fleet.view.clusters().length, each + 1);
        for (const name of names) fleet.delete(name);
        await fleet.clock.advance(2 * minute);
        // The fleet's own record of what it was told.
        fleet.events.length = 0;
        assert.deepEqual(held(fleet), before, `after ${(round + 1) * each} clusters`);
        assertNoMore("timers of the clock", fleet.clock.pendingTimers, timers);
        const heap = heapBytes();
        if (heap !== undefined) heaps.push(heap);
      }
      await assertNoMoreBreakers(breakersBefore);
      // The embedded store keeps a hundred events of a name, also of one that is gone: they have to fill up first.
      const settled = heaps.slice(-20);
      const grownBytes = slope(settled);
      // A few rounds say nothing of a slope: only the long form has twenty that have settled.
      if (rounds >= 100) {
        const first = settled[0] as number;
        const share = (grownBytes * settled.length) / first;
        assert.ok(share < 0.05, `the heap grew by ${(100 * share).toFixed(1)} % over ${settled.length} rounds`);
        for (const bytes of settled)
          assert.ok(Math.abs(bytes / first - 1) <= 0.05, `the heap went from ${first} to ${bytes} bytes`);
      }
      return {
        clusters: rounds * each,
        ...(heaps.length > 0 ? { heapBytes: heaps.at(-1) ?? 0, grownBytesPerRound: grownBytes } : {}),
      };
    };
    // An hour of history would have to pass before the heap could be judged.
    const tuning = { cacheTtlSeconds: 120, retentionSeconds: 60 };
    return await withFleet(1, options, body, { seed: options.seed, hub: { ...robbedOf(options.without), tuning } });
  },
};

export const leakScenarios: readonly Scenario[] = [racing, leaks];
