import { expect, test } from "vitest";
import { createActorSystem } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { createLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";
import { crash, scripted } from "./scripted.ts";

test("the snapshot lists parents before children, children in start order, with their counters", async () => {
  const { system, settle, clock } = createTestSystem({ seed: 1, epochMs: Date.UTC(2026, 5, 1) });
  const parent = system.spawn(
    scripted([], {
      kind: "hub",
      onStart(context) {
        context.spawn(scripted([]), { name: "x" });
        context.spawn(scripted([], { onStart: (own) => void own.spawn(scripted([]), { name: "deep" }) }), {
          name: "y",
        });
      },
    }),
    { name: "p" },
  );
  system.spawn(scripted([], { mailbox: { userCapacity: 5, systemCapacity: 6 } }), { name: "q" });
  await settle();
  for (let i = 0; i < 3; i++) parent.tell({ type: "x" });
  parent.tell({ type: "x", lane: "system" });
  const snapshot = system.snapshot();
  expect(snapshot.map(({ path }) => path)).toEqual(["/p", "/p/x", "/p/y", "/p/y/deep", "/q"]);
  expect(snapshot[0]).toEqual({
    path: "/p",
    kind: "hub",
    state: "running",
    mailbox: { user: 3, system: 1, userCapacity: 256, systemCapacity: 64, highWater: 4, coalesced: 0, overflowed: 0 },
    processed: 0,
    restarts: 0,
    lastError: null,
    runs: [],
    skippedRuns: 0,
    skippedTicks: 0,
    nextTimerAtMs: null,
    deadLetters: 0,
  });
  expect(snapshot[4]?.mailbox).toMatchObject({ userCapacity: 5, systemCapacity: 6 });
  parent.tell(crash());
  await settle();
  expect(system.snapshot()[0]).toMatchObject({
    state: "backoff",
    processed: 4,
    mailbox: { user: 1, highWater: 5 },
    lastError: { code: "UNEXPECTED", atMs: clock.nowMs() },
  });
});

test("facts of a definition are shown without the mailbox, also of an actor that is down; one that throws shows none", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  let breaker = "closed";
  const a = system.spawn({ ...scripted([]), facts: () => ({ breaker }) }, { name: "a" });
  const facts = (): never => {
    throw new Error("boom");
  };
  system.spawn({ ...scripted([]), facts }, { name: "b" });
  await settle();
  expect(system.snapshot()[0]?.facts).toEqual({ breaker: "closed" });
  a.tell(crash());
  await settle();
  breaker = "open";
  expect(system.snapshot()[0]).toMatchObject({ state: "backoff", facts: { breaker: "open" } });
  expect(system.snapshot()[1]).not.toHaveProperty("facts");
});

test("one waiting message is shown in the lane it is for", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const a = system.spawn(scripted([]), { name: "a" });
  await settle();
  a.tell({ type: "x", lane: "system" });
  expect(system.snapshot()[0]?.mailbox).toMatchObject({ user: 0, system: 1, highWater: 1 });
  await settle();
  a.tell({ type: "x" });
  expect(system.snapshot()[0]?.mailbox).toMatchObject({ user: 1, system: 0, highWater: 1 });
});

test("the snapshot does not wait for an actor, nor disturb it", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const seen: unknown[] = [];
  const a = system.spawn(scripted([]), { name: "a" });
  a.tell({ type: "x", act: () => void seen.push(system.snapshot()[0]?.state) });
  await settle();
  expect(seen).toEqual(["running"]);
});

