// Liveness and readiness from a thread of its own: they are answered also while the event loop of the process is busy, and say so.
// A loop that is busy for seconds is a late hub and no dead one; one that has not turned for a minute is told to be restarted.
// If the thread itself ends, nobody answers, which has the same effect.
import { Worker } from "node:worker_threads";
import { bareEnvironment } from "../support/bare-environment.ts";
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import type { HealthReport } from "./ports.ts";
import type { SideServer } from "./side-server.ts";

export interface ProbeThreadData {
  readonly address: { readonly host: string; readonly port: number };
  readonly flag: string;
  /** When the loop last turned: process.hrtime, which all threads share. */
  readonly beat: BigInt64Array;
  readonly stalledAfterMs: number;
}

/** What the thread says first. */
export type ProbeThreadStart =
  | { readonly port: number }
  | { readonly failed: { readonly code: string; readonly message: string } };

const beatMs = 250;
const defaultStalledAfterMs = 60_000;

/**
 * Listens on `address`. Rejects with PORT_IN_USE or LISTEN_FAILED.
 * @param flag the flag that chooses another address, for the message
 */
export async function startProbeThread(
  address: { readonly host: string; readonly port: number },
  flag: string,
  clock: Clock,
  health: () => HealthReport,
  { stalledAfterMs = defaultStalledAfterMs }: { readonly stalledAfterMs?: number } = {},
): Promise<SideServer> {
  const beat = new BigInt64Array(new SharedArrayBuffer(8));
  const workerData: ProbeThreadData = { address, flag, beat, stalledAfterMs };
  const worker = new Worker(new URL("./probe-worker.ts", import.meta.url), {
    workerData,
    env: bareEnvironment(),
    execArgv: [],
  });
  worker.unref();
  let said = "";
  let cancel = (): void => undefined;
  const tell = (): void => {
    Atomics.store(beat, 0, process.hrtime.bigint());
    const report = health();
    const text = JSON.stringify(report);
    if (text !== said) worker.postMessage(report);
    said = text;
    cancel = clock.setTimer(tell, beatMs);
  };
  const close = async (): Promise<void> => {
    cancel();
    await worker.terminate();
  };
  tell();
  const started = await new Promise<ProbeThreadStart>((resolve) => {
    worker.once("message", resolve);
    const ended = (): void => resolve({ failed: { code: "LISTEN_FAILED", message: "the thread of the probes ended" } });
    worker.once("error", ended);
    worker.once("exit", ended);
  });
  // Later errors end the thread, and with it the answers.
  worker.on("error", () => undefined);
  if ("failed" in started) {
    await close();
    throw new ClusterPulseError(started.failed.code, started.failed.message);
  }
  return { host: address.host, port: started.port, close };
}
