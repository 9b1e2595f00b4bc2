// A kubelet on a thread of its own: it asks a probe every 100 ms, also while this thread does nothing else, and remembers the answers.
import { once } from "node:events";
import { Worker } from "node:worker_threads";

export interface ProbeResult {
  /** 0: no answer within ten seconds. */
  readonly status: number;
  readonly text: string;
}

const code = `
  const { parentPort, workerData } = require("node:worker_threads");
  const results = [];
  const ask = async () => {
    const result = await fetch(workerData, { signal: AbortSignal.timeout(10_000) }).then(
      async (response) => ({ status: response.status, text: await response.text() }),
      () => ({ status: 0, text: "" }),
    );
    results.push(result);
    setTimeout(ask, 100);
  };
  ask();
  parentPort.on("message", () => {
    parentPort.postMessage(results);
    process.exit(0);
  });
`;

export function startKubelet(url: string): { stop(): Promise<readonly ProbeResult[]> } {
  const worker = new Worker(code, { eval: true, workerData: url, execArgv: [] });
  return {
    async stop() {
      const results = once(worker, "message");
      worker.postMessage("stop");
      return (await results)[0] as ProbeResult[];
    },
  };
}

/** Keeps this thread, and its event loop, from doing anything else. */
export function blockThread(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
