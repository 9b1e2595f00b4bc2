// The conformance of a hub with a recorded run of the original: every key of its store, the status of every custom resource and, where
// the store is a Redis, every message it published, except for the differences that are meant.
import type { StoreReader } from "../../src/store/document.ts";
import { ClusterTraits } from "./cluster-traits.ts";
import { absent, type Mismatch, mismatches } from "./compare.ts";
import { type Difference, explain, type Trait } from "./differences.ts";
import { type Finished, withHubOn } from "./hub-run.ts";
import { openLifetimes } from "./lifetimes.ts";
import { isRepeated, listen } from "./messages.ts";
import { type Recording, readRecording, recordedValue, type StoredKey } from "./recording.ts";
import { traitsOfRegistry } from "./registry-traits.ts";
import { SourceTraits } from "./source-traits.ts";

export interface Outcome {
  readonly item: string;
  /** What no difference explains; empty: passed. */
  readonly failures: readonly Mismatch[];
  /** Nothing of it is there, and that is known. */
  readonly isNotYet: boolean;
  readonly explainedBy: readonly string[];
}

/** One item of the recording, with all in which ours is not the same. */
interface Compared {
  readonly item: string;
  readonly isAbsent: boolean;
  readonly found: readonly Mismatch[];
}

/** Runs the hub on the recording in `folder` and compares. @param storeUrl `memory` or a redis:// URL */
export async function compareFleet(
  folder: string,
  storeUrl: string,
  differences: readonly Difference[],
): Promise<readonly Outcome[]> {
  const recording = readRecording(folder);
  const lifetimes = openLifetimes(storeUrl);
  const listener = await listen(storeUrl, recording.messages.keys());
  return withHubOn(folder, storeUrl, async ({ fleet, store }) => {
    const compared: Compared[] = [];
    for (const [key, recorded] of Object.entries(recording.keys)) {
      const stored = await readStored(store, key, recorded.type).catch(() => absent);
      const ours = stored === absent ? absent : storedValue(stored, fleet.originalOf);
      const lifetime = ours === absent ? undefined : await lifetimes.of(key, recorded.ttlClass);
      const late =
        lifetime === undefined || lifetime === recorded.ttlClass
          ? []
          : [{ path: `${key}/ttl`, original: recorded.ttlClass, ours: lifetime }];
      // A set without members is no key; which ones are lacking is said one by one.
      const own = ours === absent && /^(?:clusters|registries|metricsources):/.test(key) ? [] : ours;
      compared.push(compare(key, recordedValue(newest(recorded)), own, late));
    }
    for (const { plural, namespace, name, status } of recording.resources) {
      const object = fleet.object(plural, namespace, name) as { status?: unknown } | undefined;
      // A resource of which nothing is said has no status.
      const said = object?.status ?? (object !== undefined && isEmpty(status) ? {} : undefined);
      const ours = said === undefined ? absent : JSON.parse(fleet.originalOf(JSON.stringify(said)));
      const original = plural === "metricsources" && !isEmpty(status) ? { ...noCounts, ...(status as object) } : status;
      compared.push(compare(`${plural}/${name}/status`, original, ours));
    }
    const heard = await listener.heard();
    for (const [item, message] of heard === undefined ? [] : recording.messages) {
      if (isRepeated(item, fleet.polledClusters)) compared.push(compare(item, message, heard?.get(item) ?? absent));
    }
    return judge(compared, differences, await placesIn(recording, { fleet, store }));
  }).finally(() => {
    lifetimes.close();
    listener.close();
  });
}

/** The original leaves out what is 0. */
const noCounts = { resourcesCollected: 0, clustersCollected: 0, errorsLastRun: 0 };
const isEmpty = (status: unknown): boolean => Object.keys(status as object).length === 0;

function compare(item: string, original: unknown, ours: unknown, more: readonly Mismatch[] = []): Compared {
  const isAbsent = ours === absent;
  return {
    item,
    isAbsent,
    found: isAbsent ? [{ path: item, original, ours }] : [...mismatches(original, ours, item), ...more],
  };
}

/** What is known of the places of mismatches. It may grow with every mismatch that is explained. */
interface Places {
  of(mismatch: Mismatch): ReadonlySet<Trait>;
  explained(mismatch: Mismatch): void;
}

