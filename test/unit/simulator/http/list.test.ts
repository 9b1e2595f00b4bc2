// Continue tokens.
import { describe, expect, it } from "vitest";
import { decodeContinuation, encodeContinuation } from "../../../../src/simulator/http/list.ts";

describe("continue tokens", () => {
  it("say where to go on", () => {
    const from = { resourceVersion: 123_456_789, next: 500 };
    expect(decodeContinuation(encodeContinuation(from))).toEqual(from);
  });
});
