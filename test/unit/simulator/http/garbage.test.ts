// Answers that are spoilt: what is wrong with them, and that nothing else is.
import { describe, expect, it } from "vitest";
import { byteSpoilers, type Garbage, spoilt } from "../../../../src/simulator/http/garbage.ts";
import { shapes } from "../../../../src/simulator/http/shapes.ts";

const nowMs = Date.UTC(2026, 0, 1);
const pod = (name: string) => ({
  metadata: { name, resourceVersion: "5000", creationTimestamp: "2025-01-01T00:00:00Z" },
  spec: { nodeName: "n" },
  status: { phase: "Running", restarts: 7 },
});
const list = { kind: "PodList", metadata: { resourceVersion: "5001" }, items: [pod("a"), pod("b")] };

function spoil(
  variant: Garbage["variant"],
  value: unknown,
  { path = "/api/v1/pods", ...more }: Partial<Garbage> & { path?: string } = {},
) {
  const garbage: Garbage = { variant, atByte: undefined, field: "status", group: "apps", sizeMib: 1, nowMs, ...more };
  const [type, bytes] = spoilt(garbage, path, "application/json", Buffer.from(JSON.stringify(value)));
  return { type, bytes, text: bytes.toString() };
}
// biome-ignore lint/suspicious/noExplicitAny: answers of any shape are read
const json = (...args: Parameters<typeof spoil>): any => JSON.parse(spoil(...args).text);

describe("bytes", () => {
  it("flippedByte changes one bit of one byte", () => {
    const before = Buffer.from(JSON.stringify(list));
    const different = (after: Buffer): number[] => [...before.keys()].filter((at) => before[at] !== after[at]);
    expect(different(spoil("flippedByte", list).bytes)).toEqual([before.length >> 1]);
    expect(different(spoil("flippedByte", list, { atByte: 3 }).bytes)).toEqual([3]);
    expect(different(spoil("flippedByte", list, { atByte: 1e9 }).bytes)).toEqual([]);
  });

  it("contentType, bom and nan", () => {
    expect(spoil("contentType", list)).toMatchObject({ type: "text/plain; charset=utf-8", text: JSON.stringify(list) });
    expect([...spoil("bom", list).bytes.subarray(0, 3)]).toEqual([0xef, 0xbb, 0xbf]);
    expect(() => JSON.parse(spoil("bom", list).text)).toThrow();
    expect(spoil("nan", list).text).toContain('"restarts":NaN');
  });

  it("of no shape of JSON stay as they are when they are none", () => {
    const bytes = Buffer.from("ok");
    for (const variant of shapes) {
      const garbage: Garbage = { variant, atByte: undefined, field: "status", group: "", sizeMib: 1, nowMs };
      expect(spoilt(garbage, "/healthz", "text/plain", bytes)[1], variant).toEqual(bytes);
    }
    expect(byteSpoilers.filter((variant) => (shapes as readonly string[]).includes(variant))).toEqual([]);
  });
});

describe("shapes", () => {
  it("of objects: in lists, alone, and in events", () => {
    expect(json("missingField", list, { field: "status.phase" }).items[1].status).toEqual({ restarts: 7 });
    expect(json("missingField", pod("a"), { field: "spec" })).not.toHaveProperty("spec");
    expect(json("nullField", { type: "ADDED", object: pod("a") }).object.status).toBeNull();
    expect(json("nullField", list, { field: "no.such" })).toEqual(list);
    expect(json("nullField", list, { field: "__proto__.polluted" })).toEqual(list);
    expect(json("unknownPhase", list).items[0].status.phase).toBe("Quantum");
    expect(json("futureTime", list).items[0].metadata.creationTimestamp).toBe("2035-12-30T00:00:00Z");
    expect(json("oddNames", pod("a")).metadata.name.length).toBeGreaterThan(1_000);
    expect(json("duplicateItem", list).items.map((item: (typeof list.items)[0]) => item.metadata.name)).toEqual([
      "a",
      "a",
      "b",
    ]);
  });

  it("huge: one object is so large", () => {
    expect(json("huge", list, { sizeMib: 2 }).items[0].metadata.annotations.padding.length).toBe(2 * 1_048_576);
  });

  it("of resourceVersions: back, no number, never another", () => {
    const versions = (variant: Garbage["variant"]): string[] => {
      const { metadata, items } = json(variant, list) as typeof list;
      return [metadata.resourceVersion, items[0]?.metadata.resourceVersion as string];
    };
    expect(versions("versionBack")).toEqual(["4001", "4000"]);
    expect(versions("versionText")).toEqual(["v5001-a", "v5000-a"]);
    expect(versions("versionSame")).toEqual(["1", "1"]);
  });

  it("of discovery and the version", () => {
    const items = ["apps", "batch"].map((name) => ({
      metadata: { name },
      versions: [{ version: "v1", resources: [{ resource: "x" }], freshness: "Current" }],
    }));
    const aggregated = { kind: "APIGroupDiscoveryList", items };
    expect(
      json("missingGroup", aggregated, { path: "/apis" }).items.map((one: (typeof items)[0]) => one.metadata.name),
    ).toEqual(["batch"]);
    const groups = { kind: "APIGroupList", groups: [{ name: "apps" }, { name: "batch" }] };
    expect(json("missingGroup", groups, { path: "/apis" }).groups).toEqual([{ name: "batch" }]);
    expect(json("missingGroup", list)).toEqual(list);
    expect(json("partialDiscovery", aggregated).items[1].versions).toEqual([{ version: "v1", freshness: "Stale" }]);
    expect(json("oddVersion", { major: "1", minor: "29" }, { path: "/version" }).minor).toBe("29+");
    expect(json("oddVersion", list)).toEqual(list);
  });
});
