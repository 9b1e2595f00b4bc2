// What a task can do to its thread, planted and contained: only its owner learns of it, and everybody else is served.
import { afterEach, describe, expect, it } from "vitest";
import type { ResponseBody } from "../../src/cluster/ports.ts";
import { INLINE_BYTES } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute, type PoolOptions } from "../../workers/pool.ts";

const never = new AbortController().signal;
let pool: PoolCompute | undefined;

function start(options: Partial<PoolOptions> = {}): PoolCompute {
  const worker = new URL("../support/faulty-worker.ts", import.meta.url);
  pool = createPoolCompute({ threads: 2, minDeadlineMs: 20_000, worker, ...options });
  return pool;
}

afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

/** A version that is too large to be read inline, with a fault or without. */
function body(fault = "", padding = INLINE_BYTES): ResponseBody {
  const text = JSON.stringify({
    gitVersion: "v1",
    padding: `fault:${fault} `.repeat(fault === "" ? 0 : 1).padEnd(padding),
  });
  return { bytes: new Uint8Array(Buffer.from(text)), encoding: "identity", format: "json" };
}

const version = (fault?: string, signal = never, padding?: number) =>
  (pool as PoolCompute).run("readVersion", { body: body(fault, padding) }, signal);
const suspect = (fault?: string, signal = never) =>
  (pool as PoolCompute).run("readVersion", { body: body(fault), isSuspect: true }, signal);

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: { code: string }) => error.code,
  );

async function expectServed(): Promise<void> {
  for (let i = 0; i < 4; i++) expect(await version()).toMatchObject({ gitVersion: "v1" });
}

describe("a task that harms its thread", () => {
  it.each([
    ["exit", "COMPUTE_CRASHED", { crashed: 1, killed: 0, outOfMemory: 0 }, {}],
    ["heap", "COMPUTE_OUT_OF_MEMORY", { crashed: 0, killed: 0, outOfMemory: 1 }, { maxHeapMb: 32 }],
    ["regex", "COMPUTE_DEADLINE", { crashed: 0, killed: 1, outOfMemory: 0 }, { minDeadlineMs: 300 }],
  ])("E-20: %s is the fault of its owner alone", async (fault, code, counts, options) => {
    const { stats } = start(options);
    const neighbours = [version(), version(), version()];
    const guilty = codeOf(version(fault));
    neighbours.push(version(), version());
    expect(await guilty).toBe(code);
    for (const neighbour of await Promise.all(neighbours)) expect(neighbour).toMatchObject({ gitVersion: "v1" });
    await expectServed();
    expect(stats()).toMatchObject({ ...counts, running: 0, queued: 0 });
    expect(stats().tasks.get("readVersion")).toMatchObject({ runs: 10, failed: 1 });
  });

  it("E-33: an abort stops a regular expression that would run for ever", async () => {
    const { stats } = start({ threads: 1 });
    const controller = new AbortController();
    const runaway = codeOf(version("regex", controller.signal));
    const waiting = version();
    // Only a running task can be stopped on its thread.
    await expect.poll(() => stats().running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    controller.abort();
    expect(await runaway).toBe("COMPUTE_ABORTED");
    await expect(waiting).resolves.toMatchObject({ gitVersion: "v1" });
    expect(stats()).toMatchObject({ killed: 1 });
  });
});

describe("suspects", () => {
  it("E-20 that run away hold one thread of two, and everybody else has the other", async () => {
    const { stats } = start({ minDeadlineMs: 600_000 });
    const controller = new AbortController();
    const runaways = [1, 2, 3].map(() => codeOf(suspect("regex", controller.signal)));
    for (let i = 0; i < 10; i++) expect(await version()).toMatchObject({ gitVersion: "v1" });
    expect(stats()).toMatchObject({ running: 1, queued: 2, queuedByPriority: { suspect: 2 } });
    controller.abort();
    expect(await Promise.all(runaways)).toEqual(["COMPUTE_ABORTED", "COMPUTE_ABORTED", "COMPUTE_ABORTED"]);
  });

  it("E-20 that end their threads one after another never leave the pool without one", async () => {
    const { stats } = start();
    let mostStarting = 0;
    let left = 6;
    const guilty = Array.from({ length: left }, async () => {
      expect(await codeOf(suspect("exit"))).toBe("COMPUTE_CRASHED");
      mostStarting = Math.max(mostStarting, stats().starting);
      left--;
    });
    let served = 0;
    for (; left > 0; served++) {
      expect(await version()).toMatchObject({ gitVersion: "v1" });
      mostStarting = Math.max(mostStarting, stats().starting);
    }
    await Promise.all(guilty);
    expect(served).toBeGreaterThan(0);
    expect(mostStarting).toBe(1);
    expect(stats()).toMatchObject({ crashed: 6, running: 0, queued: 0 });
  });

  it("that do no harm are served like others", async () => {
    const { stats } = start({ threads: 1 });
    for (const each of await Promise.all([suspect(), version(), suspect()]))
      expect(each).toMatchObject({ gitVersion: "v1" });
    expect(stats()).toMatchObject({ completed: 3, running: 0, queued: 0 });
  });
});

describe("a task whose thread goes before it was taken up", () => {
  it("runs again, and nobody notices", async () => {
    const { stats } = start();
    const all = [version(), version("gone-once"), version(), version("gone-once")];
    for (const each of await Promise.all(all)) expect(each).toMatchObject({ gitVersion: "v1" });
    expect(stats()).toMatchObject({ rerun: 2, crashed: 0, completed: 4 });
  });

  it("E-18 is the first to run again", async () => {
    const { stats } = start({ threads: 1 });
    const order: string[] = [];
    const then = (name: string, run: Promise<unknown>) => run.then(() => void order.push(name));
    await Promise.all([then("lost", version("gone-once")), ...["a", "b", "c"].map((name) => then(name, version()))]);
    expect(order).toEqual(["lost", "a", "b", "c"]);
    expect(stats()).toMatchObject({ rerun: 1, completed: 4 });
  });

  it("is given up after three threads, without being called guilty", async () => {
    const { stats } = start();
    expect(await codeOf(version("gone-always"))).toBe("COMPUTE_NO_THREAD");
    expect(stats()).toMatchObject({ rerun: 2, crashed: 0 });
    await expectServed();
  });

  it("is given up at once when its body moved with the thread", async () => {
    const { stats } = start();
    expect(await codeOf(version("gone-once", never, 2 * 1024 * 1024))).toBe("COMPUTE_NO_THREAD");
    expect(stats()).toMatchObject({ rerun: 0 });
  });
});

describe("threads", () => {
  it("see neither environment nor flags of the process", async () => {
    process.env["CLUSTERPULSE_CANARY"] = "hunter2";
    try {
      start();
      expect(await version("environment")).toEqual({ gitVersion: "{}", platform: "" });
    } finally {
      delete process.env["CLUSTERPULSE_CANARY"];
    }
  });
});
