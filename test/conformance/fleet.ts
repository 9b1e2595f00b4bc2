// The conformance of a hub with a recorded run of the original: every key of its store, the status of every custom resource and, where
// the store is a Redis, every message it published, except for the differences that are meant.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { StoreReader } from "../../src/store/document.ts";
import { absent, type Mismatch, mismatches } from "./compare.ts";
import { type Difference, explain, isUnordered } from "./differences.ts";
import { withHubOn } from "./hub-run.ts";
import { openLifetimes } from "./lifetimes.ts";
import { isRepeated, listen, readMessages } from "./messages.ts";
import { type Trait, traitsOfSources } from "./source-traits.ts";

export interface Outcome {
  readonly item: string;
  /** What no difference explains; empty: passed. */
  readonly failures: readonly Mismatch[];
  /** Nothing of it is there, and that is known. */
  readonly isNotYet: boolean;
  readonly explainedBy: readonly string[];
}

interface StoredKey {
  readonly type: "string" | "hash" | "set" | "zset" | "list";
  /** Seconds that the original gave it, or `none`. */
  readonly ttlClass: string;
  readonly value: unknown;
}

/** Runs the hub on the recording in `folder` and compares. @param storeUrl `memory` or a redis:// URL */
export async function compareFleet(
  folder: string,
  storeUrl: string,
  differences: readonly Difference[],
): Promise<readonly Outcome[]> {
  const keys = readKeys(folder);
  const resources = readResources(folder);
  const messages = readMessages(folder);
  const rules = { differences, traitsOf: traitsOfSources(keys, resources) };
  const lifetimes = openLifetimes(storeUrl);
  const listener = await listen(storeUrl, messages.keys());
  return withHubOn(folder, storeUrl, async ({ fleet, store }) => {
    const outcomes: Outcome[] = [];
    for (const [key, recorded] of Object.entries(keys)) {
      const stored = await readStored(store, key, recorded.type).catch(() => absent);
      const ours = stored === absent ? absent : storedValue(stored, fleet.originalOf);
      const lifetime = ours === absent ? undefined : await lifetimes.of(key, recorded.ttlClass);
      const late =
        lifetime === undefined || lifetime === recorded.ttlClass
          ? []
          : [{ path: `${key}/ttl`, original: recorded.ttlClass, ours: lifetime }];
      outcomes.push(judge(key, recordedValue(newest(recorded)), ours, rules, late));
    }
    for (const { plural, namespace, name, status } of resources) {
      const object = fleet.object(plural, namespace, name) as { status?: unknown } | undefined;
      const ours = object?.status === undefined ? absent : JSON.parse(fleet.originalOf(JSON.stringify(object.status)));
      outcomes.push(judge(`${plural}/${name}/status`, status, ours, rules));
    }
    const heard = await listener.heard();
    if (heard === undefined) return outcomes;
    for (const [item, message] of messages) {
      if (!isRepeated(item, fleet.polledClusters)) continue;
      outcomes.push(judge(item, message, heard.get(item) ?? absent, rules));
    }
    return outcomes;
  }).finally(() => {
    lifetimes.close();
    listener.close();
  });
}

interface Rules {
  readonly differences: readonly Difference[];
  /** Of the value at a path. */
  readonly traitsOf: (path: string) => ReadonlySet<Trait>;
}

function judge(
  item: string,
  original: unknown,
  ours: unknown,
  { differences, traitsOf }: Rules,
  more: readonly Mismatch[] = [],
): Outcome {
  const isAbsent = ours === absent;
  const unordered = (path: string): boolean => isUnordered(differences, path);
  const found = isAbsent ? [{ path: item, original, ours }] : [...mismatches(original, ours, item, unordered), ...more];
  const explained = found.map((mismatch) => explain(differences, mismatch, traitsOf(mismatch.path)));
  return {
    item,
    failures: found.filter((_mismatch, i) => explained[i] === undefined),
    isNotYet: isAbsent && explained[0]?.state === "not yet",
    explainedBy: explained.flatMap((difference) => (difference === undefined ? [] : [difference.id])),
  };
}

function readKeys(folder: string): Readonly<Record<string, StoredKey>> {
  const file = join(folder, "redis.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, StoredKey>) : {};
}

interface Recorded {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: unknown;
}

function readResources(folder: string): readonly Recorded[] {
  const cr = join(folder, "cr");
  if (!existsSync(cr)) return [];
  return readdirSync(cr)
    .sort()
    .flatMap((file) => {
      const match = /^cr-([a-z]+)-(.+)\.after\.yaml$/.exec(file);
      if (match === null) return [];
      const object = parse(readFileSync(join(cr, file), "utf8")) as {
        metadata: { namespace?: string; name: string };
        status?: unknown;
      };
      const { name, namespace = "" } = object.metadata;
      return [{ plural: match[1] as string, namespace, name, status: object.status ?? {} }];
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

/** The recording writes texts that are JSON as `{"json": ...}`. */
function recordedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(recordedValue);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value);
  const [only] = members;
  if (members.length === 1 && only?.[0] === "json") return only[1];
  return Object.fromEntries(members.map(([name, member]) => [name, recordedValue(member)]));
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
