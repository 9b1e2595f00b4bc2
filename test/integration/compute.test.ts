// The pool with real threads: equal to inline, and a task that misbehaves fails alone.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { MAX_INFLATED_BYTES } from "../../src/cluster/body.ts";
import type { Compute, ResponseBody } from "../../src/cluster/ports.ts";
import { encodeBody } from "../../src/kube/protobuf/encode.ts";
import { createInlineCompute, INLINE_BYTES } from "../../workers/inline.ts";
import { createPoolCompute, type PoolCompute, type PoolOptions } from "../../workers/pool.ts";
import { anyJson, nodeList, nodeModels, podList, podModel } from "../unit/cluster/arbitrary.ts";

const never = new AbortController().signal;
let pool: PoolCompute | undefined;

function start(options: Partial<PoolOptions> = {}): PoolCompute {
  // Generous where a test is not about the deadline: the machine may be busy.
  pool = createPoolCompute({ threads: 2, minDeadlineMs: 20_000, ...options });
  return pool;
}

afterEach(async () => {
  await pool?.close();
  pool = undefined;
});

const padding = "x".repeat(INLINE_BYTES);

function body(value: unknown, encoding: ResponseBody["encoding"] = "identity"): ResponseBody {
  const text = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return { bytes: new Uint8Array(encoding === "gzip" ? gzipSync(text) : text), encoding, format: "json" };
}

/** A list that is too large to run inline, with what it says unchanged. */
const large = (list: unknown) => ({ ...(list as object), padding });
const podsBody = () => body(large({ kind: "PodList", items: [{ metadata: { name: "p" }, spec: { nodeName: "n" } }] }));

/** Thirty megabytes of pods in a few kilobytes of gzip, whose trailer says that they inflate to one byte. */
function heavyBody(): ResponseBody {
  const item = '{"metadata":{"name":"p"}}';
  const text = `{"kind":"PodList","items":[${`${item},`.repeat(Math.floor((MAX_INFLATED_BYTES - 100) / (item.length + 1)))}${item}]}`;
  return {
    bytes: new Uint8Array(Buffer.concat([gzipSync(text, { level: 9 }), gzipSync(" ")])),
    encoding: "gzip",
    format: "json",
  };
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: { code: string }) => error.code,
  );

/** The result, or the error as far as callers may rely on it. */
const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (output) => ({ output }),
    ({ code, message }: { code: string; message: string }) => ({ code, message }),
  );

describe("pool and inline give equal results", () => {
  const inline = createInlineCompute();
  const encoding = fc.constantFrom("identity" as const, "gzip" as const);

  async function expectEqual(run: (compute: Compute) => Promise<unknown>): Promise<void> {
    const [pooled, inlined] = [outcome(run(pool as PoolCompute)), outcome(run(inline))];
    expect(await pooled).toEqual(await inlined);
  }

  it("for pods and nodes", async () => {
    const { stats } = start();
    const models = fc.tuple(fc.array(podModel, { maxLength: 20 }), nodeModels, encoding);
    await fc.assert(
      fc.asyncProperty(models, async ([pods, nodes, how]) => {
        const podFold = () => body(large(podList(pods, "more")), how);
        await expectEqual((compute) => compute.run("foldPods", { body: podFold() }, never));
        const fold = await inline.run("foldPods", { body: podFold() }, never);
        await expectEqual((compute) => {
          const input = { body: body(large(nodeList(nodes)), how), pods: [fold], collectedAtMs: 1_767_323_045_000 };
          return compute.run("foldNodes", input, never);
        });
      }),
      { numRuns: 40 },
    );
    expect(stats()).toMatchObject({ inline: 0, queued: 0, queuedBytes: 0, running: 0, killed: 0 });
    expect(stats().completed).toBe(80);
  });

  it("for names, versions and whatever else a server may send", async () => {
    start();
    await fc.assert(
      fc.asyncProperty(anyJson, fc.string(), encoding, async (item, text, how) => {
        const list = large({
          kind: "XList",
          metadata: { continue: text },
          items: [item, { metadata: { name: text } }],
        });
        await expectEqual((compute) => compute.run("listNames", { body: body(list, how) }, never));
        await expectEqual((compute) =>
          compute.run("readVersion", { body: body({ gitVersion: text, padding }, how) }, never),
        );
        await expectEqual((compute) => compute.run("listNames", { body: body(text + padding, how) }, never));
      }),
      { numRuns: 40 },
    );
  });

  it("for lists as protobuf, good or cut off, and equal to their JSON", async () => {
    const { stats } = start();
    const models = fc.tuple(fc.array(podModel, { maxLength: 20 }), fc.nat({ max: 200 }), encoding);
    await fc.assert(
      fc.asyncProperty(models, async ([pods, cut, how]) => {
        // Large also with its end cut off.
        const annotations = { padding: padding + "x".repeat(200) };
        const list = { apiVersion: "v1", ...(podList(pods, "more") as { items: object[] }) };
        const whole = encodeBody({ ...list, items: [...list.items, { metadata: { annotations } }] }) as Uint8Array;
        const protobuf = (left: number): ResponseBody => {
          const bytes = new Uint8Array(how === "gzip" ? gzipSync(whole.subarray(0, left)) : whole.subarray(0, left));
          return { bytes, encoding: how, format: "protobuf" };
        };
        await expectEqual((compute) => compute.run("foldPods", { body: protobuf(whole.length) }, never));
        await expectEqual((compute) => compute.run("foldPods", { body: protobuf(whole.length - cut) }, never));
        const json = body(podList([...pods], "more"), how);
        expect(await (pool as PoolCompute).run("foldPods", { body: protobuf(whole.length) }, never)).toEqual({
          ...(await inline.run("foldPods", { body: json }, never)),
          skipped: 1,
        });
      }),
      { numRuns: 20 },
    );
    expect(stats()).toMatchObject({ inline: 0, killed: 0 });
  });

  it("also for bodies beyond the limit", async () => {
    start();
    await expectEqual((compute) => {
      const bytes = new Uint8Array(gzipSync(Buffer.alloc(MAX_INFLATED_BYTES + 1, 0x20)));
      return compute.run("foldPods", { body: { bytes, encoding: "gzip", format: "json" } }, never);
    });
  });
});

