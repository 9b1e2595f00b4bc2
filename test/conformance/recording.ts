// A recorded run of the original, as the folder has it: what it stored, said and published, what was applied, and what its clusters served.
// Every part may be missing. Files that cannot be read are named in the error.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, parseAllDocuments } from "yaml";
import { addressOf, type Override, type RecordedEndpoint, readLayout } from "../../src/simulator/recorded/layout.ts";
import { type Messages, readMessages } from "./messages.ts";

export interface StoredKey {
  readonly type: "string" | "hash" | "set" | "zset" | "list";
  /** Seconds that the original gave it, or `none`. */
  readonly ttlClass: string;
  readonly value: unknown;
}

/** A custom resource as the original left it. */
export interface RecordedResource {
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: unknown;
}

export interface Manifest {
  readonly kind?: string;
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
}

/** An object as a cluster served it. */
export interface ServedObject {
  readonly metadata?: { readonly name?: string; readonly namespace?: string };
  readonly [member: string]: unknown;
}

export interface Recording {
  readonly keys: Readonly<Record<string, StoredKey>>;
  readonly resources: readonly RecordedResource[];
  readonly messages: Messages;
  readonly manifests: readonly Manifest[];
  /** How long the original ran. */
  readonly recordedSeconds: number;
  /** What serves the endpoint, however it is written; undefined: nothing does. */
  endpoint(text: unknown): RecordedEndpoint | undefined;
  /** All objects of a kind that a ClusterConnection's cluster served; undefined when there is no such list. */
  served(connection: string, apiVersion: string, kind: string): readonly ServedObject[] | undefined;
  overrides(connection: string): readonly Override[];
  /** The text or parsed JSON of a key; undefined without it. */
  json(key: string): unknown;
}

/** Throws an Error that names the file that cannot be read. */
export function readRecording(folder: string): Recording {
  const { endpoints, recordedSeconds } = readLayout(folder);
  const manifests = readManifests(join(folder, "applied-manifests.yaml"));
  const keys = readKeys(join(folder, "redis.json"));
  const endpoint = (text: unknown): RecordedEndpoint | undefined => {
    const wanted = hostOf(text);
    return [...endpoints].find(([name]) => hostOf(name) === wanted)?.[1];
  };
  const folderOf = (connection: string): string | undefined => {
    const { spec } = manifestOf(manifests, "ClusterConnection", connection) ?? {};
    const found = endpoint(spec?.["endpoint"]);
    return found !== undefined && "cluster" in found ? join(folder, found.cluster) : undefined;
  };
  const lists = new Map<string, ReadonlyMap<string, readonly ServedObject[]>>();
  const listsIn = (cluster: string): ReadonlyMap<string, readonly ServedObject[]> => {
    const known = lists.get(cluster) ?? readLists(cluster);
    lists.set(cluster, known);
    return known;
  };
  return {
    keys,
    resources: readResources(join(folder, "cr")),
    messages: readMessages(folder),
    manifests,
    recordedSeconds,
    endpoint,
    served(connection, apiVersion, kind) {
      const cluster = folderOf(connection);
      return cluster === undefined ? undefined : listsIn(cluster).get(`${apiVersion}/${kind}`);
    },
    overrides(connection) {
      const cluster = folderOf(connection);
      const file = join(cluster ?? "", "_overrides.json");
      return cluster !== undefined && existsSync(file) ? (readAs(file, JSON.parse) as readonly Override[]) : [];
    },
    json: (key) => recordedValue(keys[key]?.value),
  };
}

export const manifestOf = (manifests: readonly Manifest[], kind: string, name: string): Manifest | undefined =>
  manifests.find((manifest) => manifest.kind === kind && manifest.metadata?.name === name);

/** The recording writes texts that are JSON as `{"json": ...}`. */
export function recordedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(recordedValue);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value);
  const [only] = members;
  if (members.length === 1 && only?.[0] === "json") return only[1];
  return Object.fromEntries(members.map(([name, member]) => [name, recordedValue(member)]));
}

function hostOf(endpoint: unknown): string | undefined {
  try {
    const { host, port } = addressOf(String(endpoint));
    return `${host}:${port}`;
  } catch {
    return undefined;
  }
}

function readAs(file: string, read: (text: string) => unknown): unknown {
  try {
    return read(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file}: cannot be read: ${error instanceof Error ? error.message : ""}`);
  }
}

function readKeys(file: string): Readonly<Record<string, StoredKey>> {
  return existsSync(file) ? (readAs(file, JSON.parse) as Record<string, StoredKey>) : {};
}

function readManifests(file: string): readonly Manifest[] {
  if (!existsSync(file)) return [];
  const documents = readAs(file, (text) => parseAllDocuments(text).map((document) => document.toJS() as unknown));
  return (documents as readonly (Manifest & { readonly items?: readonly Manifest[] })[]).flatMap(
    (document) => document?.items ?? document ?? [],
  );
}

function readResources(folder: string): readonly RecordedResource[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .flatMap((file) => {
      const match = /^cr-([a-z]+)-(.+)\.after\.yaml$/.exec(file);
      if (match === null) return [];
      const object = readAs(join(folder, file), parse) as {
        metadata: { namespace?: string; name: string };
        status?: unknown;
      };
      const { name, namespace = "" } = object.metadata;
      return [{ plural: match[1] as string, namespace, name, status: object.status ?? {} }];
    });
}

function readLists(folder: string): ReadonlyMap<string, readonly ServedObject[]> {
  const lists = new Map<string, ServedObject[]>();
  for (const file of existsSync(folder) ? readdirSync(folder) : []) {
    if (!file.endsWith(".json") || file.startsWith("_")) continue;
    const { items, ...object } = (readAs(join(folder, file), JSON.parse) ?? {}) as ServedObject & {
      readonly items?: readonly ServedObject[];
    };
    for (const item of items ?? [object]) {
      const { apiVersion, kind } = object["kind"] === "List" ? item : object;
      const key = `${apiVersion}/${String(kind).replace(/List$/, "")}`;
      lists.set(key, [...(lists.get(key) ?? []), item]);
    }
    // An empty list is one, too.
    const { apiVersion, kind } = object;
    const key = `${apiVersion}/${String(kind).replace(/List$/, "")}`;
    if (items?.length === 0) lists.set(key, lists.get(key) ?? []);
  }
  return lists;
}
