import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Document,
  nothingWritten,
  type Store,
  type StoreChanges,
  type StoreReader,
} from "../../../src/store/document.ts";
import * as documents from "../../../src/store/documents.ts";
import { createMemoryStore } from "../../../src/store/memory.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";
import { createFleetView, type LiveFleetView } from "../../../src/view/fleet.ts";
import type { ViewChange } from "../../../src/view/ports.ts";

const signal = new AbortController().signal;
const atMs = Date.UTC(2026, 0, 2, 3, 4, 5);
const times = { atMs, cacheTtlSeconds: 600, retentionSeconds: 3600 };
const status = (cluster: string, message = "ok", lastCheckMs = atMs): Document[] =>
  documents.clusterStatus(cluster, { health: "healthy", message, reason: "Reachable", lastCheckMs });
const node = (name: string, roles = ["worker"]): documents.NodeValue => ({
  name,
  status: "Ready",
  roles,
  current: JSON.stringify({ name, status: "Ready", roles }),
  point: "{}",
  cpuUsagePercent: 1,
  memoryUsagePercent: 1,
  cpuCapacityCores: 1,
  memoryCapacityBytes: 1,
  podsTotal: 1,
});

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

function open(wrap: (store: Store) => StoreReader & StoreChanges = (store) => store) {
  const clock = new VirtualClock(atMs);
  const store = createMemoryStore({ clock });
  const view = createFleetView({ store: wrap(store), clock });
  const changes: ViewChange[] = [];
  view.subscribe((change) => changes.push(change));
  opened.push(() => view.close());
  const write = async (...written: Document[]): Promise<void> => {
    await store.apply(written, signal);
    await clock.settle();
  };
  return { clock, store, view, changes, write };
}

/** A store whose changes say their keys only: everything has to be read. */
const keysOnly = <S extends Store>(store: S): S => ({
  ...store,
  subscribe: (listener) => store.subscribe((keys) => listener(keys, nothingWritten)),
});

const parsed = (row: { bytes: Buffer } | undefined) =>
  row === undefined ? undefined : JSON.parse(row.bytes.toString());
const names = (view: LiveFleetView) => view.clusters().map((row) => row.name);

