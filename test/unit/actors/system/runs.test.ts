import { afterAll, beforeAll, expect, test } from "vitest";
import type { ActorContext, RunOutcome } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { type Act, scripted } from "./scripted.ts";

const unhandled: unknown[] = [];
const noteUnhandled = (reason: unknown): void => void unhandled.push(reason);
beforeAll(() => void process.on("unhandledRejection", noteUnhandled));
afterAll(() => {
  process.off("unhandledRejection", noteUnhandled);
  expect(unhandled).toEqual([]);
});

/** An actor that notes how its runs end. */
async function running() {
  const kit = createTestSystem({ seed: 1 });
  const ends: (RunOutcome<unknown> & { name: string })[] = [];
  const ref = kit.system.spawn(scripted([]), { name: "a" });
  await kit.settle();
  const onEnd =
    (name: string) =>
    (outcome: RunOutcome<unknown>): Act => ({ type: `end ${name}`, act: () => void ends.push({ name, ...outcome }) });
  const as = async (act: (context: ActorContext<Act>) => void): Promise<void> => {
    ref.tell({ type: "act", act });
    await kit.settle();
  };
  return { ...kit, ref, ends, onEnd, as };
}

const never = (): Promise<never> => new Promise(() => {});

test("a run's value comes back as a message, with the time it took", async () => {
  const { as, ends, onEnd, advance, clock, system } = await running();
  await as((context) => {
    const work = (): Promise<number> => new Promise((resolve) => clock.setTimer(() => resolve(42), 700));
    expect(context.run("r", { deadlineMs: 1_000, onEnd: onEnd("r") }, work)).toBe(true);
    expect(context.isRunning("r")).toBe(true);
  });
  expect(system.snapshot()[0]?.runs).toEqual([
    { name: "r", startedAtMs: clock.nowMs(), deadlineAtMs: clock.nowMs() + 1_000 },
  ]);
  await advance(5_000);
  expect(ends).toEqual([{ name: "r", status: "ok", value: 42, elapsedMs: 700 }]);
  expect(system.counters()).toMatchObject({ runsStarted: 1, runsDeadlined: 0 });
});

test("a failure is reported with what is safe to say of it, also a synchronous one", async () => {
  const { as, ends, onEnd } = await running();
  const secret = "Bearer abc123";
  await as((context) => {
    context.run("foreign", { deadlineMs: 1_000, onEnd: onEnd("foreign") }, async () => {
      throw new Error(secret);
    });
    context.run("own", { deadlineMs: 1_000, onEnd: onEnd("own") }, async () => {
      throw new ClusterPulseError("REFUSED", "connection refused");
    });
    context.run("sync", { deadlineMs: 1_000, onEnd: onEnd("sync") }, () => {
      throw new Error(secret);
    });
  });
  expect(ends.map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
    "foreign failed",
    "own failed",
    "sync failed",
  ]);
  expect(ends.find(({ name }) => name === "own")).toMatchObject({
    error: { code: "REFUSED", message: "connection refused" },
  });
  expect(JSON.stringify(ends)).not.toContain(secret);
});

test("a run past its deadline is aborted and reported at once, even if the work never settles", async () => {
  const { as, ends, onEnd, advance, system } = await running();
  let signal: AbortSignal | undefined;
  await as((context) => {
    context.run("r", { deadlineMs: 500, onEnd: onEnd("r") }, (given) => {
      signal = given;
      return never();
    });
  });
  await advance(400);
  expect([ends, signal?.aborted]).toEqual([[], false]);
  await advance(100);
  expect(ends).toEqual([{ name: "r", status: "deadline", elapsedMs: 500 }]);
  expect(signal?.reason).toMatchObject({ code: "RUN_DEADLINE" });
  expect(system.counters().runsDeadlined).toBe(1);
});

