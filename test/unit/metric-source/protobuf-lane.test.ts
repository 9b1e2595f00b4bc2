// The lane decides how much is decoded, never what is seen: on every path both forms of the same objects show the same.
import { deepStrictEqual } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JsonObject } from "../../../src/kube/protobuf/decode.ts";
import { encodeBody } from "../../../src/kube/protobuf/encode.ts";
import { typeOfKind } from "../../../src/kube/protobuf/schema.ts";
import { JsonMembers } from "../../../src/kube/protobuf/wire.ts";
import type { CompiledField } from "../../../src/metric-source/fields.ts";
import { createJsonReader } from "../../../src/metric-source/json-reader.ts";
import { parsePath } from "../../../src/metric-source/path.ts";
import { createProtobufReader, laneOf } from "../../../src/metric-source/protobuf-lane.ts";
import { compilePath, type Resolve } from "../../../src/metric-source/resolve.ts";
import type { RowReader } from "../../../src/metric-source/row-reader.ts";
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

type Path = Pick<CompiledField, "steps" | "type"> & { readonly text: string };

function path(text: string, type: ValueType = "string"): Path {
  const parsed = parsePath(text);
  if (!parsed.ok) throw new Error(parsed.problem.message);
  return { text, steps: parsed.steps, type };
}

/** A source with these fields and nothing else, as far as lanes need it. */
function sourceOf(apiVersion: string, kind: string, paths: readonly Path[]): Parameters<typeof laneOf>[0] {
  const fields = paths.map(({ text }) => ({ path: text }));
  return { definition: { source: { apiVersion, kind }, fields }, fields: paths } as unknown as Parameters<
    typeof laneOf
  >[0];
}

const lane = (apiVersion: string, kind: string, paths: readonly Path[]) => laneOf(sourceOf(apiVersion, kind, paths));

/** What a reader hands on: every object with what each path found. */
function handedOn(reader: RowReader, page: Uint8Array, fields: number): unknown {
  const rows: unknown[] = [];
  const end = reader.read(Buffer.from(page), {
    wants: () => true,
    take: (namespace, name, labels, found) =>
      rows.push([namespace, name, plainLabels(labels), ...found.slice(0, fields)]) > 0,
    skip: () => void rows.push("skipped"),
  });
  return { rows, end };
}

const plainLabels = (labels: unknown): unknown =>
  labels instanceof JsonMembers ? JSON.parse(`{${labels.bytes.toString("utf8", labels.start, labels.end)}}`) : labels;

/** Every path into an object that somebody could write after looking at it, and some that lead nowhere. */
function pathsInto(value: unknown, text = ""): Path[] {
  const here = text === "" ? [] : [path(text), path(text, "arrayLength")];
  if (typeof value !== "object" || value === null) return [...here, path(`${text}.below`), path(`${text}[0]`)];
  if (Array.isArray(value)) {
    const elements = ["[0]", "[*]", "[7]", "[-1]", "[-1:]", "[-9:]", "[?]", ".length"].map((step) => path(text + step));
    return [...here, ...elements, ...pathsInto(value[0], `${text}[0]`), ...pathsInto(value[0], `${text}[*]`)];
  }
  return [...here, ...Object.entries(value).flatMap(([key, member]) => pathsInto(member, `${text}['${key}']`))];
}

/** Only the length of what a field of that type leads to is promised to be the same. */
function shown({ type, steps }: Path): Resolve {
  const resolve = compilePath(steps);
  const lengthOf = (each: unknown): unknown =>
    typeof each === "object" && each !== null ? Object.keys(each).length : each;
  return type === "arrayLength" ? (item) => lengthOf(resolve(item)) : resolve;
}

/** Reads the items in both lanes, with all paths together, and compares what is handed on. */
function expectSame(apiVersion: string, kind: string, items: readonly unknown[], paths: readonly Path[]): void {
  const found = lane(apiVersion, kind, paths);
  if (found.lane === "json") throw new Error(found.why);
  const list = { apiVersion, kind: `${kind}List`, metadata: { continue: "more", remainingItemCount: 7 }, items };
  const resolvers = paths.map(shown);
  deepStrictEqual(
    handedOn(createProtobufReader(found.list, resolvers), encodeBody(list) as Uint8Array, paths.length),
    handedOn(createJsonReader(resolvers), Buffer.from(JSON.stringify(list)), paths.length),
  );
}

const isProtobuf = (apiVersion: string, kind: string, each: Path) => lane(apiVersion, kind, [each]).lane === "protobuf";

describe("what the protobuf lane shows is what JSON shows", { timeout: 60_000 }, () => {
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
    for (let at = 0; at < able.length; at += step) expectSame(apiVersion, kind, without, [able[at] as Path]);
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

it("whole numbers beyond what a double holds are exact", { timeout: 60_000 }, () => {
  const number = { fields: [path(".metadata.generation")] };
  const found = lane("v1", "Pod", number.fields);
  if (found.lane === "json") throw new Error(found.why);
  const numbers = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(
      numbers.filter((exact) => exact !== 0n),
      (exact) => {
        const digits = BigInt.asUintN(64, exact);
        const varint = Array.from(
          { length: 10 },
          (_, i) => Number((digits >> BigInt(7 * i)) & 0x7fn) | (i < 9 ? 0x80 : 0),
        );
        const item = [0x0a, 3 + 1 + varint.length, 0x0a, 1, 0x61, 0x38, ...varint];
        const body = [0x12, item.length, ...item];
        const page = Uint8Array.from([
          ...Buffer.from("k8s\0\n\x0d\n\x02v1\x12\x07PodList"),
          0x12,
          body.length,
          ...body,
        ]);
        const json = `{"kind":"PodList","items":[{"metadata":{"name":"a","generation":${exact}}}]}`;
        const resolvers = number.fields.map(({ steps }) => compilePath(steps));
        const [read, wanted] = [createProtobufReader(found.list, resolvers), createJsonReader(resolvers)];
        deepStrictEqual(handedOn(read, page, 1), handedOn(wanted, Buffer.from(json), 1));
      },
    ),
  );
});

describe("the JSON lane is taken, and said why", { timeout: 60_000 }, () => {
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
    expect(lane(apiVersion, kind, [path(".metadata.name"), path(text)])).toEqual({ lane: "json", why });
  });

  it("E-34: names of Object.prototype are no fields", () => {
    for (const text of [".__proto__.x", ".constructor.prototype.x", ".toString", ".spec.hasOwnProperty"]) {
      expect(lane("v1", "Pod", [path(text)]).lane).toBe("json");
    }
    expect(isProtobuf("v1", "Pod", path(".metadata.labels['__proto__']"))).toBe(true);
  });
});
