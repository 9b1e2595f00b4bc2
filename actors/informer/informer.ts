// Holds every watch on the hub's own API and tells exactly those who asked that an object changed. Notices carry the key,
// never the object: whoever is told reads the newest state from the cache. Interests and caches outlive a restart.

import { fullJitterMs } from "../../src/support/backoff.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef, RunOutcome } from "../system/index.ts";

/** One watched kind: a reflector as the informer sees it. */
export interface WatchedSource {
  /** True once the first list is complete. */
  readonly synced: boolean;
  /** Lists and watches until aborted; keeps the cache and the set of changed keys. */
  run(signal: AbortSignal): Promise<void>;
  /** The keys that changed since the last call, and forgets them. */
  takeChangedKeys(): readonly string[];
  /** The newest object of that key, or undefined when there is none. */
  get(key: string): unknown;
  keys(): Iterable<string>;
}

/** What subscribers hear. `key` is `namespace/name`; an object that is no longer in the cache was deleted. */
export interface ObjectChanged {
  readonly type: "object-changed";
  readonly kind: string;
  readonly key: string;
}

export type InformerMessage =
  /** Tell `subscriber` of `key` (null: of every object) from now on, and at once of what is there already. */
  | {
      readonly type: "interest";
      readonly kind: string;
      readonly key: string | null;
      readonly subscriber: ActorRef<ObjectChanged>;
    }
  | {
      readonly type: "forget";
      readonly kind: string;
      readonly key: string | null;
      readonly subscriber: ActorRef<ObjectChanged>;
    }
  | { readonly type: "source-changed"; readonly kind: string }
  | { readonly type: "start-source"; readonly kind: string }
  | { readonly type: "source-ended"; readonly kind: string; readonly outcome: RunOutcome<void> };

/** The caches of all watched kinds, for reading. */
export interface ObjectCache {
  get(kind: string, key: string): unknown;
  keys(kind: string): Iterable<string>;
  /** True once every kind had its first complete list. */
  synced(): boolean;
}

const retryMs = { firstMs: 1_000, maxMs: 30_000 };
/** A watch loop has a deadline like every run: once a day it begins anew, with a list. */
const watchDeadlineMs = 86_400_000;

/**
 * The definition of the informer.
 * @param createSources makes the watched kinds; the given function is to be called whenever a kind's set of changed keys stops being empty
 */
export function informer(createSources: (onChange: (kind: string) => void) => ReadonlyMap<string, WatchedSource>): {
  definition: ActorDefinition<InformerMessage>;
  cache: ObjectCache;
  /** How many subscriptions there are. */
  interests(): number;
} {
  let wake: (kind: string) => void = () => undefined;
  const sources = createSources((kind) => wake(kind));
  const interests = new Interests();
  return {
    definition: {
      kind: "informer",
      create: (context) => {
        wake = (kind) => void context.self.tell({ type: "source-changed", kind });
        return new InformerActor(context, sources, interests);
      },
      keyOf: (message) =>
        message.type === "source-changed" || message.type === "start-source"
          ? `${message.type} ${message.kind}`
          : undefined,
      // One interest and one forget per cluster may arrive in a burst when a whole fleet starts.
      mailbox: { userCapacity: 65_536 },
    },
    interests: () => interests.count,
    cache: {
      get: (kind, key) => sources.get(kind)?.get(key),
      keys: (kind) => sources.get(kind)?.keys() ?? [],
      synced: () => [...sources.values()].every((source) => source.synced),
    },
  };
}

/** Who wants to hear of what. */
class Interests {
  readonly #byObject = new Map<string, Set<ActorRef<ObjectChanged>>>();

  add(kind: string, key: string | null, subscriber: ActorRef<ObjectChanged>): void {
    const id = `${kind} ${key ?? "*"}`;
    const subscribers = this.#byObject.get(id) ?? new Set();
    this.#byObject.set(id, subscribers.add(subscriber));
  }

  remove(kind: string, key: string | null, subscriber: ActorRef<ObjectChanged>): void {
    const id = `${kind} ${key ?? "*"}`;
    const subscribers = this.#byObject.get(id);
    if (subscribers?.delete(subscriber) && subscribers.size === 0) this.#byObject.delete(id);
  }

  get count(): number {
    let count = 0;
    for (const subscribers of this.#byObject.values()) count += subscribers.size;
    return count;
  }

  *of(kind: string, key: string): Iterable<ActorRef<ObjectChanged>> {
    yield* this.#byObject.get(`${kind} *`) ?? [];
    yield* this.#byObject.get(`${kind} ${key}`) ?? [];
  }
}

class InformerActor implements Actor<InformerMessage> {
  readonly #context: ActorContext<InformerMessage>;
  readonly #sources: ReadonlyMap<string, WatchedSource>;
  readonly #interests: Interests;
  readonly #failures = new Map<string, number>();

  constructor(
    context: ActorContext<InformerMessage>,
    sources: ReadonlyMap<string, WatchedSource>,
    interests: Interests,
  ) {
    this.#context = context;
    this.#sources = sources;
    this.#interests = interests;
  }

  onStart(): void {
    for (const kind of this.#sources.keys()) this.#startSource(kind);
  }

  onMessage(message: InformerMessage): void {
    switch (message.type) {
      case "interest": {
        // What is known to have changed goes to the others first, so that nothing is told of twice or forgotten.
        this.#announceChanges(message.kind);
        this.#interests.add(message.kind, message.key, message.subscriber);
        const source = this.#sources.get(message.kind);
        const keys =
          message.key === null ? (source?.keys() ?? []) : source?.get(message.key) === undefined ? [] : [message.key];
        for (const key of keys) message.subscriber.tell({ type: "object-changed", kind: message.kind, key });
        return;
      }
      case "forget":
        this.#interests.remove(message.kind, message.key, message.subscriber);
        return;
      case "source-changed":
        this.#announceChanges(message.kind);
        return;
      case "start-source":
        this.#startSource(message.kind);
        return;
      case "source-ended":
        this.#sourceEnded(message.kind, message.outcome);
        return;
    }
  }

  #announceChanges(kind: string): void {
    for (const key of this.#sources.get(kind)?.takeChangedKeys() ?? []) {
      for (const subscriber of this.#interests.of(kind, key)) subscriber.tell({ type: "object-changed", kind, key });
    }
  }

  #startSource(kind: string): void {
    const source = this.#sources.get(kind);
    if (source === undefined) return;
    this.#context.run<void>(
      `watch ${kind}`,
      { deadlineMs: watchDeadlineMs, onEnd: (outcome) => ({ type: "source-ended", kind, outcome }) },
      (signal) => source.run(signal),
    );
  }

  #sourceEnded(kind: string, outcome: RunOutcome<void>): void {
    if (outcome.status === "deadline") {
      this.#startSource(kind);
      return;
    }
    const failures = (this.#failures.get(kind) ?? 0) + 1;
    this.#failures.set(kind, failures);
    const error =
      outcome.status === "failed" ? outcome.error : { code: "WATCH_ENDED", message: "the watch loop ended" };
    this.#context.log.warn({ error, kind }, "the watch of a kind ended; it starts again");
    this.#context.timers.once(`start ${kind}`, fullJitterMs(retryMs, failures, this.#context.random), {
      type: "start-source",
      kind,
    });
  }
}