async function placesIn(recording: Recording, { fleet, store }: Finished): Promise<Places> {
  const counts: Record<string, Record<string, number>> = {};
  const [clusters, sources] = await Promise.all([store.set("clusters:all"), store.set("metricsources:all")]);
  for (const source of sources) {
    const own: Record<string, number> = {};
    counts[source] = own;
    for (const cluster of clusters) {
      const meta = await store.string(`cluster:${cluster}:custom:${source}:meta`);
      if (meta !== undefined) own[cluster] = (JSON.parse(meta) as { resourceCount: number }).resourceCount;
    }
  }
  const statusOf = (plural: string) => (name: string) => {
    const object = fleet.object(plural, fleet.namespace, name) as { status?: unknown } | undefined;
    return object?.status;
  };
  const ofSources = new SourceTraits(recording, {
    status: statusOf("metricsources"),
    counts: (source) => counts[source] ?? {},
    isConnected: (name) =>
      (statusOf("clusterconnections")(name) as { phase?: string } | undefined)?.phase === "Connected",
  });
  const ofClusters = new ClusterTraits(recording, statusOf("clusterconnections"));
  return {
    of: (mismatch) =>
      new Set([...ofSources.of(mismatch), ...ofClusters.of(mismatch), ...traitsOfRegistry(recording, mismatch.path)]),
    explained(mismatch) {
      ofSources.explained(mismatch);
      ofClusters.explained(mismatch);
    },
  };
}

/** Explains what it can, again and again, since some differences rest on others. */
function judge(compared: readonly Compared[], differences: readonly Difference[], places: Places): readonly Outcome[] {
  const reasons = new Map<Mismatch, Difference>();
  const open = new Set(compared.flatMap(({ found }) => found));
  for (let before = -1; before !== reasons.size; ) {
    before = reasons.size;
    for (const mismatch of open) {
      const difference = explain(differences, mismatch, places.of(mismatch));
      if (difference === undefined) continue;
      reasons.set(mismatch, difference);
      open.delete(mismatch);
      if (!mismatch.path.endsWith("/ttl")) places.explained(mismatch);
    }
  }
  return compared.map(({ item, isAbsent, found }) => {
    const explained = found.flatMap((mismatch) => reasons.get(mismatch) ?? []);
    return {
      item,
      failures: found.filter((mismatch) => open.has(mismatch)),
      isNotYet: isAbsent && explained[0]?.state === "not yet",
      explainedBy: explained.map(({ id }) => id),
    };
  });
}

/** Histories grow with every cycle: what counts is their newest entry. */
function newest({ type, value }: StoredKey): unknown {
  switch (type) {
    case "zset": {
      const points = value as readonly { score: number; member: unknown }[];
      return points
        .toSorted((a, b) => b.score - a.score)
        .slice(0, 1)
        .map(({ member }) => member);
    }
    case "list":
      return (value as readonly unknown[]).slice(0, 1);
    case "set":
      return (value as readonly string[]).toSorted();
    case "hash":
    case "string":
      return value;
  }
}

/** Absent when the key is not there, or is of another type. */
async function readStored(store: StoreReader, key: string, type: StoredKey["type"]): Promise<unknown> {
  switch (type) {
    case "string":
      return (await store.string(key)) ?? absent;
    case "hash": {
      const fields = await store.hash(key);
      return fields.size === 0 ? absent : Object.fromEntries(fields);
    }
    case "set": {
      const members = await store.set(key);
      return members.length === 0 ? absent : members.toSorted();
    }
    case "zset": {
      const points = await store.series(key, 1);
      return points.length === 0 ? absent : points;
    }
    case "list": {
      const entries = await store.log(key, 1);
      return entries.length === 0 ? absent : entries;
    }
  }
}

/** What a key holds, with texts that are JSON parsed, and endpoints as they were recorded. */
function storedValue(value: unknown, rewrite: (text: string) => string): unknown {
  if (typeof value === "string") return parsed(rewrite(value));
  if (Array.isArray(value)) return value.map((item) => storedValue(item, rewrite));
  const fields = Object.entries(value as Readonly<Record<string, unknown>>);
  return Object.fromEntries(fields.map(([name, field]) => [name, storedValue(field, rewrite)]));
}

function parsed(text: string): unknown {
  try {
    return /^[[{]/.test(text) ? JSON.parse(text) : text;
  } catch {
    return text;
  }
}
