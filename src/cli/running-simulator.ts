// Finds the simulator that runs on this machine, for commands that talk to it.
import { AdminClient } from "../simulator/admin-client.ts";
import { findSimulators } from "../simulator/process.ts";
import { ClusterPulseError } from "../support/errors.ts";

/** The only one, or the one with that process id. Throws ClusterPulseError NO_SIMULATOR or SEVERAL_SIMULATORS. */
export async function runningSimulator(pid: number | undefined): Promise<AdminClient> {
  const running = await findSimulators();
  const [first, second] = pid === undefined ? running : running.filter((simulator) => simulator.pid === pid);
  if (first === undefined) {
    throw new ClusterPulseError(
      "NO_SIMULATOR",
      pid === undefined ? 'no simulator runs here; start one with "npm start"' : `no simulator has process id ${pid}`,
    );
  }
  if (second !== undefined) {
    throw new ClusterPulseError(
      "SEVERAL_SIMULATORS",
      `several simulators run; choose one with --simulator ${running.map(({ pid }) => pid).join(" or ")}`,
    );
  }
  return new AdminClient(first.admin, { onSilent: warnOnce() });
}

/** For AdminClient's onSilent: says on standard error what answers lack, and again only when it is another process. */
export function warnOnce(): (processes: string) => void {
  let told = "";
  return (processes) => {
    if (processes !== told) process.stderr.write(`clusterpulse: no answer from ${processes}; what it has is missing\n`);
    told = processes;
  };
}
