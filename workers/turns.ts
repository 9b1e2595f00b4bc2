// Which of the tasks that wait may begin now. Guarantees: none is given to a thread that is still starting, since that may take long on a busy
// machine and another may be free before; suspects, whose like has harmed a thread before, hold at most half of the threads that are up, so
// that what they do to theirs leaves the others one. Pure.
import { type Priority, priorities } from "./task.ts";

export interface Occupancy {
  readonly threads: number;
  /** Of those, the ones that are not up yet. */
  readonly starting: number;
  /** Tasks that have a thread, and how many of them are suspects. */
  readonly running: number;
  readonly suspects: number;
}

const trusted = priorities.filter((priority) => priority !== "suspect");

/** Those of these priorities. A pool of one thread has nothing to keep free. */
export function mayBegin({ threads, starting, running, suspects }: Occupancy): readonly Priority[] {
  const up = threads - starting;
  if (running >= up) return [];
  return suspects < (threads === 1 ? 1 : Math.floor(up / 2)) ? priorities : trusted;
}
