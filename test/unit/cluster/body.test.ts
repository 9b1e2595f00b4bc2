import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  listShape,
  MAX_INFLATED_BYTES,
  readList,
  readObject,
  withoutManagedFields,
} from "../../../src/cluster/body.ts";
import { listNames } from "../../../src/cluster/names.ts";
import type { ResponseBody } from "../../../src/cluster/ports.ts";
import { readVersion } from "../../../src/cluster/version.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";

function body(text: string | Uint8Array, encoding: ResponseBody["encoding"] = "identity"): ResponseBody {
  return { bytes: new Uint8Array(typeof text === "string" ? Buffer.from(text) : text), encoding, format: "json" };
}

const anyList = listShape(undefined, "meta/v1.PartialObjectMetadataList", []);
const podList = listShape("PodList", "core/v1.PodList", []);

function errorOf(action: () => unknown): ClusterPulseError {
  try {
    action();
  } catch (error) {
    if (ClusterPulseError.is(error)) return error;
    throw error;
  }
  throw new Error("expected an error");
}

describe("E-09 limits of a body", () => {
  it("a gzip bomb stops at the limit", () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20));
    expect(bomb.byteLength).toBeLessThan(100_000);
    expect(errorOf(() => readObject(body(bomb, "gzip"), MAX_INFLATED_BYTES)).code).toBe("BODY_TOO_LARGE");
  });

  it.each(["identity", "gzip"] as const)("exactly the limit is read, one byte more is not: %s", (encoding) => {
    const text = JSON.stringify({ a: "x".repeat(1000) });
    const bytes = encoding === "gzip" ? gzipSync(text) : Buffer.from(text);
    expect(readObject(body(bytes, encoding), text.length)).toEqual(JSON.parse(text));
    expect(errorOf(() => readObject(body(bytes, encoding), text.length - 1)).code).toBe("BODY_TOO_LARGE");
  });

  it("deep nesting neither overflows the stack nor hides the rest", () => {
    const deep = (levels: number) => `{"kind":"XList","x":${"[".repeat(levels)}${"]".repeat(levels)},"items":[]}`;
    for (const levels of [64, 100_000])
      expect(readList(body(deep(levels)), MAX_INFLATED_BYTES, anyList).items).toEqual([]);
  });

  it.each([
    ["", "JSON"],
    ["{", "JSON"],
    ["<html>secret</html>", "JSON"],
    ["null", "a JSON object"],
    ["[]", "a JSON object"],
    ['"secret"', "a JSON object"],
    ["{}", "a list"],
    ['{"kind":"Status","message":"secret"}', "a list"],
    ['{"kind":"PodList","items":{"secret":1}}', "a list with items"],
    [`{"kind":"PodList","metadata":{"continue":"${"x".repeat(9000)}"}}`, "a list with a usable continue token"],
    ['{"kind":"PodList","metadata":{"continue":"\\ud800"}}', "a list with a usable continue token"],
  ])("%j is malformed, and the message does not quote it", (text, expected) => {
    const error = errorOf(() => readList(body(text), MAX_INFLATED_BYTES, anyList));
    expect(error).toMatchObject({ code: "BODY_MALFORMED", message: `the API server's answer is not ${expected}` });
    expect(Object.keys(error)).not.toContain("cause");
  });

  it("what claims to be gzip and is not, or is cut off, is malformed", () => {
    const whole = gzipSync('{"kind":"PodList","items":[]}');
    for (const bytes of [Buffer.from("{}"), whole.subarray(0, -9), Buffer.alloc(0)]) {
      expect(errorOf(() => readList(body(bytes, "gzip"), MAX_INFLATED_BYTES, anyList)).code).toBe("BODY_MALFORMED");
    }
  });

  it("a list of another kind is malformed where one kind is expected", () => {
    expect(errorOf(() => readList(body('{"kind":"NodeList","items":[]}'), 1000, podList)).code).toBe("BODY_MALFORMED");
  });
});

