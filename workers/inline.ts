// Tasks on the calling thread: for tests and tools, and for bodies that are too small to be worth a thread. Results equal the pool's.
import type { Compute } from "../src/cluster/ports.ts";
import { bodyTooLarge, MAX_INFLATED_BYTES, type ResponseBody, statedBytes } from "../src/kube/list-page.ts";
import { ClusterPulseError, safeError } from "../src/support/errors.ts";
import { ownTrouble } from "../src/support/own-trouble.ts";
import type { TaskInput, TaskName, TaskOutput } from "./task.ts";
import { mayRunInline, runTask } from "./tasks.ts";

/** Below this inflated size a task costs the main thread less than handing it to a thread would, or about as much. */
export const INLINE_BYTES = 64 * 1024;

/** Runs every task at once on the calling thread, whatever its size. No deadline: only use it where a stall hurts nobody. */
export function createInlineCompute(): Compute {
  return {
    async run(task, input, signal) {
      if (signal.aborted) throw aborted();
      refuseOversized(input.body);
      return runSafely(task, input, MAX_INFLATED_BYTES);
    },
  };
}

/** Runs the task here if it and its body are small for certain; undefined means that it belongs into the pool. */
export function runIfSmall<K extends TaskName>(task: K, input: TaskInput<K>): { output: TaskOutput<K> } | undefined {
  if (expectedBytes(input.body) > INLINE_BYTES || !mayRunInline(task, input)) return undefined;
  try {
    return { output: runSafely(task, input, INLINE_BYTES) };
  } catch (error) {
    // A gzip trailer can lie. The limit made it certain, at the price of inflating 64 KiB in vain.
    if (ClusterPulseError.is(error) && error.code === "BODY_TOO_LARGE") return undefined;
    throw error;
  }
}

/** Size after inflating as far as the body tells: gzip ends with it, modulo 2^32. Never more than what is accepted at all. */
export function expectedBytes({ bytes, encoding }: Omit<ResponseBody, "format">): number {
  const length = bytes.byteLength;
  if (encoding === "identity") return length;
  return Math.min(Math.max(length, statedBytes(bytes)), MAX_INFLATED_BYTES);
}

/** Throws BODY_TOO_LARGE for a body that is larger than what is accepted already as it came. */
export function refuseOversized({ bytes }: ResponseBody): void {
  if (bytes.byteLength > MAX_INFLATED_BYTES) throw bodyTooLarge(MAX_INFLATED_BYTES);
}

export function aborted(): ClusterPulseError {
  return ownTrouble("COMPUTE_ABORTED", "the computation was given up before it ended");
}

function runSafely<K extends TaskName>(task: K, input: TaskInput<K>, maxInflatedBytes: number): TaskOutput<K> {
  try {
    return runTask(task, input, maxInflatedBytes);
  } catch (error) {
    const { code, message } = safeError(error);
    throw new ClusterPulseError(code, message);
  }
}
