// The Secret that an actor depends on: watched while it is named. Tells a new version from a notice that says nothing new.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { secrets } from "../../src/api/v1alpha1/resources.ts";
import type { ActorRef } from "../system/index.ts";
import type { InformerMessage, ObjectCache, ObjectChanged } from "./informer.ts";

export class WatchedSecret {
  readonly #cache: ObjectCache;
  readonly #informer: ActorRef<InformerMessage>;
  readonly #subscriber: ActorRef<ObjectChanged>;
  #current: { readonly key: string; version: string | undefined } | undefined;

  /** @param subscriber whom the informer is to tell of changes */
  constructor(
    { cache, informer }: { readonly cache: ObjectCache; readonly informer: ActorRef<InformerMessage> },
    subscriber: ActorRef<ObjectChanged>,
  ) {
    this.#cache = cache;
    this.#informer = informer;
    this.#subscriber = subscriber;
  }

  /** From now on this one (`namespace/name`), or none. */
  watch(key: string | undefined): void {
    const former = this.#current;
    if (key === former?.key) return;
    const [kind, subscriber] = [secrets.kind, this.#subscriber];
    if (former !== undefined) this.#informer.tell({ type: "forget", kind, key: former.key, subscriber });
    this.#current = key === undefined ? undefined : { key, version: this.#versionOf(key) };
    if (key !== undefined) this.#informer.tell({ type: "interest", kind, key, subscriber });
  }

  /** Whether it has another version than when this was last asked. */
  hasChanged(): boolean {
    if (this.#current === undefined) return false;
    const version = this.#versionOf(this.#current.key);
    if (version === this.#current.version) return false;
    this.#current.version = version;
    return true;
  }

  #versionOf(key: string): string | undefined {
    const secret = this.#cache.get(secrets.kind, key) as KubeObject | undefined;
    return secret?.metadata.resourceVersion;
  }
}
