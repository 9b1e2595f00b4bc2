import fc from "fast-check";
import { expect, test } from "vitest";
import { RingBuffer } from "../../../src/support/ring-buffer.ts";

type Step =
  | { readonly push: number }
  | { readonly unshift: number }
  | { readonly replace: number; readonly by: number }
  | "shift";

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ push: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ unshift: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ replace: fc.nat(), by: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant<Step>("shift") },
);

test("does what an array does, and replaces in place by sequence number", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const ring = new RingBuffer<number>();
      const model: { sequence: number; value: number }[] = [];
      for (const next of steps) {
        if (next === "shift") expect(ring.shift()).toBe(model.shift()?.value);
        else if ("push" in next) model.push({ sequence: ring.push(next.push), value: next.push });
        else if ("unshift" in next) {
          ring.unshift(next.unshift);
          model.unshift({ sequence: ring.headSequence, value: next.unshift });
        } else {
          const waiting = model[next.replace % Math.max(1, model.length)];
          if (waiting === undefined) continue;
          expect(ring.replace(waiting.sequence, next.by)).toBe(waiting.value);
          waiting.value = next.by;
        }
        expect(ring.size).toBe(model.length);
        expect(new Set(model.map(({ sequence }) => sequence)).size).toBe(model.length);
      }
      expect(Array.from({ length: ring.size }, () => ring.shift())).toEqual(model.map(({ value }) => value));
      expect(ring.shift()).toBeUndefined();
    }),
  );
});

test("keeps its order over millions of values in a few slots", () => {
  const ring = new RingBuffer<number>();
  for (let i = 0; i < 3; i++) ring.push(i);
  for (let i = 3; i < 1_000_000; i++) {
    ring.push(i);
    if (ring.shift() !== i - 3) throw new Error(`out of order at ${i}`);
  }
  expect([ring.shift(), ring.shift(), ring.shift(), ring.size]).toEqual([999_997, 999_998, 999_999, 0]);
});

test("lets go of what was taken", async () => {
  const ring = new RingBuffer<{ held: true }>();
  ring.push({ held: true });
  ring.shift();
  expect(JSON.stringify(ring)).not.toContain("held");
});
