import { expect, test } from "vitest";
import { createTestSystem } from "../../../../actors/system/test-kit.ts";

test("a tree starts, hears, crashes, restarts and stops", async () => {
  const { system, advance, settle, stop } = createTestSystem({ seed: 1 });
  const heard: string[] = [];
  const ref = system.spawn<string>(
    {
      kind: "parent",
      create: (context) => ({
        onStart: () => {
          heard.push("start");
          context.timers.every("tick", { intervalMs: 1000 }, "tick");
          context.spawn(
            { kind: "child", create: () => ({ onMessage: () => {}, onStop: (r) => heard.push(`child ${r}`) }) },
            { name: "c" },
          );
        },
        onRestart: (error) => heard.push(error.code),
        onMessage: (message) => {
          heard.push(message);
          if (message === "boom") throw new Error("boom");
          if (message === "run")
            context.run("r", { deadlineMs: 500, onEnd: (o) => o.status }, () => new Promise(() => {}));
        },
        onStop: (reason) => heard.push(reason),
      }),
    },
    { name: "p" },
  );
  ref.tell("hello");
  await settle();
  expect(heard).toEqual(["start", "hello"]);
  ref.tell("run");
  await advance(1000);
  expect(heard.slice(2)).toEqual(["run", "deadline", "tick"]);
  ref.tell("boom");
  await advance(1000);
  expect(heard.slice(5)).toEqual([
    ...["boom", "child stopped", "restarting", "UNEXPECTED", "start"],
    ...["boom", "restarting", "UNEXPECTED", "start"],
    ...["boom", "restarting", "UNEXPECTED", "start"],
  ]);
  expect(await stop(1000)).toEqual({ abandoned: [] });
  expect(system.snapshot()).toEqual([]);
});
