// A part of a fleet in a process of its own, as the process sees it that started it. The part ends with this process, also when this one
// is killed: the channel between them closes then.
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ClusterPulseError } from "../../support/errors.ts";
import { AdminClient } from "../admin-client.ts";
import type { PartAnswer, PartSetup } from "./part-setup.ts";

export interface PartProcess {
  readonly pid: number;
  readonly client: AdminClient;
  /** Resolves when the process is gone, with how it ended. */
  readonly ended: Promise<string>;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

const main = fileURLToPath(new URL("./part.ts", import.meta.url));
const readyDeadlineMs = 60_000;
const stopDeadlineMs = 1_000;

/** Resolves once it serves. Throws ClusterPulseError: what the part could not do, PART_ENDED or PART_LATE; nothing of it is left then. */
export async function startPart(setup: PartSetup): Promise<PartProcess> {
  // A process group of its own: Ctrl-C reaches the process that started it only, which stops its parts. What it is shows in ps.
  const child = fork(main, [`${setup.part + 1}/${setup.parts}`], {
    detached: true,
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const ended = new Promise<string>((resolve) => {
    child.once("exit", (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once("error", () => resolve("could not be started"));
  });
  const stop = async (): Promise<void> => {
    const killer = setTimeout(() => child.kill("SIGKILL"), stopDeadlineMs);
    if (child.connected) child.disconnect();
    await ended;
    clearTimeout(killer);
  };
  try {
    const answer = await firstAnswer(child, setup, ended);
    if (!answer.ready) throw new ClusterPulseError(answer.code, answer.message);
    return { pid: child.pid ?? 0, client: new AdminClient(answer.admin), ended, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function firstAnswer(child: ChildProcess, setup: PartSetup, ended: Promise<string>): Promise<PartAnswer> {
  const name = `process ${setup.part + 1} of ${setup.parts} for clusters`;
  return new Promise((resolve, reject) => {
    const late = `${name} did not serve within ${readyDeadlineMs / 1_000} s`;
    const timer = setTimeout(() => reject(new ClusterPulseError("PART_LATE", late)), readyDeadlineMs);
    timer.unref();
    child.once("message", (answer: PartAnswer) => resolve(answer));
    void ended
      .then((how) => reject(new ClusterPulseError("PART_ENDED", `${name} ended before it served (${how})`)))
      .finally(() => clearTimeout(timer));
    child.send(setup, () => undefined);
  });
}