test("what the work settles with after its end is dropped, a rejection too", async () => {
  const { as, ends, onEnd, advance, clock } = await running();
  const late = (settle: "resolve" | "reject") => (): Promise<string> =>
    new Promise((resolve, reject) =>
      clock.setTimer(() => (settle === "resolve" ? resolve("late") : reject(new Error("late"))), 2_000),
    );
  await as((context) => {
    context.run("resolves", { deadlineMs: 1_000, onEnd: onEnd("resolves") }, late("resolve"));
    context.run("rejects", { deadlineMs: 1_000, onEnd: onEnd("rejects") }, late("reject"));
    context.run("aborted", { deadlineMs: 1_000, onEnd: onEnd("aborted") }, late("reject"));
    context.abortRun("aborted");
  });
  await advance(5_000);
  expect(ends.map(({ name, status }) => [name, status])).toEqual([
    ["aborted", "aborted"],
    ["resolves", "deadline"],
    ["rejects", "deadline"],
  ]);
});

test("one run of a name at a time: a second is skipped and counted", async () => {
  const { as, ends, onEnd, system } = await running();
  await as((context) => {
    context.run("r", { deadlineMs: 1_000, onEnd: onEnd("r") }, never);
    expect(context.run("r", { deadlineMs: 1_000, onEnd: onEnd("again") }, never)).toBe(false);
    expect(context.run("other", { deadlineMs: 1_000 }, never)).toBe(true);
  });
  expect(ends).toEqual([]);
  expect(system.snapshot()[0]?.skippedRuns).toBe(1);
  expect(system.counters()).toMatchObject({ runsStarted: 2, runsSkipped: 1 });
});

test("supersede aborts the one that is going, whose end is not reported", async () => {
  const { as, ends, onEnd, advance } = await running();
  const signals: AbortSignal[] = [];
  const work = (signal: AbortSignal): Promise<never> => {
    signals.push(signal);
    return never();
  };
  await as((context) => {
    context.run("r", { deadlineMs: 1_000, onEnd: onEnd("old") }, work);
    expect(context.run("r", { deadlineMs: 2_000, onEnd: onEnd("new"), supersede: true }, work)).toBe(true);
  });
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  await advance(5_000);
  expect(ends).toEqual([{ name: "new", status: "deadline", elapsedMs: 2_000 }]);
});

test("abortRun reports at once and frees the name", async () => {
  const { as, ends, onEnd } = await running();
  await as((context) => {
    context.run("r", { deadlineMs: 1_000, onEnd: onEnd("r") }, never);
    expect(context.abortRun("r")).toBe(true);
    expect([context.abortRun("r"), context.isRunning("r")]).toEqual([false, false]);
    expect(context.run("r", { deadlineMs: 1_000 }, never)).toBe(true);
  });
  expect(ends).toEqual([{ name: "r", status: "aborted", elapsedMs: 0 }]);
});

test("the 65th run at once is a crash", async () => {
  const { as, system } = await running();
  await as((context) => {
    for (let i = 0; i < 64; i++) context.run(`${i}`, { deadlineMs: 1_000 }, never);
    expect(context.children()).toEqual([]);
  });
  expect(system.snapshot()[0]?.runs.length).toBe(64);
  await as((context) => void context.run("64", { deadlineMs: 1_000 }, never));
  expect(system.snapshot()[0]).toMatchObject({ runs: [], lastError: { code: "RUN_LIMIT" } });
});

test("an onEnd that throws is a crash of the actor, wherever the run ended", async () => {
  const { as, advance, system } = await running();
  const onEnd = (): never => {
    throw new ClusterPulseError("IN_ON_END", "planted");
  };
  await as((context) => void context.run("r", { deadlineMs: 1_000, onEnd }, async () => {}));
  expect(system.snapshot()[0]?.lastError?.code).toBe("IN_ON_END");
  await advance(1_000);
  await as((context) => void context.run("r", { deadlineMs: 1_000, onEnd }, never));
  await advance(2_000);
  expect(system.snapshot()[0]).toMatchObject({ restarts: 2, state: "running" });
});

test("no run outlives its actor", async () => {
  const { as, ends, onEnd, advance, system } = await running();
  let signal: AbortSignal | undefined;
  await as((context) => {
    context.run("r", { deadlineMs: 1_000, onEnd: onEnd("r") }, (given) => {
      signal = given;
      return never();
    });
    context.stopSelf();
    expect(context.run("late", { deadlineMs: 1_000, onEnd: onEnd("late") }, never)).toBe(false);
  });
  expect(signal?.aborted).toBe(true);
  await advance(5_000);
  expect(ends).toEqual([]);
  expect(system.counters().deadLetters.stopped).toBe(0);
});
