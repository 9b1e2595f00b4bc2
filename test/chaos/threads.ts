// E-18 to E-21, on real threads: what tasks and threads of the pool do to each other, while a steady stream of good tasks must come back.
import assert from "node:assert/strict";
import type { ResponseBody } from "../../src/cluster/ports.ts";
import { createHubMetrics } from "../../src/server/metrics.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { systemClock } from "../../src/support/clock.ts";
import { seededRandom } from "../../src/support/random.ts";
import { createFleetView } from "../../src/view/fleet.ts";
import { INLINE_BYTES } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute, type PoolOptions } from "../../workers/pool.ts";
import { emptyReport } from "../support/server-harness.ts";
import type { Figures, Scenario } from "./scenario.ts";

const never = new AbortController().signal;
const worker = new URL("../support/faulty-worker.ts", import.meta.url);

/** A version that is too large to be read inline. */
function body(fault: string): ResponseBody {
  const text = JSON.stringify({
    gitVersion: "v1",
    padding: (fault === "" ? "" : `fault:${fault} `).padEnd(INLINE_BYTES),
  });
  return { bytes: new Uint8Array(Buffer.from(text)), encoding: "identity", format: "json" };
}

async function outcome(pool: PoolCompute, fault = "", isSuspect = false): Promise<string> {
  try {
    const { gitVersion } = await pool.run("readVersion", { body: body(fault), isSuspect }, never);
    return gitVersion === "v1" ? "ok" : "wrong";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function withPool<T>(options: Partial<PoolOptions>, work: (pool: PoolCompute) => Promise<T>): Promise<T> {
  const pool = createPoolCompute({ threads: 2, minDeadlineMs: 30_000, worker, ...options });
  try {
    return await work(pool);
  } finally {
    await pool.close();
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Task {
  readonly code: string;
  /** From being asked for to the answer. */
  readonly tookMs: number;
}

interface Beside {
  readonly goodTasks: number;
  /** What became of the bad ones. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly mostGoodMs: number;
  readonly mostBadMs: number;
}

/**
 * Once a second something bad, on average ten good tasks a second beside it. Every good one must come back.
 * @param isHarm the bad ones are of one owner, as a hub knows it: suspect after the first, and one at a time
 */
async function besideGoodTasks(
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
  pool: PoolCompute,
  fault: string,
  isHarm: boolean,
): Promise<Beside> {
  const random = seededRandom(seed);
  const running: Promise<void>[] = [];
  const good: Task[] = [];
  const bad: Task[] = [];
  const start = async (of: Task[], name?: string): Promise<void> => {
    const startedMs = performance.now();
    const code = await outcome(pool, name, name !== undefined && isHarm && of.length > 0);
    of.push({ code, tookMs: performance.now() - startedMs });
  };
  let begun = 0;
  for (let second = 0; second < seconds; second++) {
    if (!isHarm || bad.length === begun) {
      running.push(start(bad, fault));
      begun++;
    }
    for (let i = 0; i < 10; i++) {
      await pause(random() * 200);
      running.push(start(good));
    }
  }
  await Promise.all(running);
  assert.deepEqual(countByCode(good), { ok: good.length }, "good tasks");
  return {
    goodTasks: good.length,
    outcomes: countByCode(bad),
    mostGoodMs: Math.max(...good.map(({ tookMs }) => tookMs)),
    mostBadMs: Math.max(...bad.map(({ tookMs }) => tookMs)),
  };
}

const countByCode = (tasks: readonly Task[]): Record<string, number> =>
  Object.fromEntries([...Map.groupBy(tasks, ({ code }) => code)].map(([code, of]) => [code, of.length]));

function dyingThreads(
  id: string,
  promise: string,
  fault: string,
  expected: string,
  heap: Partial<PoolOptions>,
): Scenario {
  return {
    id,
    promise,
    time: "real",
    run: ({ form, seed }): Promise<Figures> =>
      withPool(heap, async (pool) => {
        const seconds = form === "long" ? 600 : 2;
        const isHarm = expected !== "ok";
        const beside = await besideGoodTasks({ seconds, seed }, pool, fault, isHarm);
        const { goodTasks, outcomes, mostGoodMs, mostBadMs } = beside;
        const badTasks = outcomes[expected] ?? 0;
        assert.deepEqual(Object.keys(outcomes), [expected], "bad tasks");
        if (!isHarm) assert.equal(badTasks, seconds);
        const { queued, running, rerun, crashed, outOfMemory } = pool.stats();
        assert.deepEqual({ queued, running }, { queued: 0, running: 0 });
        const threadsLost = rerun + crashed + outOfMemory;
        assert.equal(threadsLost, badTasks, "each bad task costs one thread, once");
        // A task whose thread was killed is on another one soon. The short form runs on busy machines.
        const allowedMs = form === "long" ? 2_000 : 30_000;
        if (!isHarm) assert.ok(mostBadMs <= allowedMs, `a task was on a new thread after ${mostBadMs} ms`);
        return { seconds, goodTasks, threadsLost, mostGoodMs, mostBadMs };
      }),
  };
}

/** As the hub's metrics tell it. */
async function turnedAway(pool: PoolCompute): Promise<number> {
  const view = createFleetView({ store: createMemoryStore({ clock: systemClock }), clock: systemClock });
  const system = () => emptyReport;
  const write = createHubMetrics({ system, view, clock: systemClock, version: "chaos", pool: () => pool.stats() });
  try {
    const counts = (await write()).matchAll(/^clusterpulse_pool_turned_away_total\{reason="[a-z]+"\} (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  } finally {
    view.close();
  }
}

const saturated: Scenario = {
  id: "E-21",
  promise:
    "more tasks than the pool can take: what waits is bounded, the rest is refused at once and counted, and it serves again after",
  time: "real",
  run: ({ form }) =>
    withPool({ maxQueuedTasks: 64 }, async (pool): Promise<Figures> => {
      const floods = form === "long" ? 100 : 2;
      let served = 0;
      let refused = 0;
      for (let flood = 0; flood < floods; flood++) {
        const all = Array.from({ length: 500 }, () => outcome(pool));
        assert.ok(pool.stats().queued <= 64, `${pool.stats().queued} tasks wait`);
        for (const code of await Promise.all(all)) {
          assert.ok(code === "ok" || code === "COMPUTE_QUEUE_FULL", code);
          if (code === "ok") served++;
          else refused++;
        }
        assert.equal(await outcome(pool), "ok");
      }
      assert.ok(refused > 0, "nothing was refused");
      assert.equal(await turnedAway(pool), refused, "the hub's metric counts what was refused");
      return { floods, served, refused };
    }),
};

export const threadScenarios: readonly Scenario[] = [
  dyingThreads(
    "E-18",
    "a thread of the pool is killed every second: no task that it had not begun is lost",
    "gone-once",
    "ok",
    {},
  ),
  dyingThreads(
    "E-19",
    "a task ends its thread, once a second unless the one before it still waits: it alone fails",
    "exit",
    "COMPUTE_CRASHED",
    {},
  ),
  dyingThreads(
    "E-20",
    "a task runs out of memory, once a second unless the one before it still waits: it alone fails",
    "heap",
    "COMPUTE_OUT_OF_MEMORY",
    {
      maxHeapMb: 32,
    },
  ),
  saturated,
];
