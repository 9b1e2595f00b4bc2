import { describe, expect, test } from "vitest";
import { TaskQueue } from "../../../workers/queue.ts";
import type { Priority } from "../../../workers/task.ts";
import { mayBegin } from "../../../workers/turns.ts";

describe("what may begin", () => {
  test.each([
    [{ threads: 2, starting: 0, running: 0, suspects: 0 }, ["fold", "extraction", "suspect"]],
    [{ threads: 2, starting: 0, running: 1, suspects: 1 }, ["fold", "extraction"]],
    // The thread of the last suspect is being replaced: the one that is up is not for the next.
    [{ threads: 2, starting: 1, running: 0, suspects: 0 }, ["fold", "extraction"]],
    [{ threads: 2, starting: 1, running: 1, suspects: 0 }, []],
    [{ threads: 2, starting: 2, running: 0, suspects: 0 }, []],
    [{ threads: 2, starting: 0, running: 2, suspects: 1 }, []],
    [{ threads: 5, starting: 0, running: 1, suspects: 1 }, ["fold", "extraction", "suspect"]],
    [{ threads: 5, starting: 0, running: 2, suspects: 2 }, ["fold", "extraction"]],
    [{ threads: 1, starting: 0, running: 0, suspects: 0 }, ["fold", "extraction", "suspect"]],
    [{ threads: 1, starting: 1, running: 0, suspects: 0 }, []],
  ])("%j: %j", (occupancy, priorities) => {
    expect(mayBegin(occupancy)).toEqual(priorities);
  });

  test.each([2, 3, 4, 8])(
    "of %i threads, suspects that each end theirs never have more than half, and good tasks wait for none of them",
    (threads) => {
      // One step: whatever may begin does, every task ends, each suspect with its thread, which is up again ten steps later.
      const queue = new TaskQueue<{ readonly priority: Priority; readonly bytes: number }>(10_000, 10_000);
      const arrives = (priority: Priority, count: number): void => {
        for (let i = 0; i < count; i++) queue.add({ priority, bytes: 1 });
      };
      arrives("suspect", 500);
      let upAt: number[] = [];
      let suspectsDone = 0;
      for (let step = 0; step < 2_000; step++) {
        upAt = upAt.filter((at) => at > step);
        const good = Math.ceil(threads / 2);
        arrives("fold", good);
        const begun = { running: 0, suspects: 0 };
        for (;;) {
          const next = queue.next(mayBegin({ threads, starting: upAt.length, ...begun }));
          if (next === undefined) break;
          begun.running++;
          if (next.priority === "suspect") begun.suspects++;
        }
        expect(begun.suspects).toBeLessThanOrEqual(Math.floor(threads / 2));
        expect(begun.running - begun.suspects).toBe(good);
        suspectsDone += begun.suspects;
        for (let i = 0; i < begun.suspects; i++) upAt.push(step + 10);
        expect(upAt.length).toBeLessThanOrEqual(Math.floor(threads / 2));
      }
      expect(suspectsDone).toBeGreaterThan(150);
    },
  );
});
