// What is written in a server, to be put back later: the states of its objects, which are never changed, so that keeping them costs little.
// Putting them back is made of writes like any other: resource versions go on, and who watches is told.
import type { ResourceType } from "../http/catalog.ts";
import { crdType } from "../kinds/types.ts";
import type { HubEngine } from "./engine.ts";
import type { StoredObject } from "./object.ts";
import type { HubStore, Table } from "./store.ts";

/** By key; undefined for what was deleted of what was there before anything was written. */
type Written = ReadonlyMap<string, StoredObject | undefined>;

/** What is written, resource by resource. */
export type StoreState = readonly { readonly type: ResourceType; readonly written: Written }[];

export const storeStateOf = (store: HubStore): StoreState =>
  [...store.tables()]
    .filter(({ hasWrites }) => hasWrites)
    .map((table) => ({ type: table.type, written: table.written() }));

/** Makes the server hold what it held then, in one turn. */
export function restoreStore(engine: HubEngine, state: StoreState): void {
  const { store } = engine;
  const wantedOf = ({ type }: Table): Written =>
    state.find((one) => one.type.group === type.group && one.type.resource === type.resource)?.written ?? new Map();
  const definitions = store.table(crdType);
  const wantedDefinitions = wantedOf(definitions);
  // What is served follows from definitions: they come first and go last.
  write(engine, definitions, wantedDefinitions);
  for (const table of [...store.tables()]) {
    if (table === definitions) continue;
    const wanted = wantedOf(table);
    remove(engine, table, wanted);
    write(engine, table, wanted);
  }
  remove(engine, definitions, wantedDefinitions);
}

function write(engine: HubEngine, table: Table, wanted: Written): void {
  for (const [key, stored] of wanted) {
    const now = table.get(key);
    if (now === stored) continue;
    if (stored !== undefined) engine.reinstate(table.type, now === undefined ? "ADDED" : "MODIFIED", stored.object);
    else if (now !== undefined) engine.reinstate(table.type, "DELETED", now.object);
  }
}

function remove(engine: HubEngine, table: Table, wanted: Written): void {
  for (const [key, stored] of table.written()) {
    if (stored !== undefined && !wanted.has(key)) engine.reinstate(table.type, "DELETED", stored.object);
  }
}
