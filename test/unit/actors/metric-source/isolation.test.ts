// MetricSources in a hub, in virtual time: one that harms its threads delays nobody, is left alone, and comes back; clusters come and go.
import { gunzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import type { Compute } from "../../../../src/cluster/ports.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";
import { createInlineCompute } from "../../../../workers/inline.ts";
import { sourceReader, sourceSpec as spec } from "../../../support/source-reader.ts";
import { startVirtualFleet } from "../../../support/virtual-fleet.ts";

const intervalMs = 60_000;
const tickMs = 200;
/** For a machine that is busy with other things. */
const patient = { timeout: 60_000 };
const clusters = Array.from({ length: 6 }, (_, i) => `cluster-${i}`);

type Input = Parameters<Compute["run"]>[1] & { readonly sources?: readonly { definition: { name: string } }[] };

/** The pool as far as it matters here: what the source does to its thread happens after a while, and ends the task. */
function harmfulCompute(
  harm: (names: readonly string[], input: Input) => { code: string; afterMs: number } | undefined,
) {
  const inline = createInlineCompute();
  const stats = { extracts: 0, harmed: 0, atOnce: 0, peak: 0 };
  const compute: Compute = {
    async run(task, input, signal) {
      if (task !== "extract") return await inline.run(task, input, signal);
      const names = ((input as Input).sources ?? []).map(({ definition }) => definition.name);
      stats.extracts++;
      stats.peak = Math.max(stats.peak, ++stats.atOnce);
      try {
        const harmed = harm(names, input as Input);
        if (harmed !== undefined) {
          await new Promise<void>((resolve) => void fleet.clock.setTimer(resolve, harmed.afterMs));
          if (harmed.code !== "") {
            stats.harmed++;
            throw new ClusterPulseError(harmed.code, "the page took too much");
          }
        }
        return await inline.run(task, input, signal);
      } finally {
        stats.atOnce--;
      }
    },
  };
  return { compute, stats };
}

let fleet: ReturnType<typeof startVirtualFleet>;
const { statusOf, conditionOf, lastCollectedMs } = sourceReader(() => fleet);
afterEach(async () => {
  await fleet.stop();
});

describe("a MetricSource that harms its threads", patient, () => {
  const codes = ["COMPUTE_DEADLINE", "COMPUTE_OUT_OF_MEMORY", "COMPUTE_CRASHED"];

  test.each(codes)(
    "E-20, E-33: %s is blamed on it alone; others and polls stay on time; it is left alone, and recovers",
    async (code) => {
      let isHarmful = true;
      const { compute, stats } = harmfulCompute((names) =>
        isHarmful && names.includes("bad") ? { code, afterMs: 250 } : undefined,
      );
      fleet = startVirtualFleet(clusters, { compute });
      for (const name of ["bad", "good", "fine"]) fleet.declareSource(name, spec());
      await fleet.clock.advance(180_000);
      const harmedBefore = stats.harmed;
      for (let minute = 0; minute < 10; minute++) {
        await fleet.clock.advance(intervalMs);
        for (const cluster of clusters)
          for (const source of ["good", "fine"])
            expect(
              fleet.clock.nowMs() - (await lastCollectedMs(source, cluster)),
              `${source} in ${cluster}`,
            ).toBeLessThan(intervalMs + 5_000);
      }
      for (const cluster of clusters) {
        const polls = (fleet.pollsMs.get(cluster) ?? []).slice(2);
        for (let i = 1; i < polls.length; i++)
          expect(Math.abs((polls[i] as number) - (polls[i - 1] as number) - 30_000), cluster).toBeLessThanOrEqual(
            tickMs,
          );
      }
      for (const source of ["good", "fine"]) {
        expect(statusOf(source)).toMatchObject({ phase: "Active", clustersCollected: clusters.length });
        expect(conditionOf(source, "Degraded")).toBe("False AsExpected");
        expect(conditionOf(source, "Ready")).toBe("True CollectionSuccessful");
      }
      expect(statusOf("bad").phase).toBe("Error");
      expect(conditionOf("bad", "Ready")).toBe("False CollectionFailed");
      expect(conditionOf("bad", "Degraded")).toBe("True Quarantined");
      // Each end of a quarantine lets every cluster try once at most; ten minutes hold four of them.
      expect(stats.harmed - harmedBefore).toBeLessThanOrEqual(4 * clusters.length);

      isHarmful = false;
      await fleet.clock.advance(1_000_000);
      expect(statusOf("bad")).toMatchObject({ phase: "Active", clustersCollected: clusters.length });
      expect(conditionOf("bad", "Degraded")).toBe("False AsExpected");
    },
  );

  test("in one cluster only is left alone there, and collected everywhere else", async () => {
    const { compute, stats } = harmfulCompute((names, { body }) =>
      names.includes("bad") && gunzipSync(body.bytes).includes("poison")
        ? { code: "COMPUTE_DEADLINE", afterMs: 250 }
        : undefined,
    );
    fleet = startVirtualFleet(clusters, {
      compute,
      items: (cluster, path) =>
        cluster === "cluster-3" && path.startsWith("/api/v1/pods?limit=11")
          ? [{ metadata: { name: "poison", namespace: "default" }, status: { phase: "Running" } }]
          : undefined,
    });
    fleet.declareSource("bad", spec({ collection: { intervalSeconds: 60, batchSize: 11, retryAttempts: 0 } }));
    await fleet.clock.advance(1_200_000);
    expect(stats.harmed).toBeGreaterThanOrEqual(3);
    expect(stats.harmed).toBeLessThanOrEqual(9);
    expect(statusOf("bad")).toMatchObject({ phase: "Active", clustersCollected: clusters.length - 1 });
    expect(conditionOf("bad", "Degraded")).toBe("True Quarantined");
    expect(JSON.stringify(statusOf("bad").conditions)).toContain("cluster-3");
    for (const cluster of clusters.filter((name) => name !== "cluster-3"))
      expect(fleet.clock.nowMs() - (await lastCollectedMs("bad", cluster)), cluster).toBeLessThan(intervalMs + 5_000);
  });

  test("costs a large fleet a bounded number of threads: runs that have not begun are given up once it is known", async () => {
    const many = Array.from({ length: 120 }, (_, i) => `cluster-${i}`);
    const { compute, stats } = harmfulCompute((names) =>
      names.includes("bad") ? { code: "COMPUTE_OUT_OF_MEMORY", afterMs: 250 } : undefined,
    );
    fleet = startVirtualFleet(many, { compute });
    for (const name of ["bad", "good"]) fleet.declareSource(name, spec());
    await fleet.clock.advance(30_000);
    // Those in flight when it becomes known, first together with others and then alone: not two of every cluster.
    expect(stats.harmed).toBeLessThanOrEqual(90);
    const { harmed } = stats;
    expect(statusOf("good")).toMatchObject({ phase: "Active", clustersCollected: many.length });
    expect(conditionOf("bad", "Degraded")).toBe("True Quarantined");
    await fleet.clock.advance(270_000);
    // Its quarantine has ended twice, and at each end as many try as may be suspect at once.
    expect(stats.harmed - harmed).toBeLessThanOrEqual(2 * 20);
    expect(stats.harmed).toBeGreaterThan(harmed);
  });

  test("once only, because the machine was busy, has its second chance at once and nothing held against it", async () => {
    let left = clusters.length;
    const { compute } = harmfulCompute(() => (left-- > 0 ? { code: "COMPUTE_DEADLINE", afterMs: 250 } : undefined));
    fleet = startVirtualFleet(clusters, { compute });
    fleet.declareSource("fine", spec());
    await fleet.clock.advance(10_000);
    expect(statusOf("fine")).toMatchObject({ phase: "Active", clustersCollected: clusters.length });
    expect(conditionOf("fine", "Degraded")).toBe("False AsExpected");
  });

  test("is collected at once when its definition changes", async () => {
    const { compute } = harmfulCompute((names, input) =>
      names.includes("bad") && JSON.stringify(input.sources).includes("runaway")
        ? { code: "COMPUTE_CRASHED", afterMs: 10 }
        : undefined,
    );
    fleet = startVirtualFleet(clusters, { compute });
    fleet.declareSource("bad", spec({ fields: [{ name: "runaway", path: ".status.phase" }] }));
    await fleet.clock.advance(600_000);
    expect(conditionOf("bad", "Degraded")).toBe("True Quarantined");
    fleet.declareSource("bad", spec(), 2);
    await fleet.clock.advance(5_000);
    expect(statusOf("bad")).toMatchObject({ phase: "Active", clustersCollected: clusters.length });
    expect(conditionOf("bad", "Degraded")).toBe("False AsExpected");
  });
});

describe("pages of MetricSources", patient, () => {
  test("at most 32 of the whole fleet are in memory at once, and every cluster gets its turn", async () => {
    const many = Array.from({ length: 60 }, (_, i) => `cluster-${i}`);
    const { compute, stats } = harmfulCompute(() => ({ code: "", afterMs: 1_000 }));
    fleet = startVirtualFleet(many, { compute });
    for (const name of ["a", "b"])
      fleet.declareSource(
        name,
        spec({ source: { apiVersion: "v1", kind: name === "a" ? "Pod" : "Node", scope: "Cluster" } }),
      );
    await fleet.clock.advance(120_000);
    expect(stats.peak).toBe(32);
    expect(statusOf("a")).toMatchObject({ clustersCollected: many.length });
    expect(statusOf("b")).toMatchObject({ clustersCollected: many.length });
  });

  test("that never come cost a cluster its own collection and no other's", async () => {
    fleet = startVirtualFleet(clusters);
    fleet.declareSource("pods", spec());
    await fleet.clock.advance(90_000);
    fleet.behaviours.set("cluster-1", "deaf");
    await fleet.clock.advance(600_000);
    for (const cluster of clusters.filter((name) => name !== "cluster-1"))
      expect(fleet.clock.nowMs() - (await lastCollectedMs("pods", cluster)), cluster).toBeLessThan(intervalMs + 5_000);
    expect(statusOf("pods")).toMatchObject({ phase: "Active", clustersCollected: clusters.length - 1 });
    expect(conditionOf("pods", "Reachable")).toBe("True SomeUnreachable");
  });
});

describe("MetricSources that come and go", patient, () => {
  test("E-23: created, deleted and created again three hundred times, leave one actor and nothing in the store", async () => {
    fleet = startVirtualFleet(["one", "two"]);
    fleet.declareSource("stays", spec());
    await fleet.clock.advance(60_000);
    const countNow = () => fleet.hub.system.snapshot().length;
    const actors = countNow();
    const timers = fleet.clock.pendingTimers;
    for (let i = 0; i < 300; i++) {
      fleet.declareSource("brief", spec({ rbac: { resourceTypeName: `type-${i % 3}` } }), i + 1);
      await fleet.clock.advance(i % 7 === 0 ? 1_500 : 10);
      fleet.declareSource("brief", undefined);
      if (i % 2 === 0) await fleet.clock.advance(10);
    }
    await fleet.clock.advance(5_000);
    expect(countNow()).toBe(actors);
    expect(fleet.clock.pendingTimers).toBeLessThanOrEqual(timers + 2);
    expect(await fleet.store.set("metricsources:all")).toEqual(["hubs/stays"]);
    expect(await fleet.store.set("clusterpulse:metricsources")).toEqual(["hubs/stays"]);
    for (const type of ["type-0", "type-1", "type-2"])
      expect(await fleet.store.set(`metricsources:by:resourcetype:${type}`), type).toEqual([]);
    for (const key of [
      "metricsource:hubs:brief",
      "metricsource:hubs:brief:status",
      "cluster:one:custom:hubs/brief:meta",
    ])
      expect(await fleet.store.string(key), key).toBeUndefined();
    expect(statusOf("stays")).toMatchObject({ phase: "Active", clustersCollected: 2 });
    fleet.declareSource("brief", spec(), 301);
    await fleet.clock.advance(5_000);
    expect(statusOf("brief")).toMatchObject({ phase: "Active", clustersCollected: 2 });
  });
});

describe("a cluster", patient, () => {
  test("that can be reached again is collected at once, not an interval later", async () => {
    const askedMs: number[] = [];
    fleet = startVirtualFleet(clusters, {
      onRequest: (cluster, path, atMs) => {
        if (cluster === "cluster-1" && path.startsWith("/api/v1/pods?limit=77")) askedMs.push(atMs);
      },
    });
    fleet.declareSource("slow", spec({ collection: { intervalSeconds: 3_600, batchSize: 77 } }));
    await fleet.clock.advance(120_000);
    expect(askedMs).toHaveLength(1);
    fleet.behaviours.set("cluster-1", "refuse");
    await fleet.clock.advance(120_000);
    expect(conditionOf("slow", "Reachable")).toBe("True SomeUnreachable");
    fleet.behaviours.set("cluster-1", "healthy");
    await fleet.clock.advance(120_000);
    expect(askedMs).toHaveLength(2);
    const firstGoodPoll = (fleet.pollsMs.get("cluster-1") ?? [])
      .filter((at) => at <= (askedMs[1] as number))
      .at(-1) as number;
    expect((askedMs[1] as number) - firstGoodPoll).toBeLessThan(2_000);
    expect(statusOf("slow")).toMatchObject({ clustersCollected: clusters.length });
    expect(conditionOf("slow", "Reachable")).toBe("True Reachable");
  });

  test("that was not asked yet after a start does not make the status of before a smaller one", async () => {
    fleet = startVirtualFleet(clusters);
    for (const name of clusters) fleet.behaviours.set(name, "latency");
    const status = { observedGeneration: 1, phase: "Active", clustersCollected: 6, resourcesCollected: 6 };
    fleet.declareSource("known", spec(), 1, status);
    fleet.declareSource("changed", spec(), 2, status);
    fleet.declareSource("new", spec());
    await fleet.clock.advance(3_000);
    expect(fleet.statuses.get("known")).toBeUndefined();
    for (const name of ["changed", "new"]) {
      expect(statusOf(name)).toMatchObject({ clustersCollected: 0, message: "Waiting for the first collection" });
      expect(conditionOf(name, "Ready")).toBe("Unknown Pending");
    }
    await fleet.clock.advance(57_000);
    for (const name of ["known", "changed", "new"])
      expect(statusOf(name)).toMatchObject({ clustersCollected: 6, message: "Collection successful" });
  });

  test("that can never be asked is waited for a minute after a start, no longer", async () => {
    fleet = startVirtualFleet(clusters);
    for (const name of clusters) fleet.behaviours.set(name, "refuse");
    const status = { observedGeneration: 1, phase: "Active", clustersCollected: 6, resourcesCollected: 6 };
    fleet.declareSource("known", spec(), 1, status);
    await fleet.clock.advance(70_000);
    expect(statusOf("known")).toMatchObject({ clustersCollected: 0, message: "No cluster can be reached" });
    expect(conditionOf("known", "Ready")).toBe("Unknown NoClusterReachable");
    expect(conditionOf("known", "Reachable")).toBe("False NoClusterReachable");
  });

  test("that leaves is in no sum, no status and no store any more; one that comes is collected at once", async () => {
    fleet = startVirtualFleet(clusters);
    fleet.declareSource("pods", spec());
    await fleet.clock.advance(90_000);
    expect(statusOf("pods")).toMatchObject({ clustersCollected: 6, resourcesCollected: 6 });
    fleet.delete("cluster-4");
    await fleet.clock.advance(30_000);
    expect(statusOf("pods")).toMatchObject({ clustersCollected: 5, resourcesCollected: 5 });
    for (const part of ["resources", "aggregations", "meta"])
      expect(await fleet.store.string(`cluster:cluster-4:custom:hubs/pods:${part}`)).toBeUndefined();
    fleet.declare("newcomer");
    await fleet.clock.advance(5_000);
    expect(statusOf("pods")).toMatchObject({ clustersCollected: 6, resourcesCollected: 6 });
  });
});
