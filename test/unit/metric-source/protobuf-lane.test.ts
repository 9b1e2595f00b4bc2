// The lane decides how much is decoded, never what is seen: on every path both forms of the same objects show the same.
import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INFLATED_BYTES, type ResponseBody, readList } from "../../../src/kube/list-page.ts";
import type { JsonObject } from "../../../src/kube/protobuf/decode.ts";
import { encodeBody } from "../../../src/kube/protobuf/encode.ts";
import { typeOfKind } from "../../../src/kube/protobuf/schema.ts";
import { type PathStep, parsePath } from "../../../src/metric-source/path.ts";
import { type LanePath, laneOf } from "../../../src/metric-source/protobuf-lane.ts";
import type { ValueType } from "../../../src/metric-source/value.ts";
import { objectOf } from "../kube/protobuf/arbitrary.ts";

const fixtures = new URL("../../fixtures/", import.meta.url);

/** Each kind that lists can be had of, empty and with every field set, as Kubernetes wrote it. */
const kinds = Map.groupBy(
  gunzipSync(readFileSync(new URL("kubernetes-protobuf/kinds.jsonl.gz", fixtures)))
    .toString()
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { json: JsonObject }).json)
    .filter(({ apiVersion, kind }) => typeOfKind(String(apiVersion), `${String(kind)}List`) !== undefined),
  ({ apiVersion, kind }) => `${String(apiVersion)} ${String(kind)}`,
);

function path(text: string, type: ValueType = "string"): LanePath {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return { text, steps: parsed.steps, type };
}

/** A slow reading of the grammar's rules: all values that a path leads to; undefined where it leads nowhere. */
function resolve(value: unknown, [step, ...rest]: readonly PathStep[]): unknown {
  if (step === undefined) return value;
  if (step.kind === "key") {
    if (typeof value !== "object" || value === null || Array.isArray(value) || !Object.hasOwn(value, step.key))
      return undefined;
    return resolve((value as JsonObject)[step.key], rest);
  }
  if (!Array.isArray(value)) return undefined;
  if (step.kind === "index") return step.at < value.length && step.at >= 0 ? resolve(value[step.at], rest) : undefined;
  return step.kind === "wildcard" ? value.map((element) => resolve(element, rest)) : undefined;
}

function seen(item: unknown, { steps, type }: LanePath): unknown {
  const value = resolve(item, steps);
  if (type !== "arrayLength") return value;
  const lengthOf = (each: unknown): unknown =>
    typeof each === "object" && each !== null ? Object.keys(each).length : typeof each;
  return steps.some(({ kind }) => kind === "wildcard") && Array.isArray(value) ? value.map(lengthOf) : lengthOf(value);
}

/** Every path into an object that somebody could write after looking at it, and some that lead nowhere. */
function pathsInto(value: unknown, text = ""): LanePath[] {
  const here = text === "" ? [] : [path(text), path(text, "arrayLength")];
  if (typeof value !== "object" || value === null) return [...here, path(`${text}.below`), path(`${text}[0]`)];
  if (Array.isArray(value)) {
    const elements = ["[0]", "[*]", "[7]", "[-1]", "[?]", ".length"].map((step) => path(text + step));
    return [...here, ...elements, ...pathsInto(value[0], `${text}[0]`), ...pathsInto(value[0], `${text}[*]`)];
  }
  return [...here, ...Object.entries(value).flatMap(([key, member]) => pathsInto(member, `${text}['${key}']`))];
}

function bodies(
  apiVersion: string,
  kind: string,
  items: readonly unknown[],
): { json: ResponseBody; protobuf: ResponseBody } {
  const list = { apiVersion, kind: `${kind}List`, metadata: { continue: "more", remainingItemCount: 7 }, items };
  const json = new Uint8Array(Buffer.from(JSON.stringify(list)));
  const protobuf = encodeBody(list) as Uint8Array<ArrayBuffer>;
  return {
    json: { bytes: json, encoding: "identity", format: "json" },
    protobuf: { bytes: protobuf, encoding: "identity", format: "protobuf" },
  };
}

/** Reads the items in both lanes, with all paths together, and compares what each path shows. */
function expectSame(apiVersion: string, kind: string, items: readonly unknown[], paths: readonly LanePath[]): void {
  const lane = laneOf(apiVersion, kind, paths);
  if (lane.lane === "json") throw new Error(lane.why);
  const { json, protobuf } = bodies(apiVersion, kind, items);
  const [fromJson, fromProtobuf] = [json, protobuf].map((body) => readList(body, MAX_INFLATED_BYTES, lane.shape));
  expect({ ...fromProtobuf, items: items.length }).toEqual({ ...fromJson, items: items.length });
  const identity = [path(".metadata.name"), path(".metadata.namespace"), path(".metadata.labels")];
  for (const each of [...paths, ...identity]) {
    const rows = (page: typeof fromJson) => page?.items.map((item) => seen(item, each));
    deepStrictEqual(rows(fromProtobuf), rows(fromJson), each.text);
  }
}

