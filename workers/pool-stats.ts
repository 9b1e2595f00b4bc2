// What a pool counts. All but depths and sizes only grow.
import type { TaskQueue, Waiting } from "./queue.ts";
import { type Priority, priorities, type TaskName } from "./task.ts";

export interface PoolStats {
  readonly threads: number;
  /** Of those, the ones that are not up yet. */
  readonly starting: number;
  readonly running: number;
  readonly queued: number;
  readonly queuedBytes: number;
  readonly queuedByPriority: Readonly<Record<Priority, number>>;
  /** Run on the calling thread because the body was small. */
  readonly inline: number;
  /** Ended on a thread, well or not. */
  readonly completed: number;
  /** Threads killed for a task that passed its deadline, or whose caller had given it up. */
  readonly killed: number;
  readonly outOfMemory: number;
  /** Threads that a task ended in any other way. */
  readonly crashed: number;
  /** Threads that died without a task. */
  readonly threadErrors: number;
  /** Tasks begun anew because their thread died before it took them up. */
  readonly rerun: number;
  /** Tasks not taken in because the queue was full, and tasks that had to leave it for one of a higher priority. */
  readonly refused: number;
  readonly displaced: number;
  /** By task, wherever it ran. */
  readonly tasks: ReadonlyMap<TaskName, TaskStats>;
}

export interface TaskStats {
  /** Ended, well or not. */
  readonly runs: number;
  readonly failed: number;
  /** Time that they ran, without waiting. */
  readonly totalMs: number;
}

export class PoolCounters {
  inline = 0;
  killed = 0;
  outOfMemory = 0;
  crashed = 0;
  threadErrors = 0;
  rerun = 0;
  refused = 0;
  displaced = 0;
  readonly #tasks = new Map<TaskName, { runs: number; failed: number; totalMs: number }>();

  ended(task: TaskName, ms: number, hasFailed: boolean): void {
    let counts = this.#tasks.get(task);
    if (counts === undefined) {
      counts = { runs: 0, failed: 0, totalMs: 0 };
      this.#tasks.set(task, counts);
    }
    counts.runs++;
    counts.totalMs += ms;
    if (hasFailed) counts.failed++;
  }

  snapshot(now: Pick<PoolStats, "threads" | "starting" | "running">, queue: TaskQueue<Waiting>): PoolStats {
    const tasks = new Map([...this.#tasks].map(([task, counts]) => [task, { ...counts }]));
    const { inline, killed, outOfMemory, crashed, threadErrors, rerun, refused, displaced } = this;
    const ended = [...tasks.values()].reduce((sum, { runs }) => sum + runs, 0);
    return {
      ...now,
      queued: queue.size,
      queuedBytes: queue.bytes,
      queuedByPriority: Object.fromEntries(
        priorities.map((priority) => [priority, queue.sizeOf(priority)]),
      ) as PoolStats["queuedByPriority"],
      inline,
      completed: ended - inline,
      killed,
      outOfMemory,
      crashed,
      threadErrors,
      rerun,
      refused,
      displaced,
      tasks,
    };
  }
}