describe("lists and versions", () => {
  it("null items are an empty list, and a bad item loses nobody else", () => {
    expect(listNames({ body: body('{"kind":"NamespaceList","items":null}') }, 1000).names).toEqual([]);
    const items = [
      { metadata: { name: "a" } },
      null,
      7,
      {},
      { metadata: [] },
      { metadata: { name: 1 } },
      { metadata: { name: "" } },
      { metadata: { name: "x:y" } },
      { metadata: { name: "x".repeat(254) } },
      { metadata: { name: "__proto__" } },
    ];
    const list = { kind: "PartialObjectMetadataList", metadata: { continue: "t", remainingItemCount: 3 }, items };
    expect(listNames({ body: body(JSON.stringify(list)) }, 10_000)).toEqual({
      continueToken: "t",
      remainingItemCount: 3,
      skipped: 8,
      names: ["a", "__proto__"],
    });
  });

  it.each([-1, 1.5, "3", null, 1e300])("a remaining count of %j is none", (remainingItemCount) => {
    const list = { kind: "XList", metadata: { remainingItemCount }, items: [] };
    expect(listNames({ body: body(JSON.stringify(list)) }, 1000).remainingItemCount).toBeNull();
  });

  it.each(["{}", '{"gitVersion":""}', '{"gitVersion":7}', `{"gitVersion":"${"v".repeat(257)}"}`])(
    "%s is not a version",
    (text) => expect(errorOf(() => readVersion({ body: body(text) }, 1000)).code).toBe("BODY_MALFORMED"),
  );

  it("a version without a platform is one", () => {
    expect(readVersion({ body: body('{"gitVersion":"v1.31.2"}') }, 1000)).toEqual({
      gitVersion: "v1.31.2",
      platform: "",
    });
  });
});

/** Plain data without array members named managedFields, the slow way. */
function pruned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(pruned);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, member]) => key !== "managedFields" || !Array.isArray(member))
      .map(([key, member]) => [key, pruned(member)]),
  );
}

describe("cutting out managedFields", () => {
  const marker = '"managedFields":[';
  const key = fc.oneof(
    fc.constantFrom(
      "managedFields",
      "metadata",
      "__proto__",
      'x"managedFields',
      `{${marker}`,
      `,${marker}`,
      "\\",
      '\\"',
    ),
    fc.string(),
  );
  const text = fc.oneof(
    fc.constantFrom(marker, `,${marker}`, `{${marker}{}]`, "]", "}", "\\", '"', "ü😀"),
    fc.string(),
  );
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      text,
      fc.integer(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map((entries) => Object.fromEntries(entries)),
      fc.record({ managedFields: fc.array(tie("value"), { maxLength: 3 }), a: tie("value") }),
    ),
  }));

  it("leaves exactly the rest, whatever the JSON", () => {
    let cut = 0;
    fc.assert(
      fc.property(value, (plain) => {
        const bytes = Buffer.from(JSON.stringify(plain));
        const stripped = withoutManagedFields(bytes);
        if (stripped.length < bytes.length) cut++;
        expect(JSON.parse(stripped.toString())).toEqual(pruned(JSON.parse(bytes.toString())));
      }),
      { numRuns: 2000 },
    );
    expect(cut).toBeGreaterThan(100);
  });

  it.each([
    [`{${marker}1],${marker}2]}`, "{}"],
    [`{${marker}1],${marker}2],"a":1}`, '{"a":1}'],
    [`{"a":1,${marker}{"b":"]"}],${marker}]}`, '{"a":1}'],
    [`{"a":1,${marker}],"b":2}`, '{"a":1,"b":2}'],
    [`{"managedFields": [1]}`, '{"managedFields": [1]}'],
    [`{"managedFields":"x"}`, '{"managedFields":"x"}'],
  ])("%s becomes %s", (input, output) => {
    expect(withoutManagedFields(Buffer.from(input)).toString()).toBe(output);
  });

  it.each([`{${marker}`, `{${marker}"`, `{${marker}"\\`, `{${marker}[}`])("unfinished %s stays as it is", (input) => {
    expect(withoutManagedFields(Buffer.from(input)).toString()).toBe(input);
    expect(errorOf(() => readObject(body(input), 1000)).code).toBe("BODY_MALFORMED");
  });
});
