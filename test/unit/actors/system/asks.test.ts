import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { type ActorDefinition, createActorSystem, type ReplyTo } from "../../../../actors/system/index.ts";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { silentLogger } from "../../../../src/support/log.ts";
import { seededRandom } from "../../../../src/support/random.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

interface Question {
  readonly type: string;
  readonly reply: ReplyTo<string>;
}

/** Answers "echo", keeps the reply of "keep", crashes on "crash", stops on "stop". */
const answering = (kept: ReplyTo<string>[] = [], overrides: Partial<ActorDefinition<Question>> = {}) =>
  ({
    kind: "answering",
    create: (context) => ({
      onMessage({ type, reply }) {
        if (type === "echo") reply.resolve("echo");
        if (type === "keep") kept.push(reply);
        if (type === "crash") throw new Error("planted");
        if (type === "stop") context.stopSelf();
      },
    }),
    ...overrides,
  }) satisfies ActorDefinition<Question>;

const make =
  (type: string) =>
  (reply: ReplyTo<string>): Question => ({ type, reply });

const code = (expected: string) => expect.objectContaining({ code: expected });

/** How a promise has settled so far. */
function observe(promise: Promise<unknown>): { outcome: string } {
  const observed = { outcome: "pending" };
  promise.then(
    (value) => {
      observed.outcome = `${value}`;
    },
    (error) => {
      observed.outcome = error.code ?? error.message;
    },
  );
  return observed;
}

test("the answer resolves the promise", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering(), { name: "a" });
  const asked = observe(ref.ask(make("echo"), { timeoutMs: 1_000 }));
  await settle();
  expect(asked.outcome).toBe("echo");
});

test("only the first reply counts", async () => {
  const { system, settle, advance } = createTestSystem({ seed: 1 });
  const kept: ReplyTo<string>[] = [];
  const ref = system.spawn(answering(kept), { name: "a" });
  const [resolved, rejected] = [make("keep"), make("keep")].map((m) => observe(ref.ask(m, { timeoutMs: 1_000 })));
  await settle();
  kept[0]?.resolve("first");
  kept[0]?.resolve("second");
  kept[0]?.reject({ code: "LATE", message: "late" });
  kept[1]?.reject({ code: "REFUSED", message: "no" });
  kept[1]?.resolve("late");
  await advance(5_000);
  expect([resolved?.outcome, rejected?.outcome]).toEqual(["first", "REFUSED"]);
});

test("no reply in time: ASK_TIMEOUT, and a later reply is dropped", async () => {
  const { system, advance } = createTestSystem({ seed: 1 });
  const kept: ReplyTo<string>[] = [];
  const ref = system.spawn(answering(kept), { name: "a" });
  const asked = observe(ref.ask(make("keep"), { timeoutMs: 1_000 }));
  await advance(900);
  expect(asked.outcome).toBe("pending");
  await advance(100);
  expect(asked.outcome).toBe("ASK_TIMEOUT");
  kept[0]?.resolve("late");
  await advance(0);
  expect(asked.outcome).toBe("ASK_TIMEOUT");
});

test("an abort rejects at once; a signal that is aborted already asks nothing", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering(), { name: "a" });
  const controller = new AbortController();
  const asked = observe(ref.ask(make("keep"), { timeoutMs: 1_000, signal: controller.signal }));
  await settle();
  controller.abort();
  await settle();
  expect(asked.outcome).toBe("ASK_ABORTED");
  await expect(ref.ask(make("echo"), { timeoutMs: 1_000, signal: controller.signal })).rejects.toEqual(
    code("ASK_ABORTED"),
  );
  await settle();
  expect(system.counters().processed).toBe(1);
});

test("however an ask ends, no listener stays on the signal and no timer on the wheel", async () => {
  const armed = new Set<() => void>();
  class CountingClock extends VirtualClock {
    override setTimer(callback: () => void, delayMs: number): () => void {
      const cancel = super.setTimer(callback, delayMs);
      const take = (): void => {
        armed.delete(take);
        cancel();
      };
      armed.add(take);
      return take;
    }
  }
  const clock = new CountingClock();
  const system = createActorSystem({ clock, random: seededRandom(1), log: silentLogger });
  const kept: ReplyTo<string>[] = [];
  const ref = system.spawn(answering(kept), { name: "a" });
  const { signal } = new AbortController();
  const ask = (type: string) => observe(ref.ask(make(type), { timeoutMs: 1_000, signal }));
  const asked = ["echo", "keep", "keep", "echo"].map(ask);
  expect([getEventListeners(signal, "abort").length, armed.size]).toEqual([4, 1]);
  await clock.settle();
  kept[0]?.reject({ code: "REFUSED", message: "no" });
  asked.push(...["stop", "echo"].map(ask));
  await clock.settle();
  expect(asked.map(({ outcome }) => outcome)).toEqual([
    ...["echo", "REFUSED", "ASK_DEAD", "echo", "ASK_DEAD", "ASK_DEAD"],
  ]);
  expect([getEventListeners(signal, "abort").length, armed.size]).toEqual([0, 0]);
});

