// Tasks on a pool of threads. Guarantees: a task that is too slow, needs too much memory or ends its thread fails alone, with a code; its
// thread is replaced, and a task that its thread never took up runs again, before all that wait. What waits is bounded in tasks and bytes,
// folds before extractions, suspects last and on half of the threads at most. Threads see neither the process's environment nor its flags.
// Piscina is only given as many tasks as it has threads: its own queue would start deadlines early and abort its neighbours.
import { Piscina } from "piscina";
import type { Compute } from "../src/cluster/ports.ts";
import { bareEnvironment } from "../src/support/bare-environment.ts";
import { ClusterPulseError, type SafeError } from "../src/support/errors.ts";
import { type OwnTroubleCode, ownTrouble } from "../src/support/own-trouble.ts";
import { exactBytes, pack, unpack } from "./codec.ts";
import { type Deadline, hasStarted, runningMs, watchDeadline } from "./deadline.ts";
import { aborted, expectedBytes, refuseOversized, runIfSmall } from "./inline.ts";
import { PoolCounters, type PoolStats } from "./pool-stats.ts";
import type { WorkerAnswer, WorkerRequest } from "./protocol.ts";
import { TaskQueue, type Waiting } from "./queue.ts";
import { priorities, type TaskInput, type TaskName, type TaskOutput } from "./task.ts";
import { priorityOf } from "./tasks.ts";
import { mayBegin } from "./turns.ts";

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
  /** What threads run instead of worker.ts: tests plant their faults there. */
  readonly worker?: URL;
}

export interface PoolCompute extends Compute {
  stats(): PoolStats;
  /** Ends all threads at once. Tasks that wait or run fail with COMPUTE_ABORTED. */
  close(): Promise<void>;
}

const MB = 1024 * 1024;
/** Bodies up to this are copied to their thread, so that they are still here if it dies before it takes the task up. Larger ones move. */
const MAX_COPIED_BYTES = MB;
const MAX_ATTEMPTS = 3;
/** How long a task whose caller gave it up may go on: it is likely to end by itself, and a new thread costs more. */
const ABORT_GRACE_MS = 50;

interface Job extends Waiting {
  readonly request: WorkerRequest;
  readonly deadlineMs: number;
  /** Threads that went before they took it up. */
  lostThreads: number;
  /** While a thread has it. */
  deadline: Deadline | undefined;
  /** Its caller no longer waits. */
  abandoned: boolean;
  readonly settle: (answer: WorkerAnswer) => void;
}

