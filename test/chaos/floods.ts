// E-22: floods of messages, to an actor alone and to actors of a hub at its work.
import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { type ActorRef, createActorSystem } from "../../actors/system/index.ts";
import { systemClock } from "../../src/support/clock.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { assertOnTime, robbedOf, withFleet } from "./isolation.ts";
import type { Figures, Scenario } from "./scenario.ts";
import { tamperedSystem } from "./tampered-system.ts";

const minute = 60_000;

const flood: Scenario = {
  id: "E-22",
  promise:
    "a million messages to one actor: its mailbox is bounded, its system messages go first, others have their turns",
  time: "real",
  async run({ form, seed }): Promise<Figures> {
    const system = createActorSystem({ clock: systemClock, random: seededRandom(seed), log: silentLogger });
    const handled = { flooded: 0, system: -1, other: -1 };
    const flooded = system.spawn<"user" | "system">(
      {
        kind: "flooded",
        laneOf: (message) => message,
        create: () => ({
          onMessage(message) {
            if (message === "system") handled.system = handled.flooded;
            else handled.flooded++;
          },
        }),
      },
      { name: "flooded" },
    );
    const other: ActorRef<"hello"> = system.spawn(
      {
        kind: "other",
        create: () => ({
          onMessage() {
            handled.other = handled.flooded;
          },
        }),
      },
      { name: "other" },
    );
    await pause(10);
    const messages = form === "long" ? 10_000_000 : 1_000_000;
    for (let i = 0; i < messages; i++) flooded.tell("user");
    flooded.tell("system");
    other.tell("hello");
    const [snapshot] = system.snapshot();
    const waited = snapshot?.mailbox.user ?? 0;
    assert.ok(waited <= (snapshot?.mailbox.userCapacity ?? 0), `${waited} messages wait`);
    for (let looks = 0; looks < 300 && (handled.system < 0 || handled.other < 0); looks++) await pause(100);
    assert.equal(handled.system, 0, "a system message waited behind user messages");
    assert.ok(handled.other >= 0 && handled.other <= 300, `another actor waited for ${handled.other} messages`);
    assert.equal(system.counters().overflowed, messages - waited);
    await system.stop(1_000);
    return { messages, waited, refused: messages - waited };
  },
};

/** A message of each kind of child that is never the same as one that waits already. */
const floods: Readonly<Record<string, object>> = {
  cluster: { type: "sources-collected", sources: [], outcome: { status: "ok", value: [], elapsedMs: 0 } },
  registry: { type: "checked", outcome: { status: "aborted", elapsedMs: 0 } },
};

const floodedHub: Scenario = {
  id: "E-22-hub",
  promise:
    "some clusters and registries of a hub are flooded with messages while it polls: their mailboxes are bounded, nobody is late",
  time: "virtual",
  async run(options) {
    const [clusters, minutes, each] = options.form === "long" ? [500, 30, 10_000] : [50, 3, 1_000];
    const registries = Array.from({ length: clusters / 10 }, (_, i) => `registry-${i}`);
    const children: { readonly kind: string; readonly ref: ActorRef<never> }[] = [];
    const createSystem = tamperedSystem({
      spawned: (kind, ref) => {
        if (kind in floods) children.push({ kind, ref });
      },
    });
    return await withFleet(
      clusters,
      options,
      async (fleet, names): Promise<Figures> => {
        await fleet.clock.advance(2 * minute);
        const flooded = children.filter(({ ref }) => ref.name.endsWith("0"));
        let mostWaiting = 0;
        for (let second = 0; second < 60 * minutes; second += 7) {
          for (const { kind, ref } of flooded) for (let i = 0; i < each; i++) ref.tell({ ...floods[kind] } as never);
          for (const { mailbox, path } of fleet.hub.system.snapshot()) {
            assert.ok(mailbox.user <= mailbox.userCapacity, `${mailbox.user} messages wait for ${path}`);
            mostWaiting = Math.max(mostWaiting, mailbox.user);
          }
          await fleet.clock.advance(7_000);
        }
        const mostLateMs = assertOnTime(fleet, names, minute);
        for (const name of names) assert.equal(fleet.row(name).status.health, "healthy", `the row of ${name}`);
        const { overflowed, restarts } = fleet.hub.system.counters();
        assert.ok(overflowed > 0, "no mailbox was ever full");
        assert.equal(restarts, 0);
        return { clusters, minutes, flooded: flooded.length, mostWaiting, refused: overflowed, mostLateMs };
      },
      { seed: options.seed, registries, hub: { ...robbedOf(options.without), createSystem } },
    );
  },
};

export const floodScenarios: readonly Scenario[] = [flood, floodedHub];
