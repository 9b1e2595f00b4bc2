// What a reflector knows: the objects by key, the version up to which it knows them, and which keys have changed since its
// reader last asked. Level-triggered: a key that changed five times is handed over once, in its newest state. Bounded: at
// most `maxObjects` objects, and changes only of keys that are cached or were handed over before. Pure, no clock, no I/O.
import { type KubeObject, objectKey } from "../api/v1alpha1/meta.ts";
import { type ObjectList, tooManyObjects } from "./list.ts";
import { compareVersions } from "./object.ts";
import type { WatchEvent } from "./watch.ts";

export interface ObjectChange<T extends KubeObject> {
  readonly key: string;
  /** The newest state; undefined when the object is gone. */
  readonly object: T | undefined;
}

export class ObjectCache<T extends KubeObject> {
  readonly #maxObjects: number;
  readonly #objects = new Map<string, T>();
  readonly #changed = new Set<string>();
  /** Keys whose reader holds a state, and so must hear of their deletion. */
  readonly #handedOver = new Set<string>();
  #version = "";

  constructor(maxObjects: number) {
    this.#maxObjects = maxObjects;
  }

  /** Where a watch has to continue; empty before the first list. */
  get version(): string {
    return this.#version;
  }

  get size(): number {
    return this.#objects.size;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  /** Makes the cache equal to a complete list, whatever versions were known before. Throws TOO_MANY_OBJECTS and changes nothing then. */
  replace(list: ObjectList<T>): void {
    const listed = new Map(list.items.map((item) => [objectKey(item.metadata), item]));
    if (listed.size > this.#maxObjects) throw tooManyObjects(this.#maxObjects);
    for (const key of [...this.#objects.keys()]) {
      if (!listed.has(key)) this.#remove(key);
    }
    for (const [key, object] of listed) {
      const known = this.#objects.get(key);
      if (known === undefined || !sameState(known, object)) this.#set(key, object);
    }
    this.#version = list.resourceVersion;
  }

  /**
   * Applies one event of a watch. Returns false when the event is out of order in a way that may hide a change: it is not
   * applied then, and only a new list can tell the truth. Throws TOO_MANY_OBJECTS without taking note of the event.
   */
  apply(event: WatchEvent<T>): boolean {
    if (event.type === "BOOKMARK") {
      if (isForward(event.resourceVersion, this.#version)) this.#version = event.resourceVersion;
      return true;
    }
    const { object, type } = event;
    const key = objectKey(object.metadata);
    const version = object.metadata.resourceVersion as string;
    if (!isForward(version, this.#version)) return this.#applyLate(type, key, version);
    if (type === "DELETED") this.#remove(key);
    else if (this.#objects.has(key) || this.#objects.size < this.#maxObjects) this.#set(key, object);
    else throw tooManyObjects(this.#maxObjects);
    this.#version = version;
    return true;
  }

  /** What has changed since the last call, each key once. */
  takeChanges(): ObjectChange<T>[] {
    const changes: ObjectChange<T>[] = [];
    for (const key of this.#changed) {
      const object = this.#objects.get(key);
      if (object === undefined) this.#handedOver.delete(key);
      else this.#handedOver.add(key);
      changes.push({ key, object });
    }
    this.#changed.clear();
    return changes;
  }

  /** An event from before the newest one seen: harmless if it is a repetition of what is known. */
  #applyLate(type: "ADDED" | "MODIFIED" | "DELETED", key: string, version: string): boolean {
    const known = this.#objects.get(key)?.metadata.resourceVersion;
    if (known === undefined) return type === "DELETED";
    const order = compareVersions(version, known);
    // A deletion may carry the version of the state it removed.
    if (type === "DELETED" && order === 0) this.#remove(key);
    return order !== undefined && order <= 0;
  }

  #set(key: string, object: T): void {
    this.#objects.set(key, object);
    this.#changed.add(key);
  }

  #remove(key: string): void {
    if (!this.#objects.delete(key)) return;
    if (this.#handedOver.has(key)) this.#changed.add(key);
    else this.#changed.delete(key);
  }
}

function isForward(version: string, known: string): boolean {
  return (compareVersions(version, known) ?? 1) > 0;
}

function sameState(a: KubeObject, b: KubeObject): boolean {
  return a.metadata.resourceVersion === b.metadata.resourceVersion && a.metadata.uid === b.metadata.uid;
}
