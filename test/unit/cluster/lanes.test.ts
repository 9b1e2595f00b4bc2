// JSON and protobuf of the same objects must come to the same values: the lane is the server's choice, not the reader's concern.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INFLATED_BYTES } from "../../../src/cluster/body.ts";
import { foldNodes } from "../../../src/cluster/fold-nodes.ts";
import { foldPods } from "../../../src/cluster/fold-pods.ts";
import { listNames } from "../../../src/cluster/names.ts";
import type { ResponseBody } from "../../../src/cluster/ports.ts";
import type { JsonObject } from "../../../src/kube/protobuf/decode.ts";
import { encodeBody } from "../../../src/kube/protobuf/encode.ts";
import { safeError } from "../../../src/support/errors.ts";
import { objectOf } from "../kube/protobuf/arbitrary.ts";
import { bodyOf, nodeList, nodeModels, podList, podModel } from "./arbitrary.ts";

const collectedAtMs = Date.parse("2026-01-02T03:04:05.999Z");

function protobufOf(list: unknown, apiVersion = "v1"): ResponseBody {
  const bytes = encodeBody({ apiVersion, ...(list as JsonObject) });
  if (bytes === undefined) throw new Error("a kind without a protobuf form");
  return { bytes, encoding: "identity", format: "protobuf" };
}

const bodies = (list: unknown): readonly [ResponseBody, ResponseBody] => [bodyOf(list), protobufOf(list)];
const pods = (body: ResponseBody) => foldPods({ body }, MAX_INFLATED_BYTES);
const names = (body: ResponseBody) => listNames({ body }, MAX_INFLATED_BYTES);
const nodes = (body: ResponseBody, podBody: ResponseBody) =>
  foldNodes({ body, pods: [pods(podBody)], collectedAtMs }, MAX_INFLATED_BYTES);

/** A list of random objects that are valid in every member, of which the folds read a few. */
const listOf = (type: string, kind: string) =>
  objectOf(type).map((list) => ({ ...list, kind, apiVersion: "v1" }) as JsonObject);

describe("both lanes give the same", () => {
  it("for pods and nodes that the folds care about", () => {
    fc.assert(
      fc.property(fc.array(podModel, { maxLength: 20 }), nodeModels, fc.string(), (podModels, models, token) => {
        const [podJson, podProtobuf] = bodies(podList(podModels, token));
        const [nodeJson, nodeProtobuf] = bodies(nodeList(models, token));
        expect(pods(podProtobuf)).toEqual(pods(podJson));
        expect(nodes(nodeProtobuf, podProtobuf)).toEqual(nodes(nodeJson, podJson));
        expect(names(podProtobuf)).toEqual(names(podJson));
      }),
    );
  });

  it.each([
    ["a.b-9", 1],
    ["x".repeat(253), 1],
    ["x".repeat(254), 0],
    ["", 0],
    ["UPPER_case", 1],
    ["größe", 1],
    ["ö".repeat(250), 1],
    ["a:b", 0],
    ["a/b", 0],
    ["a b", 0],
    ["a%b", 0],
    ["a\u0000", 0],
  ])("for a pod of the name %j", (name, counted) => {
    const [json, protobuf] = bodies({ kind: "PodList", items: [{ metadata: { name } }] });
    expect(pods(json)).toMatchObject({ pods: counted, skipped: 1 - counted });
    expect(pods(protobuf)).toEqual(pods(json));
  });

  it("for random pods", () => {
    fc.assert(
      fc.property(listOf("core/v1.PodList", "PodList"), (list) => {
        const [json, protobuf] = bodies(list);
        expect(pods(protobuf)).toEqual(pods(json));
        expect(names(protobuf)).toEqual(names(json));
      }),
    );
  });

  it("for random nodes", () => {
    fc.assert(
      fc.property(listOf("core/v1.NodeList", "NodeList"), (list) => {
        const [json, protobuf] = bodies(list);
        const noPods = bodyOf(podList([]));
        expect(nodes(protobuf, noPods)).toEqual(nodes(json, noPods));
      }),
    );
  });
});

describe("a protobuf list", () => {
  const item = { metadata: { name: "a" } };

  it("of any kind has names, of metadata too, and of kinds that are not known here", () => {
    const metadata = { continue: "next", remainingItemCount: 41 };
    const wanted = { continueToken: "next", remainingItemCount: 41, skipped: 1, names: ["a"] };
    const items = [item, { metadata: {} }];
    expect(names(protobufOf({ kind: "DeploymentList", metadata, items }, "apps/v1"))).toEqual(wanted);
    const partial = protobufOf({ kind: "PartialObjectMetadataList", metadata, items }, "meta.k8s.io/v1");
    expect(names(partial)).toEqual(wanted);
    const renamed = Buffer.from(partial.bytes)
      .toString("latin1")
      .replace("PartialObjectMetadataList", "UnheardOfObjectsOfOurList");
    expect(names({ ...partial, bytes: new Uint8Array(Buffer.from(renamed, "latin1")) })).toEqual(wanted);
  });

  it.each([
    ["of another kind", () => protobufOf({ kind: "NodeList", items: [item] })],
    ["that is a Status", () => protobufOf({ kind: "Status", message: "secret" })],
    ["that is JSON", () => ({ ...bodyOf({ kind: "PodList", items: [] }), format: "protobuf" as const })],
    [
      "that its server calls JSON",
      () => ({ ...protobufOf({ kind: "PodList", items: [item] }), format: "json" as const }),
    ],
    [
      "with a continue token beyond its limit",
      () => protobufOf({ kind: "PodList", metadata: { continue: "x".repeat(9000) } }),
    ],
  ])("%s is malformed, and the message does not quote it", (_, body) => {
    let error: unknown;
    try {
      pods(body());
    } catch (thrown) {
      error = thrown;
    }
    expect(safeError(error).code).toBe("BODY_MALFORMED");
    expect(safeError(error).message).not.toContain("secret");
  });

  it("stops at the limit of inflated bytes like JSON", () => {
    const body = protobufOf({ kind: "PodList", items: [item] });
    expect(foldPods({ body }, body.bytes.length).pods).toBe(1);
    expect(() => foldPods({ body }, body.bytes.length - 1)).toThrow("larger than");
  });
});
