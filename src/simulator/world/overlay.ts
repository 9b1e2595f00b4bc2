// The API server of a generated cluster from the first write or watch on: a server like the hub's over what the seed makes. It holds what
// was written and nothing of what was not; the truth about the cluster, which is counted from the seed, knows nothing of it.
import type { Clock } from "../../support/clock.ts";
import { apiVersionOf, type ResourceType } from "../http/catalog.ts";
import { HubEngine } from "../hub/engine.ts";
import { type KubeObject, StoredObject } from "../hub/object.ts";
import type { BaseObjects } from "../hub/store.ts";
import { versionOf } from "./engine.ts";
import { buildModel } from "./model.ts";
import type { ClusterIdentity, WorldKey } from "./profile.ts";
import type { WorldTable } from "./table.ts";
import { tableOf } from "./tables.ts";

/** Events of each resource that a watch can resume over: fewer than a hub's, there may be thousands of clusters. */
const historySize = 1_000;

export function overlayEngine(key: WorldKey, identity: ClusterIdentity, clock: Clock): HubEngine {
  const model = buildModel(key, identity);
  const objectsOf = (type: ResourceType): BaseObjects | undefined => {
    if (tableOf(type, model) === undefined) return undefined;
    // Made anew each time: the model is larger than what is written over it.
    const table = (): WorldTable => tableOf(type, buildModel(key, identity)) as WorldTable;
    return {
      get: (wanted) => {
        const made = table();
        for (let i = 0; i < made.count; i++) {
          if (`${made.namespaceOf(i)}/${made.nameOf(i)}` === wanted) return objectAt(type, made, i);
        }
        return undefined;
      },
      list: () => {
        const made = table();
        return Array.from({ length: made.count }, (_, i) => objectAt(type, made, i));
      },
    };
  };
  const base = { revision: model.resourceVersion, objectsOf };
  return new HubEngine({ clock, historySize, base, version: versionOf(model) });
}

function objectAt(type: ResourceType, table: WorldTable, index: number): StoredObject {
  const identity = `"apiVersion":"${apiVersionOf(type)}","kind":"${type.kind}"`;
  const text = `{${identity},"metadata":${table.metadataText(index)},${table.contentText(index)}}`;
  return new StoredObject(JSON.parse(text) as KubeObject);
}
