// What a task is. A task is a pure function of its input: no sockets, no timers, no logger. It runs on a pool thread or, when its body is
// small, on the calling thread, with equal results.
import type { ComputeInput, ComputeTasks } from "../src/cluster/ports.ts";

export type TaskName = keyof ComputeTasks;
export type TaskInput<K extends TaskName> = ComputeInput<K>;
export type TaskOutput<K extends TaskName> = ComputeTasks[K]["output"];

/**
 * Who waits for whom: a cluster's own state comes before what MetricSources extract, and what a cluster or a source sends whose last one
 * harmed its thread comes last.
 */
export const priorities = ["fold", "extraction", "suspect"] as const;
export type Priority = (typeof priorities)[number];

export interface Task<K extends TaskName> {
  /** Unless it is suspect. */
  readonly priority: Exclude<Priority, "suspect">;
  /** Whether it certainly ends soon when its body is small. */
  mayRunInline(input: TaskInput<K>): boolean;
  /**
   * Throws what is wrong with the input, above all BODY_MALFORMED and BODY_TOO_LARGE.
   * @param maxInflatedBytes how large the body may be without compression.
   */
  run(input: TaskInput<K>, maxInflatedBytes: number): TaskOutput<K>;
}

/** A task that reads what a cluster says of itself. */
export function fold<K extends TaskName>(run: Task<K>["run"]): Task<K> {
  return { priority: "fold", mayRunInline: () => true, run };
}
