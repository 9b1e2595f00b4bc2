// Collects the initial events of a watch until the server says that they are all: the same list that listing would have given, over
// the connection that then goes on as the watch (KEP-3157). Bounded in objects. Pure, no clock, no I/O.
import { type KubeObject, objectKey } from "../api/v1alpha1/meta.ts";
import { type ObjectList, tooManyObjects } from "./list.ts";
import { compareVersions } from "./object.ts";
import type { WatchEvent } from "./watch.ts";

export class InitialState<T extends KubeObject> {
  readonly #maxObjects: number;
  readonly #objects = new Map<string, T>();

  constructor(maxObjects: number) {
    this.#maxObjects = maxObjects;
  }

  /** Takes an event; the list once it is complete. Changes may come between the initial events. Throws TOO_MANY_OBJECTS. */
  add(event: WatchEvent<T>): ObjectList<T> | undefined {
    if (event.type === "BOOKMARK") {
      if (!event.initialEventsEnd) return undefined;
      return { items: [...this.#objects.values()], resourceVersion: event.resourceVersion };
    }
    const { object, type } = event;
    const key = objectKey(object.metadata);
    const known = this.#objects.get(key)?.metadata.resourceVersion;
    const order = known === undefined ? 1 : (compareVersions(object.metadata.resourceVersion ?? "", known) ?? 1);
    if (type === "DELETED") this.#objects.delete(key);
    else if (order > 0) this.#objects.set(key, object);
    if (this.#objects.size > this.#maxObjects) throw tooManyObjects(this.#maxObjects);
    return undefined;
  }
}
