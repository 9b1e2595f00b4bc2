import { describe, expect, test } from "vitest";
import { Admission, type AdmissionClass } from "../../../src/support/admission.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

const never = new AbortController().signal;

/** Acquires in order and reports who was admitted so far. */
function queue(admission: Admission, kinds: readonly AdmissionClass[]) {
  const admitted: number[] = [];
  const releases = new Map<number, () => void>();
  for (const [i, kind] of kinds.entries()) {
    void admission.acquire(kind, never).then(({ release }) => {
      admitted.push(i);
      releases.set(i, release);
    });
  }
  return { admitted, release: (i: number) => releases.get(i)?.() };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("admission", () => {
  test("holds no more than its slots, first come first served", async () => {
    const admission = new Admission(2);
    const { admitted, release } = queue(admission, ["fresh", "fresh", "fresh", "fresh"]);
    await settled();
    expect(admitted).toEqual([0, 1]);
    expect(admission.stats()).toEqual({ held: 2, holders: 2, waiting: 2, peak: 2 });
    release(0);
    release(0);
    await settled();
    expect(admitted).toEqual([0, 1, 2]);
  });

  test("gives suspects at most half the slots, and never before a fresh one that waits", async () => {
    const admission = new Admission(4);
    const { admitted, release } = queue(admission, [
      "suspect",
      "suspect",
      "suspect",
      "suspect",
      "fresh",
      "fresh",
      "fresh",
    ]);
    await settled();
    expect(admitted).toEqual([0, 1, 4, 5]);
    release(0);
    await settled();
    expect(admitted).toEqual([0, 1, 4, 5, 6]);
    release(1);
    await settled();
    expect(admitted).toEqual([0, 1, 4, 5, 6, 2]);
  });

  test("a waiter that gives up leaves no trace", async () => {
    const admission = new Admission(2);
    const { release } = queue(admission, ["fresh", "fresh"]);
    const controller = new AbortController();
    const waiting = admission.acquire("fresh", controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "ADMISSION_ABORTED" });
    await expect(admission.acquire("fresh", controller.signal)).rejects.toMatchObject({ code: "ADMISSION_ABORTED" });
    release(0);
    release(1);
    await settled();
    expect(admission.stats()).toEqual({ held: 0, holders: 0, waiting: 0, peak: 2 });
  });
});

describe("admission by weight", () => {
  const acquire = (admission: Admission, kind: AdmissionClass, weight: number) =>
    admission.acquire(kind, never, { weight });
  const nameAs = (order: string[], name: string) => (): void => void order.push(name);

  test("never holds more than there is, and gives back what was asked for in vain", async () => {
    const admission = new Admission(100);
    const first = await acquire(admission, "fresh", 60);
    const order: string[] = [];
    const second = acquire(admission, "fresh", 60);
    void second.then(nameAs(order, "second"));
    await settled();
    expect(order).toEqual([]);
    first.shrinkTo(41);
    await settled();
    expect(order).toEqual([]);
    first.shrinkTo(40);
    first.shrinkTo(90);
    expect(admission.stats()).toEqual({ held: 100, holders: 2, waiting: 0, peak: 100 });
    (await second).release();
    first.release();
    first.shrinkTo(1);
    expect(admission.stats()).toEqual({ held: 0, holders: 0, waiting: 0, peak: 100 });
  });

  test("one who needs much is not passed over by those who need little", async () => {
    const admission = new Admission(100);
    const first = await acquire(admission, "fresh", 80);
    const order: string[] = [];
    void acquire(admission, "fresh", 90).then(nameAs(order, "much"));
    void acquire(admission, "fresh", 10).then(nameAs(order, "little"));
    await settled();
    expect(order).toEqual([]);
    first.release();
    await settled();
    expect(order).toEqual(["much", "little"]);
  });

  test("whoever was in front and gives up lets those behind pass", async () => {
    const admission = new Admission(100);
    await acquire(admission, "fresh", 80);
    const controller = new AbortController();
    const much = admission.acquire("fresh", controller.signal, { weight: 90 });
    const little = acquire(admission, "fresh", 20);
    controller.abort();
    await expect(much).rejects.toMatchObject({ code: "ADMISSION_ABORTED" });
    await expect(little).resolves.toBeDefined();
  });

  test("suspects hold at most half of it; more than their class can ever hold is refused", async () => {
    const admission = new Admission(100);
    await acquire(admission, "suspect", 40);
    const order: string[] = [];
    void acquire(admission, "suspect", 20).then(nameAs(order, "suspect"));
    void acquire(admission, "fresh", 60).then(nameAs(order, "fresh"));
    await settled();
    expect(order).toEqual(["fresh"]);
    await expect(acquire(admission, "suspect", 51)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    await expect(acquire(admission, "fresh", 101)).rejects.toMatchObject({ code: "INVALID_INPUT" });
  });

  test("each gets its turn where many ask for one thing after the other", async () => {
    const admission = new Admission(2);
    const order: string[] = [];
    const ask = async (name: string): Promise<void> => {
      for (let round = 0; round < 3; round++) {
        const { release } = await admission.acquire("fresh", never);
        order.push(name);
        await settled();
        release();
      }
    };
    await Promise.all(["a", "b", "c", "d"].map(ask));
    expect(order).toEqual(["a", "b", "c", "d", "a", "b", "c", "d", "a", "b", "c", "d"]);
  });

  test("waits no longer than it may, and says that the hub is busy", async () => {
    const clock = new VirtualClock();
    const admission = new Admission(2, "seat");
    const { release } = queue(admission, ["fresh", "fresh"]);
    const waiting = admission.acquire("fresh", never, { atMost: { clock, ms: 1_500 } });
    const ended = expect(waiting).rejects.toMatchObject({
      code: "ADMISSION_TIMEOUT",
      message: "the hub is busy: no seat within 1.5 s",
    });
    const inTime = admission.acquire("fresh", never, { atMost: { clock, ms: 1_600 } });
    await clock.advance(1_500);
    await ended;
    release(0);
    await expect(inTime).resolves.toBeDefined();
    await clock.advance(1_000);
    expect(admission.stats()).toMatchObject({ held: 2, waiting: 0 });
  });

  test("is given back when its signal aborts, where work may never end", async () => {
    const admission = new Admission(2);
    const controller = new AbortController();
    const { release } = await admission.acquire("fresh", controller.signal, { untilAborted: true });
    controller.abort();
    release();
    expect(admission.stats()).toMatchObject({ held: 0, holders: 0 });
  });
});
