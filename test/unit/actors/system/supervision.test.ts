import { expect, test } from "vitest";
import type { ActorRef, SupervisionStrategy } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { ClusterPulseError, type SafeError } from "../../../../src/support/errors.ts";
import { type Act, crash, type Hooks, scripted } from "./scripted.ts";

/** A parent with the given strategy and one child. */
async function family(supervision: SupervisionStrategy, child: Hooks = {}, parent: Hooks = {}) {
  const kit = createTestSystem({ seed: 7 });
  const journal: string[] = [];
  let childRef: ActorRef<Act> | undefined;
  const parentRef = kit.system.spawn(
    scripted(journal, {
      ...parent,
      supervision,
      onStart(context) {
        childRef = context.spawn(scripted(journal, child), { name: "child" });
        parent.onStart?.(context);
      },
    }),
    { name: "parent" },
  );
  await kit.settle();
  journal.length = 0;
  return {
    ...kit,
    journal,
    parent: parentRef,
    child: () => childRef as ActorRef<Act>,
    childState: () => kit.system.snapshot().find(({ path }) => path === "/parent/child")?.state,
  };
}

test("restart: the old instance stops, a fresh one is told why and starts, and the mailbox is kept", async () => {
  const { child, journal, advance, system, childState } = await family({});
  child().tell(crash("once"));
  child().tell({ type: "waiting" });
  await advance(0);
  expect(childState()).toBe("backoff");
  expect(child().tell({ type: "told meanwhile" })).toBe("accepted");
  await advance(1_000);
  // The message that crashed comes again, in its place, until it has crashed three times in all.
  const attempt = ["child stop restarting", "child restart UNEXPECTED", "child start"];
  expect(journal).toEqual([
    ...["child once", ...attempt, "child once", ...attempt, "child once", ...attempt],
    ...["child waiting", "child told meanwhile"],
  ]);
  expect(childState()).toBe("running");
  expect(system.counters()).toMatchObject({ restarts: 3, deadLetters: { poison: 1 } });
});

test("a message that crashes once is handled by the fresh instance", async () => {
  const { child, journal, advance, system } = await family({});
  let attempts = 0;
  child().tell({
    type: "flaky",
    act: () => {
      if (++attempts < 3) throw new Error("planted");
    },
  });
  await advance(1_000);
  expect(journal.filter((line) => line === "child flaky").length).toBe(3);
  expect(system.counters()).toMatchObject({ restarts: 2, processed: 1, deadLetters: { poison: 0 } });
});

test("crashes are counted per message: each has three, and the next message starts from none", async () => {
  const { child, journal, advance, system } = await family({ maxRestarts: 100 });
  for (const type of ["a", "b", "c"]) child().tell(crash(type));
  child().tell({ type: "d" });
  await advance(20_000);
  expect(journal.filter((line) => /child [abcd]/.test(line))).toEqual([..."aaabbbcccd"].map((type) => `child ${type}`));
  expect(system.counters().deadLetters.poison).toBe(3);
});

test("a system message that crashes between two crashes of a user message does not reset that one's count", async () => {
  const { child, journal, advance } = await family({ maxRestarts: 100 });
  child().tell({
    ...crash("user"),
    act: () => {
      if (journal.filter((line) => line === "child system").length === 0)
        child().tell({ ...crash("system"), lane: "system" });
      throw new Error("planted");
    },
  });
  await advance(20_000);
  expect(journal.filter((line) => line === "child user").length).toBe(3);
  expect(journal.filter((line) => line === "child system").length).toBe(3);
});

test("a poison message is a dead letter of its type, and nothing else of it is kept", async () => {
  const { child, advance, deadLetters } = await family({});
  child().tell({ ...crash("secret-bearing"), key: "s3cr3t" });
  await advance(1_000);
  expect(deadLetters).toEqual([
    { path: "/parent/child", reason: "poison", messageType: "secret-bearing", atMs: expect.any(Number), suppressed: 0 },
  ]);
});

