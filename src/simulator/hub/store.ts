// What the hub's API server holds: one table per resource, one revision counter for all, and per table a bounded history that
// watches resume from. Every change of a table is exactly one event with a revision of its own.
// It knows no rule of the API: what may be written is decided in writes.ts.
import { Catalog, type ResourceType } from "../http/catalog.ts";
import { type KubeObject, StoredObject } from "./object.ts";

export interface StoreEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: number;
  readonly current: StoredObject;
  /** The state before; undefined for ADDED. */
  readonly previous: StoredObject | undefined;
}

export type StoreListener = (event: StoreEvent) => void;
/** Hears the events of every resource. */
export type StoreObserver = (type: ResourceType, event: StoreEvent) => void;

const inOrder = (objects: ReadonlyMap<string, StoredObject | undefined>): readonly StoredObject[] =>
  [...objects.values()].filter((stored) => stored !== undefined).sort((a, b) => (a.key < b.key ? -1 : 1));

/** Objects that are made whenever somebody asks, below what was written over them. What was written over changes no longer. */
export interface BaseObjects {
  get(key: string): StoredObject | undefined;
  list(): readonly StoredObject[];
  /** How they changed by themselves, oldest first; undefined when that is no longer known. */
  eventsAfter(revision: number): readonly StoreEvent[] | undefined;
  /** The newest revision of which that is no longer known. */
  forgottenRevision(): number;
}

/** The newest revision that was given to anything. */
export interface RevisionCounter {
  value: number;
}

/** One resource: its objects, its history, its watchers. */
export class Table {
  /** As it is served now: a definition may have changed. */
  type: ResourceType;
  readonly #historySize: number;
  readonly #base: BaseObjects | undefined;
  /** What was written; undefined for what was deleted of the base. */
  readonly #objects = new Map<string, StoredObject | undefined>();
  readonly #listeners = new Set<StoreListener>();
  #sorted: readonly StoredObject[] | undefined;
  #history: StoreEvent[] = [];
  #forgottenRevision = 0;

  constructor(type: ResourceType, historySize: number, base?: BaseObjects) {
    this.type = type;
    this.#historySize = historySize;
    this.#base = base;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.has(key) ? this.#objects.get(key) : this.#base?.get(key);
  }