const isProtobuf = (apiVersion: string, kind: string, each: LanePath) =>
  laneOf(apiVersion, kind, [each]).lane === "protobuf";

describe("what the protobuf lane shows is what JSON shows", () => {
  it("is tested with every kind that has lists", () => {
    expect(kinds.size).toBe(60);
  });

  it.each([...kinds.keys()])("%s: on every path into objects with no field and with every field set", (title) => {
    const [apiVersion = "", kind = ""] = title.split(" ");
    const items = kinds.get(title) ?? [];
    const paths = items.flatMap((item) => pathsInto({ ...item, apiVersion: undefined, kind: undefined }));
    const able = paths.filter((each) => isProtobuf(apiVersion, kind, each));
    expect(able.length).toBeGreaterThan(paths.length / 3);
    const without = items.map(({ apiVersion: _, kind: __, ...item }) => item);
    // Together, and each for itself: what others read must not be what makes a path right.
    expectSame(apiVersion, kind, without, able);
    const step = Math.ceil(able.length / 40);
    for (let at = 0; at < able.length; at += step) expectSame(apiVersion, kind, without, [able[at] as LanePath]);
  });

  it.each(["v1 Pod", "v1 Node", "v1 PersistentVolumeClaim", "v1 Service", "v1 Event", "apps/v1 Deployment"])(
    "%s: on some paths into random objects",
    (title) => {
      const [apiVersion = "", kind = ""] = title.split(" ");
      const full = pathsInto(kinds.get(title)?.[1]).filter((each) => isProtobuf(apiVersion, kind, each));
      const items = fc.array(objectOf(typeOfKind(apiVersion, kind) ?? ""), { maxLength: 4 });
      fc.assert(
        fc.property(items, fc.subarray(full, { minLength: 1, maxLength: 12 }), (objects, paths) => {
          expectSame(apiVersion, kind, objects, paths);
        }),
        { numRuns: 30 },
      );
    },
  );

  it("5,000 PersistentVolumeClaims with managed fields", () => {
    const list = JSON.parse(gunzipSync(readFileSync(new URL("golden/engine/pvcs.json.gz", fixtures))).toString());
    const texts = [
      ".status.phase",
      ".spec.storageClassName",
      ".spec.resources.requests.storage",
      ".status.capacity.storage",
    ];
    const paths = [...texts.map((text) => path(text)), path(".metadata.managedFields[0].manager")];
    expectSame("v1", "PersistentVolumeClaim", list.items, paths);
  });
});

describe("the JSON lane is taken, and said why", () => {
  it.each([
    [
      "example.org/v1",
      "Widget",
      ".spec.size",
      "example.org/v1 Widget has no protobuf form that is known here: custom resources have none",
    ],
    ["v1", "Pod", ".spec.brandNew", ".spec.brandNew: the protobuf form of core/v1.PodSpec has no brandNew"],
    ["v1", "Pod", ".kind", ".kind: the protobuf form of core/v1.Pod has no kind"],
    ["v1", "Pod", ".spec", ".spec: leads to a whole object, which only JSON shows in full"],
    ["v1", "Pod", ".", ".: leads to a whole object, which only JSON shows in full"],
    [
      "v1",
      "Pod",
      ".spec.containers",
      ".spec.containers: leads to a list of whole objects, which only JSON shows in full",
    ],
    ["v1", "Pod", ".spec.containers[0]", ".spec.containers[0]: leads to a whole object, which only JSON shows in full"],
    ["apps/v1", "ControllerRevision", ".data.x", ".data.x: data holds JSON of any shape"],
  ])("%s %s %s", (apiVersion, kind, text, why) => {
    expect(laneOf(apiVersion, kind, [path(".metadata.name"), path(text)])).toEqual({ lane: "json", why });
  });

  it("E-34: names of Object.prototype are no fields", () => {
    for (const text of [".__proto__.x", ".constructor.prototype.x", ".toString", ".spec.hasOwnProperty"]) {
      expect(laneOf("v1", "Pod", [path(text)]).lane).toBe("json");
    }
    expect(isProtobuf("v1", "Pod", path(".metadata.labels['__proto__']"))).toBe(true);
  });
});
