import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KubeError } from "../../../src/kube/errors.ts";
import { LineSplitter, readEvent } from "../../../src/kube/watch.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const lines = (splitter: LineSplitter, ...chunks: Uint8Array[]) =>
  chunks.flatMap((chunk) => [...splitter.push(chunk)].map((line) => new TextDecoder().decode(line)));

describe("the line splitter", () => {
  test("gives the same lines however the bytes are cut", () => {
    const line = fc.string({ unit: "binary", minLength: 1 }).map((text) => `x${text.replaceAll("\n", " ")}`);
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200)), (texts, cuts) => {
        const all = bytes(texts.map((text) => `${text}\n`).join(""));
        const at = [0, ...cuts.map((cut) => Math.min(cut, all.length)), all.length].sort((a, b) => a - b);
        const splitter = new LineSplitter(1 << 20);
        const found = lines(splitter, ...at.slice(1).map((to, i) => all.subarray(at[i], to)));
        splitter.end();
        expect(found).toEqual(texts.map((text) => new TextDecoder().decode(bytes(text))));
      }),
    );
  });

  test("takes a line at the limit and refuses one byte more, also before it ends", () => {
    expect(lines(new LineSplitter(8), bytes("12345678\nabc\n"))).toEqual(["12345678", "abc"]);
    for (const chunks of [["123456789\n"], ["1234", "56789"]]) {
      expect(() => lines(new LineSplitter(8), ...chunks.map(bytes))).toThrow("larger than 8 bytes");
    }
  });

  test("drops blank lines and refuses half a line at the end", () => {
    const splitter = new LineSplitter(8);
    expect(lines(splitter, bytes("\n \r\na\n\r\n"))).toEqual(["a"]);
    splitter.end();
    lines(splitter, bytes('{"ty'));
    expect(() => splitter.end()).toThrow(expect.objectContaining({ code: "BODY_MALFORMED" }));
  });
});

// Plain keys: fast-check cannot assign keys such as valueOf while the tests freeze Object.prototype.
const anyJson = fc.anything({ key: fc.constantFrom("type", "object", "metadata", "code", "x") });

describe("an event", () => {
  const event = (value: unknown) => readEvent(bytes(JSON.stringify(value)));
  const failure = (value: Uint8Array | string): KubeError => {
    try {
      readEvent(typeof value === "string" ? bytes(value) : value);
    } catch (error) {
      expect(error).toBeInstanceOf(KubeError);
      return error as KubeError;
    }
    return expect.fail("the event was accepted");
  };

  test("has an object, without its managedFields", () => {
    const metadata = { name: "a", namespace: "ns", resourceVersion: "5" };
    const object = { apiVersion: "v1", metadata: { ...metadata, managedFields: [{}] }, data: { token: "c2VjcmV0" } };
    expect(event({ type: "ADDED", object })).toEqual({ type: "ADDED", object: { ...object, metadata } });
    const partial = readEvent(bytes(JSON.stringify({ type: "ADDED", object })), true);
    expect(partial).toEqual({ type: "ADDED", object: { metadata } });
  });

  test("may be a bookmark", () => {
    expect(event({ type: "BOOKMARK", object: { metadata: { resourceVersion: "5" } } })).toEqual({
      type: "BOOKMARK",
      resourceVersion: "5",
    });
  });

  test("of type ERROR may say how long to stay away, within bounds", () => {
    const retryAfterMs = (details: unknown) =>
      failure(JSON.stringify({ type: "ERROR", object: { code: 429, details } })).retryAfterMs;
    expect([{ retryAfterSeconds: 7 }, { retryAfterSeconds: 1e9 }].map(retryAfterMs)).toEqual([7_000, 300_000]);
    for (const details of [undefined, null, {}, { retryAfterSeconds: "7" }, { retryAfterSeconds: -1 }])
      expect(retryAfterMs(details)).toBeUndefined();
  });

  test.each([
    [{ code: 410, reason: "Expired", message: "m" }, "GONE", 410],
    [{ reason: "Gone" }, "GONE", 500],
    [{ code: 500, reason: "InternalError" }, "SERVER_ERROR", 500],
    [{ code: 504, reason: "Timeout" }, "SERVER_ERROR", 504],
    [{ code: 429, reason: "TooManyRequests" }, "RATE_LIMITED", 429],
    [{ code: 403 }, "UNEXPECTED_STATUS", 403],
    [{ code: "x" }, "SERVER_ERROR", 500],
    [null, "SERVER_ERROR", 500],
  ])("of type ERROR with %j is thrown as %s", (object, code, httpStatus) => {
    expect(failure(JSON.stringify({ type: "ERROR", object }))).toMatchObject({ code, httpStatus });
  });

  test.each([
    "",
    "null",
    "[]",
    "{",
    '{"type":"ADDED"}',
    '{"type":"ADDED","object":null}',
    '{"type":"ADDED","object":{"metadata":{"name":"a"}}}',
    '{"type":"ADDED","object":{"metadata":{"name":"a/b","resourceVersion":"1"}}}',
    '{"type":"ADDED","object":{"metadata":{"name":"","resourceVersion":"1"}}}',
    '{"type":"ADDED","object":{"metadata":{"name":"a","namespace":7,"resourceVersion":"1"}}}',
    '{"type":"BOOKMARK","object":{"metadata":null}}',
    '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":""}}}',
    '{"type":"SYNC","object":{"metadata":{"name":"a","resourceVersion":"1"}}}',
    '{"type":"__proto__","object":{}}',
  ])("that reads %j is malformed", (line) => {
    expect(failure(line).code).toBe("BODY_MALFORMED");
  });

  test("E-09 in broken UTF-8 is malformed", () => {
    expect(failure(new Uint8Array([0x22, 0xc3, 0x28, 0x22])).code).toBe("BODY_MALFORMED");
  });

  test("of any bytes is an event or a KubeError", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          anyJson.map((value) => bytes(JSON.stringify(value) ?? "")),
        ),
        (line) => {
          try {
            readEvent(line);
          } catch (error) {
            expect(error).toBeInstanceOf(KubeError);
          }
        },
      ),
    );
  });
});