test("resume: the instance stays, the message is dropped", async () => {
  const { child, journal, advance, deadLetters, system } = await family({ decide: () => "resume" });
  child().tell(crash());
  child().tell({ type: "next" });
  await advance(0);
  expect(journal).toEqual(["child crash", "child next"]);
  expect(deadLetters.map(({ reason, messageType }) => [reason, messageType])).toEqual([["resumed", "crash"]]);
  expect(system.snapshot()[1]).toMatchObject({ restarts: 0, state: "running", lastError: { code: "UNEXPECTED" } });
});

test("stop: the child stops and what waited becomes dead letters, the crashing message too", async () => {
  const { child, journal, advance, deadLetters, childState } = await family({ decide: () => "stop" });
  child().tell(crash());
  child().tell({ type: "next" });
  await advance(0);
  expect(journal).toEqual(["child crash", "child stop stopped"]);
  expect(childState()).toBeUndefined();
  expect(deadLetters.map(({ reason, messageType }) => [reason, messageType])).toEqual([
    ["stopped", "crash"],
    ["stopped", "next"],
  ]);
});

test("escalate: the parent itself crashes with that error, and its children go first", async () => {
  const seen: SafeError[] = [];
  const { child, journal, advance } = await family({
    decide(error) {
      seen.push(error);
      return "escalate";
    },
  });
  child().tell({
    type: "fatal",
    act: () => {
      throw new ClusterPulseError("SOMETHING_WRONG", "planted");
    },
  });
  await advance(1_000);
  expect(journal).toEqual([
    ...["child fatal", "child stop stopped", "parent stop restarting"],
    ...["parent restart SOMETHING_WRONG", "parent start", "child start"],
  ]);
  expect(seen).toEqual([{ code: "SOMETHING_WRONG", message: "planted" }]);
});

test("the decision can depend on the error and the child", async () => {
  const { child, parent, journal, advance } = await family({
    decide: (error, ref) => (error.code === "UNEXPECTED" && ref.name === "child" ? "stop" : "resume"),
  });
  child().tell({
    type: "mild",
    act: () => {
      throw new ClusterPulseError("MILD", "planted");
    },
  });
  child().tell(crash());
  await advance(0);
  expect(journal).toEqual(["child mild", "child crash", "child stop stopped"]);
  expect(parent.tell({ type: "hello" })).toBe("accepted");
});

test("a strategy that throws restarts", async () => {
  const { child, journal, advance } = await family({
    decide() {
      throw new Error("planted");
    },
  });
  child().tell(crash());
  await advance(100);
  expect(journal.slice(0, 4)).toEqual([
    "child crash",
    "child stop restarting",
    "child restart UNEXPECTED",
    "child start",
  ]);
});

test("roots are supervised with the default strategy", async () => {
  const { parent, journal, advance } = await family({});
  parent.tell(crash());
  await advance(100);
  expect(journal).toEqual([
    ...["parent crash", "child stop stopped", "parent stop restarting"],
    ...["parent restart UNEXPECTED", "parent start", "parent crash"],
    ...["parent stop restarting"],
  ]);
});

