// Deleting a ClusterConnection, in virtual time: whatever the cluster, the store or the API does, it goes within ten seconds.
import { afterEach, describe, expect, test } from "vitest";
import { cleanupFinalizer } from "../../../../actors/cluster/finalizers.ts";
import { type Logger, silentLogger } from "../../../../src/support/log.ts";
import { type Behaviour, startVirtualFleet } from "../../../support/virtual-fleet.ts";

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet.stop();
});
const held = (name: string) => fleet.connection(name)?.metadata.finalizers ?? [];
const actors = () => fleet.hub.system.snapshot().filter(({ kind }) => kind === "cluster");
const shown = () => fleet.view.clusters().map(({ name }) => name);

describe("the finalizer", () => {
  test("is added once, beside those of others", async () => {
    fleet = startVirtualFleet(["a"]);
    fleet.declare("b", { finalizers: ["example.com/other"] });
    await fleet.clock.advance(300_000);
    expect(held("a")).toEqual([cleanupFinalizer]);
    expect(held("b")).toEqual(["example.com/other", cleanupFinalizer]);
    expect(fleet.finalizers.patches).toBe(2);
  });

  test("is put back when somebody takes it away, and never on an object that is being deleted", async () => {
    fleet = startVirtualFleet(["a"]);
    await fleet.clock.advance(5_000);
    fleet.declare("a", { finalizers: [] });
    await fleet.clock.advance(5_000);
    expect(held("a")).toEqual([cleanupFinalizer]);
    fleet.declare("a", { finalizers: ["example.com/other"] });
    fleet.delete("a");
    await fleet.clock.advance(60_000);
    expect(held("a")).toEqual(["example.com/other"]);
  });

  test.each(["healthy", "blackhole", "hang", "deaf", "refuse"] as Behaviour[])(
    "of a cluster that is %s is gone within ten seconds of its deletion, and so is all that was shown of it",
    async (behaviour) => {
      fleet = startVirtualFleet(["a", "b"]);
      fleet.behaviours.set("a", behaviour);
      await fleet.clock.advance(61_000);
      fleet.delete("a");
      expect(held("a")).toEqual([cleanupFinalizer]);
      await fleet.clock.advance(10_000);
      expect(fleet.connection("a")).toBeUndefined();
      expect(shown()).toEqual(["b"]);
      expect(actors().map(({ path }) => path)).toEqual(["/hub/clusters/b"]);
      expect(fleet.open.get("a") ?? 0).toBe(0);
    },
  );

  test("does not wait for a store that is down", async () => {
    fleet = startVirtualFleet(["a", "b"]);
    await fleet.clock.advance(61_000);
    fleet.breakStore(true);
    fleet.delete("a");
    await fleet.clock.advance(10_000);
    expect(fleet.connection("a")).toBeUndefined();
    fleet.breakStore(false);
    await fleet.clock.advance(10_000);
    expect(shown()).toEqual(["b"]);
  });

  test("that a hub before this one left on a deleted object is removed, and its cluster never asked", async () => {
    fleet = startVirtualFleet(["a"]);
    fleet.declare("b", { finalizers: [cleanupFinalizer, "example.com/other"] });
    fleet.delete("b");
    await fleet.clock.advance(10_000);
    expect(held("b")).toEqual(["example.com/other"]);
    expect(fleet.pollsMs.get("b") ?? []).toEqual([]);
    expect(shown()).toEqual(["a"]);
    expect(actors().map(({ path }) => path)).toEqual(["/hub/clusters/a"]);
  });

  test("is done without where the hub may not patch, which is said once; deletions then work as they did before", async () => {
    const said: string[] = [];
    const collector = { warn: (_: unknown, text: string) => void said.push(text) };
    fleet = startVirtualFleet(["a", "b"], { log: { ...silentLogger, ...collector } as Logger });
    fleet.finalizers.forbidden = true;
    for (let i = 0; i < 60; i++) {
      await fleet.clock.advance(2_000);
      fleet.touch("a");
    }
    expect(held("a")).toEqual([]);
    expect(fleet.finalizers.patches).toBeLessThanOrEqual(2);
    expect(said.filter((text) => text.includes("finalizer"))).toHaveLength(1);
    expect(fleet.row("a").status.health).toBe("healthy");
    fleet.delete("a");
    await fleet.clock.advance(5_000);
    expect(shown()).toEqual(["b"]);
  });

  test("of an object that changes all the time is still removed", async () => {
    fleet = startVirtualFleet(["a"]);
    await fleet.clock.advance(5_000);
    fleet.delete("a");
    for (let i = 0; i < 20; i++) {
      await fleet.clock.advance(130);
      fleet.touch("a");
    }
    await fleet.clock.advance(7_000);
    expect(fleet.connection("a")).toBeUndefined();
  });
});

describe("E-24 two thousand ClusterConnections, added and removed", () => {
  test("leave no actor, connection, timer, interest or waiting wish behind", async () => {
    fleet = startVirtualFleet(["stays"]);
    await fleet.clock.advance(60_000);
    const timers = fleet.clock.pendingTimers;
    const before = fleet.hub.system.snapshot().map(({ path }) => path);
    const names = Array.from({ length: 2_000 }, (_, i) => `c${i}`);
    const faults: Behaviour[] = ["healthy", "refuse", "hang", "deaf", "unauthorized"];
    for (const [i, name] of names.entries()) {
      fleet.behaviours.set(name, faults[i % faults.length] ?? "healthy");
      fleet.declare(name);
    }
    await fleet.clock.advance(70_000);
    expect(actors()).toHaveLength(2_001);
    for (const name of names) fleet.delete(name);
    await fleet.clock.advance(60_000);

    expect(names.filter((name) => fleet.connection(name) !== undefined)).toEqual([]);
    const after = fleet.hub.system.snapshot();
    expect(after.map(({ path }) => path)).toEqual(before);
    expect([...fleet.open].filter(([name, count]) => name !== "stays" && count !== 0)).toEqual([]);
    expect(fleet.open.get("stays")).toBe(1);
    expect(after.flatMap(({ runs }) => runs.map(({ name }) => name)).sort()).toEqual([
      "watch ClusterConnection",
      "watch MetricSource",
      "watch Secret",
    ]);
    expect(after.filter(({ mailbox }) => mailbox.user + mailbox.system > 0)).toEqual([]);
    expect(fleet.hub.status.stats().pending).toBe(0);
    expect(fleet.hub.store.stats().documents).toBe(0);
    expect(fleet.hub.admission.stats()).toMatchObject({ held: 0, waiting: 0 });
    // One watches every ClusterConnection, one every MetricSource, one the Secret of the cluster that stays.
    expect(fleet.hub.interests()).toBe(3);
    expect(fleet.clock.pendingTimers).toBeLessThanOrEqual(timers + 1);
    expect(shown()).toEqual(["stays"]);
  });
});
