// E-16 and E-17, in virtual time: handlers of every kind of actor throw at random, and a few crash for ever.
import assert from "node:assert/strict";
import { seededRandom } from "../../src/support/random.ts";
import { assertOnTime, robbedOf, type VirtualFleet, withFleet } from "./isolation.ts";
import type { Figures, Scenario } from "./scenario.ts";
import { type Handler, tamperedSystem } from "./tampered-system.ts";

const minute = 60_000;

const snapshotOf = (fleet: VirtualFleet, name: string) =>
  fleet.hub.system.snapshot().find(({ path }) => path === `/hub/clusters/${name}`);

/** A spec whose reading throws: stands for any bug in the handler that reads it. */
const poison = Object.defineProperty({}, "endpoint", {
  enumerable: true,
  get: () => {
    throw new TypeError("planted");
  },
});

const throwingHandlers: Scenario = {
  id: "E-16",
  promise:
    "handlers of every kind of actor throw at random: all is well again soon after, and no message is tried for ever",
  time: "virtual",
  async run(options) {
    const { form, seed, without } = options;
    const [clusters, minutes] = form === "long" ? [500, 30] : [25, 10];
    const random = seededRandom(seed);
    const thrown = new Map<string, number>();
    let share = 0;
    const before = (kind: string, handler: Handler): void => {
      if (random() >= share) return;
      const where = `${kind} ${handler}`;
      thrown.set(where, (thrown.get(where) ?? 0) + 1);
      throw new TypeError("planted");
    };
    const createSystem = tamperedSystem({ before, unsupervised: without === "supervision" });
    return await withFleet(
      clusters,
      options,
      async (fleet, names): Promise<Figures> => {
        await fleet.clock.advance(2 * minute);
        share = 0.05;
        await fleet.clock.advance(minutes * minute);
        share = 0;
        // An actor that crashed too often is started again after five minutes, then after ten, then after twenty.
        const isWell = (): boolean => fleet.hub.system.snapshot().every(({ state }) => state === "running");
        for (let waited = 0; waited < 25 && !isWell(); waited++) await fleet.clock.advance(minute);
        await fleet.clock.advance(3 * minute);
        const calmAtMs = fleet.clock.monotonicMs() - 2 * minute;
        for (const actor of fleet.hub.system.snapshot()) assert.equal(actor.state, "running", actor.path);
        for (const name of names) {
          const polls = (fleet.pollsMs.get(name) ?? []).filter((atMs) => atMs >= calmAtMs).length;
          assert.ok(polls >= 3 && polls <= 5, `${name} was polled ${polls} times in the last two minutes`);
          assert.equal(fleet.row(name).status?.health, "healthy", name);
          assert.ok((fleet.open.get(name) ?? 0) === 1, `${name} has ${fleet.open.get(name)} connections`);
        }
        const throws = [...thrown.values()].reduce((sum, count) => sum + count, 0);
        const kinds = new Set([...thrown.keys()].map((where) => where.split(" ")[0])).size;
        assert.ok(kinds >= 4, `only ${kinds} kinds of actors were hit`);
        const { restarts, deadLetters } = fleet.hub.system.counters();
        assert.ok(restarts <= throws, `${restarts} restarts after ${throws} throws`);
        return { clusters, minutes, throws, kindsOfActors: kinds, restarts, droppedAsPoison: deadLetters.poison };
      },
      { seed, hub: { ...robbedOf(without), createSystem } },
    );
  },
};

const crashLoop: Scenario = {
  id: "E-17",
  promise: "actors that crash for ever become Degraded and say so; an edit mends them at once; nobody else is late",
  time: "virtual",
  async run(options) {
    const [clusters, minutes] = options.form === "long" ? [1_000, 30] : [50, 5];
    return await withFleet(clusters, options, async (fleet, names): Promise<Figures> => {
      await fleet.clock.advance(2 * minute);
      const looping = names.filter((_, i) => i % 10 === 0);
      for (const name of looping) fleet.declare(name, { generation: 2, rawSpec: poison });
      await fleet.clock.advance(minutes * minute);
      let mostRestarts = 0;
      for (const name of looping) {
        assert.equal(fleet.row(name).status.reason, "ActorCrashLooping", name);
        mostRestarts = Math.max(mostRestarts, snapshotOf(fleet, name)?.restarts ?? 0);
      }
      // Ten quick ones, and one or two in each slow retry after.
      assert.ok(mostRestarts <= 20 + minutes, `an actor was restarted ${mostRestarts} times in ${minutes} min`);
      const others = names.filter((name) => !looping.includes(name));
      const mostLateMs = assertOnTime(fleet, others, minute);
      for (const name of looping) fleet.declare(name, { generation: 3 });
      await fleet.clock.advance(20_000);
      for (const name of looping) assert.equal(fleet.row(name).status.health, "healthy", name);
      return { clusters, minutes, crashLooping: looping.length, mostRestarts, mostLateMs };
    });
  },
};

export const crashScenarios: readonly Scenario[] = [throwingHandlers, crashLoop];
