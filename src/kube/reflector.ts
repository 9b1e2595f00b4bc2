// Keeps a cache equal to a collection on an API server: list once, then watch, and list again whenever the watch may have
// missed something. Where the server offers it, the list comes as the first events of the watch; otherwise, and after any failure,
// it is an ordinary list. Guarantees: after the server behaves, the cache equals the collection within one relist interval,
// whatever came before (lost, doubled, late or garbled events, compaction, restored backups); no failure ends it and none
// makes it spin; after its signal aborts nothing happens any more. Does not: call its reader with objects; `onChange` says
// that there are changes, `takeChanges` hands them over.
import type { KubeObject } from "../api/v1alpha1/meta.ts";
import { type BackoffRange, fullJitterMs } from "../support/backoff.ts";
import type { Clock } from "../support/clock.ts";
import { safeError } from "../support/errors.ts";
import type { Logger } from "../support/log.ts";
import type { Random } from "../support/random.ts";
import { isKubeError, KubeError } from "./errors.ts";
import { InitialState } from "./initial-state.ts";
import { listObjects, type ObjectList, type Selection } from "./list.ts";
import { ObjectCache, type ObjectChange } from "./object-cache.ts";
import type { KubeTransport } from "./transport.ts";
import { sleep } from "./wait.ts";
import { type WatchEvent, type WatchOptions, watchEvents } from "./watch.ts";

/** Where a reflector's objects come from. Both must end soon after their signal aborts. */
export interface ObjectSource<T extends KubeObject> {
  /** Whether `watch` may be asked for initial events. */
  readonly watchLists?: boolean;
  list(options: { readonly signal: AbortSignal; readonly maxObjects: number }): Promise<ObjectList<T>>;
  watch(options: Omit<WatchOptions, keyof Selection>): AsyncIterable<WatchEvent<T>>;
}

/** The collection at `path` of an API server. */
export function objectSource<T extends KubeObject>(
  transport: Pick<KubeTransport, "requestJson" | "stream">,
  path: string,
  selection: Selection = {},
): ObjectSource<T> {
  return {
    watchLists: true,
    list: (options) => listObjects<T>(transport, path, { ...selection, ...options }),
    watch: (options) => watchEvents<T>(transport, path, { ...selection, ...options }),
  };
}

export interface ReflectorTimings {
  /** Between two attempts after a failure. */
  readonly backoff: BackoffRange;
  /** How long a lost event can stay unnoticed, give or take a tenth. */
  readonly relistIntervalMs: number;
  /** Between two lists that a watch asked for, plus up to half as much again. */
  readonly relistSpacingMs: number;
  /** Before a list that a watch asked for, so that a compaction does not bring all hubs back at once. */
  readonly relistJitterMs: number;
  /** How long the server keeps a watch open, plus up to half as much again: it ends each one itself, which says that it is there. */
  readonly watchSeconds: number;
  /** Longer than any watch is kept open: one that is silent for this long is dead, however seldom bookmarks come. */
  readonly idleTimeoutMs: number;
  /** Initial events that have not ended after this time come from a server that does not know them, or are better listed in pages. */
  readonly initialEventsDeadlineMs: number;
  /** A watch that ends sooner counts as a failure, however politely it ended. */
  readonly stableWatchMs: number;
}

export const defaultReflectorTimings: ReflectorTimings = {
  backoff: { firstMs: 1_000, maxMs: 30_000 },
  relistIntervalMs: 600_000,
  relistSpacingMs: 30_000,
  relistJitterMs: 2_000,
  watchSeconds: 30,
  idleTimeoutMs: 55_000,
  initialEventsDeadlineMs: 10_000,
  stableWatchMs: 10_000,
};

const defaultMaxObjects = 20_000;
const failuresBeforeRelist = 3;

export interface ReflectorOptions<T extends KubeObject> {
  /** What is watched, for the log. */
  readonly name: string;
  readonly source: ObjectSource<T>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called when there are changes to take and there were none before. */
  readonly onChange: () => void;
  /** Called once, after the first complete list and its `onChange`, even if the list is empty. */
  readonly onSynced?: () => void;
  readonly timings?: Partial<ReflectorTimings>;
  readonly maxObjects?: number;
}

