// Tasks on a pool of threads. Guarantees: a task that is too slow or needs too much memory fails alone, with a code; its thread is replaced. What
// waits is bounded in tasks and bytes. The deadline runs from the moment a thread takes the task up, so waiting costs nobody its time.
// Piscina is only given as many tasks as it has threads: its own queue would start deadlines early and abort its neighbours.
import { Piscina } from "piscina";
import type { Compute } from "../src/cluster/ports.ts";
import { systemClock } from "../src/support/clock.ts";
import { ClusterPulseError, type SafeError } from "../src/support/errors.ts";
import { exactBytes, pack, unpack } from "./codec.ts";
import { aborted, expectedBytes, runIfSmall } from "./inline.ts";
import { ENDED, STARTED, type WorkerAnswer, type WorkerRequest } from "./protocol.ts";
import type { TaskInput, TaskName, TaskOutput } from "./tasks.ts";

export interface PoolOptions {
  /** Threads, all started at once and kept. */
  readonly threads: number;
  /** JavaScript heap of one thread. Buffers come on top, which the limit on inflated bodies bounds. */
  readonly maxHeapMb?: number;
  readonly maxQueuedTasks?: number;
  readonly maxQueuedBytes?: number;
  /** Allowed running time per megabyte (2^20 bytes) of inflated body, and the least that any task is allowed. */
  readonly deadlineMsPerMb?: number;
  readonly minDeadlineMs?: number;
}

export interface PoolStats {
  readonly threads: number;
  readonly queued: number;
  readonly queuedBytes: number;
  readonly running: number;
  readonly completed: number;
  /** Run on the calling thread because the body was small. */
  readonly inline: number;
  /** Threads killed for a task that passed its deadline. */
  readonly killed: number;
  readonly outOfMemory: number;
  /** Threads that died without a task. */
  readonly threadErrors: number;
}

export interface PoolCompute extends Compute {
  stats(): PoolStats;
  /** Ends all threads at once. Tasks that wait or run fail with COMPUTE_ABORTED. */
  close(): Promise<void>;
}

/** A thread that cannot take up a task for this long is broken. */
const START_DEADLINE_MS = 30_000;
const MB = 1024 * 1024;

interface Job {
  readonly request: WorkerRequest;
  readonly bytes: number;
  readonly deadlineMs: number;
  readonly settle: (answer: WorkerAnswer) => void;
}

