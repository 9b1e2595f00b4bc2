// Tasks that wait for a thread: by priority, within one in order of arrival. Guarantees a bound in tasks and bytes. When it is full, a task
// takes the place of the oldest ones of a lower priority, or is refused; tasks that come back may pass the bound. Pure: it neither starts nor ends anything.
import { type Priority, priorities } from "./task.ts";

export interface Waiting {
  readonly priority: Priority;
  readonly bytes: number;
}

export class TaskQueue<T extends Waiting> {
  readonly #maxTasks: number;
  readonly #maxBytes: number;
  readonly #byPriority: { [P in Priority]: Set<T> } = {
    fold: new Set(),
    extraction: new Set(),
    suspect: new Set(),
  };
  #size = 0;
  #bytes = 0;

  constructor(maxTasks: number, maxBytes: number) {
    this.#maxTasks = maxTasks;
    this.#maxBytes = maxBytes;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  sizeOf(priority: Priority): number {
    return this.#byPriority[priority].size;
  }

  /** Takes a task in. Returns the tasks that had to leave for it, or undefined when it is refused: then nothing has changed. */
  add(task: T): T[] | undefined {
    const displaced: T[] = [];
    let size = this.#size + 1;
    let bytes = this.#bytes + task.bytes;
    for (const lower of priorities.slice(priorities.indexOf(task.priority) + 1).reverse()) {
      for (const other of this.#byPriority[lower]) {
        if (size <= this.#maxTasks && bytes <= this.#maxBytes) break;
        displaced.push(other);
        size--;
        bytes -= other.bytes;
      }
    }
    if (size > this.#maxTasks || bytes > this.#maxBytes) return undefined;
    for (const other of displaced) this.delete(other);
    this.#byPriority[task.priority].add(task);
    this.#size = size;
    this.#bytes = bytes;
    return displaced;
  }

  /** Takes a task in that was taken out before, in front of all others of its priority: it is never refused. */
  putBack(task: T): void {
    this.#byPriority[task.priority] = new Set([task, ...this.#byPriority[task.priority]]);
    this.#size++;
    this.#bytes += task.bytes;
  }

  delete(task: T): boolean {
    if (!this.#byPriority[task.priority].delete(task)) return false;
    this.#size--;
    this.#bytes -= task.bytes;
    return true;
  }

  /** Removes and returns the task whose turn it is. */
  next(wanted: readonly Priority[]): T | undefined {
    for (const priority of wanted) {
      for (const task of this.#byPriority[priority]) {
        this.delete(task);
        return task;
      }
    }
    return undefined;
  }
}
