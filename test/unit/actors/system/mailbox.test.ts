import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { createActorSystem } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { systemClock } from "../../../../src/support/clock.ts";
import { silentLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { type Act, scripted } from "./scripted.ts";

const numbered = (count: number): Act[] => Array.from({ length: count }, (_, i) => ({ type: `${i}` }));

test("messages are handled in the order they were told, also those told while another is handled", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  await settle();
  a.tell({
    type: "outer",
    act: () => {
      a.tell({ type: "inner" });
      journal.push("outer ends");
    },
  });
  a.tell({ type: "next" });
  await settle();
  expect(journal).toEqual(["a start", "a outer", "outer ends", "a next", "a inner"]);
});

test("the system lane is drained before the user lane", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  await settle();
  a.tell({ type: "user 1" });
  a.tell({ type: "system 1", lane: "system" });
  a.tell({ type: "user 2", act: () => a.tell({ type: "system 3", lane: "system" }) });
  a.tell({ type: "system 2", lane: "system" });
  a.tell({ type: "user 3" });
  await settle();
  expect(journal.slice(1)).toEqual(["a system 1", "a system 2", "a user 1", "a user 2", "a system 3", "a user 3"]);
});

test("after 300 messages of one actor the next one has its turn", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const busy = system.spawn(scripted(journal, { mailbox: { userCapacity: 1_000 } }), { name: "busy" });
  const other = system.spawn(scripted(journal), { name: "other" });
  await settle();
  for (const message of numbered(1_000)) busy.tell(message);
  other.tell({ type: "hello" });
  journal.length = 0;
  await settle();
  expect(journal.indexOf("other hello")).toBe(300);
  expect(journal.length).toBe(1_001);
});

test("an actor that always has something to do does not keep I/O from happening", async () => {
  const system = createActorSystem({ clock: systemClock, random: seededRandom(1), log: silentLogger });
  let turns = 0;
  const endless = system.spawn<null>(
    {
      kind: "endless",
      create: (context) => ({
        onMessage() {
          turns++;
          context.self.tell(null);
        },
      }),
    },
    { name: "endless" },
  );
  endless.tell(null);
  await new Promise((resolve) => setTimeout(resolve, 5));
  const text = await readFile(import.meta.filename, "utf8");
  expect(text).toContain("endless");
  expect(turns).toBeGreaterThan(0);
  expect(await system.stop(60_000)).toEqual({ abandoned: [] });
});

test("a full lane refuses the newest message, counts it and makes it a dead letter; the other lane is open", async () => {
  const { system, settle, deadLetters } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  const outcomes = numbered(257).map((message) => a.tell(message));
  expect(outcomes.indexOf("overflow")).toBe(256);
  const systemOutcomes = numbered(65).map((message) => a.tell({ ...message, lane: "system" }));
  expect(systemOutcomes.indexOf("overflow")).toBe(64);
  await settle();
  expect(journal.length).toBe(1 + 64 + 256);
  expect(deadLetters.map(({ reason, messageType }) => [reason, messageType])).toEqual([
    ["overflow", "256"],
    ["overflow", "64"],
  ]);
  expect(system.snapshot()[0]?.mailbox).toMatchObject({ user: 0, system: 0, highWater: 320, overflowed: 2 });
  expect(system.counters()).toMatchObject({ overflowed: 2, processed: 320 });
});

test("a flood of a million messages is bounded, and a system message is next", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  await settle();
  const message: Act = { type: "flood" };
  for (let i = 0; i < 1_000_000; i++) a.tell(message);
  a.tell({ type: "urgent", lane: "system" });
  expect(system.snapshot()[0]?.mailbox).toMatchObject({ user: 256, system: 1, overflowed: 1_000_000 - 256 });
  await settle();
  expect(journal.slice(1, 3)).toEqual(["a urgent", "a flood"]);
  expect(system.counters().deadLetters.overflow).toBe(1_000_000 - 256);
});