export function createPoolCompute(options: PoolOptions): PoolCompute {
  const { threads, maxHeapMb = 512, maxQueuedTasks = 1024, maxQueuedBytes = 256 * MB } = options;
  const { deadlineMsPerMb = 250, minDeadlineMs = 250 } = options;
  const pool = new Piscina<WorkerRequest, Uint8Array>({
    filename: (options.worker ?? new URL("./worker.ts", import.meta.url)).href,
    minThreads: threads,
    maxThreads: threads,
    idleTimeout: Number.POSITIVE_INFINITY,
    maxQueue: threads,
    concurrentTasksPerWorker: 1,
    atomics: "disabled",
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb, maxYoungGenerationSizeMb: 64, stackSizeMb: 4 },
    env: bareEnvironment(),
    execArgv: [],
    recordTiming: false,
  });
  const counters = new PoolCounters();
  const queue = new TaskQueue<Job>(maxQueuedTasks, maxQueuedBytes);
  let running = 0;
  let suspects = 0;
  let closed = false;
  /** Of the threads that there are, those that are up. The first ones count as such from the beginning. */
  const up = new WeakSet(pool.threads);
  const starting = (): number => pool.threads.filter((thread) => !up.has(thread)).length;
  pool.on("error", () => {
    counters.threadErrors++;
  });
  pool.on("workerCreate", ({ id }: { readonly id: number }) => {
    const thread = pool.threads.find(({ threadId }) => threadId === id);
    if (thread !== undefined) up.add(thread);
    queueMicrotask(startNext);
  });
  // One that goes while it starts is not replaced until there is a task for the next.
  pool.on("workerDestroy", () => queueMicrotask(startNext));

  function startNext(): void {
    for (;;) {
      const job = queue.next(mayBegin({ threads, starting: starting(), running, suspects }));
      if (job === undefined) return;
      running++;
      if (job.priority === "suspect") suspects++;
      void runOnThread(job).then((answer) => {
        running--;
        if (job.priority === "suspect") suspects--;
        if (answer === undefined) queue.putBack(job);
        else {
          counters.ended(job.request.task, runningMs(job.request.marks) ?? 0, "error" in answer);
          job.settle(answer);
        }
        startNext();
      });
    }
  }

  /** Undefined when it is to run again. Never rejects. */
  async function runOnThread(job: Job): Promise<WorkerAnswer | undefined> {
    const answer = await attemptOnThread(job);
    if (answer !== undefined) return answer;
    if (closed || job.abandoned) return { error: aborted() };
    if (++job.lostThreads === MAX_ATTEMPTS || job.request.bytes.byteLength === 0) {
      return failed("COMPUTE_NO_THREAD", "the hub is busy: no thread took the computation up");
    }
    counters.rerun++;
    return undefined;
  }

  /** Undefined when the thread went before it took the task up: then nobody knows anything against the task. */
  async function attemptOnThread(job: Job): Promise<WorkerAnswer | undefined> {
    const { request, deadlineMs } = job;
    const controller = new AbortController();
    job.deadline = watchDeadline(request.marks, deadlineMs, () => controller.abort());
    try {
      const transferList = request.bytes.byteLength > MAX_COPIED_BYTES ? [request.bytes.buffer] : [];
      // Piscina types the list after an overload that @types/node lost; at run time it is the list of postMessage.
      return unpack(
        await pool.run(request, { transferList: transferList as never, signal: controller.signal }),
      ) as WorkerAnswer;
    } catch (error) {
      if (closed) return { error: aborted() };
      if (!hasStarted(request.marks)) return undefined;
      if (controller.signal.aborted) {
        counters.killed++;
        return failed("COMPUTE_DEADLINE", `the computation was stopped after ${deadlineMs} ms`);
      }
      if ((error as { code?: unknown }).code === "ERR_WORKER_OUT_OF_MEMORY") {
        counters.outOfMemory++;
        return failed("COMPUTE_OUT_OF_MEMORY", `the computation needed more than ${maxHeapMb} MB`);
      }
      counters.crashed++;
      return failed("COMPUTE_CRASHED", "the computation ended its thread");
    } finally {
      job.deadline.cancel();
      job.deadline = undefined;
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
        priority: priorityOf(task, input),
        bytes: request.bytes.byteLength + request.rest.byteLength,
        deadlineMs: Math.max(minDeadlineMs, Math.ceil((deadlineMsPerMb * inflatedBytes) / MB)),
        lostThreads: 0,
        deadline: undefined,
        abandoned: false,
        settle(answer) {
          signal.removeEventListener("abort", giveUp);
          if ("error" in answer) reject(new ClusterPulseError(answer.error.code, answer.error.message));
          else resolve(answer.output as TaskOutput<K>);
        },
      };
      const giveUp = () => {
        job.abandoned = true;
        queue.delete(job);
        job.deadline?.shorten(ABORT_GRACE_MS);
        job.settle({ error: aborted() });
      };
      const displaced = queue.add(job);
      if (displaced === undefined) {
        counters.refused++;
        reject(queueFull());
        return;
      }
      for (const other of displaced) {
        counters.displaced++;
        other.settle({ error: queueFull() });
      }
      signal.addEventListener("abort", giveUp, { once: true });
      startNext();
    });
  }

  const queueFull = () =>
    ownTrouble("COMPUTE_QUEUE_FULL", `the hub is busy: more than ${queue.size} computations wait for a thread`);

  return {
    async run(task, input, signal) {
      if (closed || signal.aborted) throw aborted();
      refuseOversized(input.body);
      const startedMs = performance.now();
      const ended = (hasFailed: boolean): void => {
        counters.inline++;
        counters.ended(task, performance.now() - startedMs, hasFailed);
      };
      try {
        const small = runIfSmall(task, input);
        if (small === undefined) return enqueue(task, input, signal);
        ended(false);
        return small.output;
      } catch (error) {
        ended(true);
        throw error;
      }
    },
    stats: () => counters.snapshot({ threads, starting: starting(), running }, queue),
    async close() {
      closed = true;
      for (let job = queue.next(priorities); job !== undefined; job = queue.next(priorities)) {
        job.settle({ error: aborted() });
      }
      await pool.destroy();
    },
  };
}

function failed(code: OwnTroubleCode, message: string): { readonly error: SafeError } {
  return { error: { code, message } };
}
