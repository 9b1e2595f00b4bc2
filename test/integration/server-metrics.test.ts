import { afterEach, describe, expect, it } from "vitest";
import { createActorSystem } from "../../actors/system/index.ts";
import { createInstruments } from "../../src/server/instruments.ts";
import { createHubMetrics } from "../../src/server/metrics.ts";
import type { ActorReport, SystemReport } from "../../src/server/ports.ts";
import { clusterDeleted, clusterFreshness, clusterStatus } from "../../src/store/documents.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { silentLogger } from "../../src/support/log.ts";
import { seededRandom } from "../../src/support/random.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";
import { createFleetView } from "../../src/view/fleet.ts";
import { emptyReport, status } from "../support/server-harness.ts";

const atMs = Date.UTC(2026, 0, 2);
const signal = new AbortController().signal;
const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

const actor = (path: string, kind: string, values: Partial<ActorReport> = {}): ActorReport => ({
  path,
  kind,
  state: "running",
  mailbox: { user: 0, system: 0, userCapacity: 256, systemCapacity: 64, highWater: 0, coalesced: 0, overflowed: 0 },
  processed: 0,
  restarts: 0,
  lastError: null,
  runs: [],
  skippedRuns: 0,
  skippedTicks: 0,
  nextTimerAtMs: null,
  deadLetters: 0,
  ...values,
});

