// What introspection shows: read from the cells' counters, never through a mailbox, so that a busy, stuck or degraded actor
// is shown like any other.
import type { AnyCell } from "./cell.ts";
import type { ActorSnapshot } from "./types.ts";

/** The actors below `parent`, parents before children, children in start order. */
export function snapshotBelow(parent: AnyCell): ActorSnapshot[] {
  const { clock } = parent.runtime;
  const epochOffsetMs = clock.nowMs() - clock.monotonicMs();
  const found: ActorSnapshot[] = [];
  const visit = (cell: AnyCell): void => {
    for (const child of cell.childCells()) {
      found.push(snapshotOf(child, epochOffsetMs));
      visit(child);
    }
  };
  visit(parent);
  return found;
}

/** @param epochOffsetMs what to add to a monotonic reading to get epoch milliseconds */
function snapshotOf(cell: AnyCell, epochOffsetMs: number): ActorSnapshot {
  const { user, system, blueprint, context, annex } = cell;
  const nextDueMs = context?.nextTimerDueMs;
  return {
    path: cell.path,
    kind: cell.kind,
    state: cell.state === "gone" ? "stopping" : cell.state,
    mailbox: {
      ...cell.depth,
      userCapacity: blueprint.userCapacity,
      systemCapacity: blueprint.systemCapacity,
      highWater: Math.max(cell.highWater, cell.waiting, cell.processed > 0 ? 1 : 0),
      coalesced: (user?.coalesced ?? 0) + (system?.coalesced ?? 0),
      overflowed: (user?.overflowed ?? 0) + (system?.overflowed ?? 0),
    },
    processed: cell.processed,
    restarts: annex?.failures?.restarts ?? 0,
    lastError: annex?.failures?.last ?? null,
    runs: (context?.listRuns() ?? []).map(({ name, startedMs, deadlineMs }) => ({
      name,
      startedAtMs: startedMs + epochOffsetMs,
      deadlineAtMs: deadlineMs + epochOffsetMs,
    })),
    skippedRuns: annex?.skippedRuns ?? 0,
    skippedTicks: annex?.skippedTicks ?? 0,
    nextTimerAtMs: nextDueMs === undefined ? null : nextDueMs + epochOffsetMs,
    deadLetters: annex?.letters?.count ?? 0,
    ...factsOf(cell),
  };
}

function factsOf({ blueprint }: AnyCell): Pick<ActorSnapshot, "facts"> {
  try {
    const facts = blueprint.definition.facts?.();
    return facts === undefined ? {} : { facts };
  } catch {
    return {};
  }
}
