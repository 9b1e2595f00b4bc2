// The pool's worker with planted faults: a body that holds "fault:NAME" does to its thread what no task should.
import { move } from "piscina";
import { pack } from "../../workers/codec.ts";
import { ENDED, STARTED, type WorkerRequest } from "../../workers/protocol.ts";
import work from "../../workers/worker.ts";

export default function faultyWork(request: WorkerRequest): unknown {
  const fault = /fault:([a-z-]+)/.exec(Buffer.from(request.bytes).toString("latin1"))?.[1];
  switch (fault) {
    case undefined:
      return work(request);
    // The second mark stands free until the first is set: it counts how often a thread saw this task.
    case "gone-once":
      if (Atomics.add(request.marks, ENDED, 1n) === 0n) process.exit(1);
      return work(request);
    case "gone-always":
      return process.exit(1);
  }
  Atomics.store(request.marks, STARTED, process.hrtime.bigint());
  switch (fault) {
    case "exit":
      return process.exit(3);
    case "regex":
      return /^(?:a+)+$/.test(`${"a".repeat(64)}!`);
    case "heap":
      for (const hoard: number[][] = []; ; ) hoard.push(new Array(100_000).fill(hoard.length));
    case "environment":
      return move(pack({ output: { gitVersion: JSON.stringify(process.env), platform: process.execArgv.join(" ") } }));
  }
  throw new Error(`no fault is named ${fault}`);
}
