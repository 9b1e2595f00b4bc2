// JSON patches and strategic merge patches, as pure functions.
import { describe, expect, it } from "vitest";
import { jsonPatch } from "../../../../src/simulator/hub/json-patch.ts";
import { strategicPatch } from "../../../../src/simulator/hub/strategic-patch.ts";
import { statusOf } from "../../../support/api-status.ts";

describe("a JSON patch", () => {
  it("runs its operations in order and leaves the target alone", () => {
    const target = { list: [1, 2, 3], "a/b": { "~": 1 } };
    const patch = [
      { op: "test", path: "/a~1b/~0", value: 1 },
      { op: "add", path: "/list/1", value: 9 },
      { op: "add", path: "/list/-", value: 4 },
      { op: "remove", path: "/list/0" },
      { op: "move", from: "/a~1b", path: "/moved" },
      { op: "copy", from: "/list", path: "/copied" },
      { op: "replace", path: "/list/0", value: 8 },
    ];
    expect(jsonPatch(target, patch)).toEqual({ list: [8, 2, 3, 4], moved: { "~": 1 }, copied: [9, 2, 3, 4] });
    expect(target).toEqual({ list: [1, 2, 3], "a/b": { "~": 1 } });
    expect(jsonPatch(target, [{ op: "replace", path: "", value: { new: true } }])).toEqual({ new: true });
  });

  it("is refused where it does not fit, is none, or is longer than 10,000 operations", () => {
    expect(statusOf(() => jsonPatch({}, [{ op: "remove", path: "/none" }]))).toBe(422);
    expect(statusOf(() => jsonPatch({ a: [] }, [{ op: "add", path: "/a/1", value: 1 }]))).toBe(422);
    expect(statusOf(() => jsonPatch({}, [{ op: "add", path: "/a/b", value: 1 }]))).toBe(422);
    expect(statusOf(() => jsonPatch({}, [{ op: "add", path: "a", value: 1 }]))).toBe(400);
    expect(statusOf(() => jsonPatch({}, [{ op: "jump", path: "/a" }]))).toBe(422);
    expect(statusOf(() => jsonPatch({}, {}))).toBe(400);
    const operation = { op: "add", path: "/a", value: 1 };
    expect(statusOf(() => jsonPatch({}, Array(10_000).fill(operation)))).toBe(200);
    expect(statusOf(() => jsonPatch({}, Array(10_001).fill(operation)))).toBe(413);
  });

  it("cannot reach a prototype", () => {
    expect(statusOf(() => jsonPatch({}, [{ op: "add", path: "/__proto__/polluted", value: true }]))).toBe(422);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});

describe("a strategic merge patch", () => {
  const target = {
    metadata: { labels: { a: "1", b: "2" }, finalizers: ["x"] },
    spec: {
      containers: [
        { name: "main", image: "one", args: ["1"], ports: [{ containerPort: 80, name: "http" }] },
        { name: "side", image: "two" },
      ],
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1 } },
      tolerations: [{ key: "a" }],
    },
  };

  it("merges lists by key, replaces others, and adds to sets", () => {
    const patched = strategicPatch(target, {
      metadata: { labels: { a: null, c: "3" }, finalizers: ["y"] },
      spec: {
        containers: [
          { name: "main", image: "new", args: ["2"], ports: [{ containerPort: 81 }] },
          { name: "third", image: "three" },
        ],
        tolerations: [{ key: "b" }],
      },
    });
    expect(patched).toMatchObject({
      metadata: { labels: { b: "2", c: "3" }, finalizers: ["x", "y"] },
      spec: {
        containers: [
          {
            name: "main",
            image: "new",
            args: ["2"],
            ports: [{ containerPort: 80, name: "http" }, { containerPort: 81 }],
          },
          { name: "side", image: "two" },
          { name: "third", image: "three" },
        ],
        tolerations: [{ key: "b" }],
      },
    });
  });

  it("follows its directives", () => {
    const patched = strategicPatch(target, {
      metadata: { "$deleteFromPrimitiveList/finalizers": ["x"], labels: { $patch: "replace", z: "26" } },
      spec: {
        "$setElementOrder/containers": [{ name: "new" }, { name: "side" }],
        containers: [{ name: "main", $patch: "delete" }, { name: "new" }],
        strategy: { $retainKeys: ["type"], type: "Recreate" },
      },
    });
    expect(patched).toEqual({
      metadata: { labels: { z: "26" }, finalizers: [] },
      spec: {
        containers: [{ name: "new" }, { name: "side", image: "two" }],
        strategy: { type: "Recreate" },
        tolerations: [{ key: "a" }],
      },
    });
    expect(statusOf(() => strategicPatch(target, { spec: { $patch: "sideways" } }))).toBe(400);
    expect(statusOf(() => strategicPatch(target, []))).toBe(400);
  });
});
