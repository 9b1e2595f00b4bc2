// E-16 and E-17, in virtual time: handlers of every kind of actor throw at random, and a few crash for ever.
import assert from "node:assert/strict";
import { type Random, seededRandom } from "../../src/support/random.ts";
import { sourceSpec } from "../support/source-reader.ts";
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

/** What throws, and when. */
class Crashes {
  readonly #random: Random;
  readonly #poisoned: () => number;
  /** Of all calls of handlers. */
  share = 0;
  readonly thrown = new Map<string, number>();
  #target: { readonly kind: string; readonly poisonedBefore: number } | undefined;
  #poison: object | undefined;
  #deliveries = 0;

  /** @param poisoned how many messages the system has given up so far */
  constructor(random: Random, poisoned: () => number) {
    this.#random = random;
    this.#poisoned = poisoned;
  }

  readonly before = (kind: string, handler: Handler, message?: object): void => {
    if (handler === "onMessage" && kind === this.#target?.kind) this.#deliver(message as object);
    if (this.#random() >= this.share) return;
    const where = `${kind} ${handler}`;
    this.thrown.set(where, (this.thrown.get(where) ?? 0) + 1);
    throw new TypeError("planted");
  };

  /** The next message to an actor of this kind crashes it each time that it comes, until it is given up. */
  poison(kind: string): void {
    this.#target = { kind, poisonedBefore: this.#poisoned() };
    this.#poison = undefined;
    this.#deliveries = 0;
  }

  get deliveries(): number {
    return this.#deliveries;
  }

  #deliver(message: object): void {
    this.#poison ??= message;
    if (message !== this.#poison) return;
    if (this.#poisoned() > (this.#target?.poisonedBefore ?? 0)) {
      this.#target = undefined;
      return;
    }
    this.#deliveries++;
    throw new TypeError("planted");
  }
}

/** One for each kind of actor, with what makes it a message. */
const stimuli: Readonly<Record<string, (fleet: VirtualFleet, names: readonly string[]) => void>> = {
  cluster: () => undefined,
  registry: () => undefined,
  "metric-source": () => undefined,
  "store-writer": () => undefined,
  "status-writer": (fleet, [name = ""]) => fleet.behaviours.set(name, "refuse"),
  "event-writer": (fleet, [name = ""]) => fleet.behaviours.set(name, "healthy"),
  informer: (fleet, [name = ""]) => fleet.declare(name, { generation: 2 }),
  clusters: (fleet, [name = ""]) => fleet.declare(name, { generation: 3 }),
  registries: (fleet) => fleet.declareRegistry("registry-0", 2),
  "metric-sources": (fleet) => fleet.declareSource("pods", sourceSpec(), 2),
  finalizers: (fleet, names) => fleet.delete(names.at(-1) ?? ""),
};

async function poisonEachKind(fleet: VirtualFleet, names: readonly string[], crashes: Crashes): Promise<number> {
  for (const [kind, stimulate] of Object.entries(stimuli)) {
    crashes.poison(kind);
    stimulate(fleet, names);
    await fleet.clock.advance(2 * minute);
    assert.equal(crashes.deliveries, 3, `a message that crashes a ${kind} was delivered ${crashes.deliveries} times`);
  }
  const kinds = new Set(fleet.hub.system.snapshot().map((actor) => actor.kind));
  const unknown = [...kinds].filter((kind) => kind !== "hub" && stimuli[kind] === undefined);
  assert.deepEqual(unknown, [], "kinds of actors that got no poison");
  return Object.keys(stimuli).length;
}

/** Every actor runs, every cluster is polled, every registry checked and the MetricSource collected. */
async function assertWell(fleet: VirtualFleet, names: readonly string[], registries: readonly string[]): Promise<void> {
  await fleet.clock.advance(3 * minute);
  const calmAtMs = fleet.clock.monotonicMs() - 2 * minute;
  for (const actor of fleet.hub.system.snapshot()) assert.equal(actor.state, "running", `${actor.path} is not running`);
  for (const name of names) {
    const polls = (fleet.pollsMs.get(name) ?? []).filter((atMs) => atMs >= calmAtMs).length;
    assert.ok(polls >= 3 && polls <= 5, `${name} was polled ${polls} times in the last two minutes`);
    assert.equal(fleet.row(name).status?.health, "healthy", `${name} is not healthy`);
    assert.equal(fleet.open.get(name), 1, `connections of ${name}`);
  }
  const isReady = (name: string): boolean =>
    ((fleet.statuses.get(name)?.status["conditions"] ?? []) as { type: string; status: string }[]).some(
      ({ type, status }) => type === "Ready" && status === "True",
    );
  for (const name of [...registries, "pods"]) assert.ok(isReady(name), `${name} is not Ready`);
}

const throwingHandlers: Scenario = {
  id: "E-16",
  promise:
    "handlers of every kind of actor throw at random, and one message of each kind always: all is well again, none is tried more than three times",
  time: "virtual",
  async run(options) {
    const { form, seed, without } = options;
    const [clusters, minutes] = form === "long" ? [500, 30] : [25, 10];
    const registries = Array.from({ length: clusters / 5 }, (_, i) => `registry-${i}`);
    let fleetOf: VirtualFleet | undefined;
    const crashes = new Crashes(seededRandom(seed), () => fleetOf?.hub.system.counters().deadLetters.poison ?? 0);
    const createSystem = tamperedSystem({ before: crashes.before, unsupervised: without === "supervision" });
    return await withFleet(
      clusters,
      options,
      async (fleet, names): Promise<Figures> => {
        fleetOf = fleet;
        fleet.declareSource("pods", sourceSpec());
        await fleet.clock.advance(2 * minute);
        crashes.share = 0.05;
        await fleet.clock.advance(minutes * minute);
        crashes.share = 0;
        // An actor that crashed too often is started again after five minutes, then after ten, then after twenty.
        const isWell = (): boolean => fleet.hub.system.snapshot().every(({ state }) => state === "running");
        for (let waited = 0; waited < 25 && !isWell(); waited++) await fleet.clock.advance(minute);
        await assertWell(fleet, names, registries);
        const throws = [...crashes.thrown.values()].reduce((sum, count) => sum + count, 0);
        const places = [...crashes.thrown.keys()].map((where) => where.split(" "));
        const kinds = new Set(places.map(([kind]) => kind));
        const handlers = new Set(places.map(([, handler]) => handler));
        assert.ok(kinds.size >= 7, `only these were hit: ${[...kinds]}`);
        assert.deepEqual([...handlers].sort(), ["create", "onMessage", "onStart", "onStop", "run"]);
        const { restarts, deadLetters } = fleet.hub.system.counters();
        assert.ok(restarts <= throws, `${restarts} restarts after ${throws} throws`);
        const poisoned = await poisonEachKind(fleet, names, crashes);
        await assertWell(fleet, names.slice(0, -1), registries);
        assert.equal(fleet.hub.system.counters().deadLetters.poison, deadLetters.poison + poisoned);
        return {
          clusters,
          minutes,
          throws,
          kindsOfActors: kinds.size,
          restarts,
          givenUp: deadLetters.poison,
          poisoned,
        };
      },
      { seed, registries, hub: { ...robbedOf(without), createSystem } },
    );
  },
};

const crashLoop: Scenario = {
  id: "E-17",
  promise:
    "actors that crash for ever are given up after ten restarts in a minute, Degraded and said so; an edit mends them at once; nobody else is late",
  time: "virtual",
  async run(options) {
    const [clusters, minutes] = options.form === "long" ? [1_000, 30] : [50, 5];
    return await withFleet(clusters, options, async (fleet, names): Promise<Figures> => {
      await fleet.clock.advance(2 * minute);
      const looping = names.filter((_, i) => i % 10 === 0);
      for (const name of looping) fleet.declare(name, { generation: 2, rawSpec: poison });
      await fleet.clock.advance(minute);
      for (const name of looping) {
        const { state, restarts } = snapshotOf(fleet, name) ?? {};
        assert.deepEqual({ state, restarts }, { state: "degraded", restarts: 10 }, `the actor of ${name}`);
        assert.equal(degradedBecause(fleet, name), "ActorCrashLooping", `the condition of ${name}`);
      }
      await fleet.clock.advance((minutes - 1) * minute);
      let mostRestarts = 0;
      for (const name of looping) {
        assert.equal(fleet.row(name).status.reason, "ActorCrashLooping", `the row of ${name}`);
        mostRestarts = Math.max(mostRestarts, snapshotOf(fleet, name)?.restarts ?? 0);
      }
      // Ten quick ones; in each slow retry, after five, ten and twenty minutes, ten more at most.
      const retries = minutes > 15 ? 2 : 0;
      assert.ok(mostRestarts <= 10 + 11 * retries, `an actor was restarted ${mostRestarts} times in ${minutes} min`);
      const others = names.filter((name) => !looping.includes(name));
      const mostLateMs = assertOnTime(fleet, others, minute);
      for (const name of looping) fleet.declare(name, { generation: 3 });
      await fleet.clock.advance(20_000);
      for (const name of looping) {
        assert.equal(fleet.row(name).status.health, "healthy", `the row of ${name} after an edit`);
        assert.equal(degradedBecause(fleet, name), undefined, `the condition of ${name} after an edit`);
      }
      return { clusters, minutes, crashLooping: looping.length, mostRestarts, mostLateMs };
    });
  },
};

/** The reason of the condition Degraded where it is true. */
function degradedBecause(fleet: VirtualFleet, name: string): string | undefined {
  const conditions = fleet.statuses.get(name)?.status["conditions"] as {
    type: string;
    status: string;
    reason: string;
  }[];
  return conditions.find(({ type, status }) => type === "Degraded" && status === "True")?.reason;
}

export const crashScenarios: readonly Scenario[] = [throwingHandlers, crashLoop];