describe("where a task runs", () => {
  it("small bodies run inline, larger ones on a thread, and a lying gzip trailer does not bring a large one here", async () => {
    const { run, stats } = start();
    const exactly = (size: number) => {
      const text = '{"gitVersion":"v1"}';
      return text + " ".repeat(size - text.length);
    };
    for (const how of ["identity", "gzip"] as const) {
      await run("readVersion", { body: body(exactly(INLINE_BYTES), how) }, never);
    }
    expect(stats()).toMatchObject({ inline: 2, completed: 0 });
    for (const how of ["identity", "gzip"] as const) {
      await run("readVersion", { body: body(exactly(INLINE_BYTES + 1), how) }, never);
    }
    expect(stats()).toMatchObject({ inline: 2, completed: 2 });
    const lying = Buffer.concat([gzipSync(exactly(INLINE_BYTES * 2)), gzipSync(" ")]);
    await run("readVersion", { body: { bytes: new Uint8Array(lying), encoding: "gzip", format: "json" } }, never);
    expect(stats()).toMatchObject({ inline: 2, completed: 3 });
  });

  it("a body that shares its buffer is copied, so that its neighbours stay", async () => {
    const { run } = start();
    const { bytes } = podsBody();
    const shared = new Uint8Array(bytes.byteLength + 8).fill(7);
    shared.set(bytes, 4);
    const view = shared.subarray(4, 4 + bytes.byteLength);
    expect(await run("foldPods", { body: { bytes: view, encoding: "identity", format: "json" } }, never)).toMatchObject(
      { pods: 1 },
    );
    expect([shared[0], shared.at(-1)]).toEqual([7, 7]);
  });

  it("a large body moves to its thread, a smaller one is copied", async () => {
    const { run } = start();
    const small = podsBody();
    const moved = body({ kind: "PodList", items: [], padding: "x".repeat(1024 * 1024) });
    for (const each of [small, moved]) await run("foldPods", { body: each }, never);
    expect(small.bytes.byteLength).toBeGreaterThan(INLINE_BYTES);
    expect(moved.bytes.byteLength).toBe(0);
  });
});

