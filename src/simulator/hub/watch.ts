// One watch: first what the start version asks for, then every event that the selectors let through, with bookmarks between, until
// its time is up. An object that leaves the selection is DELETED for this watch, one that enters it is ADDED.
import type { Cancel, Clock } from "../../support/clock.ts";
import { apiVersionOf } from "../http/catalog.ts";
import type { ObjectForm, WatchSink } from "../http/engine.ts";
import { apiErrors } from "../http/status.ts";
import { type KubeObject, StoredObject } from "./object.ts";
import type { HubStore, StoreEvent, Table } from "./store.ts";

export interface WatchOptions {
  /** Undefined: the newest state first. */
  readonly startRevision: number | undefined;
  /** Ends the initial state with an annotated bookmark. */
  readonly sendInitialEvents: boolean;
  readonly bookmarks: boolean;
  readonly timeoutMs: number;
  readonly form: ObjectForm;
  readonly selects: (object: KubeObject) => boolean;
}

const bookmarkIntervalMs = 60_000;
/** The last bookmark comes this long before the end, so that the client resumes from there. */
const lastBookmarkMs = 2_000;

/** Streams into `sink` until stopped or timed out. Returns what stops it. */
export function runWatch(
  store: HubStore,
  table: Table,
  options: WatchOptions,
  sink: WatchSink,
  clock: Clock,
): () => void {
  const backlog = options.startRevision === undefined ? [] : table.eventsAfter(options.startRevision);
  if (backlog === undefined) {
    const message = `too old resource version: ${options.startRevision} (${table.forgottenRevision + 1})`;
    sink.write(watchLine("ERROR", JSON.stringify(apiErrors.expired(message).toStatus())));
    sink.end();
    return () => {};
  }
  const send = (event: StoreEvent): void => {
    const line = eventLine(event, options);
    if (line !== undefined) sink.write(line);
  };
  const bookmark = (annotations?: Record<string, string>): void => {
    sink.write(watchLine("BOOKMARK", bookmarkText(table, store.revision, options.form, annotations)));
  };
  const unsubscribe = table.subscribe(send);
  if (options.startRevision === undefined) {
    for (const stored of table.list()) {
      if (options.selects(stored.object)) sink.write(watchLine("ADDED", stored.text(options.form)));
    }
  } else {
    for (const event of backlog) send(event);
  }
  if (options.sendInitialEvents) bookmark({ "k8s.io/initial-events-end": "true" });
  const cancelBookmarks = options.bookmarks ? scheduleBookmarks(bookmark, options.timeoutMs, clock) : () => {};
  const cancelTimeout = clock.setTimer(() => {
    stop();
    sink.end();
  }, options.timeoutMs);
  const stop = (): void => {
    unsubscribe();
    cancelBookmarks();
    cancelTimeout();
  };
  return stop;
}

/** Calls `bookmark` every minute and once shortly before the end. */
function scheduleBookmarks(bookmark: () => void, timeoutMs: number, clock: Clock): Cancel {
  const lastMs = clock.monotonicMs() + Math.max(0, timeoutMs - lastBookmarkMs);
  let cancel: Cancel;
  const next = (): void => {
    const leftMs = lastMs - clock.monotonicMs();
    cancel = clock.setTimer(
      () => {
        bookmark();
        if (leftMs > bookmarkIntervalMs) next();
      },
      Math.min(bookmarkIntervalMs, leftMs),
    );
  };
  next();
  return () => cancel();
}

function eventLine(event: StoreEvent, options: WatchOptions): string | undefined {
  const { current, previous } = event;
  const before = previous !== undefined && options.selects(previous.object);
  const after = event.type !== "DELETED" && options.selects(current.object);
  if (after) return watchLine(before ? "MODIFIED" : "ADDED", current.text(options.form));
  if (!before || previous === undefined) return undefined;
  if (event.type === "DELETED") return watchLine("DELETED", current.text(options.form));
  // The object lives on outside the selection: this watch sees its last selected state under the new version.
  const { resourceVersion } = current.object.metadata;
  const left = { ...previous.object, metadata: { ...previous.object.metadata, resourceVersion } };
  return watchLine("DELETED", new StoredObject(left).text(options.form));
}

function bookmarkText(table: Table, revision: number, form: ObjectForm, annotations?: Record<string, string>): string {
  const isFull = form === "full";
  return JSON.stringify({
    kind: isFull ? table.type.kind : "PartialObjectMetadata",
    apiVersion: isFull ? apiVersionOf(table.type) : "meta.k8s.io/v1",
    metadata: { resourceVersion: String(revision), ...(annotations ? { annotations } : {}) },
  });
}

const watchLine = (type: StoreEvent["type"] | "BOOKMARK" | "ERROR", objectText: string): string =>
  `{"type":"${type}","object":${objectText}}`;