test("of one actor, ten dead letters in a row are shown, then one per 10 s that says how many were not", async () => {
  const { system, settle, advance, deadLetters } = createTestSystem({ seed: 1 });
  const [a, b] = ["a", "b"].map((name) => system.spawn(scripted([], { onStart: (own) => own.stopSelf() }), { name }));
  await settle();
  for (let i = 0; i < 100; i++) a?.tell({ type: `${i}` });
  expect(deadLetters.length).toBe(10);
  b?.tell({ type: "of another actor" });
  expect(deadLetters.length).toBe(11);
  await advance(9_000);
  a?.tell({ type: "too soon" });
  expect(deadLetters.length).toBe(11);
  await advance(1_000);
  a?.tell({ type: "shown" });
  a?.tell({ type: "held back" });
  expect(deadLetters.slice(11)).toMatchObject([{ messageType: "shown", suppressed: 91 }]);
  await advance(10_000);
  for (let i = 0; i < 11; i++) a?.tell({ type: `${i}` });
  expect(deadLetters.slice(12).map(({ suppressed }) => suppressed)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  expect(system.counters().deadLetters.stopped).toBe(1 + 100 + 1 + 1 + 1 + 11);
});

test("a dead letter listener can leave, and one that throws is contained", async () => {
  const { system, settle, deadLetters } = createTestSystem({ seed: 1 });
  const heard: string[] = [];
  const leave = system.onDeadLetter(({ messageType }) => heard.push(messageType));
  system.onDeadLetter(() => {
    throw new Error("planted");
  });
  const a = system.spawn(scripted([], { onStart: (own) => own.stopSelf() }), { name: "a" });
  await settle();
  a.tell({ type: "one" });
  leave();
  a.tell({ type: "two" });
  expect([heard, deadLetters.length]).toEqual([["one"], 2]);
});

test("neither log nor dead letters say anything of a message but its type, nor of an error but what is safe", async () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  const log = createLogger({ level: "debug", stream: { write: (line) => void lines.push(line) } });
  const system = createActorSystem({ clock, random: seededRandom(1), log });
  const shown: unknown[] = [];
  system.onDeadLetter((letter) => shown.push(letter));
  const secret = "hunter2-canary";
  const a = system.spawn<unknown>(
    {
      kind: "leaky",
      create: (context) => ({
        onMessage(message) {
          if (message !== "go") throw new Error(`cannot handle ${JSON.stringify(message)}`);
          context.stopSelf();
        },
        onStop(): void {
          context.finalRun("flush", { deadlineMs: 1_000 }, async () => {
            throw new Error(secret);
          });
          throw new Error(secret);
        },
      }),
    },
    { name: "a" },
  );
  a.tell({ type: "login", password: secret });
  await clock.advance(60_000);
  a.tell("go");
  await clock.advance(60_000);
  for (const message of [secret, { type: { secret } }, [secret]]) a.tell(message);
  expect(shown.map((letter) => (letter as { messageType: string }).messageType)).toEqual([
    ...["login", "string", "object", "object"],
  ]);
  expect(lines.filter((line) => line.includes("actor crashed")).length).toBe(3);
  expect(lines.filter((line) => line.includes("onStop threw")).length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.includes("final run failed")).length).toBeGreaterThan(0);
  expect(JSON.stringify([lines, shown])).not.toContain(secret);
});

test("the same seed gives the same course", async () => {
  const course = async (seed: number): Promise<string[]> => {
    const { system, advance, clock } = createTestSystem({ seed });
    const journal: string[] = [];
    for (const name of ["a", "b", "c"]) {
      system.spawn(
        scripted([], {
          onStart(context) {
            journal.push(`${clock.monotonicMs()} ${name}`);
            context.timers.once("t", context.random() * 1_000, crash());
          },
        }),
        { name },
      );
    }
    await advance(20_000);
    return journal;
  };
  const first = await course(5);
  expect(first.length).toBeGreaterThan(10);
  expect(await course(5)).toEqual(first);
  expect(await course(6)).not.toEqual(first);
});

test("the timers that wait are counted: those of actors and of the deadlines of runs; none is left of an actor that stops", async () => {
  const { system, settle, advance } = createTestSystem({ seed: 1 });
  expect(system.timers()).toBe(0);
  system.spawn(
    scripted([], {
      onStart(context) {
        context.timers.every("tick", { intervalMs: 1_000 }, { type: "tick" });
        context.run("endless", { deadlineMs: 60_000 }, () => new Promise(() => undefined));
      },
    }),
    { name: "busy" },
  );
  await settle();
  expect(system.timers()).toBe(2);
  await advance(60_100);
  expect(system.timers()).toBe(1);
  void system.stop(1_000);
  await settle();
  expect(system.timers()).toBe(0);
});
