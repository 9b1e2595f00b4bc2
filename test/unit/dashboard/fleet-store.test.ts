import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { type ClusterRow, toClusterRow } from "../../../src/dashboard/api.ts";
import {
  createFleetStore,
  emptyFleet,
  type FleetEvent,
  type FleetState,
  reduceFleet,
} from "../../../src/dashboard/fleet-store.ts";

const row = (name: string, change: Partial<ClusterRow> = {}): ClusterRow =>
  toClusterRow({ name, status: { health: "healthy" }, ...change });
const put = (name: string, change: Partial<ClusterRow> = {}): FleetEvent => ({
  type: "cluster",
  row: row(name, change),
});
const opened: FleetEvent = { type: "opened" };
const synced: FleetEvent = { type: "synced" };
const lost: FleetEvent = { type: "lost", problem: "gone" };
const reduce = (events: FleetEvent[], nowMs = 1000, state: FleetState = emptyFleet) =>
  reduceFleet(state, events, nowMs);

describe("connection state", () => {
  it("is live only after synced, not when the connection opens or rows arrive", () => {
    expect(reduce([opened, put("a")]).connection.state).toBe("connecting");
    expect(reduce([opened, put("a"), synced]).connection.state).toBe("live");
  });

  it("dates a loss from the last event and keeps that date over failing attempts", () => {
    const live = reduce([opened, put("a"), synced], 1000);
    const once = reduce([lost], 5000, live);
    const twice = reduce([opened, { type: "lost", problem: "again" }], 9000, once);
    expect(once.connection).toEqual({ state: "reconnecting", sinceMs: 1000, problem: "gone" });
    expect(twice.connection).toEqual({ state: "reconnecting", sinceMs: 1000, problem: "again" });
    expect(twice.rows.has("a")).toBe(true);
  });

  it("is polling while lists arrive without a stream, and never live", () => {
    const polling = reduce([lost, { type: "listed", rows: [row("a")] }]);
    expect(polling.connection.state).toBe("polling");
    expect(reduce([lost], 2000, polling).connection.state).toBe("polling");
    expect(reduce([{ type: "list-failed" }], 3000, polling).connection.state).toBe("reconnecting");
    expect(reduce([opened, synced], 4000, polling).connection).toEqual({ state: "live" });
  });

  it("remembers when the last event came", () => {
    const state = reduce([opened, synced], 1000);
    expect(state.lastEventAtMs).toBe(1000);
    expect(reduce([put("a")], 4000, state).lastEventAtMs).toBe(4000);
    expect(reduce([lost], 9000, state).lastEventAtMs).toBe(1000);
  });
});

describe("rows", () => {
  it("drops at synced what a reconnection did not replay", () => {
    const before = reduce([opened, put("a"), put("b"), synced]);
    const after = reduce([lost, opened, put("b"), synced], 2000, before);
    expect([...after.rows.keys()]).toEqual(["b"]);
  });

  it("does not bring back a row deleted during a replay", () => {
    const state = reduce([opened, put("a"), { type: "cluster-deleted", name: "a" }, synced]);
    expect(state.rows.size).toBe(0);
  });

  it("keeps all rows while a replay is cut short", () => {
    const before = reduce([opened, put("a"), put("b"), synced]);
    expect(reduce([lost, opened, put("b"), lost], 2000, before).rows.size).toBe(2);
  });

  it("marks a change in words or numbers, but neither a new stamp nor the first sync", () => {
    const first = reduce([opened, put("a", { asOf: "2026-01-01T00:00:00Z" }), synced]);
    expect(first.changes.size).toBe(0);
    const stamped = reduce([put("a", { asOf: "2026-01-01T00:00:30Z" })], 2000, first);
    expect(stamped.changes.size).toBe(0);
    const broken = reduce([put("a", { status: { health: "unhealthy" } })], 3000, stamped);
    expect(broken.changes.get("a")).toEqual({ count: 1, atMs: 3000 });
    const more = reduce([put("a", { status: { health: "unhealthy" }, missing: ["pods"] })], 4000, broken);
    expect(more.changes.get("a")).toEqual({ count: 2, atMs: 4000 });
  });

  it("does not change the state it is given", () => {
    const before = reduce([opened, put("a"), synced]);
    reduce([put("b"), { type: "cluster-deleted", name: "a" }, lost], 2000, before);
    expect([...before.rows.keys()]).toEqual(["a"]);
    expect(before.connection.state).toBe("live");
  });
});

it("gives the same rows however the events are cut into batches", () => {
  const names = fc.constantFrom("a", "b", "c");
  const event: fc.Arbitrary<FleetEvent> = fc.oneof(
    names.map((name) => put(name)),
    names.map((name): FleetEvent => ({ type: "cluster-deleted", name })),
    fc.constantFrom(opened, synced, lost),
    fc.uniqueArray(names).map((list): FleetEvent => ({ type: "listed", rows: list.map((name) => row(name)) })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      const whole = reduceFleet(emptyFleet, events, 7);
      const single = events.reduce((state, each) => reduceFleet(state, [each], 7), emptyFleet);
      expect(single).toEqual(whole);
    }),
  );
});

it("tells subscribers of every dispatch until they leave", () => {
  const store = createFleetStore();
  let calls = 0;
  const leave = store.subscribe(() => {
    calls += 1;
  });
  store.dispatch([opened, synced], 1);
  leave();
  store.dispatch([lost], 2);
  expect(calls).toBe(1);
  expect(store.state().connection.state).toBe("reconnecting");
});

it("copies what there was as often for a batch of 2,000 rows as for one of a single row", () => {
  const held = reduce([opened, put("old"), synced]);
  const copies = vi.spyOn(Map.prototype, Symbol.iterator);
  const copiesFor = (count: number): number => {
    const events = Array.from({ length: count }, (_, index) => put(`cluster-${index}`));
    copies.mockClear();
    const { size } = reduce(events, 2_000, held).rows;
    const { length } = copies.mock.calls;
    expect(size).toBe(1 + count);
    return length;
  };
  try {
    const forOne = copiesFor(1);
    expect(forOne).toBeGreaterThan(0);
    expect(copiesFor(2_000)).toBe(forOne);
  } finally {
    copies.mockRestore();
  }
});