  /** All objects in order of key. The array is not changed by later writes. */
  list(): readonly StoredObject[] {
    // What is made for this answer is not kept.
    if (this.#base !== undefined) return inOrder(this.#all());
    this.#sorted ??= inOrder(this.#objects);
    return this.#sorted;
  }

  #all(): Map<string, StoredObject | undefined> {
    const made = (this.#base?.list() ?? []).map((stored) => [stored.key, stored] as const);
    return new Map([...made, ...this.#objects]);
  }

  /** Events after `revision`, oldest first; undefined when the history no longer reaches back that far. */
  eventsAfter(revision: number): readonly StoreEvent[] | undefined {
    const ofBase = this.#base === undefined ? [] : this.#base.eventsAfter(revision);
    if (revision < this.#forgottenRevision || ofBase === undefined) return undefined;
    let from = this.#history.length;
    while (from > 0 && (this.#history[from - 1] as StoreEvent).revision > revision) from--;
    const written = this.#history.slice(from);
    return ofBase.length === 0 ? written : [...written, ...ofBase].sort((a, b) => a.revision - b.revision);
  }

  /** Whether anything was ever written. */
  get hasWrites(): boolean {
    return this.#objects.size > 0;
  }

  /** What was written, by key; undefined for what was deleted of the base. */
  written(): ReadonlyMap<string, StoredObject | undefined> {
    return new Map(this.#objects);
  }

  /** Whether the object is no longer that of the base, or was deleted of it. */
  isWritten(key: string): boolean {
    return this.#objects.has(key);
  }

  /** An object of the base changed by itself. The event is made if somebody listens. */
  announce(eventOf: () => StoreEvent): void {
    if (this.#listeners.size === 0) return;
    const event = eventOf();
    for (const listener of [...this.#listeners]) listener(event);
  }

  /** All objects in order of key as they were at a revision; undefined when the history does not reach back that far. */
  stateAt(revision: number): readonly StoredObject[] | undefined {
    const since = this.eventsAfter(revision);
    if (since === undefined || since.length === 0) return since && this.list();
    const objects = this.#all();
    for (const { previous, current } of since.toReversed()) {
      if (previous === undefined) objects.delete(current.key);
      else objects.set(current.key, previous);
    }
    return inOrder(objects);
  }

  /** The newest revision that the history has forgotten. */
  get forgottenRevision(): number {
    return Math.max(this.#forgottenRevision, this.#base?.forgottenRevision() ?? 0);
  }

  /** Nobody can resume from before this revision. */
  forgetUntil(revision: number): void {
    this.#history = [];
    this.#forgottenRevision = revision;
  }

  subscribe(listener: StoreListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  apply(event: StoreEvent): void {
    const { key } = event.current;
    if (event.type !== "DELETED") this.#objects.set(key, event.current);
    else if (this.#base?.get(key) !== undefined) this.#objects.set(key, undefined);
    else this.#objects.delete(key);
    this.#sorted = undefined;
    this.#history.push(event);
    // Cut at twice the size, so that a write costs the same whether the history is full or not.
    if (this.#history.length >= 2 * this.#historySize) {
      const forgotten = this.#history.splice(0, this.#history.length - this.#historySize);
      this.#forgottenRevision = (forgotten.at(-1) as StoreEvent).revision;
    }
    for (const listener of [...this.#listeners]) listener(event);
  }
}

const keyOfType = (type: ResourceType): string => `${type.group}/${type.version}/${type.resource}`;
/** All versions of a resource share a table. */
const keyOfTable = ({ group, resource }: ResourceType): string => `${group}/${resource}`;

/** What is there before anything is written. */
export interface StoreBase {
  /** Counts on for what is written. */
  readonly revisions: RevisionCounter;
  objectsOf(type: ResourceType): BaseObjects | undefined;
}

/** All tables behind one revision counter, which every write raises by one. */
export class HubStore {
  readonly #tables = new Map<string, Table>();
  readonly #historySize: number;
  readonly #base: StoreBase | undefined;
  readonly #observers: StoreObserver[] = [];
  #catalog: Catalog;
  readonly #revisions: RevisionCounter;

  /** @param historySize events that a watch of each resource can at least resume over */
  constructor(types: readonly ResourceType[], historySize: number, base?: StoreBase) {
    this.#catalog = new Catalog([]);
    this.#historySize = historySize;
    this.#base = base;
    this.#revisions = base?.revisions ?? { value: 1 };
    this.serve(types);
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  /** Serves the types too, in place of those of the same name, whose objects stay. */
  serve(types: readonly ResourceType[]): void {
    const names = new Set(types.map(keyOfType));
    this.#catalog = new Catalog([...this.#catalog.types.filter((type) => !names.has(keyOfType(type))), ...types]);
    for (const served of types) {
      const type = served.storedAs?.type ?? served;
      const key = keyOfTable(type);
      const table = this.#tables.get(key);
      if (table === undefined) {
        this.#tables.set(key, new Table(type, this.#historySize, this.#base?.objectsOf(type)));
      } else table.type = type;
    }
  }

  /** Serves the types no longer; their objects stay. */
  withdrawVersions(types: readonly ResourceType[]): void {
    const names = new Set(types.map(keyOfType));
    this.#catalog = new Catalog(this.#catalog.types.filter((type) => !names.has(keyOfType(type))));
  }

  /** Forgets the types and their tables. */
  withdraw(types: readonly ResourceType[]): void {
    this.withdrawVersions(types);
    for (const type of types) this.#tables.delete(keyOfTable(type));
  }

  get revision(): number {
    return this.#revisions.value;
  }

  table(type: ResourceType): Table {
    const table = this.#tables.get(keyOfTable(type.storedAs?.type ?? type));
    if (table === undefined) throw new Error(`no table for ${type.resource}`);
    return table;
  }

  tables(): IterableIterator<Table> {
    return this.#tables.values();
  }

  /** Whether there is an object of that uid, which may be of the base. */
  hasUid(uid: string): boolean {
    return [...this.#tables.values()].some((table) => table.list().some(({ object }) => object.metadata.uid === uid));
  }

  /** Calls the observer after every write, for as long as the store lives. It must not write itself. */
  observe(observer: StoreObserver): void {
    this.#observers.push(observer);
  }

  /** Goes on after a revision of an earlier life, of which nothing is remembered. */
  resumeAfter(revision: number): void {
    this.#revisions.value = Math.max(this.revision, revision);
    for (const table of this.#tables.values()) table.forgetUntil(this.revision);
  }

  /** Stores a state under the next revision; the state of a deletion is the last one of the object. */
  commit(type: ResourceType, change: StoreEvent["type"], object: KubeObject): StoredObject {
    const table = this.table(type);
    const revision = ++this.#revisions.value;
    const current = new StoredObject({
      ...object,
      metadata: { ...object.metadata, resourceVersion: String(revision) },
    });
    const event = { type: change, revision, current, previous: table.get(current.key) };
    table.apply(event);
    for (const observer of this.#observers) observer(table.type, event);
    return current;
  }
}
