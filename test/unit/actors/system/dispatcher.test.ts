import { expect, test } from "vitest";
import { Dispatcher, type Runnable } from "../../../../actors/system/dispatcher.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

/** A clock on which time passes within a turn of the event loop, as it does for work that keeps the processor busy. */
class BusyClock extends VirtualClock {
  busyMs = 0;
  passes = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.busyMs;
  }
  override setImmediate(callback: () => void): void {
    super.setImmediate(() => {
      this.passes++;
      callback();
    });
  }
}

function start(throughput = 300) {
  const clock = new BusyClock();
  const totals = { processed: 0 };
  const dispatcher = new Dispatcher(clock, throughput, totals);
  const order: string[] = [];
  const runnable = (name: string, messages: number, tookMs: number): Runnable => ({
    behind: null,
    turn(budget) {
      order.push(name);
      clock.busyMs += tookMs;
      return Math.min(messages, budget);
    },
  });
  return { clock, totals, dispatcher, order, runnable };
}

test("who stands in the queue has a turn, in order, within one pass", async () => {
  const { clock, dispatcher, order, runnable, totals } = start();
  for (const name of ["a", "b", "c"]) dispatcher.schedule(runnable(name, 2, 0));
  expect(order).toEqual([]);
  await clock.settle();
  expect([order, clock.passes, totals.processed]).toEqual([["a", "b", "c"], 1, 6]);
});

test("who stands in the queue already keeps its place and has one turn; nobody is lost", async () => {
  const { clock, dispatcher, order, runnable } = start();
  const [a, b, c] = [runnable("a", 1, 0), runnable("b", 1, 0), runnable("c", 1, 0)];
  for (const each of [a, b, a, c, b, a]) dispatcher.schedule(each);
  await clock.settle();
  expect(order).toEqual(["a", "b", "c"]);
});

test("who comes during a pass has its turn in the next", async () => {
  const { clock, dispatcher, order, runnable } = start();
  dispatcher.schedule({
    behind: null,
    turn() {
      order.push("first");
      dispatcher.schedule(runnable("third", 1, 0));
      return 1;
    },
  });
  dispatcher.schedule(runnable("second", 1, 0));
  await clock.settle();
  expect([order, clock.passes]).toEqual([["first", "second", "third"], 2]);
});

test("a pass ends after about 10 ms; the rest goes on in the next, before those who came later", async () => {
  const { clock, dispatcher, order, runnable, totals } = start(1_000);
  const names = Array.from({ length: 10 }, (_, i) => `${i}`);
  for (const name of names) dispatcher.schedule(runnable(name, 1_000, 4));
  clock.setImmediate(() => dispatcher.schedule(runnable("later", 1_000, 4)));
  await clock.settle();
  expect(order).toEqual([...names, "later"]);
  // Three of 4 ms each make 12 ms: 3 + 3 + 3 + 2, the last with the one that came later; and one pass was the test's own.
  expect(clock.passes - 1).toBe(4);
  expect(totals.processed).toBe(11_000);
});

test("the rest of a pass that ended early goes on by itself", async () => {
  const { clock, dispatcher, order, runnable } = start(1_000);
  for (const name of ["a", "b"]) dispatcher.schedule(runnable(name, 1_000, 20));
  await clock.settle();
  expect([order, clock.passes]).toEqual([["a", "b"], 2]);
});

test("one runnable gets the throughput as its budget", async () => {
  const { clock, dispatcher } = start(7);
  const budgets: number[] = [];
  dispatcher.schedule({
    behind: null,
    turn(budget) {
      budgets.push(budget);
      return 0;
    },
  });
  await clock.settle();
  expect(budgets).toEqual([7]);
});
