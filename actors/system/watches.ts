// Who is told of whose end: kept on both sides, so that either can go first.
import type { Annex } from "./annex.ts";

/** An actor as far as watching goes. */
export interface Watchable {
  readonly state: string;
  readonly annex: Annex<unknown> | undefined;
  ownAnnex(): Annex<unknown>;
}

/** Tells `watcher` once, by `tell`, when `watched` is gone; at once when it is. Watching again replaces what is told. */
export function watch(watcher: Watchable, watched: Watchable, tell: () => void): void {
  if (watched.state === "gone") {
    tell();
    return;
  }
  const own = watcher.ownAnnex();
  const theirs = watched.ownAnnex();
  own.watching ??= new Set();
  own.watching.add(watched);
  theirs.watchers ??= new Map();
  theirs.watchers.set(watcher, () => {
    watcher.annex?.watching?.delete(watched);
    tell();
  });
}

export function unwatch(watcher: Watchable, watched: Watchable): void {
  watched.annex?.watchers?.delete(watcher);
  watcher.annex?.watching?.delete(watched);
}

/** Ends all that the watcher waits for. */
export function unwatchAll(watcher: Watchable): void {
  const { annex } = watcher;
  if (annex?.watching === undefined) return;
  for (const watched of annex.watching as Set<Watchable>) watched.annex?.watchers?.delete(watcher);
  annex.watching = undefined;
}
