// The API server of a generated cluster from the first write or watch on: a server like the hub's over what the seed makes and what
// changed in that by itself. It holds what was written and nothing of what was not: changes of the rest are made into events only for
// who listens. The truth about the cluster knows nothing of writes.
import type { Clock } from "../../support/clock.ts";
import { apiVersionOf, type ResourceType } from "../http/catalog.ts";
import { HubEngine } from "../hub/engine.ts";
import { type KubeObject, keyOf, StoredObject } from "../hub/object.ts";
import type { BaseObjects, StoreEvent } from "../hub/store.ts";
import { builtInTypes, namespaceType } from "../kinds/types.ts";
import { versionOf, type WorldSource } from "./engine.ts";
import type { ClusterModel } from "./model.ts";
import { emptyTable, type WorldTable } from "./table.ts";
import { isGenerated, tableOf } from "./tables.ts";
import type { Change, ChurnedKind, Variants } from "./variants.ts";

/** Events of each resource that a watch can resume over: fewer than a hub's, there may be thousands of clusters. */
const historySize = 1_000;

export function overlayEngine(world: WorldSource, variants: Variants, clock: Clock): HubEngine {
  const objectsOf = (type: ResourceType): BaseObjects | undefined => {
    if (!isGenerated(type)) return undefined;
    // Made anew each time: the model is larger than what is written over it.
    const table = (): WorldTable => tableOf(type, world.model()) ?? emptyTable;
    return {
      get: (wanted) => {
        const made = table();
        for (let i = 0; i < made.count; i++) {
          if (keyOf(made.namespaceOf(i), made.nameOf(i)) === wanted) return objectAt(type, made, i);
        }
        return undefined;
      },
      list: () => {
        const made = table();
        return Array.from({ length: made.count }, (_, i) => objectAt(type, made, i));
      },
      eventsAfter: (revision) =>
        variants
          .changesAfter(revision)
          ?.filter((change) => typeOfKind(change.kind) === type)
          .map((change) => eventOf(type, world, change)),
      forgottenRevision: () => variants.forgottenRevision,
    };
  };
  const base = { revisions: variants.revisions, objectsOf };
  return new HubEngine({ clock, historySize, base, version: () => versionOf(world.model()) });
}

const typeOfKind = (kind: ChurnedKind): ResourceType =>
  builtInTypes.find(({ group, resource }) => resource === kind && (group === "" || group === "apps")) as ResourceType;

/** Whether a client wrote over any object of the kind, or over any namespace. */
export const hasWrites = ({ store }: HubEngine, kind: ChurnedKind): boolean =>
  store.table(typeOfKind(kind)).hasWrites || store.table(namespaceType).hasWrites;

/** Whether a client wrote over the object, or over its namespace. */
export function isWritten({ store }: HubEngine, model: ClusterModel, kind: ChurnedKind, index: number): boolean {
  const type = typeOfKind(kind);
  const table = tableOf(type, model) ?? emptyTable;
  const at = table.indexOf(index);
  if (at < 0) return false;
  const namespace = table.namespaceOf(at);
  if (store.table(type).isWritten(keyOf(namespace, table.nameOf(at)))) return true;
  return namespace !== "" && store.table(namespaceType).isWritten(keyOf("", namespace));
}

/** Tells those who watch; the texts are made for them alone. */
export function announce({ store }: HubEngine, world: WorldSource, change: Change): void {
  const type = typeOfKind(change.kind);
  store.table(type).announce(() => eventOf(type, world, change));
}

function eventOf(type: ResourceType, world: WorldSource, { kind, index, after: { revision } }: Change): StoreEvent {
  const objectIn = (at: number): StoredObject | undefined => {
    const model = world.modelAt(at);
    const table = model && tableOf(type, model);
    const found = table?.indexOf(index) ?? -1;
    return table === undefined || found < 0 ? undefined : objectAt(type, table, found);
  };
  const previous = objectIn(revision - 1);
  const current = objectIn(revision);
  if (current !== undefined) {
    return { type: previous === undefined ? "ADDED" : "MODIFIED", revision, current, previous };
  }
  if (previous === undefined) throw new Error(`${kind} ${index} changed from nothing to nothing`);
  // The last state of what is gone, under the version of its going.
  const { object } = previous;
  const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
  return { type: "DELETED", revision, current: new StoredObject(last), previous };
}

function objectAt(type: ResourceType, table: WorldTable, index: number): StoredObject {
  const identity = `"apiVersion":"${apiVersionOf(type)}","kind":"${type.kind}"`;
  const text = `{${identity},"metadata":${table.metadataText(index)},${table.contentText(index)}}`;
  return new StoredObject(JSON.parse(text) as KubeObject);
}
