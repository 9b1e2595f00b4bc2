// What the main thread and a pool thread say to each other.
import type { ResponseBody } from "../src/kube/list-page.ts";
import type { SafeError } from "../src/support/errors.ts";
import type { TaskName } from "./task.ts";

/** A task for a pool thread. `rest` is the packed input without its body. */
export interface WorkerRequest {
  readonly task: TaskName;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly encoding: ResponseBody["encoding"];
  readonly format: ResponseBody["format"];
  readonly rest: Uint8Array<ArrayBuffer>;
  /** Shared memory: when the task started and ended, on the machine's monotonic clock in nanoseconds; 0 before. */
  readonly marks: BigInt64Array<SharedArrayBuffer>;
}

/** Indexes of `marks`. */
export const STARTED = 0;
export const ENDED = 1;

/** What comes back, packed. */
export type WorkerAnswer = { readonly output: unknown } | { readonly error: SafeError };