describe("a task that misbehaves fails alone", () => {
  it("too slow: its thread is killed, the neighbour and later tasks are served", async () => {
    const { run, stats } = start({ minDeadlineMs: 20, deadlineMsPerMb: 2_000 });
    const honest = () =>
      body({ kind: "PodList", items: [{ metadata: { name: "p" } }], padding: "x".repeat(1_000_000) });
    const neighbour = run("foldPods", { body: honest() }, never);
    // Its deadline follows what it admits to: a few kilobytes.
    await expect(run("foldPods", { body: heavyBody() }, never)).rejects.toMatchObject({ code: "COMPUTE_DEADLINE" });
    await expect(neighbour).resolves.toMatchObject({ pods: 1 });
    for (let i = 0; i < 4; i++)
      await expect(run("foldPods", { body: honest() }, never)).resolves.toMatchObject({ pods: 1 });
    expect(stats()).toMatchObject({ killed: 1, completed: 6, running: 0 });
  });

  it("out of memory: the process lives and later tasks are served", async () => {
    const { run, stats } = start({ maxHeapMb: 16 });
    await expect(run("foldPods", { body: heavyBody() }, never)).rejects.toMatchObject({
      code: "COMPUTE_OUT_OF_MEMORY",
      message: "the computation needed more than 16 MB",
    });
    for (let i = 0; i < 4; i++)
      await expect(run("foldPods", { body: podsBody() }, never)).resolves.toMatchObject({ pods: 1 });
    expect(stats()).toMatchObject({ outOfMemory: 1, killed: 0 });
  });

  it("a malformed body is an error with a code, and the thread goes on", async () => {
    const { run, stats } = start();
    expect(await codeOf(run("foldPods", { body: body(`{"secret":${padding}`) }, never))).toBe("BODY_MALFORMED");
    expect(stats()).toMatchObject({ completed: 1, killed: 0, threadErrors: 0 });
  });
});

describe("waiting", () => {
  it("is bounded in tasks, and in order", async () => {
    const { run, stats } = start({ threads: 1, maxQueuedTasks: 2 });
    const ended: number[] = [];
    const runs = [0, 1, 2].map((i) => run("foldPods", { body: podsBody() }, never).then(() => ended.push(i)));
    expect(stats()).toMatchObject({ running: 1, queued: 2 });
    expect(await codeOf(run("foldPods", { body: podsBody() }, never))).toBe("COMPUTE_QUEUE_FULL");
    await Promise.all(runs);
    expect(ended).toEqual([0, 1, 2]);
    await expect(run("foldPods", { body: podsBody() }, never)).resolves.toMatchObject({ pods: 1 });
    expect(stats()).toMatchObject({ queued: 0, queuedBytes: 0 });
  });

  it("is bounded in bytes", async () => {
    const size = podsBody().bytes.byteLength;
    const { run } = start({ threads: 1, maxQueuedBytes: size * 2 - 1 });
    const first = [0, 1].map(() => run("foldPods", { body: podsBody() }, never));
    expect(await codeOf(run("foldPods", { body: podsBody() }, never))).toBe("COMPUTE_QUEUE_FULL");
    await Promise.all(first);
  });

  it("an abort releases the caller at once, queued or running, and spares a thread that is about to end by itself", async () => {
    const { run, stats } = start({ threads: 1 });
    const [running, queued] = [new AbortController(), new AbortController()];
    const first = codeOf(run("foldPods", { body: podsBody() }, running.signal));
    const second = codeOf(run("foldPods", { body: podsBody() }, queued.signal));
    queued.abort();
    expect(stats()).toMatchObject({ running: 1, queued: 0, queuedBytes: 0 });
    running.abort();
    expect(await Promise.all([first, second])).toEqual(["COMPUTE_ABORTED", "COMPUTE_ABORTED"]);
    expect(await codeOf(run("foldPods", { body: podsBody() }, AbortSignal.abort()))).toBe("COMPUTE_ABORTED");
    await expect(run("foldPods", { body: podsBody() }, never)).resolves.toMatchObject({ pods: 1 });
    expect(stats()).toMatchObject({ running: 0, killed: 0 });
  });
});

describe("the end", () => {
  it("close fails what waits and runs, and what comes later", async () => {
    const { run, close } = start({ threads: 1 });
    const runs = [0, 1, 2].map(() => codeOf(run("foldPods", { body: podsBody() }, never)));
    await close();
    expect(await Promise.all(runs)).toEqual(["COMPUTE_ABORTED", "COMPUTE_ABORTED", "COMPUTE_ABORTED"]);
    expect(await codeOf(run("readVersion", { body: body("{}") }, never))).toBe("COMPUTE_ABORTED");
  });

  it("a closed pool does not keep the process from ending", async () => {
    const script = `
      import { createPoolCompute } from "./workers/pool.ts";
      const pool = createPoolCompute({ threads: 2, minDeadlineMs: 20_000 });
      const bytes = new Uint8Array(Buffer.from('{"gitVersion":"v1","x":"' + "x".repeat(100_000) + '"}'));
      console.log(JSON.stringify(await pool.run("readVersion", { body: { bytes, encoding: "identity", format: "json" } }, new AbortController().signal)));
      await pool.close();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      stdio: ["ignore", "pipe", "inherit"],
      timeout: 30_000,
    });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    expect({ code, output: output.trim() }).toEqual({ code: 0, output: '{"gitVersion":"v1","platform":""}' });
  });
});
