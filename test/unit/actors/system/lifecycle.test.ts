import { expect, test } from "vitest";
import type { ActorContext } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { type Act, crash, type Hooks, scripted } from "./scripted.ts";

/** Spawns a child of each name, in order, when the actor starts. */
const withChildren = (journal: string[], names: readonly string[], hooks: Hooks = {}): Hooks => ({
  onStart(context) {
    for (const name of names) context.spawn(scripted(journal, hooks), { name });
  },
});

const leave: Act = { type: "leave", act: (context) => context.stopSelf() };

test("an actor starts in its own turn: spawn and tell return first", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const ref = system.spawn(scripted(journal), { name: "a" });
  ref.tell({ type: "hello" });
  expect(journal).toEqual([]);
  expect(system.snapshot()[0]?.state).toBe("starting");
  await settle();
  expect(journal).toEqual(["a start", "a hello"]);
  expect([ref.path, ref.name, ref.kind]).toEqual(["/a", "a", "scripted"]);
});

test("a context names itself and its living children", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  let seen: ActorContext<Act> | undefined;
  const ref = system.spawn(
    scripted([], {
      onStart: (context) => {
        seen = context;
        for (const name of ["x", "y"]) context.spawn(scripted([]), { name });
      },
    }),
    { name: "a" },
  );
  await settle();
  expect(seen?.self).toBe(ref);
  expect(seen?.children().map(({ path }) => path)).toEqual(["/a/x", "/a/y"]);
  expect(seen?.child("y")?.path).toBe("/a/y");
  expect(seen?.child("z")).toBeUndefined();
});

test("children stop before their parent, the last started first, and those of another kind one after the other", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const parent = system.spawn(
    scripted(journal, {
      onStart(context) {
        for (const kind of ["first", "second", "third"]) {
          const grandchildren = withChildren(journal, [`${kind}-x`, `${kind}-y`]);
          context.spawn(scripted(journal, { kind, ...grandchildren }), { name: kind });
        }
      },
    }),
    { name: "parent" },
  );
  await settle();
  journal.length = 0;
  parent.tell(leave);
  await settle();
  expect(journal.slice(1)).toEqual([
    ...["third-y stop stopped", "third-x stop stopped", "third stop stopped"],
    ...["second-y stop stopped", "second-x stop stopped", "second stop stopped"],
    ...["first-y stop stopped", "first-x stop stopped", "first stop stopped"],
    "parent stop stopped",
  ]);
  expect(system.snapshot()).toEqual([]);
});

test("neighbours of one kind stop together: a hundred final flushes take as long as one", async () => {
  const { system, settle, advance, clock } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const flush = (context: ActorContext<Act>): void =>
    context.finalRun("flush", { deadlineMs: 5_000 }, () => new Promise((resolve) => clock.setTimer(resolve, 1_000)));
  const names = Array.from({ length: 100 }, (_, i) => `c${i}`);
  const parent = system.spawn(scripted(journal, withChildren(journal, names, { onStop: flush })), { name: "parent" });
  await settle();
  journal.length = 0;
  parent.tell(leave);
  await advance(900);
  expect(journal.slice(1)).toEqual([...names].reverse().map((name) => `${name} stop stopped`));
  await advance(200);
  expect(journal.at(-1)).toBe("parent stop stopped");
});

test("a name is free only when its former bearer is gone", async () => {
  const { system, settle, advance, clock } = createTestSystem({ seed: 1 });
  const flush = (context: ActorContext<Act>): void =>
    context.finalRun("flush", { deadlineMs: 5_000 }, () => new Promise((resolve) => clock.setTimer(resolve, 1_000)));
  const first = system.spawn(scripted([], { onStop: flush }), { name: "a" });
  const taken = expect.objectContaining({ code: "NAME_TAKEN" });
  await settle();
  expect(() => system.spawn(scripted([]), { name: "a" })).toThrow(taken);
  first.tell(leave);
  await advance(900);
  expect(() => system.spawn(scripted([]), { name: "a" })).toThrow(taken);
  await advance(200);
  const second = system.spawn(scripted([]), { name: "a" });
  await settle();
  expect(second.tell({ type: "hello" })).toBe("accepted");
  expect(first.tell({ type: "hello" })).toBe("dead");
});

