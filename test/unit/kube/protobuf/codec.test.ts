// Decoder and encoder over random objects, random paths and random bytes.
// vitest's comparison takes a member named "constructor" for the type; Node's does not.
import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileDecoder, type JsonObject } from "../../../../src/kube/protobuf/decode.ts";
import { encodeBody, encodeMessage } from "../../../../src/kube/protobuf/encode.ts";
import { decodeBody, openEnvelope } from "../../../../src/kube/protobuf/envelope.ts";
import { MAX_JSON_DEPTH } from "../../../../src/kube/protobuf/scalars.ts";
import { allTypes } from "../../../../src/kube/protobuf/schema.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { objectOf } from "./arbitrary.ts";

const pods = readFileSync(new URL("../../../fixtures/golden/cluster-plain/pods.pb", import.meta.url));
const types = [
  "core/v1.PodList",
  "core/v1.Node",
  "core/v1.Secret",
  "core/v1.Service",
  "core/v1.Event",
  "apps/v1.Deployment",
  "apps/v1.ControllerRevision",
  "autoscaling/v2.HorizontalPodAutoscaler",
  "certificates/v1.CertificateSigningRequest",
  "coordination/v1.Lease",
  "policy/v1.PodDisruptionBudget",
  "resource/v1.ResourceSlice",
  "meta/v1.APIResourceList",
  "meta/v1.DeleteOptions",
];

/** The error of an action that must fail; whatever is not of our family is thrown on. */
function errorOf(action: () => unknown): ClusterPulseError {
  try {
    action();
  } catch (error) {
    if (ClusterPulseError.is(error)) return error;
    throw error;
  }
  throw new Error("expected an error");
}

const decode = (type: string, ...bytes: number[]): JsonObject => compileDecoder(type)(Uint8Array.from(bytes));
const malformed = (type: string, ...bytes: number[]): string => {
  const { code, message } = errorOf(() => decode(type, ...bytes));
  expect(code).toBe("BODY_MALFORMED");
  return message.replace("the body is not Kubernetes protobuf: ", "");
};

describe("any object", () => {
  it.each(types)("is read as it was written: %s", (type) => {
    fc.assert(
      fc.property(objectOf(type), (object) => {
        deepStrictEqual(compileDecoder(type)(encodeMessage(type, object)), object);
      }),
      { numRuns: 60 },
    );
  });
});

/** What is left of a value when only some paths are wanted; undefined when nothing is. */
function picked(value: unknown, paths: readonly string[]): unknown {
  if (paths.includes("")) return value;
  if (Array.isArray(value)) return value.map((item) => picked(item, paths));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) => {
      const below = paths.filter((path) => path === key || path.startsWith(`${key}.`));
      return below.length === 0
        ? []
        : [
            [
              key,
              picked(
                member,
                below.map((path) => path.slice(key.length + 1)),
              ),
            ],
          ];
    }),
  );
}

describe("a decoder for some paths", () => {
  const paths = [
    "metadata.continue",
    "metadata",
    "items",
    "items.metadata.name",
    "items.metadata.labels",
    "items.metadata.creationTimestamp",
    "items.spec.nodeName",
    "items.spec.containers",
    "items.spec.containers.resources.requests",
    "items.spec.containers.livenessProbe.httpGet.port",
    "items.spec.volumes.name",
    "items.spec.volumes.configMap.name",
    "items.spec.tolerations.tolerationSeconds",
    "items.status.phase",
    "items.status.conditions.lastTransitionTime",
    "items.status.containerStatuses.restartCount",
  ];

  it("gives exactly that part of the object", () => {
    fc.assert(
      fc.property(objectOf("core/v1.PodList"), fc.subarray(paths, { minLength: 1 }), (object, wanted) => {
        const read = compileDecoder("core/v1.PodList", wanted)(encodeMessage("core/v1.PodList", object));
        deepStrictEqual(read, picked(object, wanted));
      }),
      { numRuns: 60 },
    );
  });

  it("cannot be made for a path or a type that does not exist", () => {
    expect(() => compileDecoder("core/v1.PodList", ["items.spec.nodename"])).toThrow("core/v1.PodSpec has no nodename");
    expect(() => compileDecoder("core/v1.Nothing")).toThrow("core/v1.Nothing");
    expect(() => compileDecoder("toString")).toThrow(TypeError);
  });
});