function open(system: () => SystemReport, maxClusters?: number) {
  const clock = new VirtualClock(atMs);
  const store = createMemoryStore({ clock });
  const view = createFleetView({ store, clock });
  cleanups.push(() => view.close());
  const write = createHubMetrics({
    system,
    view,
    clock,
    version: "1.2.3",
    ...(maxClusters !== undefined && { maxClusters }),
  });
  const lines = async (metric: string): Promise<string[]> =>
    (await write()).split("\n").filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `));
  return { clock, store, lines, write };
}

describe("the hub's metrics", () => {
  it("show the slots of handshakes and the memory for answers", async () => {
    const clock = new VirtualClock(atMs);
    const store = createMemoryStore({ clock });
    const view = createFleetView({ store, clock });
    cleanups.push(() => view.close());
    const handshakes = () => ({ held: 50, waiting: 150, peak: 50 });
    const registryChecks = () => ({ held: 20, waiting: 7 });
    const polls = { held: 4_096, peak: 8_192, holders: 3, waiting: 2 };
    const none = { held: 0, peak: 0, holders: 0, waiting: 0 };
    const answers = () => ({ polls, sources: none, ahead: none });
    const write = createHubMetrics({
      system: () => emptyReport,
      view,
      clock,
      version: "1",
      handshakes,
      registryChecks,
      answers,
    });
    const text = await write();
    expect(text).toContain('clusterpulse_handshakes{state="held"} 50\n');
    expect(text).toContain('clusterpulse_handshakes{state="waiting"} 150\n');
    expect(text).toContain("clusterpulse_handshakes_peak 50\n");
    expect(text).toContain('clusterpulse_registry_checks{state="held"} 20\n');
    expect(text).toContain('clusterpulse_registry_checks{state="waiting"} 7\n');
    expect(text).toContain('clusterpulse_answer_bytes{of="polls"} 4096\n');
    expect(text).toContain('clusterpulse_answer_bytes_peak{of="polls"} 8192\n');
    expect(text).toContain('clusterpulse_answers_in_flight{of="polls"} 3\n');
    expect(text).toContain('clusterpulse_answers_waiting{of="polls"} 2\n');
    expect(text).toContain('clusterpulse_answers_waiting{of="sources"} 0\n');
  });

  it("are well formed, each metric once with its head", async () => {
    const { store, clock, write } = open(() => ({ ...emptyReport, actors: [actor("/hub", "hub")] }));
    await store.apply(status("a"), signal);
    await clock.settle();
    const text = await write();
    const line =
      /^(?:|# HELP \S+ .+|# TYPE \S+ (?:gauge|counter|histogram|summary)|[a-z_][a-z0-9_]*(?:\{[^}]*\})? (?:[-+0-9.e]+|[Nn]a[Nn]|\+Inf))$/;
    expect(text.endsWith("\n")).toBe(true);
    expect(
      text
        .slice(0, -1)
        .split("\n")
        .filter((each) => !line.test(each)),
    ).toEqual([]);
    const types = text.match(/^# TYPE \S+/gm) ?? [];
    expect(new Set(types).size).toBe(types.length);
    expect(text).toContain("process_cpu_user_seconds_total");
    expect(text).toContain("nodejs_eventloop_lag_seconds");
    expect(text).not.toContain("nodejs_eventloop_lag_p99_seconds");
    expect(text).toContain('clusterpulse_build_info{version="1.2.3"} 1\n');
  });

  it("sum up actors by kind", async () => {
    const mailbox = { ...actor("", "").mailbox, user: 3, system: 1, highWater: 9 };
    const run = { name: "collect", startedAtMs: 1, deadlineAtMs: 2 };
    const { lines } = open(() => ({
      counters: { ...emptyReport.counters, deadLetters: { overflow: 2, stopped: 0 }, runsStarted: 7 },
      actors: [
        actor("/hub", "hub"),
        actor("/hub/a", "cluster", { mailbox, runs: [run], processed: 5 }),
        actor("/hub/b", "cluster", { mailbox, state: "degraded", processed: 6, restarts: 11 }),
      ],
    }));
    expect(await lines("clusterpulse_mailbox_depth")).toEqual([
      'clusterpulse_mailbox_depth{kind="hub"} 0',
      'clusterpulse_mailbox_depth{kind="cluster"} 8',
    ]);
    expect(await lines("clusterpulse_mailbox_high_water")).toContain(
      'clusterpulse_mailbox_high_water{kind="cluster"} 9',
    );
    expect(await lines("clusterpulse_actor_runs")).toContain('clusterpulse_actor_runs{kind="cluster"} 1');
    expect(await lines("clusterpulse_actors")).toContain('clusterpulse_actors{kind="cluster",state="degraded"} 1');
    expect(await lines("clusterpulse_actor_dead_letters_total")).toEqual([
      'clusterpulse_actor_dead_letters_total{reason="overflow"} 2',
      'clusterpulse_actor_dead_letters_total{reason="stopped"} 0',
    ]);
    expect(await lines("clusterpulse_runs_started_total")).toEqual(["clusterpulse_runs_started_total 7"]);
  });

  it("have counters by kind that never fall, whatever becomes of the actors", async () => {
    let actors: ActorReport[] = [];
    const { lines } = open(() => ({ ...emptyReport, actors }));
    const restarts = async (): Promise<string | undefined> =>
      (await lines("clusterpulse_actor_restarts_total"))[0]?.replace(/.* /, "");
    expect(await restarts()).toBeUndefined();
    actors = [actor("/a", "cluster", { restarts: 3 }), actor("/b", "cluster", { restarts: 1 })];
    expect(await restarts()).toBe("4");
    actors = [actor("/a", "cluster", { restarts: 5 })];
    expect(await restarts()).toBe("6");
    actors = [];
    expect(await restarts()).toBe("6");
    actors = [actor("/a", "cluster", { restarts: 1 })];
    expect(await restarts()).toBe("7");
    expect(await restarts()).toBe("7");
  });

  it("tell health and age of each cluster, and forget it with the cluster", async () => {
    const { store, clock, lines } = open(() => emptyReport);
    const fresh = clusterFreshness("a", { asOfMs: atMs, staleAfterMs: atMs, missing: [] });
    await store.apply([...status("a"), ...fresh, ...status("never-collected")], signal);
    await clock.advance(90_500);
    expect(await lines("clusterpulse_cluster_health")).toEqual(
      ["a", "never-collected"].flatMap((cluster) => [
        `clusterpulse_cluster_health{cluster="${cluster}",health="healthy"} 1`,
        `clusterpulse_cluster_health{cluster="${cluster}",health="degraded"} 0`,
        `clusterpulse_cluster_health{cluster="${cluster}",health="unhealthy"} 0`,
        `clusterpulse_cluster_health{cluster="${cluster}",health="unknown"} 0`,
      ]),
    );
    expect(await lines("clusterpulse_collect_age_seconds")).toEqual([
      'clusterpulse_collect_age_seconds{cluster="a"} 90.5',
    ]);
    await store.apply(clusterDeleted("a", atMs), signal);
    await clock.settle();
    expect(await lines("clusterpulse_clusters")).toEqual(["clusterpulse_clusters 1"]);
    expect((await lines("clusterpulse_cluster_health")).join()).not.toContain('"a"');
  });

  it("write series for so many clusters and count the rest", async () => {
    const { store, clock, lines } = open(() => emptyReport, 3);
    await store.apply(Array.from({ length: 10 }, (_, n) => status(`c${n}`)).flat(), signal);
    await clock.settle();
    expect(await lines("clusterpulse_cluster_health")).toHaveLength(12);
    expect(await lines("clusterpulse_clusters")).toEqual(["clusterpulse_clusters 10"]);
    expect(await lines("clusterpulse_clusters_without_series")).toEqual(["clusterpulse_clusters_without_series 7"]);
  });

  it("read a real actor system", async () => {
    const clock = new VirtualClock(atMs);
    const system = createActorSystem({ clock, random: seededRandom(1), log: silentLogger });
    const ref = system.spawn<string>({ kind: "echo", create: () => ({ onMessage() {} }) }, { name: "echo" });
    ref.tell("a");
    await clock.settle();
    const { lines } = open(() => ({ counters: system.counters(), actors: system.snapshot() }));
    expect(await lines("clusterpulse_actor_messages_total")).toEqual([
      'clusterpulse_actor_messages_total{kind="echo"} 1',
    ]);
    expect(await lines("clusterpulse_actor_dead_letters_total")).toHaveLength(4);
    const stopping = system.stop(1_000);
    await clock.advance(2_000);
    expect(await stopping).toEqual({ abandoned: [] });
  });

  it("have the names that conventions ask for, at zero before anything happened", async () => {
    const clock = new VirtualClock(atMs);
    const store = createMemoryStore({ clock });
    const view = createFleetView({ store, clock });
    const instruments = createInstruments(["ClusterConnection"]);
    cleanups.push(
      () => view.close(),
      () => instruments.close(),
    );
    const tasks = new Map([["foldPods", { runs: 2, failed: 1, totalMs: 500 }]]);
    const lost = { killed: 4, outOfMemory: 5, crashed: 6, rerun: 7, threadErrors: 8 };
    const pool = () => ({ queued: 3, running: 1, refused: 9, displaced: 10, ...lost, tasks });
    const write = createHubMetrics({ system: () => emptyReport, view, clock, version: "1", instruments, pool });
    const check = { health: "unhealthy", message: "m", reason: "ConnectionRefused", lastCheckMs: atMs } as const;
    await store.apply(clusterStatus("a", { ...check, breaker: "open", insecureTls: true }), signal);
    await store.apply(clusterStatus("b", { ...check, breaker: "closed" }), signal);
    await clock.settle();
    const before = await write();
    expect(before).toContain('clusterpulse_reconcile_total{kind="ClusterConnection",result="error"} 0\n');
    expect(before).toContain('clusterpulse_reconcile_duration_seconds_count{kind="ClusterConnection"} 0\n');
    expect(before).toContain('clusterpulse_redis_command_seconds_count{result="ok"} 0\n');
    expect(before).toContain('clusterpulse_breaker_state{cluster="a"} 2\n');
    expect(before).toContain('clusterpulse_breaker_state{cluster="b"} 0\n');
    expect(before).toContain('clusterpulse_cluster_insecure_tls{cluster="a"} 1\n');
    expect(before).toContain('clusterpulse_cluster_insecure_tls{cluster="b"} 0\n');
    expect(before).toContain("clusterpulse_pool_queue_depth 3\n");
    expect(before).toContain('clusterpulse_pool_turned_away_total{reason="refused"} 9\n');
    expect(before).toContain('clusterpulse_pool_turned_away_total{reason="displaced"} 10\n');
    for (const [reason, count] of Object.entries({ deadline: 4, memory: 5, crash: 6, "before-start": 7, idle: 8 }))
      expect(before).toContain(`clusterpulse_pool_threads_lost_total{reason="${reason}"} ${count}\n`);
    expect(before).toContain('clusterpulse_pool_task_seconds_sum{task="foldPods"} 0.5\n');
    expect(before).toContain('clusterpulse_pool_task_seconds_count{task="foldPods"} 2\n');
    expect(before).toMatch(/^clusterpulse_eventloop_lag_seconds\{quantile="0\.99"\} /m);
    instruments.measures.reconciled("ClusterConnection", "success", 0.2);
    instruments.measures.redisAnswered("error", 2);
    instruments.measures.idleRetried(3);
    const after = await write();
    expect(after).toContain('clusterpulse_reconcile_total{kind="ClusterConnection",result="success"} 1\n');
    expect(after).toContain('clusterpulse_redis_command_seconds_sum{result="error"} 2\n');
    expect(after).toContain("clusterpulse_idle_retries_total 3\n");
  });
});
