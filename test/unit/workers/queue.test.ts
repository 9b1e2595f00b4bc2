import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TaskQueue, type Waiting } from "../../../workers/queue.ts";
import { priorities } from "../../../workers/task.ts";

interface Item extends Waiting {
  readonly name: string;
}
const item = (name: string, priority: Item["priority"], bytes = 1): Item => ({ name, priority, bytes });
const names = (items: readonly Item[] | undefined): string[] | undefined => items?.map(({ name }) => name);

function drain(queue: TaskQueue<Item>): string[] {
  const order: string[] = [];
  for (let next = queue.next(priorities); next !== undefined; next = queue.next(priorities)) order.push(next.name);
  return order;
}

describe("the queue of the pool", () => {
  it("folds come before extractions, a suspect last, each in order of arrival", () => {
    const queue = new TaskQueue<Item>(10, 100);
    const arriving = [item("s", "suspect"), item("e1", "extraction"), item("f1", "fold"), item("e2", "extraction")];
    for (const each of [...arriving, item("f2", "fold")]) expect(queue.add(each)).toEqual([]);
    expect(drain(queue)).toEqual(["f1", "f2", "e1", "e2", "s"]);
  });

  it("E-21: full, it lets the oldest of the lowest priority go for a higher one, and refuses everything else", () => {
    const queue = new TaskQueue<Item>(3, 100);
    for (const each of [item("e1", "extraction"), item("e2", "extraction"), item("s1", "suspect")]) queue.add(each);
    expect(queue.add(item("s2", "suspect"))).toBeUndefined();
    expect(names(queue.add(item("e3", "extraction")))).toEqual(["s1"]);
    expect(queue.add(item("e4", "extraction"))).toBeUndefined();
    expect(names(queue.add(item("f1", "fold")))).toEqual(["e1"]);
    expect(drain(queue)).toEqual(["f1", "e2", "e3"]);
  });

  it("E-21: as many leave as are needed for the bytes, and none if that would not be enough", () => {
    const queue = new TaskQueue<Item>(10, 10);
    for (const each of [item("f1", "fold", 4), item("e1", "extraction", 3), item("e2", "extraction", 3)])
      queue.add(each);
    expect(queue.add(item("f2", "fold", 7))).toBeUndefined();
    expect(queue.size).toBe(3);
    expect(names(queue.add(item("f3", "fold", 5)))).toEqual(["e1", "e2"]);
    expect([queue.size, queue.bytes]).toEqual([2, 9]);
  });

  it("what is not asked for stays", () => {
    const queue = new TaskQueue<Item>(3, 10);
    queue.add(item("s", "suspect"));
    expect(queue.next(["fold", "extraction"])).toBeUndefined();
    expect(queue.sizeOf("suspect")).toBe(1);
  });

  it("E-18: one that comes back is before all others of its priority, however full it is", () => {
    const queue = new TaskQueue<Item>(2, 10);
    queue.add(item("f1", "fold", 4));
    const first = queue.next(priorities) as Item;
    for (const each of [item("f2", "fold", 5), item("e1", "extraction", 5)]) expect(queue.add(each)).toEqual([]);
    queue.putBack(first);
    expect([queue.size, queue.bytes]).toEqual([3, 14]);
    expect(queue.add(item("e2", "extraction"))).toBeUndefined();
    expect(drain(queue)).toEqual(["f1", "f2", "e1"]);
    expect([queue.size, queue.bytes]).toEqual([0, 0]);
  });

  it("keeps its bounds and its books, whatever comes and goes", () => {
    const step = fc.record({ priority: fc.constantFrom(...priorities), bytes: fc.nat({ max: 6 }), take: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new TaskQueue<Item>(4, 12);
        const inside = new Set<Item>();
        for (const { take, ...waiting } of steps) {
          const task = item("", waiting.priority, waiting.bytes);
          const displaced = queue.add(task);
          if (displaced !== undefined) inside.add(task);
          for (const other of displaced ?? []) {
            expect(priorities.indexOf(other.priority)).toBeGreaterThan(priorities.indexOf(task.priority));
            expect(inside.delete(other)).toBe(true);
          }
          const next = take ? queue.next(priorities) : undefined;
          if (next !== undefined) expect(inside.delete(next)).toBe(true);
          expect(queue.size).toBe(inside.size);
          expect(queue.bytes).toBe([...inside].reduce((sum, { bytes }) => sum + bytes, 0));
          expect(queue.size).toBeLessThanOrEqual(4);
          expect(queue.bytes).toBeLessThanOrEqual(12);
        }
      }),
    );
  });
});