describe("the fleet view", () => {
  it("lists clusters in order of name, as soon as they have a status", async () => {
    const { view, write, changes } = open();
    await write(...documents.clusterSpec("b", { endpoint: "https://b" }));
    expect(names(view)).toEqual([]);
    await write(...status("b"), ...status("a"), ...status("a-1"));
    expect(names(view)).toEqual(["a", "a-1", "b"]);
    expect(parsed(view.cluster("b"))).toMatchObject({ name: "b", info: { api_url: "https://b" } });
    expect(view.cluster("c")).toBeUndefined();
    expect(view.nodes("c")).toBeUndefined();
    expect(view.nodes("a")).toEqual([]);
    expect(changes.map((change) => change.type)).toEqual(["cluster", "cluster", "cluster"]);
  });

  it("reads what a store already holds", async () => {
    const { clock, store, write } = open();
    await write(...status("a"), ...documents.clusterNodes("a", [node("n1")], times));
    const late = createFleetView({ store, clock });
    opened.push(() => late.close());
    expect(late.clusters()).toEqual([]);
    const idle = late.idle();
    await clock.settle();
    await idle;
    expect(names(late)).toEqual(["a"]);
    expect(late.nodes("a")?.map((row) => row.name)).toEqual(["n1"]);
  });

  it("raises revisions with every change and with nothing else", async () => {
    const { view, write, changes } = open();
    await write(...status("a"), ...status("b"));
    const before = view.revision();
    const b = view.cluster("b");
    await write(...status("a"), ...status("b"));
    expect(view.revision()).toBe(before);
    await write(...status("a", "other"));
    expect(view.revision()).toBeGreaterThan(before);
    expect(view.cluster("a")?.revision).toBe(view.revision());
    expect(view.cluster("b")).toBe(b);
    expect(view.clusters()).toBe(view.clusters());
    const revisions = changes.map((change) => (change.type === "cluster" ? change.row.revision : change.revision));
    expect(revisions).toEqual([...new Set(revisions)].sort((x, y) => x - y));
  });

  it("starts above every revision of an earlier process", async () => {
    const first = open();
    for (let n = 0; n < 100; n++) await first.write(...status("a", `${n}`));
    await first.clock.advance(1);
    const second = createFleetView({ store: first.store, clock: first.clock });
    opened.push(() => second.close());
    expect(second.revision()).toBeGreaterThan(first.view.revision());
  });

  it("makes one rebuild of a burst", async () => {
    let reads = 0;
    const { store, clock, changes } = open((inner) => ({
      ...keysOnly(inner),
      string: (key) => {
        reads++;
        return inner.string(key);
      },
    }));
    await store.apply(status("a"), signal);
    await clock.settle();
    reads = 0;
    for (let n = 0; n < 50; n++) await store.apply(status("a", `message ${n}`), signal);
    await clock.settle();
    expect(reads).toBe(5);
    expect(changes).toHaveLength(2);
    expect(parsed(changes[1]?.type === "cluster" ? changes[1].row : undefined)).toMatchObject({
      status: { message: "message 49" },
    });
  });

  it("shows ages as stored, however much later", async () => {
    const { view, write, clock } = open();
    await write(
      ...status("a"),
      ...documents.clusterFreshness("a", { asOfMs: atMs, staleAfterMs: atMs + 60_000, missing: ["pods"] }),
    );
    const before = view.clusters()[0];
    await clock.advance(3_600_000);
    expect(view.clusters()[0]).toBe(before);
    expect(parsed(before)).toMatchObject({
      asOf: "2026-01-02T03:04:05Z",
      staleAfter: "2026-01-02T03:05:05Z",
      partial: true,
      missing: ["pods", "version", "nodes", "namespaces", "deployments"],
    });
  });

  it("names what has expired beside the age that stays", async () => {
    const { view, write, clock } = open();
    const metrics = { collectedAtMs: atMs, nodes: 1, nodesReady: 1, namespaces: 1, pods: 1, podsRunning: 1 };
    await write(
      ...status("a"),
      ...documents.clusterInfo("a", { version: "v1" }, 3_600),
      ...documents.clusterMetrics(
        "a",
        { ...metrics, cpuCapacityCores: 1, memoryCapacityBytes: 1, deployments: 1 },
        600,
      ),
      ...documents.clusterFreshness("a", { asOfMs: atMs, staleAfterMs: atMs + 60_000, missing: [] }),
    );
    expect(parsed(view.clusters()[0])).toMatchObject({ partial: false, missing: [] });
    await clock.advance(610_000);
    const sums = ["nodes", "pods", "namespaces", "deployments"];
    expect(parsed(view.clusters()[0])).toMatchObject({ metrics: {}, info: { version: "v1" }, missing: sums });
    await clock.advance(3_000_000);
    expect(parsed(view.clusters()[0])).toMatchObject({ info: {}, partial: true, missing: ["version", ...sums] });
    expect(parsed(view.clusters()[0])).toMatchObject({ asOf: "2026-01-02T03:04:05Z" });
  });

  it("follows nodes: changed ones get a revision, those that are gone leave", async () => {
    const { view, write } = open();
    await write(...status("a"), ...documents.clusterNodes("a", [node("n2"), node("n1"), node("x:metrics")], times));
    expect(view.nodes("a")?.map((row) => row.name)).toEqual(["n1", "n2", "x:metrics"]);
    const [n1, n2] = view.nodes("a") ?? [];
    await write(...documents.clusterNodes("a", [node("n1"), node("n2", ["infra"])], times));
    const after = view.nodes("a") ?? [];
    expect(after.map((row) => row.name)).toEqual(["n1", "n2"]);
    expect(after[0]).toBe(n1);
    expect(after[1]?.revision).toBeGreaterThan(n2?.revision ?? 0);
    expect(parsed(after[1])).toMatchObject({ roles: ["infra"] });
  });

  it("forgets collected values that expired, and keeps the cluster", async () => {
    const { view, write, clock } = open();
    await write(
      ...status("a"),
      ...documents.clusterInfo("a", { version: "v1" }, 600),
      ...documents.clusterNodes("a", [node("n1")], times),
    );
    expect(parsed(view.clusters()[0])).toMatchObject({ info: { version: "v1" } });
    await clock.advance(610_000);
    expect(parsed(view.clusters()[0])).toMatchObject({ info: {}, status: { health: "healthy" } });
    expect(view.nodes("a")).toEqual([]);
  });

  it("removes a deleted cluster and tells so, and takes it back", async () => {
    const { view, write, changes } = open();
    await write(...status("a"), ...status("b"), ...documents.clusterNodes("a", [node("n1")], times));
    await write(...documents.clusterDeleted("a", atMs));
    expect(names(view)).toEqual(["b"]);
    expect(view.cluster("a")).toBeUndefined();
    expect(view.nodes("a")).toBeUndefined();
    expect(changes.at(-1)).toEqual({ type: "cluster-deleted", name: "a", revision: view.revision() });
    await write(...status("a", "again"));
    expect(names(view)).toEqual(["a", "b"]);
    expect(view.nodes("a")).toEqual([]);
  });

  it("never shows an older state when an early reading is slow", async () => {
    let hold: Promise<void> | undefined;
    const { view, store, clock, changes } = open((inner) => ({
      ...keysOnly(inner),
      async string(key) {
        const value = await inner.string(key);
        if (key === "cluster:a:status") await hold;
        return value;
      },
    }));
    await store.apply([...status("a", "first"), ...status("b")], signal);
    await clock.settle();
    let release = (): void => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    await store.apply(status("a", "second"), signal);
    await clock.settle();
    hold = undefined;
    await store.apply([...status("a", "third"), ...status("b", "not held up")], signal);
    await clock.settle();
    expect(parsed(view.cluster("b"))).toMatchObject({ status: { message: "not held up" } });
    release();
    await clock.settle();
    const messages = changes.flatMap((change) =>
      change.type === "cluster" && change.row.name === "a" ? [parsed(change.row).status.message] : [],
    );
    expect(messages).toEqual(["first", "second", "third"]);
    expect(parsed(view.cluster("a"))).toMatchObject({ status: { message: "third" } });
  });

  it("reads nothing back that a change says itself", async () => {
    let reads = 0;
    const counting = <A extends unknown[], R>(read: (...args: A) => R) => {
      return (...args: A): R => {
        reads++;
        return read(...args);
      };
    };
    const { view, write } = open(({ string, hash, set, ...rest }) => ({
      ...rest,
      string: counting(string),
      hash: counting(hash),
      set: counting(set),
    }));
    const collected = (message: string, version: string): Document[] => [
      ...documents.clusterNodes("a", [node("n1", [version]), node("n2")], times),
      ...documents.clusterInfo("a", { version }, 600),
      ...documents.clusterFreshness("a", { asOfMs: atMs, staleAfterMs: atMs, missing: [version] }),
      ...status("a", message),
    ];
    await write(...collected("first", "v1"));
    reads = 0;
    await write(...collected("second", "v2"));
    expect(reads).toBe(0);
    expect(parsed(view.cluster("a"))).toMatchObject({
      status: { message: "second" },
      info: { version: "v2" },
      missing: ["v2", "nodes", "pods", "namespaces", "deployments"],
    });
    expect(view.nodes("a")?.map(parsed)).toMatchObject([{ roles: ["v2"] }, { roles: ["worker"] }]);
    await write(...documents.clusterNodes("a", [node("n2"), node("n3")], times));
    expect(view.nodes("a")?.map(({ name }) => name)).toEqual(["n2", "n3"]);
  });

  it("never goes back to what was read before a change said something newer", async () => {
    let hold: Promise<void> | undefined;
    let silent = false;
    const { view, store, clock, changes } = open((inner) => ({
      ...inner,
      subscribe: (listener) => inner.subscribe((keys, written) => listener(keys, silent ? nothingWritten : written)),
      async string(key) {
        const value = await inner.string(key);
        await hold;
        return value;
      },
    }));
    await store.apply(status("a", "first"), signal);
    await clock.settle();
    let release = (): void => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    silent = true;
    await store.apply(status("a", "second"), signal);
    await clock.settle();
    silent = false;
    await store.apply(status("a", "third"), signal);
    release();
    hold = undefined;
    await clock.settle();
    const messages = changes.map((change) => (change.type === "cluster" ? parsed(change.row).status.message : ""));
    expect(messages).toEqual(["first", "third"]);
    expect(parsed(view.cluster("a"))).toMatchObject({ status: { message: "third" } });
  });

  it("drops what a slow reading says of a cluster that was deleted meanwhile", async () => {
    let hold: Promise<void> | undefined;
    const { view, store, clock, changes } = open((inner) => ({
      ...keysOnly(inner),
      async string(key) {
        const value = await inner.string(key);
        await hold;
        return value;
      },
    }));
    await store.apply(status("a"), signal);
    await clock.settle();
    let release = (): void => {};
    hold = new Promise((resolve) => {
      release = resolve;
    });
    await store.apply(status("a", "late"), signal);
    await clock.settle();
    await store.apply(documents.clusterDeleted("a", atMs), signal);
    await clock.settle();
    release();
    await clock.settle();
    expect(view.clusters()).toEqual([]);
    expect(changes.map((change) => change.type)).toEqual(["cluster", "cluster-deleted"]);
  });

  it("keeps its rows while one cluster cannot be read, and others stay current", async () => {
    let broken = true;
    const { view, store, clock, write } = open((inner) => ({
      ...keysOnly(inner),
      async string(key) {
        if (broken && key === "cluster:a:metrics") throw new Error("down");
        return inner.string(key);
      },
    }));
    broken = false;
    await write(...status("a"), ...status("b"));
    broken = true;
    await write(...status("a", "new"), ...status("b", "new"));
    expect(parsed(view.cluster("a"))).toMatchObject({ status: { message: "ok" } });
    expect(parsed(view.cluster("b"))).toMatchObject({ status: { message: "new" } });
    await store.apply(status("b", "newer"), signal);
    await clock.advance(1_500);
    expect(parsed(view.cluster("b"))).toMatchObject({ status: { message: "newer" } });
    broken = false;
    await clock.advance(1_000);
    expect(parsed(view.cluster("a"))).toMatchObject({ status: { message: "new" } });
  });

  it("says nothing after close", async () => {
    const { view, write, changes, clock } = open();
    await write(...status("a"));
    view.close();
    await write(...status("b"));
    await clock.advance(5_000);
    await view.idle();
    expect(changes).toHaveLength(1);
  });
});