test("a name is of letters, digits and . - _ : only", () => {
  const { system } = createTestSystem({ seed: 1 });
  for (const name of ["", "a/b", "a b", "ä", "x".repeat(254)]) {
    expect(() => system.spawn(scripted([]), { name })).toThrow(/name of a scripted actor: letters, digits and/);
  }
  expect(system.spawn(scripted([]), { name: "A.b-c_d:1" }).path).toBe("/A.b-c_d:1");
});

test("what waits when an actor stops becomes dead letters, and so does everything told to it later", async () => {
  const { system, settle, deadLetters, advance } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  await settle();
  a.tell(leave);
  a.tell({ type: "waiting" });
  a.tell({ type: "waiting in front", lane: "system", act: () => expect(a.tell(leave)).toBe("accepted") });
  await settle();
  expect(journal).toEqual(["a start", "a waiting in front", "a leave", "a stop stopped"]);
  expect(a.tell({ type: "late" })).toBe("dead");
  await advance(0);
  expect(deadLetters.map(({ messageType, reason }) => [messageType, reason])).toEqual([
    ["waiting", "stopped"],
    ["leave", "stopped"],
    ["late", "stopped"],
  ]);
});

test("an actor that is stopping accepts nothing", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const a = system.spawn(scripted([], { onStop: () => expect(a.tell({ type: "x" })).toBe("dead") }), { name: "a" });
  a.tell(leave);
  await settle();
  expect(system.counters().deadLetters.stopped).toBe(1);
});

test("a parent stops its own children only", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const other = system.spawn(scripted([]), { name: "x" });
  const parent = system.spawn(scripted([], withChildren([], ["x", "y"])), { name: "parent" });
  await settle();
  parent.tell({
    type: "stop them",
    act(context) {
      context.stop(other);
      const child = context.child("y");
      if (child !== undefined) context.stop(child);
    },
  });
  await settle();
  expect(system.snapshot().map(({ path }) => path)).toEqual(["/x", "/parent", "/parent/x"]);
});

test("an actor stopped before its first turn never comes to life", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  system.spawn(
    scripted(journal, { onStart: (context) => context.stop(context.spawn(scripted(journal), { name: "c" })) }),
    { name: "p" },
  );
  await settle();
  expect(journal).toEqual(["p start"]);
  expect(system.snapshot().length).toBe(1);
});

test("stopSelf in create, onStart or onRestart stops", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  system.spawn(scripted(journal, { onStart: (context) => context.stopSelf() }), { name: "a" });
  system.spawn(scripted(journal, { onCreate: (context) => context.stopSelf() }), { name: "b" });
  await settle();
  expect(journal).toEqual(["a start", "a stop stopped", "b start", "b stop stopped"]);
  expect(system.snapshot()).toEqual([]);
});

test("a crash after stopSelf still stops, and the message is a dead letter", async () => {
  const { system, settle, deadLetters } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(scripted(journal), { name: "a" });
  a.tell({
    type: "last words",
    act(context) {
      context.stopSelf();
      throw new Error("planted");
    },
  });
  await settle();
  expect(journal).toEqual(["a start", "a last words", "a stop stopped"]);
  expect(deadLetters.map(({ messageType }) => messageType)).toEqual(["last words"]);
});

