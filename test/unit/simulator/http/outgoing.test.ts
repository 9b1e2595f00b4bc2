// The bytes of an answer under each body fault, in virtual time.
import { describe, expect, it } from "vitest";
import type { BodyFault } from "../../../../src/simulator/faults/effects.ts";
import { Outgoing } from "../../../../src/simulator/http/outgoing.ts";
import { VirtualClock } from "../../../../src/support/virtual-clock.ts";

class FakeResponse {
  destroyed = false;
  writableLength = 0;
  readonly sent: Buffer[] = [];
  ends = 0;
  #onClose: (() => void)[] = [];
  write(bytes: Buffer, done?: () => void): void {
    this.sent.push(Buffer.from(bytes));
    done?.();
  }
  end(): void {
    this.ends++;
  }
  once(_event: "close", listener: () => void): void {
    this.#onClose.push(listener);
  }
  close(): void {
    for (const listener of this.#onClose) listener();
  }
  get text(): string {
    return Buffer.concat(this.sent).toString();
  }
}

function setUp(first: BodyFault, maxBufferedBytes = 1_000) {
  const clock = new VirtualClock();
  const response = new FakeResponse();
  const events: string[] = [];
  let fault = first;
  const outgoing = new Outgoing({
    response,
    fault: () => fault,
    clock,
    breakOff: ({ ending }) => events.push(`${ending} after ${response.text.length}`),
    endShort: () => events.push(`short after ${response.text.length}`),
    giveUp: () => events.push("gave up"),
    maxBufferedBytes,
  });
  const change = (next: BodyFault): void => {
    fault = next;
  };
  return { clock, response, events, outgoing, change };
}

const slow = (
  bytesPerSec: number,
  {
    chunkBytes = 1,
    stallAfterBytes,
    stallMs,
  }: { chunkBytes?: number; stallAfterBytes?: number; stallMs?: number } = {},
): BodyFault => ({ type: "slow", bytesPerSec, chunkBytes, stallAfterBytes, stallMs });
const cut = (afterBytes: number, ending: "clean" | "reset"): BodyFault => ({
  type: "cut",
  afterBytes,
  ending: ending === "clean" ? ending : { ending, h2Code: 2 },
});
const body = (length: number): Buffer => Buffer.alloc(length, "x");

describe("an answer", () => {
  it("leaves at once and whole without a fault", () => {
    const { response, outgoing } = setUp({ type: "none" });
    outgoing.write(Buffer.from("a"));
    outgoing.end(Buffer.from("b"));
    expect([response.text, response.ends]).toEqual(["ab", 1]);
  });

  it.each([1, 3, 100, 12_345])("leaves at %i bytes a second, in order, and then ends", async (rate) => {
    const { clock, response, outgoing } = setUp(slow(rate));
    const text = Array.from({ length: rate * 2 }, (_, i) => String.fromCharCode(65 + (i % 26))).join("");
    outgoing.end(Buffer.from(text));
    await clock.advance(1_000);
    expect(Math.abs(response.text.length - rate)).toBeLessThanOrEqual(1 + rate / 20);
    expect(response.ends).toBe(0);
    await clock.advance(1_200);
    expect([response.text, response.ends]).toEqual([text, 1]);
  });

  it("leaves at once when it is slow no more, and not at all once it is held", async () => {
    const healed = setUp(slow(10));
    healed.outgoing.end(body(1_000));
    await healed.clock.advance(100);
    healed.change({ type: "none" });
    await healed.clock.advance(50);
    expect([healed.response.text.length, healed.response.ends]).toEqual([1_000, 1]);
    const held = setUp(slow(10));
    held.outgoing.end(body(1_000));
    await held.clock.advance(1_000);
    held.change({ type: "hold" });
    await held.clock.advance(60_000);
    held.change({ type: "none" });
    await held.clock.advance(60_000);
    expect([held.response.text.length < 20, held.response.ends]).toEqual([true, 0]);
  });

  it("leaves in pieces of a size, and the rest of a body with the last", async () => {
    const { clock, response, outgoing } = setUp(slow(1_000, { chunkBytes: 70 }));
    outgoing.end(body(150));
    await clock.advance(100);
    expect(response.sent.map(({ length }) => length)).toEqual([70]);
    await clock.advance(1_000);
    expect([response.sent.map(({ length }) => length), response.ends]).toEqual([[70, 80], 1]);
  });

  it("stalls after so many bytes, for so long or until the fault ends", async () => {
    const { clock, response, outgoing } = setUp(slow(1_000, { stallAfterBytes: 120, stallMs: 5_000 }));
    outgoing.end(body(200));
    await clock.advance(4_900);
    expect([response.text.length, response.ends]).toEqual([120, 0]);
    await clock.advance(1_000);
    expect([response.text.length, response.ends]).toEqual([200, 1]);
    const forever = setUp(slow(1_000, { stallAfterBytes: 0 }));
    forever.outgoing.end(body(10));
    await forever.clock.advance(60_000);
    expect(forever.response.text).toBe("");
    forever.change({ type: "none" });
    await forever.clock.advance(50);
    expect([forever.response.text.length, forever.response.ends]).toEqual([10, 1]);
  });

  it("that is late leaves whole when its time has come, or when it is late no more", async () => {
    const { clock, response, outgoing } = setUp({ type: "late", delayMs: 1_000 });
    outgoing.end(body(10));
    await clock.advance(999);
    expect(response.text).toBe("");
    await clock.advance(51);
    expect([response.text.length, response.ends]).toEqual([10, 1]);
  });

  it("that is shorter than its headers say ends its connection", () => {
    const { response, events, outgoing } = setUp({ type: "cut", afterBytes: 4, ending: "length" });
    outgoing.end(body(10));
    expect([response.text.length, response.ends, events]).toEqual([4, 0, ["short after 4"]]);
  });

  it.each<[number, number, "clean" | "reset", number]>([
    [100, 40, "clean", 40],
    [100, 40, "reset", 40],
    [100, 0, "clean", 0],
    [100, 0, "reset", 0],
    [100, 100, "clean", 99],
    [100, 5_000, "reset", 99],
    [1, 5, "clean", 0],
  ])("of %i bytes that is cut after %i, %s: sends %i", (length, afterBytes, ending, sent) => {
    const { response, events, outgoing } = setUp(cut(afterBytes, ending));
    outgoing.end(body(length));
    expect(response.text.length).toBe(sent);
    expect([response.ends, events]).toEqual(ending === "clean" ? [1, []] : [0, [`reset after ${sent}`]]);
    outgoing.end(body(5));
    expect(response.text.length).toBe(sent);
  });

  it("that comes in pieces is cut at the same byte", () => {
    const { response, events, outgoing } = setUp(cut(25, "reset"));
    for (let i = 0; i < 10; i++) outgoing.write(body(10));
    expect([response.text.length, events]).toEqual([25, ["reset after 25"]]);
  });

  it("that nobody reads is given up at its limit, slow or not", async () => {
    const unread = setUp({ type: "none" }, 50);
    unread.response.writableLength = 50;
    unread.outgoing.write(body(1));
    expect(unread.events).toEqual([]);
    unread.response.writableLength = 51;
    unread.outgoing.write(body(1));
    expect(unread.events).toEqual(["gave up"]);
    const waiting = setUp(slow(1), 50);
    for (let i = 0; i < 10; i++) waiting.outgoing.write(body(10));
    await waiting.clock.advance(100);
    expect(waiting.events).toEqual(["gave up"]);
  });

  it("ends its timers with its connection", async () => {
    const { clock, response, outgoing } = setUp(slow(1));
    outgoing.end(body(10));
    response.close();
    await clock.advance(60_000);
    expect([response.text.length, response.ends]).toEqual([0, 0]);
  });
});