test("messages of one key occupy one slot, where the newest takes the place of the waiting one", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  await settle();
  const told = [
    { type: "tick 1", key: "tick" },
    { type: "plain" },
    { type: "spec 1", key: "spec" },
    { type: "tick 2", key: "tick" },
    { type: "tick 3", key: "tick" },
  ].map((message) => a.tell(message));
  expect(told).toEqual(["accepted", "accepted", "accepted", "coalesced", "coalesced"]);
  await settle();
  expect(journal.slice(1)).toEqual(["a tick 3", "a plain", "a spec 1"]);
  expect(a.tell({ type: "tick 4", key: "tick" })).toBe("accepted");
  await settle();
  expect(journal.at(-1)).toBe("a tick 4");
  expect(system.snapshot()[0]?.mailbox.coalesced).toBe(2);
  expect(system.counters().coalesced).toBe(2);
});

test("a key is free again once its message has been taken", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  await settle();
  for (let i = 0; i < 3; i++) {
    expect(a.tell({ type: "plain" })).toBe("accepted");
    expect(a.tell({ type: `tick ${i}`, key: "tick" })).toBe("accepted");
    await settle();
  }
  expect(journal.filter((line) => line.includes("tick"))).toEqual(["a tick 0", "a tick 1", "a tick 2"]);
});

test("a full lane still takes a message whose key already waits", async () => {
  const { system } = createTestSystem({ seed: 1 });
  const a = system.spawn(scripted([], { mailbox: { userCapacity: 2 } }), { name: "a" });
  a.tell({ type: "tick", key: "tick" });
  a.tell({ type: "plain" });
  expect(a.tell({ type: "tick", key: "tick" })).toBe("coalesced");
  expect(a.tell({ type: "spec", key: "spec" })).toBe("overflow");
});

test("a key or lane function that throws counts as no key and the user lane", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const fail = (): never => {
    throw new Error("planted");
  };
  const a = system.spawn(scripted(journal, { keyOf: fail, laneOf: fail }), { name: "a" });
  for (const message of numbered(3)) expect(a.tell({ ...message, key: "same" })).toBe("accepted");
  await settle();
  expect(journal).toEqual(["a start", "a 0", "a 1", "a 2"]);
});

test("the ends of runs and of watched actors are never refused, however many wait", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal, { mailbox: { systemCapacity: 1 } }), { name: "a" });
  const others = Array.from({ length: 50 }, (_, i) => system.spawn(scripted([]), { name: `other-${i}` }));
  await settle();
  a.tell({
    type: "go",
    act(context) {
      for (let i = 0; i < 50; i++) {
        context.run(`${i}`, { deadlineMs: 1_000, onEnd: () => ({ type: "end" }) }, async () => {});
        const other = others[i];
        if (other === undefined) continue;
        context.watch(other, { type: "gone" });
        other.tell({ type: "leave", act: (theirs) => theirs.stopSelf() });
      }
    },
  });
  await settle();
  expect(journal.filter((line) => line === "a end").length).toBe(50);
  expect(journal.filter((line) => line === "a gone").length).toBe(50);
  expect(system.counters().overflowed).toBe(0);
});

test("the runtime's own messages, too, go before a user message that came first", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const other = system.spawn(scripted([]), { name: "other" });
  const a = system.spawn(scripted(journal), { name: "a" });
  a.tell({ type: "watch", act: (context) => context.watch(other, { type: "gone" }) });
  await settle();
  other.tell({ type: "leave", act: (context) => context.stopSelf() });
  a.tell({ type: "user" });
  await settle();
  expect(journal).toEqual(["a start", "a watch", "a gone", "a user"]);
});

test("any value is a message, undefined too", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const heard: unknown[] = [];
  const any = system.spawn<unknown>(
    { kind: "any", create: () => ({ onMessage: (message) => void heard.push(message) }) },
    { name: "any" },
  );
  await settle();
  for (const message of [undefined, null, 0, ""]) {
    any.tell(message);
    any.tell(message);
    await settle();
  }
  expect(heard).toEqual([undefined, undefined, null, null, 0, 0, "", ""]);
});