describe("bytes that are wrong", () => {
  it("are BODY_MALFORMED or an object, and never anything else, whatever the type", () => {
    const decoders = allTypes().map((type) => compileDecoder(type));
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(...decoders), (bytes, read) => {
        try {
          expect(typeof read(bytes)).toBe("object");
        } catch (error) {
          expect(error).toMatchObject({ code: "BODY_MALFORMED" });
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("a good body with some bytes changed, too", () => {
    const change = fc.tuple(fc.nat({ max: pods.length - 1 }), fc.nat({ max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const bytes = Uint8Array.from(pods);
        for (const [at, byte] of changes) bytes[at] = byte;
        try {
          decodeBody(bytes);
        } catch (error) {
          expect(error).toMatchObject({ code: "BODY_MALFORMED" });
        }
      }),
      { numRuns: 200 },
    );
  });

  it("a body that is cut off anywhere inside its object is malformed", () => {
    const rawEnd = pods.length - 4;
    for (let length = 0; length < rawEnd; length += 7) {
      if (length === 4) continue;
      expect(errorOf(() => decodeBody(pods.subarray(0, length))).code).toBe("BODY_MALFORMED");
    }
    expect(() => decodeBody(pods.subarray(0, rawEnd))).not.toThrow();
  });

  it("without the magic bytes there is no body", () => {
    for (const body of [Buffer.alloc(0), Buffer.from("k8s"), Buffer.from("{}"), pods.subarray(1)]) {
      expect(errorOf(() => openEnvelope(body)).message).toContain("no magic bytes");
    }
    expect(openEnvelope(Buffer.from("k8s\0"))).toMatchObject({ apiVersion: "", kind: "" });
  });

  it("a kind that is not known is told apart from a body that is wrong", () => {
    expect(decodeBody(Buffer.from("k8s\0\n\x0b\n\x04x/v1\x12\x03Foo"))).toBeUndefined();
  });

  it.each([
    ["a text runs over the end", [0x0a, 0x02, 0x61], "a length runs over the end"],
    ["a skipped text runs over the end", [0x7a, 0x05, 0x61], "a length runs over the end"],
    ["a length of 32 bits", [0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f], "a length runs over the end"],
    ["a length of more than 32 bits", [0x0a, 0xff, 0xff, 0xff, 0xff, 0x1f], "a number is too large"],
    ["a negative length", [0x0a, ...Array(9).fill(0xff), 0x01], "a number is too large"],
    ["a number without an end", [0x38, 0x80], "truncated"],
    ["a skipped number without an end", [0x78, 0x80], "truncated"],
    ["a number of eleven bytes", [0x38, ...Array(10).fill(0x80), 0x00], "a number is too large"],
    ["a skipped number of eleven bytes", [0x78, ...Array(10).fill(0x80), 0x00], "a number is too large"],
    ["a number of 65 bits", [0x38, ...Array(9).fill(0xff), 0x02], "a number is too large"],
    ["a tag alone", [0x0a], "truncated"],
    ["field number 0", [0x02, 0x00], "a field has the number 0"],
    ["a number where a text belongs", [0x08, 0x01], "a field has the wrong wire type"],
    ["a text where a number belongs", [0x3a, 0x01, 0x61], "a field has the wrong wire type"],
    ["a group", [0x7b, 0x7c], "an unknown wire type"],
    ["wire type 7", [0x7f], "an unknown wire type"],
    ["a time in year 10000", [0x42, 0x07, 0x08, 0x80, 0x83, 0xd1, 0xff, 0xaf, 0x07], "a time is out of range"],
    ["negative nanoseconds", [0x42, 0x0b, 0x10, ...Array(9).fill(0xff), 0x01], "a time is out of range"],
  ])("%s", (_, bytes, message) => {
    expect(malformed("meta/v1.ObjectMeta", ...bytes)).toBe(message);
  });

  it("other fields are passed over, whatever their wire type", () => {
    const unknown = [0xf8, 0x07, 0x96, 0x01, 0xf9, 0x07, ...Array(8).fill(9), 0xfd, 0x07, ...Array(4).fill(9)];
    const long = [0xfa, 0x07, 0xc8, 0x01, ...Array(200).fill(9)];
    expect(decode("meta/v1.ObjectMeta", ...unknown, ...long, 0x0a, 0x01, 0x61)).toEqual({ name: "a" });
  });

  it("JSON inside: to its depth limit, not beyond, and not if it is no JSON", () => {
    const revision = (data: string) => {
      const raw = Buffer.concat([
        Buffer.from([0x0a, (data.length & 0x7f) | 0x80, data.length >> 7]),
        Buffer.from(data),
      ]);
      const head = Buffer.from([0x12, (raw.length & 0x7f) | 0x80, raw.length >> 7]);
      return () => compileDecoder("apps/v1.ControllerRevision")(Buffer.concat([head, raw]));
    };
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    expect(revision(nested(MAX_JSON_DEPTH))()["data"]).toBeInstanceOf(Array);
    expect(errorOf(revision(nested(MAX_JSON_DEPTH + 1))).message).toContain("nested too deeply");
    const secret = errorOf(revision(`{"secret":${"x".repeat(200)}`));
    expect(secret).toMatchObject({ code: "BODY_MALFORMED" });
    expect(secret.message).not.toContain("secret");
  });

  it("a value that is neither a number nor a text", () => {
    // targetPort of a ServicePort: {type: 2}
    expect(malformed("core/v1.ServicePort", 0x22, 0x02, 0x08, 0x02)).toBe("a value is neither a number nor a text");
  });
});

describe("numbers", () => {
  const varint = (value: bigint): number[] => {
    const bytes: number[] = [];
    let left = BigInt.asUintN(64, value);
    do {
      bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
      left >>= 7n;
    } while (left > 0n);
    return bytes;
  };

  it("of 64 bits become the double that JSON.parse gives", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        fc.pre(value !== 0n);
        const wanted = JSON.parse(String(value)) as number;
        expect(decode("meta/v1.ObjectMeta", 0x38, ...varint(value))).toEqual({ generation: wanted });
        expect(decode("core/v1.PodSecurityContext", 0x20, ...varint(value))).toEqual({ supplementalGroups: [wanted] });
      }),
    );
  });

  it("of a list may come one by one or packed", () => {
    expect(decode("core/v1.PodSecurityContext", 0x20, 0x01, 0x22, 0x03, 0x02, 0x80, 0x01)).toEqual({
      supplementalGroups: [1, 2, 128],
    });
  });
});

