import { describe, expect, test } from "vitest";
import { askWithRoom, type Grant } from "../../../src/kube/answer-room.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import { Admission } from "../../../src/support/admission.ts";

const never = new AbortController().signal;
const limits = { expectedBytes: 100, maxBytes: 1_000 };

/** Answers of `sizes` in turn, each of them refused where it is too large. */
function start(...sizes: number[]) {
  const admission = new Admission(2_000);
  const room = {
    minBytes: 50,
    take: (weight: number, signal: AbortSignal) => admission.acquire("fresh", signal, { weight }),
  };
  const allowed: number[] = [];
  const ask = async ({ maxBytes, beforeSending }: Grant): Promise<{ bytes: Uint8Array }> => {
    expect(admission.stats().held).toBe(0);
    await beforeSending();
    expect(admission.stats().held).toBe(maxBytes);
    allowed.push(maxBytes);
    const size = sizes.shift() ?? 0;
    if (size > maxBytes) throw new KubeError("BODY_TOO_LARGE", `larger than ${maxBytes}`);
    return { bytes: new Uint8Array(size) };
  };
  return { admission, room, ask, allowed };
}

describe("room for an answer", () => {
  test("is what is expected, then what the answer is, then nothing", async () => {
    const { admission, room, ask, allowed } = start(70);
    const { answer, release } = await askWithRoom(ask, room, limits, never);
    expect(allowed).toEqual([100]);
    expect(answer.bytes).toHaveLength(70);
    expect(admission.stats().held).toBe(70);
    release();
    expect(admission.stats().held).toBe(0);
  });

  test("is given back together with the memory of the answer", async () => {
    let discarded = 0;
    const { room, ask } = start(70);
    const discardable = async (grant: Grant) => ({ ...(await ask(grant)), discard: () => discarded++ });
    const { release } = await askWithRoom(discardable, room, limits, never);
    expect(discarded).toBe(0);
    release();
    expect(discarded).toBe(1);
  });

  test("is never less than the least, so that answers are counted, too", async () => {
    const { admission, room, ask, allowed } = start(7);
    await askWithRoom(ask, room, { ...limits, expectedBytes: 14 }, never);
    expect(allowed).toEqual([50]);
    expect(admission.stats().held).toBe(50);
  });

  test("an answer that is larger than expected is asked for once more, with room for the largest", async () => {
    const { admission, room, ask, allowed } = start(101, 101);
    await askWithRoom(ask, room, limits, never);
    expect(allowed).toEqual([100, 1_000]);
    expect(admission.stats()).toMatchObject({ held: 101, peak: 1_000 });
  });

  test("one that is larger than the largest fails, and nothing is held", async () => {
    const { admission, room, ask, allowed } = start(1_001, 1_001, 1_001);
    await expect(askWithRoom(ask, room, limits, never)).rejects.toMatchObject({ code: "BODY_TOO_LARGE" });
    expect(allowed).toEqual([100, 1_000]);
    expect(admission.stats().held).toBe(0);
  });

  test("what is expected beyond the largest is not reserved", async () => {
    const { room, ask, allowed } = start(900);
    await askWithRoom(ask, room, { ...limits, expectedBytes: 5_000 }, never);
    expect(allowed).toEqual([1_000]);
  });

  test("any other failure is not tried again, and nothing is held", async () => {
    const { admission, room } = start();
    const reset = async ({ beforeSending }: Grant) => {
      await beforeSending();
      throw new KubeError("CONNECTION_RESET", "gone");
    };
    await expect(askWithRoom(reset, room, limits, never)).rejects.toMatchObject({ code: "CONNECTION_RESET" });
    expect(admission.stats().held).toBe(0);
  });
});