describe("the fleet view, after anything", () => {
  const cluster = fc.constantFrom("a", "b", "c");
  const nodeNames = fc.uniqueArray(fc.constantFrom("n1", "n2", "n3"));
  const step = fc.oneof(
    fc.tuple(cluster, fc.constantFrom("ok", "slow")).map(([name, message]) => status(name, message)),
    fc.tuple(cluster, fc.webUrl()).map(([name, endpoint]) => documents.clusterSpec(name, { endpoint })),
    fc.tuple(cluster, fc.constantFrom(2, 20)).map(([name, ttl]) => documents.clusterInfo(name, { version: "v1" }, ttl)),
    fc.tuple(cluster, nodeNames, fc.constantFrom<string[]>(["worker"], [])).map(([name, nodes, roles]) =>
      documents.clusterNodes(
        name,
        nodes.map((each) => node(each, roles)),
        { ...times, cacheTtlSeconds: 20 },
      ),
    ),
    fc
      .tuple(cluster, fc.subarray(["pods", "nodes"]))
      .map(([name, missing]) => documents.clusterFreshness(name, { asOfMs: atMs, staleAfterMs: atMs, missing })),
    cluster.map((name) => documents.clusterDeleted(name, atMs)),
    fc.constantFrom(0, 3_000),
  );

  it("equals a view built from scratch, and its changes lead to the same list", async () => {
    const shown = (view: LiveFleetView) =>
      view
        .clusters()
        .map((row) => [
          row.bytes.toString(),
          view.cluster(row.name)?.bytes.toString(),
          view.nodes(row.name)?.map((each) => each.bytes.toString()),
        ]);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.boolean(), fc.boolean(), async (steps, eager, silent) => {
        const clock = new VirtualClock(atMs);
        const store = (silent ? keysOnly : (same: Store) => same)(createMemoryStore({ clock }));
        const view = createFleetView({ store, clock });
        const replica = new Map<string, string>();
        view.subscribe((change) => {
          if (change.type === "cluster") replica.set(change.row.name, change.row.bytes.toString());
          else replica.delete(change.name);
        });
        for (const each of steps) {
          if (typeof each === "number") await clock.advance(each);
          else await store.apply(each, signal);
          if (eager) await clock.settle();
        }
        await clock.advance(10_000);
        const fresh = createFleetView({ store, clock });
        await clock.settle();
        expect(shown(view)).toEqual(shown(fresh));
        expect([...replica].sort()).toEqual(view.clusters().map((row) => [row.name, row.bytes.toString()]));
        view.close();
        fresh.close();
        await store.close();
      }),
      { numRuns: 60 },
    );
  });
});
