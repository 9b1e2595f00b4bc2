import { expect, test } from "vitest";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";
import { type Act, crash, scripted } from "./scripted.ts";

const leave: Act = { type: "leave", act: (context) => context.stopSelf() };

async function pair() {
  const kit = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const watched = kit.system.spawn(scripted([]), { name: "watched" });
  const watcher = kit.system.spawn(scripted(journal), { name: "w" });
  await kit.settle();
  const act = async (run: NonNullable<Act["act"]>): Promise<void> => {
    watcher.tell({ type: "act", act: run });
    await kit.settle();
    journal.splice(0);
  };
  return { ...kit, journal, watched, watcher, act };
}

test("the watcher hears once that the watched actor is gone, in the system lane", async () => {
  const { act, watched, journal, settle } = await pair();
  await act((context) => context.watch(watched, { type: "gone" }));
  watched.tell(leave);
  await settle();
  expect(journal).toEqual(["w gone"]);
});

test("watching an actor that is gone tells at once", async () => {
  const { watcher, watched, journal, settle } = await pair();
  watched.tell(leave);
  await settle();
  watcher.tell({ type: "watch it", act: (context) => context.watch(watched, { type: "gone" }) });
  await settle();
  expect(journal).toEqual(["w start", "w watch it", "w gone"]);
});

test("gone means gone: after the children and the final runs", async () => {
  const { system, act, journal, advance, clock } = await pair();
  const slow = system.spawn(
    scripted([], {
      onStop: (context) =>
        context.finalRun("flush", { deadlineMs: 5_000 }, () => new Promise((done) => clock.setTimer(done, 1_000))),
    }),
    { name: "slow" },
  );
  await act((context) => context.watch(slow, { type: "gone" }));
  slow.tell(leave);
  await advance(900);
  expect(journal).toEqual([]);
  await advance(200);
  expect(journal).toEqual(["w gone"]);
});

test("a restart is not an end", async () => {
  const { act, watched, journal, advance } = await pair();
  await act((context) => context.watch(watched, { type: "gone" }));
  watched.tell(crash());
  await advance(10_000);
  expect(journal).toEqual([]);
});

test("a watch ends with the incarnation that set it", async () => {
  const { act, watched, watcher, journal, advance } = await pair();
  await act((context) => context.watch(watched, { type: "gone" }));
  watcher.tell(crash());
  await advance(10_000);
  watched.tell(leave);
  await advance(0);
  expect(journal).not.toContain("w gone");
});

test("the newest message of a watch counts; unwatch takes it back", async () => {
  const { act, watched, journal, settle } = await pair();
  await act((context) => {
    context.watch(watched, { type: "old" });
    context.watch(watched, { type: "new" });
  });
  watched.tell(leave);
  await settle();
  expect(journal).toEqual(["w new"]);

  const other = await pair();
  await other.act((context) => {
    context.watch(other.watched, { type: "gone" });
    context.unwatch(other.watched);
  });
  other.watched.tell(leave);
  await other.settle();
  expect(other.journal).toEqual([]);
});

test("a parent may watch the child it stops, and reuse its name when told", async () => {
  const { system, settle } = createTestSystem({ seed: 1 });
  const journal: string[] = [];
  const parent = system.spawn(scripted(journal), { name: "p" });
  parent.tell({
    type: "replace",
    act(context) {
      const child = context.spawn(scripted(journal), { name: "c" });
      context.watch(child, { type: "gone", act: () => void context.spawn(scripted(journal), { name: "c" }) });
      context.stop(child);
    },
  });
  await settle();
  expect(journal).toEqual(["p start", "p replace", "p gone", "c start"]);
});

test("a watcher that has stopped is not told", async () => {
  const { act, watched, watcher, settle, system } = await pair();
  await act((context) => context.watch(watched, { type: "gone" }));
  watcher.tell(leave);
  await settle();
  watched.tell(leave);
  await settle();
  expect(system.counters().deadLetters.stopped).toBe(0);
});
