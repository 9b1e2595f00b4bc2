// What a pool thread runs: one request at a time, bytes in, bytes out. Errors go back as code and message, since a thrown error would lose
// its code on the way.
import { move } from "piscina";
import { MAX_INFLATED_BYTES } from "../src/kube/list-page.ts";
import { safeError } from "../src/support/errors.ts";
import { pack, unpack } from "./codec.ts";
import { ENDED, STARTED, type WorkerAnswer, type WorkerRequest } from "./protocol.ts";
import type { TaskInput } from "./task.ts";
import { runTask } from "./tasks.ts";

export default function work(request: WorkerRequest): unknown {
  Atomics.store(request.marks, STARTED, process.hrtime.bigint());
  const packed = pack(answerTo(request));
  Atomics.store(request.marks, ENDED, process.hrtime.bigint());
  return move(packed);
}

function answerTo({ task, bytes, encoding, format, rest }: WorkerRequest): WorkerAnswer {
  try {
    const input = { ...(unpack(rest) as object), body: { bytes, encoding, format } } as TaskInput<typeof task>;
    return { output: runTask(task, input, MAX_INFLATED_BYTES) };
  } catch (error) {
    return { error: safeError(error) };
  }
}