test("a stopped actor, a full lane, a poison message and a dropped one answer ASK_DEAD at once", async () => {
  const { system, settle, advance } = createTestSystem({ seed: 1 });
  const stopped = system.spawn(answering(), { name: "stopped" });
  stopped.tell({ type: "stop", reply: { resolve: () => {}, reject: () => {} } });
  await settle();
  await expect(stopped.ask(make("echo"), { timeoutMs: 1_000 })).rejects.toEqual(code("ASK_DEAD"));

  const full = system.spawn(answering([], { mailbox: { userCapacity: 1 } }), { name: "full" });
  const [first, second] = [make("echo"), make("echo")].map((m) => observe(full.ask(m, { timeoutMs: 1_000 })));
  await settle();
  expect([first?.outcome, second?.outcome]).toEqual(["echo", "ASK_DEAD"]);

  const crashing = system.spawn(answering(), { name: "crashing" });
  const poison = observe(crashing.ask(make("crash"), { timeoutMs: 60_000 }));
  await advance(1_000);
  expect(poison.outcome).toBe("ASK_DEAD");
});

test("a question that a newer one of its key replaced is answered ASK_DEAD", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering([], { keyOf: ({ type }) => type }), { name: "a" });
  const asked = [1, 2, 3].map(() => observe(ref.ask(make("echo"), { timeoutMs: 1_000 })));
  await settle();
  expect(asked.map(({ outcome }) => outcome)).toEqual(["ASK_DEAD", "ASK_DEAD", "echo"]);
});

test("a restart keeps the question, which the fresh instance may answer", async () => {
  const { system, advance } = createTestSystem({ seed: 1 });
  let crashes = 0;
  const ref = system.spawn<Question>(
    {
      kind: "flaky",
      create: () => ({
        onMessage({ reply }) {
          if (++crashes < 3) throw new Error("planted");
          reply.resolve("at last");
        },
      }),
    },
    { name: "a" },
  );
  const asked = observe(ref.ask(make("x"), { timeoutMs: 60_000 }));
  await advance(1_000);
  expect(asked.outcome).toBe("at last");
});

test("a message that cannot be made rejects, and leaves nothing behind", async () => {
  const { system } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering(), { name: "a" });
  const { signal } = new AbortController();
  const asked = ref.ask(
    () => {
      throw new Error("planted");
    },
    { timeoutMs: 1_000, signal },
  );
  await expect(asked).rejects.toThrow("planted");
  expect(getEventListeners(signal, "abort").length).toBe(0);
});

test("a reply given while the message is made counts", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering(), { name: "a" });
  const asked = observe(
    ref.ask<string>(
      (reply) => {
        reply.resolve("early");
        return { type: "echo", reply };
      },
      { timeoutMs: 1_000 },
    ),
  );
  await settle();
  expect(asked.outcome).toBe("early");
});

test("at most 4,096 questions wait for an answer of one actor", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering([], { mailbox: { userCapacity: 10_000 } }), { name: "a" });
  const asked = Array.from({ length: 4_097 }, () => observe(ref.ask(make("keep"), { timeoutMs: 1_000 })));
  await settle();
  expect(asked.filter(({ outcome }) => outcome === "ASK_DEAD").length).toBe(1);
  expect(asked.at(-1)?.outcome).toBe("ASK_DEAD");
});

test("questions that were answered do not count against that", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const ref = system.spawn(answering(), { name: "a" });
  const outcomes = new Set<string>();
  for (let batch = 0; batch < 50; batch++) {
    const asked = Array.from({ length: 100 }, () => observe(ref.ask(make("echo"), { timeoutMs: 1_000 })));
    await settle();
    for (const { outcome } of asked) outcomes.add(outcome);
  }
  expect([...outcomes]).toEqual(["echo"]);
});