test("an actor can be stopped while it is in backoff or degraded; onStop is not called twice", async () => {
  const { system, advance, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  let context: ActorContext<Act> | undefined;
  system.spawn(
    scripted([], {
      supervision: { maxRestarts: 0 },
      onStart: (own) => {
        context = own;
        own.spawn(scripted(journal), { name: "child" }).tell(crash());
      },
    }),
    { name: "parent" },
  );
  await settle();
  expect(system.snapshot()[1]?.state).toBe("degraded");
  const child = context?.child("child");
  if (child !== undefined) context?.stop(child);
  await settle();
  expect(system.snapshot().length).toBe(1);
  await advance(600_000);
  expect(journal).toEqual(["child start", "child crash", "child stop restarting"]);
  expect(system.counters().deadLetters).toMatchObject({ stopped: 1 });
});

test("final runs delay the end until they settle or their deadline passes; a failing one is contained", async () => {
  const { system, advance, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const signals: AbortSignal[] = [];
  const a = system.spawn(
    scripted(journal, {
      onStop(context) {
        context.finalRun("fails", { deadlineMs: 1_000 }, async () => {
          throw new Error("planted");
        });
        context.finalRun("throws", { deadlineMs: 1_000 }, () => {
          throw new Error("planted");
        });
        context.finalRun("hangs", { deadlineMs: 3_000 }, (signal) => {
          signals.push(signal);
          return new Promise(() => {});
        });
      },
    }),
    { name: "a" },
  );
  await settle();
  a.tell(leave);
  await advance(2_900);
  expect(system.snapshot()[0]).toMatchObject({ state: "stopping", runs: [{ name: "hangs" }] });
  await advance(200);
  expect(system.snapshot()).toEqual([]);
  expect(signals[0]?.reason).toMatchObject({ code: "RUN_DEADLINE" });
});

test("a final run outside of onStop is a crash", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const a = system.spawn(scripted([]), { name: "a" });
  a.tell({ type: "x", act: (context) => context.finalRun("f", { deadlineMs: 1 }, async () => {}) });
  await settle();
  expect(system.snapshot()[0]?.lastError?.code).toBe("FINAL_RUN");
});

test("a restart waits for the final runs of the old instance", async () => {
  const { system, settle, advance, clock } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const a = system.spawn(
    scripted(journal, {
      onStop: (context) =>
        context.finalRun("flush", { deadlineMs: 5_000 }, () => new Promise((done) => clock.setTimer(done, 2_000))),
    }),
    { name: "a" },
  );
  await settle();
  a.tell(crash());
  await advance(1_900);
  expect(journal.at(-1)).toBe("a stop restarting");
  await advance(1_000);
  expect(journal).toContain("a restart UNEXPECTED");
});

test("the system stops every root in reverse start order, children first, and then starts nothing", async () => {
  const { system, stop, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  system.spawn(scripted(journal, { kind: "store", ...withChildren(journal, ["x"]) }), { name: "first" });
  system.spawn(scripted(journal, { kind: "hub", ...withChildren(journal, ["y"]) }), { name: "second" });
  await settle();
  journal.length = 0;
  expect(await stop()).toEqual({ abandoned: [] });
  expect(journal).toEqual(["y stop shutdown", "second stop shutdown", "x stop shutdown", "first stop shutdown"]);
  expect(() => system.spawn(scripted([]), { name: "late" })).toThrow(
    expect.objectContaining({ code: "SYSTEM_STOPPED" }),
  );
  expect(await system.stop(1)).toEqual({ abandoned: [] });
});

test("what has not stopped by the deadline is abandoned and named, and nothing of it goes on", async () => {
  const { system, stop, settle, advance, clock } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const signals: AbortSignal[] = [];
  const hang = (context: ActorContext<Act>): void =>
    context.finalRun("hang", { deadlineMs: 3_600_000 }, (signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
  system.spawn(scripted(journal, { kind: "first" }), { name: "first" });
  const second = system.spawn(
    scripted(journal, { kind: "second", ...withChildren(journal, ["c"], { onStop: hang }) }),
    {
      name: "second",
    },
  );
  await settle();
  journal.length = 0;
  expect(await stop(10_000)).toEqual({ abandoned: ["/first", "/second", "/second/c"] });
  expect(journal).toEqual(["c stop shutdown"]);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  expect(system.snapshot()).toEqual([]);
  expect(second.tell({ type: "x" })).toBe("dead");
  let ranOn = false;
  clock.setTimer(() => {
    ranOn = true;
  }, 0);
  await advance(3_600_000);
  expect([ranOn, journal.length]).toEqual([true, 1]);
});

test("an empty system stops at once", async () => {
  const { stop } = createTestSystem({ seed: 1 });
  expect(await stop()).toEqual({ abandoned: [] });
});