export interface ReflectorState {
  /** Whether the cache has ever held a complete list. */
  readonly synced: boolean;
  /** When the server last said something that the cache agrees with; 0 before that. */
  readonly lastSyncedAtMs: number;
  readonly objects: number;
  readonly relists: number;
  readonly reconnects: number;
  /** False once the server has shown that a watch of its cannot begin with a list. */
  readonly watchLists: boolean;
  /** Why the last list or watch failed, until one works again. */
  readonly lastError: { readonly code: string; readonly message: string; readonly atMs: number } | undefined;
}

export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #timings: ReflectorTimings;
  readonly #cache: ObjectCache<T>;
  readonly #maxObjects: number;
  #running = false;
  #synced = false;
  #lastSyncedAtMs = 0;
  #lists = 0;
  #reconnects = 0;
  #lastError: ReflectorState["lastError"];
  /** Failures in a row, lists and watches alike. */
  #failures = 0;
  #listDueMs = 0;
  #lastListMs = 0;
  #versionLost = true;
  #watchLists: boolean;

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
    this.#timings = { ...defaultReflectorTimings, ...options.timings };
    this.#maxObjects = options.maxObjects ?? defaultMaxObjects;
    this.#cache = new ObjectCache(this.#maxObjects);
    this.#watchLists = options.source.watchLists ?? false;
  }

  get state(): ReflectorState {
    return {
      synced: this.#synced,
      lastSyncedAtMs: this.#lastSyncedAtMs,
      objects: this.#cache.size,
      relists: Math.max(0, this.#lists - 1),
      reconnects: this.#reconnects,
      watchLists: this.#watchLists,
      lastError: this.#lastError,
    };
  }

  /** The cached object under `namespace/name`. */
  get(key: string): T | undefined {
    return this.#cache.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#cache.keys();
  }

  /** What has changed since the last call, each key once and in its newest state. */
  takeChanges(): ObjectChange<T>[] {
    return this.#cache.takeChanges();
  }

  /** Reflects until `signal` aborts; resolves then, never rejects. May run again afterwards, but not twice at a time. */
  async run(signal: AbortSignal): Promise<void> {
    if (this.#running) throw new Error("the reflector is running already");
    this.#running = true;
    while (!signal.aborted) {
      const listDue = this.#versionLost || this.#options.clock.monotonicMs() >= this.#listDueMs;
      const plainList = listDue && (!this.#watchLists || this.#failures > 0);
      const pauseMs = plainList ? await this.#list(signal) : await this.#watch(signal, listDue);
      if (pauseMs > 0) await sleep(this.#options.clock, pauseMs, signal);
    }
    this.#running = false;
  }

  /** Lists and returns how long to wait before going on. */
  async #list(signal: AbortSignal): Promise<number> {
    try {
      const list = await this.#options.source.list({ signal, maxObjects: this.#maxObjects });
      if (signal.aborted) return 0;
      this.#replace(list);
      return 0;
    } catch (error) {
      return signal.aborted ? 0 : this.#failed("list", error);
    }
  }

  #replace(list: ObjectList<T>): void {
    const hadChanges = this.#cache.hasChanges;
    this.#cache.replace(list);
    const first = !this.#synced;
    this.#synced = true;
    this.#lists++;
    this.#lastListMs = this.#options.clock.monotonicMs();
    this.#listDueMs = this.#lastListMs + this.#timings.relistIntervalMs * (0.9 + 0.2 * this.#options.random());
    this.#versionLost = false;
    this.#worked();
    this.#tellChanges(hadChanges);
    if (first) this.#tell(this.#options.onSynced);
  }

  /** Returns false when the event makes no sense without a new list. */
  #apply(event: WatchEvent<T>): boolean {
    const hadChanges = this.#cache.hasChanges;
    const inOrder = this.#cache.apply(event);
    this.#worked();
    this.#tellChanges(hadChanges);
    return inOrder;
  }

  /**
   * Watches until the watch ends or a list is due, and returns how long to wait before going on.
   * @param initialEvents begin with a list
   */
  async #watch(signal: AbortSignal, initialEvents: boolean): Promise<number> {
    const { clock, random, source } = this.#options;
    const startedMs = clock.monotonicMs();
    let initial = initialEvents ? new InitialState<T>(this.#maxObjects) : undefined;
    const watch = new AbortController();
    const stop = () => watch.abort();
    const list = () => {
      this.#listDueMs = 0;
      stop();
    };
    signal.addEventListener("abort", stop, { once: true });
    let cancelRelist = initialEvents
      ? clock.setTimer(stop, this.#timings.initialEventsDeadlineMs)
      : clock.setTimer(list, this.#listDueMs - startedMs);
    let error: unknown;
    try {
      const events = source.watch({
        resourceVersion: this.#cache.version,
        initialEvents,
        timeoutSeconds: Math.floor(this.#timings.watchSeconds * (1 + random() / 2)),
        idleTimeoutMs: this.#timings.idleTimeoutMs,
        signal: watch.signal,
      });
      for await (const event of events) {
        if (watch.signal.aborted) break;
        if (initial !== undefined) {
          const complete = initial.add(event);
          if (complete === undefined) continue;
          initial = undefined;
          this.#replace(complete);
        } else {
          if (this.#apply(event)) continue;
          this.#relistSoon();
        }
        cancelRelist();
        cancelRelist = clock.setTimer(list, this.#listDueMs - clock.monotonicMs());
      }
    } catch (thrown) {
      error = thrown;
    } finally {
      cancelRelist();
      signal.removeEventListener("abort", stop);
    }
    if (initial !== undefined && !signal.aborted)
      return this.#initialEventsFailed(watch.signal.aborted ? undefined : error);
    if (watch.signal.aborted) return 0;
    this.#reconnects++;
    if (clock.monotonicMs() - startedMs >= this.#timings.stableWatchMs) this.#failures = 0;
    else if (error === undefined) return this.#backoffMs();
    return error === undefined ? 0 : this.#failed("watch", error);
  }

  /** @param error undefined if the initial events just did not end */
  #initialEventsFailed(error: unknown): number {
    const refused = isKubeError(error, "UNEXPECTED_STATUS") && (error.httpStatus === 400 || error.httpStatus === 422);
    if (error !== undefined && !refused) return this.#failed("list", error);
    this.#watchLists = false;
    this.#options.log.info(
      { reflector: this.#options.name },
      "the server does not begin watches with a list: listing instead",
    );
    return 0;
  }

  /** Takes note of a failure and returns how long to wait. */
  #failed(operation: "list" | "watch", error: unknown): number {
    const { clock, log, name } = this.#options;
    const { code, message } = safeError(error);
    this.#lastError = { code, message, atMs: clock.nowMs() };
    log.warn({ reflector: name, operation, code }, message);
    if (operation === "watch" && isKubeError(error, "GONE")) {
      this.#versionLost = true;
      return Math.max(this.#options.random() * this.#timings.relistJitterMs, this.#spacingLeftMs());
    }
    // A server that names a time is left alone for that long; the jitter on top keeps its clients apart.
    const waitMs = this.#backoffMs() + ((error instanceof KubeError && error.retryAfterMs) || 0);
    // What cannot be read now may be unreadable for ever at this version, and a version may have become one of the future.
    const unreadable = isKubeError(error, "BODY_MALFORMED", "BODY_TOO_LARGE", "TOO_MANY_OBJECTS");
    const repeated = this.#failures >= failuresBeforeRelist && !isKubeError(error, "RATE_LIMITED");
    if (unreadable || repeated) this.#relistSoon();
    return waitMs;
  }

  #backoffMs(): number {
    return fullJitterMs(this.#timings.backoff, ++this.#failures, this.#options.random);
  }

  #relistSoon(): void {
    this.#listDueMs = Math.min(this.#listDueMs, this.#options.clock.monotonicMs() + this.#spacingLeftMs());
  }

  #spacingLeftMs(): number {
    const spacingMs = this.#timings.relistSpacingMs * (1 + 0.5 * this.#options.random());
    return Math.max(0, this.#lastListMs + spacingMs - this.#options.clock.monotonicMs());
  }

  #worked(): void {
    this.#lastSyncedAtMs = this.#options.clock.nowMs();
    this.#lastError = undefined;
  }

  #tellChanges(hadChanges: boolean): void {
    if (!hadChanges && this.#cache.hasChanges) this.#tell(this.#options.onChange);
  }

  /** A reader that throws has a fault of its own, which must not become a fault of the watch. */
  #tell(callback: (() => void) | undefined): void {
    try {
      callback?.();
    } catch (error) {
      this.#options.log.error({ reflector: this.#options.name, err: error }, "a callback of the reflector failed");
    }
  }
}
