// E-18 to E-21, on real threads: what tasks and threads of the pool do to each other, while a steady stream of good tasks must come back.
import assert from "node:assert/strict";
import type { ResponseBody } from "../../src/cluster/ports.ts";
import { seededRandom } from "../../src/support/random.ts";
import { INLINE_BYTES } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute, type PoolOptions } from "../../workers/pool.ts";
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

async function outcome(pool: PoolCompute, fault = ""): Promise<string> {
  try {
    const { gitVersion } = await pool.run("readVersion", { body: body(fault) }, never);
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

/** Once a second something bad, on average ten good tasks a second beside it. Every good one must come back. */
async function besideGoodTasks(
  { seconds, seed }: { readonly seconds: number; readonly seed: number },
  pool: PoolCompute,
  bad: () => Promise<string>,
): Promise<{ good: number; outcomes: ReadonlyMap<string, number> }> {
  const random = seededRandom(seed);
  const outcomes = new Map<string, number>();
  const running: Promise<void>[] = [];
  let good = 0;
  for (let second = 0; second < seconds; second++) {
    running.push(bad().then((code) => void outcomes.set(code, (outcomes.get(code) ?? 0) + 1)));
    for (let i = 0; i < 10; i++) {
      await pause(random() * 200);
      good++;
      running.push(outcome(pool).then((code) => assert.equal(code, "ok", "a good task")));
    }
  }
  await Promise.all(running);
  return { good, outcomes };
}

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
        const { good, outcomes } = await besideGoodTasks({ seconds, seed }, pool, () => outcome(pool, fault));
        assert.deepEqual([...outcomes.keys()], [expected]);
        const { queued, running, rerun, crashed, outOfMemory } = pool.stats();
        assert.deepEqual({ queued, running }, { queued: 0, running: 0 });
        return { seconds, goodTasks: good, threadsLost: rerun + crashed + outOfMemory };
      }),
  };
}

const saturated: Scenario = {
  id: "E-21",
  promise:
    "more tasks than the pool can take: what waits is bounded, the rest is refused at once, and it serves again after",
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
      assert.ok(refused > 0 && pool.stats().refused + pool.stats().displaced === refused, "refusals are counted");
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
  dyingThreads("E-19", "a task ends its thread every second: it alone fails", "exit", "COMPUTE_CRASHED", {}),
  dyingThreads("E-20", "a task runs out of memory every second: it alone fails", "heap", "COMPUTE_OUT_OF_MEMORY", {
    maxHeapMb: 32,
  }),
  saturated,
];
