import { describe, expect, test } from "vitest";
import { Admission, type AdmissionClass } from "../../../src/support/admission.ts";

const never = new AbortController().signal;

/** Acquires in order and reports who was admitted so far. */
function queue(admission: Admission, kinds: readonly AdmissionClass[]) {
  const admitted: number[] = [];
  const releases = new Map<number, () => void>();
  for (const [i, kind] of kinds.entries()) {
    void admission.acquire(kind, never).then((release) => {
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
    expect(admission.stats()).toEqual({ held: 2, waiting: 2, peak: 2 });
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
    expect(admission.stats()).toEqual({ held: 0, waiting: 0, peak: 2 });
  });
});
