import fc from "fast-check";
import { expect, it } from "vitest";
import { createEventParser } from "../../../src/dashboard/event-stream.ts";

const stream =
  'retry: 2000\n\n: keep-alive\n\nid: 7\nevent: cluster\ndata: {"name":"a"}\n\nevent: synced\r\ndata: {"revision":7}\r\n\r\ndata: one\ndata: two\n\n';
const events = [
  { event: "cluster", data: '{"name":"a"}' },
  { event: "synced", data: '{"revision":7}' },
  { event: "message", data: "one\ntwo" },
];

it("reads events, comments and the retry delay", () => {
  expect(createEventParser()(stream)).toEqual({ events, retryMs: 2000 });
});

it("reads the same however the text is cut", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
      const parse = createEventParser();
      const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const read = at.slice(1).flatMap((end, index) => parse(stream.slice(at[index], end)).events);
      expect(read).toEqual(events);
    }),
  );
});

it("keeps an unfinished event for itself", () => {
  const parse = createEventParser();
  expect(parse("event: cluster\ndata: {}\n").events).toEqual([]);
  expect(parse("\n").events).toHaveLength(1);
});

it("refuses an event beyond its limit, and takes one at it", () => {
  const limit = 1 << 20;
  expect(() => createEventParser()("x".repeat(limit))).not.toThrow();
  expect(() => createEventParser()("x".repeat(limit + 1))).toThrow("too large");
});
