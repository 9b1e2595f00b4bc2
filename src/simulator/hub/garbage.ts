// Garbage collection by owner: what has owners goes when the last of them is gone, and an owner that is deleted in the foreground or
// leaves its dependents behind waits until that is done. Owners are known by uid; one in another namespace is as good as none.
import { isDeepStrictEqual } from "node:util";
import type { ResourceType } from "../http/catalog.ts";
import type { ControlLoop } from "./control-loop.ts";
import { foregroundFinalizer, orphanFinalizer } from "./deletion.ts";
import type { KubeObject, OwnerReference } from "./object.ts";
import type { HubStore, StoreEvent } from "./store.ts";
import { type HubWriter, targetOf } from "./writes.ts";

interface Known {
  readonly type: ResourceType;
  readonly object: KubeObject;
}

export class GarbageCollector {
  readonly #store: HubStore;
  readonly #writer: HubWriter;
  readonly #loop: ControlLoop;
  /** Every object that has an owner or is one, by uid. */
  readonly #known = new Map<string, Known>();
  /** Uids of dependents by that of their owner. */
  readonly #dependents = new Map<string, Set<string>>();

  constructor(store: HubStore, writer: HubWriter, loop: ControlLoop) {
    this.#store = store;
    this.#writer = writer;
    this.#loop = loop;
    store.observe((type, event) => this.#observe(type, event));
  }

  #observe(type: ResourceType, { type: change, current, previous }: StoreEvent): void {
    const { object } = current;
    const { uid } = object.metadata;
    for (const owner of ownersOf(previous?.object)) this.#dependents.get(owner.uid)?.delete(uid);
    if (change === "DELETED") {
      this.#known.delete(uid);
      for (const owner of ownersOf(object)) this.#ask(owner.uid);
      const left = this.#dependents.get(uid) ?? [];
      this.#dependents.delete(uid);
      for (const dependent of left) this.#loop.soon(`owners of ${dependent}`, () => this.#checkOwners(dependent));
      return;
    }
    this.#known.set(uid, { type, object });
    const owners = ownersOf(object);
    for (const owner of owners) {
      const dependents = this.#dependents.get(owner.uid) ?? new Set();
      this.#dependents.set(owner.uid, dependents.add(uid));
    }
    // Owners that an object had before were looked for then; those of a generated object never are.
    const isNews = !isDeepStrictEqual(owners, ownersOf(previous?.object));
    if (isNews && owners.some((owner) => !this.#exists(owner, object))) {
      this.#loop.soon(`owners of ${uid}`, () => this.#checkOwners(uid));
    }
    this.#ask(uid);
  }

  /** Looks after an object that waits for its dependents. */
  #ask(uid: string): void {
    const { deletionTimestamp, finalizers = [] } = this.#known.get(uid)?.object.metadata ?? {};
    if (deletionTimestamp === undefined) return;
    if (finalizers.includes(orphanFinalizer)) this.#loop.soon(`orphans of ${uid}`, () => this.#orphan(uid));
    else if (finalizers.includes(foregroundFinalizer)) {
      this.#loop.soon(`dependents of ${uid}`, () => this.#deleteDependents(uid));
    }
  }

  #exists(owner: OwnerReference, { metadata }: KubeObject): boolean {
    const found = this.#known.get(owner.uid);
    if (found === undefined) return this.#store.hasUid(owner.uid);
    return !found.type.namespaced || found.object.metadata.namespace === metadata.namespace;
  }

  #checkOwners(uid: string): void {
    const known = this.#known.get(uid);
    if (known === undefined) return;
    const { type, object } = known;
    const owners = ownersOf(object);
    const left = owners.filter((owner) => this.#exists(owner, object));
    if (left.length === owners.length) return;
    if (left.length === 0) this.#writer.delete(targetOf(type, object), { propagationPolicy: "Background" });
    else this.#keepOwners(known, left);
  }

  #keepOwners({ type, object }: Known, ownerReferences: readonly OwnerReference[]): void {
    this.#writer.patch(targetOf(type, object), (current) => ({
      ...current,
      metadata: { ...current.metadata, ownerReferences },
    }));
  }

  #dependentsOf(uid: string): readonly Known[] {
    const uids = this.#dependents.get(uid) ?? [];
    return [...uids].flatMap((dependent) => this.#known.get(dependent) ?? []);
  }

  #orphan(uid: string): void {
    for (const dependent of this.#dependentsOf(uid)) {
      this.#keepOwners(
        dependent,
        ownersOf(dependent.object).filter((owner) => owner.uid !== uid),
      );
    }
    this.#release(uid, orphanFinalizer);
  }

  /** The owner goes when no dependent is left that blocks it. */
  #deleteDependents(uid: string): void {
    for (const { type, object } of this.#dependentsOf(uid)) {
      if (object.metadata.deletionTimestamp !== undefined) continue;
      const hasDependents = this.#dependentsOf(object.metadata.uid).length > 0;
      this.#writer.delete(targetOf(type, object), { propagationPolicy: hasDependents ? "Foreground" : "Background" });
    }
    const isBlocked = this.#dependentsOf(uid).some(({ object }) =>
      ownersOf(object).some((owner) => owner.uid === uid && owner.blockOwnerDeletion === true),
    );
    if (!isBlocked) this.#release(uid, foregroundFinalizer);
  }

  #release(uid: string, finalizer: string): void {
    const known = this.#known.get(uid);
    if (known === undefined) return;
    this.#writer.patch(targetOf(known.type, known.object), (current) => ({
      ...current,
      metadata: { ...current.metadata, finalizers: current.metadata.finalizers?.filter((one) => one !== finalizer) },
    }));
  }
}

const ownersOf = (object: KubeObject | undefined): readonly OwnerReference[] => object?.metadata.ownerReferences ?? [];
