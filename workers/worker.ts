// What a pool thread runs: one request at a time, bytes in, bytes out. Errors go back as code and message, since a thrown error would lose
// its code on the way. A body's memory is given back with the answer: left to the collector, which sees a small heap, a thread
// holds some fifty megabytes of bodies that nobody reads.
import { move } from "piscina";
import { inflate, MAX_INFLATED_BYTES } from "../src/kube/list-page.ts";
import { safeError } from "../src/support/errors.ts";
import { freeMemory } from "../src/support/free-memory.ts";
import { pack, unpack } from "./codec.ts";
import { ENDED, STARTED, type WorkerAnswer, type WorkerRequest } from "./protocol.ts";
import type { TaskInput } from "./task.ts";
import { runTask } from "./tasks.ts";

/** Buffers up to this size may lie in a slab that they share with others. */
const maxSharedBytes = 2 * Buffer.poolSize;

export default function work(request: WorkerRequest): unknown {
  Atomics.store(request.marks, STARTED, process.hrtime.bigint());
  const packed = packedAnswer(request);
  Atomics.store(request.marks, ENDED, process.hrtime.bigint());
  return move(packed);
}

function packedAnswer({ task, bytes, encoding, format, rest }: WorkerRequest): Uint8Array<ArrayBuffer> {
  let inflated: Uint8Array<ArrayBuffer> = bytes;
  try {
    inflated = inflate({ bytes, encoding, format }, MAX_INFLATED_BYTES);
    const body = { bytes: inflated, encoding: "identity", format };
    const input = { ...(unpack(rest) as object), body } as TaskInput<typeof task>;
    return pack({ output: runTask(task, input, MAX_INFLATED_BYTES) } satisfies WorkerAnswer);
  } catch (error) {
    return pack({ error: safeError(error) } satisfies WorkerAnswer);
  } finally {
    if (inflated.buffer.byteLength > maxSharedBytes) freeMemory(inflated.buffer);
    freeMemory(bytes.buffer);
  }
}
