// Turns the flat list of actors into the rows of the supervision tree: parents before children, the troubled first, and
// totals. Pure: the present is an argument.
import type { ActorSnapshot } from "./api.ts";

/** Why an actor deserves a look, in words; empty when it does not. */
export function troublesOf(actor: ActorSnapshot, nowMs: number): string[] {
  const troubles: string[] = [];
  if (actor.state !== "running") troubles.push(actor.state);
  const { breaker } = actor.facts ?? {};
  if (breaker !== undefined && breaker !== "closed") troubles.push(`circuit breaker ${breaker}`);
  if (actor.restarts > 0) troubles.push(actor.restarts === 1 ? "restarted once" : `restarted ${actor.restarts} times`);
  if (actor.mailbox.overflowed > 0) troubles.push(`mailbox overflowed ${actor.mailbox.overflowed} times`);
  for (const run of actor.runs) {
    if (runShare(run, nowMs) > 0.8) troubles.push(`run ${run.name} is near its deadline`);
  }
  return troubles;
}

/** How much of its deadline a run has used, from 0 to 1. */
export function runShare(run: ActorSnapshot["runs"][number], nowMs: number): number {
  const whole = Math.max(1, run.deadlineAtMs - run.startedAtMs);
  return Math.min(1, Math.max(0, (nowMs - run.startedAtMs) / whole));
}

export interface ActorNode {
  readonly path: string;
  readonly name: string;
  /** Null for a level of the path that no listed actor has. */
  readonly actor: ActorSnapshot | null;
  readonly children: readonly ActorNode[];
  readonly troubles: readonly string[];
  /** Troubled actors below this one. */
  readonly troubledBelow: number;
  /** Actors below this one. */
  readonly below: number;
}

interface Draft {
  path: string;
  name: string;
  actor: ActorSnapshot | null;
  children: Map<string, Draft>;
}

/** The tree by path: troubled children first, then those with troubled descendants, then by name. */
export function buildActorTree(actors: readonly ActorSnapshot[], nowMs: number): ActorNode[] {
  const root: Draft = { path: "", name: "", actor: null, children: new Map() };
  for (const actor of actors) {
    let at = root;
    for (const name of actor.path.split("/").filter(Boolean)) {
      let next = at.children.get(name);
      if (next === undefined) {
        next = { path: `${at.path}/${name}`, name, actor: null, children: new Map() };
        at.children.set(name, next);
      }
      at = next;
    }
    at.actor = actor;
  }
  return finish(root, nowMs).children as ActorNode[];
}

const names = new Intl.Collator("en", { numeric: true });

function finish(draft: Draft, nowMs: number): ActorNode {
  const children = [...draft.children.values()].map((child) => finish(child, nowMs));
  children.sort(
    (a, b) =>
      Number(b.troubles.length > 0) - Number(a.troubles.length > 0) ||
      Number(b.troubledBelow > 0) - Number(a.troubledBelow > 0) ||
      names.compare(a.name, b.name),
  );
  let below = 0;
  let troubledBelow = 0;
  for (const child of children) {
    below += child.below + (child.actor === null ? 0 : 1);
    troubledBelow += child.troubledBelow + (child.troubles.length > 0 ? 1 : 0);
  }
  const troubles = draft.actor === null ? [] : troublesOf(draft.actor, nowMs);
  return { path: draft.path, name: draft.name, actor: draft.actor, children, troubles, troubledBelow, below };
}

export interface ActorTreeRow {
  readonly node: ActorNode;
  /** 1 for roots. */
  readonly level: number;
  readonly isFolded: boolean;
}

export interface ActorTreeView {
  readonly folded: ReadonlySet<string>;
  /** Show only what is troubled, with its parents. */
  readonly onlyTroubled: boolean;
  /** Show only actors whose path or kind contains this, with their parents. */
  readonly text: string;
}

/** The visible rows of the tree, top to bottom. While a text is searched for, folds do not hide what was found. */
export function flattenActorTree(roots: readonly ActorNode[], view: ActorTreeView): ActorTreeRow[] {
  const rows: ActorTreeRow[] = [];
  const text = view.text.trim().toLowerCase();
  const wanted = (node: ActorNode): boolean =>
    (!view.onlyTroubled || node.troubles.length > 0) &&
    (text === "" || node.path.toLowerCase().includes(text) || (node.actor?.kind.toLowerCase().includes(text) ?? false));
  const visit = (nodes: readonly ActorNode[], level: number): boolean => {
    let found = false;
    for (const node of nodes) {
      const isFolded = view.folded.has(node.path) && node.children.length > 0 && text === "" && !view.onlyTroubled;
      const at = rows.push({ node, level, isFolded }) - 1;
      const below = isFolded ? false : visit(node.children, level + 1);
      if (below || wanted(node)) found = true;
      else rows.length = at;
    }
    return found;
  };
  visit(roots, 1);
  return rows;
}

export interface ActorTotals {
  readonly actors: number;
  readonly troubled: number;
  readonly waiting: number;
  readonly processed: number;
  readonly restarts: number;
  readonly runs: number;
  readonly skippedTicks: number;
  readonly deadLetters: number;
}

/** Sums over all actors. */
export function totalsOf(actors: readonly ActorSnapshot[], nowMs: number): ActorTotals {
  const totals = {
    actors: 0,
    troubled: 0,
    waiting: 0,
    processed: 0,
    restarts: 0,
    runs: 0,
    skippedTicks: 0,
    deadLetters: 0,
  };
  for (const actor of actors) {
    totals.actors += 1;
    totals.troubled += troublesOf(actor, nowMs).length > 0 ? 1 : 0;
    totals.waiting += actor.mailbox.user + actor.mailbox.system;
    totals.processed += actor.processed;
    totals.restarts += actor.restarts;
    totals.runs += actor.runs.length;
    totals.skippedTicks += actor.skippedTicks;
    totals.deadLetters += actor.deadLetters;
  }
  return totals;
}