test("a crash in create, onRestart or onStart is a crash like any other; resume then means restart", async () => {
  const { system, advance, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const failures = ["create", "onStart", "onRestart"];
  const failIf = (where: string): void => {
    journal.push(where);
    if (failures[0] !== where) return;
    failures.shift();
    throw new ClusterPulseError(`IN_${where.toUpperCase()}`, "planted");
  };
  system.spawn(
    scripted([], {
      supervision: { decide: () => "resume" },
      onStart: (context) => {
        context.spawn<null>(
          {
            kind: "fragile",
            create() {
              failIf("create");
              return {
                onRestart: (error) => {
                  journal.push(error.code);
                  failIf("onRestart");
                },
                onStart: () => failIf("onStart"),
                onMessage: () => {},
                onStop: (reason) => void journal.push(`stop ${reason}`),
              };
            },
          },
          { name: "fragile" },
        );
      },
    }),
    { name: "parent" },
  );
  await settle();
  await advance(10_000);
  expect(journal).toEqual([
    "create",
    ...["create", "IN_CREATE", "onRestart", "onStart", "stop restarting"],
    ...["create", "IN_ONSTART", "onRestart", "stop restarting"],
    ...["create", "IN_ONRESTART", "onRestart", "onStart"],
  ]);
});

test("an onStop that throws is contained", async () => {
  const { child, journal, advance, childState } = await family(
    {},
    {
      onStop() {
        throw new Error("planted");
      },
    },
  );
  child().tell({ type: "leave", act: (context) => context.stopSelf() });
  await advance(0);
  expect([journal, childState()]).toEqual([["child leave", "child stop stopped"], undefined]);
});

test("timers, runs, watches and children of the old instance are gone", async () => {
  const { child, parent, journal, advance, system } = await family({});
  let aborted: unknown;
  let starts = 0;
  child().tell({
    type: "set up, then crash",
    act(context) {
      if (++starts > 1) return;
      context.timers.every("tick", { intervalMs: 100 }, { type: "old tick" });
      context.timers.once("once", 300, { type: "old once" });
      context.watch(parent, { type: "old watch" });
      context.spawn(scripted(journal), { name: "grandchild" });
      context.run("work", { deadlineMs: 200, onEnd: () => ({ type: "old run" }) }, (signal) => {
        signal.addEventListener("abort", () => {
          aborted = signal.reason;
        });
        return new Promise(() => {});
      });
      throw new Error("planted");
    },
  });
  await advance(5_000);
  expect(journal.filter((line) => line.includes("old"))).toEqual([]);
  expect(aborted).toMatchObject({ code: "RUN_ABORTED" });
  expect(system.snapshot().map(({ path }) => path)).toEqual(["/parent", "/parent/child"]);
  expect(system.snapshot()[1]).toMatchObject({ nextTimerAtMs: null, runs: [] });
});

test("a context that outlived its instance does nothing, and cannot spawn", async () => {
  const { child, journal, advance, parent } = await family({});
  let stale: Parameters<NonNullable<Act["act"]>>[0] | undefined;
  child().tell({
    type: "keep and crash",
    act(context) {
      if (stale !== undefined) return;
      stale = context;
      throw new Error("planted");
    },
  });
  await advance(1_000);
  journal.length = 0;
  stale?.timers.once("t", 1, { type: "stale timer" });
  stale?.watch(parent, { type: "stale watch" });
  stale?.stopSelf();
  expect(stale?.run("r", { deadlineMs: 1, onEnd: () => ({ type: "stale run" }) }, async () => {})).toBe(false);
  expect(() => stale?.spawn(scripted(journal), { name: "x" })).toThrow(expect.objectContaining({ code: "ACTOR_GONE" }));
  await advance(1_000);
  expect(journal).toEqual([]);
});

test("restarts are delayed by growing, jittered backoff, the same for the same seed", async () => {
  const course = async (): Promise<number[]> => {
    const startedAtMs: number[] = [];
    const kit = createTestSystem({ seed: 42 });
    kit.system.spawn(
      scripted([], {
        onStart: (context) => {
          startedAtMs.push(context.clock.monotonicMs());
          throw new Error("planted");
        },
      }),
      { name: "crashing" },
    );
    await kit.advance(60_000);
    return startedAtMs;
  };
  const startedAtMs = await course();
  expect(startedAtMs.length).toBe(11);
  for (let i = 1; i < startedAtMs.length; i++) {
    const delayMs = (startedAtMs[i] as number) - (startedAtMs[i - 1] as number);
    expect(delayMs).toBeGreaterThan(0);
    expect(delayMs).toBeLessThanOrEqual(Math.min(10_000, 100 * 2 ** (i - 1)) + 100);
  }
  expect(await course()).toEqual(startedAtMs);
});

test("more than 10 restarts in 60 s: degraded, with slow retries that double up to an hour", async () => {
  const startedAtMs: number[] = [];
  const { child, childState, advance, journal } = await family(
    {},
    {
      onStart(context) {
        startedAtMs.push(context.clock.monotonicMs());
        context.timers.once("crash", 100, crash("tick"));
      },
    },
  );
  await advance(60_000);
  expect([childState(), startedAtMs.length]).toEqual(["degraded", 1 + 10]);
  expect(child().tell({ type: "waits" })).toBe("accepted");
  journal.length = 0;
  await advance(4 * 3_600_000);
  expect(journal).toContain("child waits");
  // Every slow retry is followed by ten quick restarts.
  const slow = startedAtMs.flatMap((atMs, i) => {
    const gapMs = atMs - (startedAtMs[i - 1] ?? 0);
    return gapMs > 60_000 ? [{ minutes: Math.round(gapMs / 60_000), restart: i }] : [];
  });
  expect(slow).toEqual([
    { minutes: 5, restart: 11 },
    { minutes: 10, restart: 22 },
    { minutes: 20, restart: 33 },
    { minutes: 40, restart: 44 },
    { minutes: 60, restart: 55 },
    { minutes: 60, restart: 66 },
  ]);
});

test("while degraded the mailbox stays bounded, and the children are stopped", async () => {
  const { child, childState, advance, system } = await family(
    { maxRestarts: 0 },
    { mailbox: { userCapacity: 3 }, onStart: (context) => void context.spawn(scripted([]), { name: "grandchild" }) },
  );
  child().tell({
    type: "die",
    act: () => {
      throw new Error("planted");
    },
  });
  await advance(0);
  expect(childState()).toBe("degraded");
  expect(system.snapshot().length).toBe(2);
  expect([1, 2, 3].map(() => child().tell({ type: "waits" }))).toEqual(["accepted", "accepted", "overflow"]);
});

test("the doubling starts afresh once the actor has been well for the length of the window", async () => {
  const { child, childState, advance } = await family({
    maxRestarts: 0,
    withinMs: 10_000,
    degradedRetryMs: { first: 1_000, max: 8_000 },
  });
  const dieOnce = (): void => {
    let died = false;
    child().tell({
      type: "die once",
      act: () => {
        if (died) return;
        died = true;
        throw new Error("planted");
      },
    });
  };
  for (const waitMs of [1_000, 2_000, 4_000, 8_000, 8_000]) {
    dieOnce();
    await advance(waitMs - 1);
    expect(childState()).toBe("degraded");
    await advance(101);
    expect(childState()).toBe("running");
  }
  await advance(10_000);
  dieOnce();
  await advance(999);
  expect(childState()).toBe("degraded");
  await advance(101);
  expect(childState()).toBe("running");
});

test("others are not affected by one that crashes all the time", async () => {
  const { system, advance } = createTestSystem({ seed: 3 });
  const journal: string[] = [];
  system.spawn(
    scripted([], {
      onStart: () => {
        throw new Error("planted");
      },
    }),
    { name: "crashing" },
  );
  system.spawn(
    scripted(journal, { onStart: (context) => context.timers.every("t", { intervalMs: 1_000 }, { type: "tick" }) }),
    { name: "well" },
  );
  await advance(120_000);
  expect(journal.filter((line) => line === "well tick").length).toBe(120);
});

test("a parent is told when a child becomes degraded, once for each time; a throw while telling is contained", async () => {
  const told: string[] = [];
  const { child, advance, journal, childState } = await family(
    { maxRestarts: 2, backoffMs: { first: 1, max: 1 } },
    {},
    {
      onChildDegraded({ name }, { code }) {
        told.push(`${name} ${code}`);
        if (told.length > 1) throw new Error("planted");
        return { type: "child-degraded" };
      },
    },
  );
  child().tell(crash());
  await advance(10_000);
  expect([childState(), told]).toEqual(["degraded", ["child UNEXPECTED"]]);
  expect(journal.filter((line) => line === "parent child-degraded")).toHaveLength(1);
  await advance(300_000);
  expect([childState(), told.length]).toEqual(["running", 1]);
  for (const type of ["a", "b", "c"]) child().tell(crash(type));
  await advance(1_000);
  expect([childState(), told.length]).toEqual(["degraded", 2]);
  expect(journal.filter((line) => line === "parent child-degraded")).toHaveLength(1);
});
