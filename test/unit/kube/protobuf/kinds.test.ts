// The codec against what Kubernetes' own serializers wrote: every kind, empty and with every field set, and recorded lists.
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../../src/kube/protobuf/decode.ts";
import { encodeBody } from "../../../../src/kube/protobuf/encode.ts";
import { decodeBody } from "../../../../src/kube/protobuf/envelope.ts";
import { allTypes, fieldsOf, typeOfKind } from "../../../../src/kube/protobuf/schema.ts";

const fixtures = new URL("../../../fixtures/", import.meta.url);
const kinds = gunzipSync(readFileSync(new URL("kubernetes-protobuf/kinds.jsonl.gz", fixtures)))
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as { protobuf: string; json: JsonObject })
  .map(({ protobuf, json }, i) => ({
    title: `${String(json["apiVersion"])} ${String(json["kind"])}, ${i % 2 === 0 ? "empty" : "full"}`,
    body: Buffer.from(protobuf, "base64"),
    json,
  }));

describe("what Kubernetes wrote", () => {
  it("is of enough kinds to mean something", () => {
    expect(kinds.length).toBe(156);
    for (const { json } of kinds) expect(Object.keys(json).length).toBeGreaterThanOrEqual(2);
  });

  it.each(kinds)("is read as the JSON it stands for: $title", ({ body, json }) => {
    expect(decodeBody(body)).toStrictEqual(json);
  });

  it.each(kinds)("is written from that JSON, byte by byte: $title", ({ body, json }) => {
    expect(Buffer.compare(encodeBody(json) as Uint8Array, body)).toBe(0);
  });
});

/** Where two values differ; items of lists count as one place. */
function differences(recorded: unknown, read: unknown, path = ""): string[] {
  if (typeof recorded !== "object" || recorded === null || typeof read !== "object" || read === null) {
    return Object.is(recorded, read) ? [] : [`${path}: ${JSON.stringify(recorded)} is ${JSON.stringify(read)}`];
  }
  const [a, b] = [recorded as JsonObject, read as JsonObject];
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].flatMap((key) => {
    const below = `${path}.${Array.isArray(a) ? "*" : key}`;
    if (!Object.hasOwn(a, key)) return [`${below}: only read: ${JSON.stringify(b[key])}`];
    if (!Object.hasOwn(b, key)) return [`${below}: not read: ${JSON.stringify(a[key])}`];
    return differences(a[key], b[key], below);
  });
}

describe.each(["plain", "sick", "ocp"])("lists of cluster %s", (cluster) => {
  const file = (name: string) => readFileSync(new URL(`golden/cluster-${cluster}/${name}`, fixtures));

  it.each(["pods", "nodes", "namespaces", "deployments"])("%s come back as they were recorded", (list) => {
    const body = file(`${list}.pb`);
    const read = decodeBody(body) as JsonObject;
    const found = differences(JSON.parse(file(`${list}.json`).toString()), read);
    // The recorded JSON was not written by Go: it has zeros that omitempty leaves out, lacks an empty struct that Go writes, and
    // quantities are not canonical.
    const known = new Set([
      ".items.*.status.containerStatuses: not read: []",
      ".items.*.status.capacity: not read: {}",
      ".items.*.status.allocatable: not read: {}",
      ".items.*.status.replicas: not read: 0",
      ".items.*.status.updatedReplicas: not read: 0",
      ".items.*.spec.template.spec.containers.*.resources: only read: {}",
      '.items.*.status.capacity.memory: "8000000k" is "8G"',
      '.items.*.status.allocatable.memory: "7500000k" is "7500M"',
    ]);
    expect(found.filter((difference) => !known.has(difference))).toEqual([]);
    expect(Buffer.compare(encodeBody(read) as Uint8Array, body)).toBe(0);
  });
});

describe("kinds", () => {
  it("are found by their whole group, so that a custom resource is not taken for a kind of the same name", () => {
    expect(typeOfKind("v1", "Pod")).toBe("core/v1.Pod");
    expect(typeOfKind("apps/v1", "DeploymentList")).toBe("apps/v1.DeploymentList");
    expect(typeOfKind("rbac.authorization.k8s.io/v1", "Role")).toBe("rbac/v1.Role");
    expect(typeOfKind("meta.k8s.io/v1", "PartialObjectMetadataList")).toBe("meta/v1.PartialObjectMetadataList");
    expect(typeOfKind("policy/v1", "DeleteOptions")).toBe("meta/v1.DeleteOptions");
    for (const [apiVersion, kind] of [
      ["apps.example.com/v1", "Deployment"],
      ["core/v1", "Pod"],
      ["v1", "PodSpec"],
      ["v2", "Pod"],
      ["v1", "__proto__"],
      ["", ""],
    ] as const) {
      expect(typeOfKind(apiVersion, kind)).toBeUndefined();
      expect(encodeBody({ apiVersion, kind })).toBeUndefined();
    }
  });

  it("every type is known down to its leaves, and none contains itself: that bounds the nesting", () => {
    const depths = new Map<string, number>();
    const depthOf = (type: string, above: readonly string[]): number => {
      expect(above).not.toContain(type);
      const known = depths.get(type);
      if (known !== undefined) return known;
      const below = fieldsOf(type).flatMap(({ value }) => (value.kind === "message" ? [value.type] : []));
      const depth = 1 + Math.max(0, ...below.map((name) => depthOf(name, [...above, type])));
      depths.set(type, depth);
      return depth;
    };
    expect(allTypes().length).toBeGreaterThan(500);
    expect(Math.max(...allTypes().map((type) => depthOf(type, [])))).toBe(14);
  });
});