describe("objects that cannot be written", () => {
  it.each([
    [{ metadata: "x" }, "metadata must be an object"],
    [{ metadata: { labels: { a: 1 } } }, "metadata.labels.a must be a text"],
    [{ metadata: { creationTimestamp: "secret" } }, "metadata.creationTimestamp must be a time as in RFC 3339"],
    [{ spec: { containers: {} } }, "spec.containers must be a list"],
    [
      { spec: { containers: [{ ports: [{ containerPort: 1.5 }] }] } },
      "spec.containers.ports.containerPort must be a whole number",
    ],
    [{ spec: { hostNetwork: "secret" } }, "spec.hostNetwork must be true or false"],
    [{ spec: { activeDeadlineSeconds: 2 ** 63 } }, "spec.activeDeadlineSeconds must be a whole number"],
  ])("%j", (object, message) => {
    const error = errorOf(() => encodeBody({ apiVersion: "v1", kind: "Pod", ...object }));
    expect(error).toMatchObject({ code: "OBJECT_MALFORMED", message });
  });

  it("a Secret whose data is not base64, without quoting it", () => {
    const error = errorOf(() => encodeBody({ apiVersion: "v1", kind: "Secret", data: { token: "hunter2!" } }));
    expect(error.message).toBe("data.token must be base64");
  });

  it("members that a type does not have are left out, null is absent, and a number may stand for a quantity", () => {
    const node = { status: { capacity: { cpu: 4 } }, unknown: 1, metadata: { name: "n", labels: null, toString: 1 } };
    const read = decodeBody(encodeBody({ apiVersion: "v1", kind: "Node", ...node }) as Uint8Array);
    expect(read).toMatchObject({ metadata: { name: "n" }, status: { capacity: { cpu: "4" } } });
    expect(read).not.toHaveProperty("unknown");
    expect(Object.keys(read?.["metadata"] as object)).toEqual(["name"]);
  });
});
