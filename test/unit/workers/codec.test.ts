import { describe, expect, it } from "vitest";
import { exactBytes, pack, unpack } from "../../../workers/codec.ts";
import { expectedBytes } from "../../../workers/inline.ts";

describe("packed values", () => {
  it("have a buffer of their own, of exactly their size", () => {
    const [first, second] = [pack({ a: 1 }), pack({ b: 2 })];
    expect(first.byteLength).toBe(first.buffer.byteLength);
    expect(first.buffer).not.toBe(second.buffer);
    expect(unpack(first)).toEqual({ a: 1 });
  });

  it.each([0, -1, 0.1, 2 ** 32, 2 ** 53 - 1, 2 ** 63, 1e300, "ü😀", "", null, true, [], [1, "x"], {}])(
    "%j comes back as it was",
    (value) => expect(unpack(pack({ value }))).toEqual({ value }),
  );

  it("exact bytes are kept, shared ones are copied", () => {
    const own = new Uint8Array(4);
    expect(exactBytes(own)).toBe(own);
    const copy = exactBytes(new Uint8Array([1, 2, 3, 4]).subarray(1, 3));
    expect([...copy]).toEqual([2, 3]);
    expect(copy.buffer.byteLength).toBe(2);
  });
});

describe("the expected size of a body", () => {
  it("is its length, or what gzip states, and never above what is accepted", () => {
    const gzip = (size: number) => {
      const bytes = new Uint8Array(100);
      new DataView(bytes.buffer).setUint32(96, size, true);
      return expectedBytes({ bytes, encoding: "gzip" });
    };
    expect(expectedBytes({ bytes: new Uint8Array(100), encoding: "identity" })).toBe(100);
    expect(gzip(5000)).toBe(5000);
    expect(gzip(1)).toBe(100);
    expect(gzip(2 ** 32 - 1)).toBe(32 * 1024 * 1024);
    expect(expectedBytes({ bytes: new Uint8Array(3), encoding: "gzip" })).toBe(3);
  });
});
