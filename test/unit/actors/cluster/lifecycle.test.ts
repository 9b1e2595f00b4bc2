// A cluster's life in virtual time: declared, changed, rotated, removed, re-created; and how little a steady one writes.
import { afterEach, describe, expect, test } from "vitest";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

let fleet: ReturnType<typeof startVirtualFleet>;
afterEach(async () => {
  await fleet.stop();
});
const snapshots = () => fleet.hub.system.snapshot().filter(({ kind }) => kind === "cluster");

describe("a ClusterConnection", () => {
  test("that appears is polled at once; one that goes leaves nothing behind", async () => {
    fleet = startVirtualFleet(["a"]);
    await fleet.clock.advance(60_000);
    fleet.declare("b");
    await fleet.clock.advance(1_000);
    expect(fleet.row("b").status.health).toBe("healthy");
    fleet.remove("b");
    await fleet.clock.advance(1_000);
    expect(fleet.view.clusters().map(({ name }) => name)).toEqual(["a"]);
    expect(snapshots().map(({ path }) => path)).toEqual(["/hub/clusters/a"]);
    expect(fleet.open.get("b")).toBe(0);
  });

  test("E-23 created, deleted and created again a thousand times: one actor, one connection, one row", async () => {
    fleet = startVirtualFleet(["a", "b"]);
    fleet.behaviours.set("b", "hang");
    for (let i = 0; i < 1_000; i++) {
      fleet.remove("b");
      if (i % 7 === 0) await fleet.clock.advance(i % 300);
      fleet.declare("b", { uid: `uid-${i}` });
      if (i % 5 === 0) await fleet.clock.advance(i % 200);
    }
    fleet.behaviours.set("b", "healthy");
    await fleet.clock.advance(120_000);
    expect(
      snapshots()
        .map(({ path }) => path)
        .sort(),
    ).toEqual(["/hub/clusters/a", "/hub/clusters/b"]);
    expect(fleet.row("b").status.health).toBe("healthy");
    expect(fleet.open.get("b")).toBe(1);
    expect(fleet.statuses.get("b")?.target.uid).toBe("uid-999");
  });

  test("with a spec that cannot be used says which field and what would be right, and recovers", async () => {
    fleet = startVirtualFleet(["a"]);
    await fleet.clock.advance(10_000);
    fleet.declare("a", { generation: 2, spec: { endpoint: "ftp://user:secret@host" } });
    await fleet.clock.advance(1_000);
    const { status } = fleet.row("a");
    expect(status).toMatchObject({ health: "unhealthy", reason: "InvalidSpec" });
    expect(status.message).toMatch(/spec\.endpoint/);
    expect(status.message).not.toMatch(/secret/);
    expect(fleet.statuses.get("a")?.status).toMatchObject({ phase: "Error", observedGeneration: 2 });
    fleet.declare("a", { generation: 3 });
    await fleet.clock.advance(1_000);
    expect(fleet.row("a").status.health).toBe("healthy");
  });

  test("is polled at the interval of its spec, never more often than the hub allows", async () => {
    fleet = startVirtualFleet(["a", "b"]);
    fleet.declare("a", { generation: 2, spec: { monitoring: { interval: 120 } } });
    fleet.declare("b", { generation: 2, spec: { monitoring: { interval: 1 } } });
    await fleet.clock.advance(3_600_000);
    expect(fleet.pollsMs.get("a")?.length).toBeGreaterThanOrEqual(30);
    expect(fleet.pollsMs.get("a")?.length).toBeLessThanOrEqual(33);
    expect(fleet.pollsMs.get("b")?.length).toBeLessThanOrEqual(123);
  });

  test("with rotated credentials gets a new connection and does not miss a poll", async () => {
    fleet = startVirtualFleet(["a"]);
    fleet.setSecret("a", "1");
    await fleet.clock.advance(100_000);
    const before = fleet.pollsMs.get("a")?.length ?? 0;
    fleet.setSecret("a", "2");
    await fleet.clock.advance(1_000);
    expect(fleet.pollsMs.get("a")?.length).toBe(before + 1);
    expect(fleet.open.get("a")).toBe(1);
    expect(fleet.row("a").status.health).toBe("healthy");
  });
});

describe("the status of a ClusterConnection", () => {
  test("follows a fault and its end, with conditions whose times move only with their status", async () => {
    fleet = startVirtualFleet(["a"]);
    await fleet.clock.advance(10_000);
    const healthy = fleet.statuses.get("a")?.status;
    expect(healthy).toMatchObject({
      phase: "Connected",
      health: "healthy",
      message: "Cluster is reachable",
      nodes: 1,
      namespaces: 1,
      observedGeneration: 1,
    });
    const conditions = (status: unknown) =>
      Object.fromEntries(
        (
          status as { conditions: { type: string; status: string; reason: string; lastTransitionTime: string }[] }
        ).conditions.map((c) => [c.type, c]),
      );
    expect(conditions(healthy)).toMatchObject({
      Ready: { status: "True" },
      Reachable: { status: "True" },
      Synced: { status: "True" },
      Degraded: { status: "False" },
    });

    fleet.behaviours.set("a", "unauthorized");
    await fleet.clock.advance(60_000);
    const refused = fleet.statuses.get("a")?.status;
    expect(refused).toMatchObject({ phase: "Error", health: "unhealthy", nodes: 1 });
    expect(conditions(refused)).toMatchObject({
      Ready: { status: "False", reason: "Unauthorized" },
      Reachable: { status: "True" },
      Degraded: { status: "True" },
    });
    expect(conditions(refused)["Reachable"]?.lastTransitionTime).toBe(
      conditions(healthy)["Reachable"]?.lastTransitionTime,
    );
    expect(conditions(refused)["Ready"]?.lastTransitionTime).not.toBe(conditions(healthy)["Ready"]?.lastTransitionTime);

    fleet.behaviours.set("a", "refuse");
    await fleet.clock.advance(60_000);
    expect(conditions(fleet.statuses.get("a")?.status)).toMatchObject({
      Ready: { reason: "ConnectionRefused" },
      Reachable: { status: "False" },
    });
  });

  test("is written a bounded number of times while nothing changes", async () => {
    fleet = startVirtualFleet(["a", "b"]);
    fleet.behaviours.set("b", "refuse");
    await fleet.clock.advance(3_600_000);
    expect(fleet.statuses.get("a")?.writes).toBeLessThanOrEqual(13);
    expect(fleet.statuses.get("b")?.writes).toBe(1);
  });
});
