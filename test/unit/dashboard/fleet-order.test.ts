import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type ClusterRow, type Health, toClusterRow } from "../../../src/dashboard/api.ts";
import { compareBrokenFirst, compareNumbers, createFilter, summarise } from "../../../src/dashboard/fleet-order.ts";
import { formatLocation, type LocationState, parseLocation } from "../../../src/dashboard/location-state.ts";

const row = (name: string, health: string, change: Partial<ClusterRow> = {}): ClusterRow =>
  toClusterRow({ name, status: { health }, ...change });
const namesOf = (rows: ClusterRow[]) => rows.map(({ name }) => name);

describe("order", () => {
  it("puts broken clusters first, then goes by name in human order", () => {
    const rows = [
      row("edge-10", "healthy"),
      row("z", "unknown"),
      row("b", "degraded"),
      row("edge-2", "healthy"),
      row("y", "unhealthy"),
    ];
    expect(namesOf(rows.sort(compareBrokenFirst))).toEqual(["y", "b", "z", "edge-2", "edge-10"]);
  });

  it("counts a health it does not know as unknown", () => {
    expect(namesOf([row("a", "splendid"), row("b", "degraded")].sort(compareBrokenFirst))).toEqual(["b", "a"]);
  });

  it("goes by the display name where there is one", () => {
    expect(
      namesOf([row("a", "healthy", { spec: { displayName: "Zurich" } }), row("b", "healthy")].sort(compareBrokenFirst)),
    ).toEqual(["b", "a"]);
  });

  it("sorts absent numbers last in both directions", () => {
    const values = [3, undefined, 1, null, 2];
    expect(values.toSorted((a, b) => compareNumbers(a, b, 1)).slice(0, 3)).toEqual([1, 2, 3]);
    expect(values.toSorted((a, b) => compareNumbers(a, b, -1)).slice(0, 3)).toEqual([3, 2, 1]);
  });
});

describe("filter", () => {
  const rows = [
    row("prod-1", "unhealthy", {
      status: { health: "unhealthy", reason: "ConnectTimeout" },
      spec: { labels: { env: "prod" } },
    }),
    row("prod-2", "healthy", { info: { version: "v1.33.2" }, missing: ["pods"] }),
  ];
  const found = (text: string, healths: Health[] = []) =>
    namesOf(rows.filter(createFilter({ text, healths: new Set(healths) })));

  it("finds by name, reason, version, missing part and label, in any case", () => {
    expect(found("PROD")).toEqual(["prod-1", "prod-2"]);
    expect(found("timeout")).toEqual(["prod-1"]);
    expect(found("1.33")).toEqual(["prod-2"]);
    expect(found("pods")).toEqual(["prod-2"]);
    expect(found("env=prod")).toEqual(["prod-1"]);
  });

  it("wants every word, and the health too", () => {
    expect(found("prod timeout")).toEqual(["prod-1"]);
    expect(found("prod nothing")).toEqual([]);
    expect(found("prod", ["healthy"])).toEqual(["prod-2"]);
    expect(found("", ["unknown"])).toEqual([]);
  });
});

describe("summary", () => {
  it("adds up, and does not hide what was never collected", () => {
    const summary = summarise([
      row("a", "healthy", {
        metrics: { nodes: 3, nodes_ready: 2, pods: 10, pods_running: 9 },
        asOf: "2026-01-01T00:01:00Z",
      }),
      row("b", "unhealthy", { metrics: { nodes: 1, nodes_ready: 1 }, asOf: "2026-01-01T00:00:00Z" }),
      row("c", "odd"),
    ]);
    expect(summary).toEqual({
      byHealth: { unhealthy: 1, degraded: 0, unknown: 1, healthy: 1 },
      clusters: 3,
      nodes: 4,
      nodesReady: 3,
      pods: 10,
      podsRunning: 9,
      oldestDataAtMs: Date.parse("2026-01-01T00:00:00Z"),
      neverCollected: 1,
    });
  });
});

describe("address", () => {
  it("round-trips every state", () => {
    const state = fc.record<LocationState>({
      view: fc.constantFrom("fleet", "actors"),
      healths: fc.subarray<Health>(["unhealthy", "degraded", "unknown", "healthy"]).map((list) => new Set(list)),
      text: fc.string({ maxLength: 50 }),
      cluster: fc.option(fc.string({ minLength: 1, maxLength: 20 })),
    });
    fc.assert(
      fc.property(state, (each) => {
        expect(parseLocation(formatLocation(each))).toEqual(each);
      }),
    );
  });

  it("ignores what it does not know", () => {
    expect(parseLocation("#view=moon&health=fine,degraded&x=1")).toEqual({
      view: "fleet",
      healths: new Set(["degraded"]),
      text: "",
      cluster: null,
    });
  });
});
