// In which order the children of an actor stop that stops or restarts.
import type { RestartPlan } from "./supervision.ts";
import type { StopReason } from "./types.ts";

/** An incarnation on its way out. */
export interface Departure<C> {
  readonly reason: StopReason;
  /** Children that have to go first, the next one last. */
  readonly children: C[];
  /** What follows; undefined: nothing. */
  readonly plan: RestartPlan | undefined;
}

/** A child as far as its end goes. */
export interface Leaving {
  readonly kind: string;
  readonly state: string;
  stop(reason: "stopped" | "shutdown"): void;
}

/**
 * Asks the children to stop, the last started first, and returns whether all are gone. Neighbours of one kind are peers and
 * stop together, so that the final runs of a thousand of them take as long as one; a child of another kind is asked only when
 * all that started after it are gone.
 */
export function childrenGone({ reason, children }: Departure<Leaving>): boolean {
  for (;;) {
    const last = children.at(-1);
    if (last === undefined) return true;
    if (last.state === "stopping") return false;
    if (last.state === "gone") {
      children.pop();
      continue;
    }
    for (let i = children.length - 1; i >= 0 && children[i]?.kind === last.kind; i--) {
      children[i]?.stop(reason === "shutdown" ? "shutdown" : "stopped");
    }
  }
}
