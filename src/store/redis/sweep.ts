// The start-up sweep: removes clusters, registries and MetricSources that this hub stored and that were deleted while it was away. It believes
// the owner index alone, so it never touches what another hub, or the original, wrote.
import type { Clock } from "../../support/clock.ts";
import { ClusterPulseError, type SafeError } from "../../support/errors.ts";
import type { Document, StoreReader, StoreWriter } from "../document.ts";
import { clusterDeleted } from "../documents.ts";
import { allClustersKey, hubKeys, objectOf } from "../keys.ts";
import { sourceDeleted } from "../metric-source-documents.ts";
import { allSourcesKeys, shownSourcesKey, sourceIdOf, sourceKeys, sourceOfKey } from "../metric-source-keys.ts";
import { registryDeleted } from "../registry-documents.ts";

/** What is swept, each kind for itself: by the first word of the keys that it is stored under. */
export const sweptKinds = ["cluster", "registry", "metricsource"] as const;
export type SweptKind = (typeof sweptKinds)[number];

export interface SweepRequest {
  readonly kind: SweptKind;
  /** Names of those of the kind that there are, of MetricSources `namespace/name`: complete, so only to be asked for once the informer has synced. */
  readonly live: ReadonlySet<string>;
  /** Also when more than half would go. */
  readonly force?: boolean;
  readonly signal: AbortSignal;
}

export interface SweepResult {
  /** Names of those that were removed. */
  readonly removed: readonly string[];
  /** STORE_OWNED_BY_OTHER for each other hub that has lately stored some of the kind in this Redis. */
  readonly warnings: readonly SafeError[];
}

export interface SweepOptions {
  readonly store: StoreReader & StoreWriter;
  readonly owner: string;
  readonly clock: Clock;
}

/** A hub that has written within this time is taken to be running; see pipelineLimits.markEveryMs. */
const recentSeconds = 3_600;
const perWrite = 50;
interface Swept {
  readonly plural: string;
  /** What removes one. */
  deleted(name: string, atMs: number, store: StoreReader): Document[] | Promise<Document[]>;
}
const kinds: Readonly<Record<SweptKind, Swept>> = {
  cluster: { plural: "clusters", deleted: clusterDeleted },
  registry: { plural: "registries", deleted: registryDeleted },
  metricsource: {
    plural: "MetricSources",
    async deleted(name, atMs, store) {
      const id = sourceIdOf(name);
      const [meta, clusters] = await Promise.all([store.hash(sourceKeys.meta(id)), store.set(allClustersKey)]);
      return sourceDeleted(id, [meta.get("resourceTypeName") ?? ""], clusters, atMs);
    },
  },
};

/**
 * Removes what this hub stored of a kind and is not live, as its deletion would have. What another running hub stored too stays.
 * Rejects with STORE_SWEEP_REFUSED, having removed nothing, when more than half of what the hub stored of the kind would go.
 */
export async function sweepStored(options: SweepOptions, request: SweepRequest): Promise<SweepResult> {
  const { store, owner, clock } = options;
  const { kind } = request;
  const { plural, deleted } = kinds[kind];
  const mine = await storedOf(store, kind, owner);
  const warnings: SafeError[] = [];
  const elsewhere = new Set<string>();
  for (const [other, writtenAt] of await store.hash(hubKeys.owners)) {
    if (other === owner || clock.nowMs() / 1000 - Number(writtenAt) > recentSeconds) continue;
    const theirs = await storedOf(store, kind, other);
    if (theirs.length === 0) continue;
    for (const name of theirs) elsewhere.add(name);
    const shared = theirs.filter((name) => mine.includes(name)).length;
    const message = `Another hub, "${other}", writes to this Redis too; ${shared} of its ${theirs.length} ${plural} have names of ours.`;
    warnings.push({ code: "STORE_OWNED_BY_OTHER", message });
  }

  const dead = mine.filter((name) => !request.live.has(name) && !elsewhere.has(name));
  if (dead.length * 2 > mine.length && request.force !== true) {
    throw new ClusterPulseError(
      "STORE_SWEEP_REFUSED",
      `${dead.length} of the ${mine.length} stored ${plural} no longer exist; that is more than half, so none was removed. --sweep=force removes them.`,
    );
  }
  for (let i = 0; i < dead.length; i += perWrite) {
    const names = dead.slice(i, i + perWrite);
    const documents = await Promise.all(names.map((name) => deleted(name, clock.nowMs(), store)));
    await store.apply(documents.flat(), request.signal);
  }
  if (kind === "metricsource") await store.apply(await outOfFormerTypes(store, mine), request.signal);
  return { removed: dead, warnings };
}

/** A source whose type of rows was changed while the hub was away is still in the set of its former type. */
async function outOfFormerTypes(store: StoreReader, ids: readonly string[]): Promise<Document[]> {
  const types = await Promise.all(
    ids.map(async (id) => (await store.hash(sourceKeys.meta(sourceIdOf(id)))).get("resourceTypeName")),
  );
  const typeOf = new Map(ids.map((id, i) => [id, types[i]]));
  const sets = (await store.set(hubKeys.keysOf(byTypeObject))).filter((key) => key.startsWith(sourceKeys.byType("")));
  const documents = sets.map(async (key): Promise<Document> => {
    const remove = (await store.set(key)).filter((id) => {
      const type = typeOf.get(id);
      return type !== undefined && sourceKeys.byType(type) !== key;
    });
    return { kind: "index", key, add: [], remove };
  });
  return (await Promise.all(documents)).filter((document) => document.kind === "index" && document.remove.length > 0);
}

const byTypeObject = objectOf(sourceKeys.byType("")) ?? "";

async function storedOf(store: StoreReader, kind: SweptKind, owner: string): Promise<readonly string[]> {
  const prefix = `${kind}:`;
  const objects = (await store.set(hubKeys.owned(owner))).filter((object) => object.startsWith(prefix));
  if (kind !== "metricsource") return objects.map((object) => object.slice(prefix.length)).sort();
  // Their keys begin with their namespace, so that is what is owned; and what was deleted since stays registered for a while.
  const keys = await Promise.all(objects.map((object) => store.set(hubKeys.keysOf(object))));
  const owned = new Set(keys.flat().map((key) => sourceOfKey(key)?.id));
  const listed = await Promise.all([...allSourcesKeys, shownSourcesKey].map((key) => store.set(key)));
  return [...new Set(listed.flat())].filter((id) => owned.has(id)).sort();
}