export function createPoolCompute(options: PoolOptions): PoolCompute {
  const { threads, maxHeapMb = 512, maxQueuedTasks = 1024, maxQueuedBytes = 256 * MB } = options;
  const { deadlineMsPerMb = 250, minDeadlineMs = 250 } = options;
  const pool = new Piscina<WorkerRequest, Uint8Array>({
    filename: new URL("./worker.ts", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    maxQueue: threads,
    concurrentTasksPerWorker: 1,
    atomics: "disabled",
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 },
    // Threads see neither the process's environment nor its flags.
    env: {},
    execArgv: [],
    recordTiming: false,
  });
  const counts = { running: 0, queuedBytes: 0, completed: 0, inline: 0, killed: 0, outOfMemory: 0, threadErrors: 0 };
  const queue = new Set<Job>();
  let closed = false;
  pool.on("error", () => {
    counts.threadErrors++;
  });

  function startNext(): void {
    while (counts.running < threads) {
      const [job] = queue;
      if (job === undefined) return;
      dequeue(job);
      counts.running++;
      void runOnThread(job).then((answer) => {
        counts.running--;
        counts.completed++;
        job.settle(answer);
        startNext();
      });
    }
  }

  function dequeue(job: Job): void {
    if (queue.delete(job)) counts.queuedBytes -= job.bytes;
  }

  /** Never rejects. */
  async function runOnThread({ request, deadlineMs }: Job): Promise<WorkerAnswer> {
    const controller = new AbortController();
    const cancelDeadline = watchDeadline(request.marks, deadlineMs, () => controller.abort());
    try {
      const transferList = [request.bytes.buffer, request.rest.buffer];
      // Piscina types the list after an overload that @types/node lost; at run time it is the list of postMessage.
      return unpack(
        await pool.run(request, { transferList: transferList as never, signal: controller.signal }),
      ) as WorkerAnswer;
    } catch (error) {
      if (closed) return { error: aborted() };
      if (controller.signal.aborted) {
        counts.killed++;
        return failed("COMPUTE_DEADLINE", `the computation was stopped after ${deadlineMs} ms`);
      }
      if ((error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY") {
        counts.outOfMemory++;
        return failed("COMPUTE_OUT_OF_MEMORY", `the computation needed more than ${maxHeapMb} MB`);
      }
      return failed("COMPUTE_ABORTED", "the thread of the computation ended unexpectedly");
    } finally {
      cancelDeadline();
    }
  }

  function enqueue<K extends TaskName>(task: K, input: TaskInput<K>, signal: AbortSignal): Promise<TaskOutput<K>> {
    const { body, ...rest } = input;
    const inflatedBytes = expectedBytes(body);
    const request: WorkerRequest = {
      task,
      bytes: exactBytes(body.bytes),
      encoding: body.encoding,
      format: body.format,
      rest: pack(rest),
      marks: new BigInt64Array(new SharedArrayBuffer(16)),
    };
    return new Promise((resolve, reject) => {
      const job: Job = {
        request,
        bytes: request.bytes.byteLength + request.rest.byteLength,
        deadlineMs: Math.max(minDeadlineMs, Math.ceil((deadlineMsPerMb * inflatedBytes) / MB)),
        settle(answer) {
          signal.removeEventListener("abort", giveUp);
          if ("error" in answer) reject(new ClusterPulseError(answer.error.code, answer.error.message));
          else resolve(answer.output as TaskOutput<K>);
        },
      };
      // A task that already runs is left to its own deadline: killing a thread costs more than letting it finish.
      const giveUp = () => {
        dequeue(job);
        job.settle({ error: aborted() });
      };
      if (queue.size >= maxQueuedTasks || counts.queuedBytes + job.bytes > maxQueuedBytes) {
        reject(new ClusterPulseError("COMPUTE_QUEUE_FULL", `more than ${queue.size} computations wait for a thread`));
        return;
      }
      signal.addEventListener("abort", giveUp, { once: true });
      queue.add(job);
      counts.queuedBytes += job.bytes;
      startNext();
    });
  }

  return {
    async run(task, input, signal) {
      if (closed || signal.aborted) throw aborted();
      const small = runIfSmall(task, input);
      if (small === undefined) return enqueue(task, input, signal);
      counts.inline++;
      return small.output;
    },
    stats: () => ({ threads, queued: queue.size, ...counts }),
    async close() {
      closed = true;
      for (const job of [...queue]) {
        dequeue(job);
        job.settle({ error: aborted() });
      }
      await pool.destroy();
    },
  };
}

function failed(code: string, message: string): { readonly error: SafeError } {
  return { error: { code, message } };
}

/**
 * Calls `kill` once the task has run for `deadlineMs`. A task that no thread has taken up yet has not begun to use its time, and one that has
 * ended is spared even when its answer has not been read yet. Real time: threads do not run in a virtual clock.
 */
function watchDeadline(marks: WorkerRequest["marks"], deadlineMs: number, kill: () => void): () => void {
  const waitUntilMs = systemClock.monotonicMs() + START_DEADLINE_MS;
  let cancel = systemClock.setTimer(check, deadlineMs);
  function check(): void {
    if (Atomics.load(marks, ENDED) !== 0n) return;
    const startedNs = Atomics.load(marks, STARTED);
    const leftMs =
      startedNs === 0n
        ? Math.min(deadlineMs, waitUntilMs - systemClock.monotonicMs())
        : deadlineMs - Number(process.hrtime.bigint() - startedNs) / 1e6;
    if (leftMs <= 0) kill();
    else cancel = systemClock.setTimer(check, Math.ceil(leftMs));
  }
  return () => cancel();
}
