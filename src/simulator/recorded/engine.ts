// The API server of a recorded cluster: the lists that it once served, from a folder of JSON files. Read-only; whole lists go out byte
// for byte as they were recorded, pages and selections are cut from them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ClusterPulseError } from "../../support/errors.ts";
import { Catalog, type ResourceType } from "../http/catalog.ts";
import type { Answer, Engine, ResourceRequest } from "../http/engine.ts";
import { decodeContinuation, encodeContinuation, listText, readListParameters } from "../http/list.ts";
import { matchesFields, parseFieldSelector, parseLabelSelector } from "../http/selectors.ts";
import { apiErrors } from "../http/status.ts";

interface RecordedObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}

interface RecordedList {
  readonly resourceVersion: number;
  readonly items: readonly RecordedObject[];
  /** The file, for requests that want all of it; undefined when there was no list. */
  readonly text: string | undefined;
  readonly protobuf: Uint8Array | undefined;
}

const maxFileBytes = 256 * 1024 * 1024;
const selectable = ["metadata.name", "metadata.namespace", "spec.nodeName", "status.phase"];

export class RecordedEngine implements Engine {
  readonly isImmutable = true;
  readonly catalog: Catalog;
  readonly #lists = new Map<ResourceType, RecordedList>();
  readonly #version: Record<string, string>;

  /** Reads the folder. Throws ClusterPulseError RECORDING_UNREADABLE that names the file. */
  constructor(folder: string) {
    this.#version = existsSync(join(folder, "version.json"))
      ? (readJson(join(folder, "version.json")).value as Record<string, string>)
      : {};
    for (const file of readdirSync(folder).sort()) {
      if (!file.endsWith(".json") || file.startsWith("_") || file === "version.json") continue;
      for (const { type, list } of listsIn(folder, file)) this.#add(type, list);
    }
    this.catalog = new Catalog([...this.#lists.keys()]);
  }

  /** Objects of one kind may be in several files: they are one list then, which nobody has seen as a whole. */
  #add(type: ResourceType, list: RecordedList): void {
    const known = [...this.#lists].find(([one]) => {
      return one.group === type.group && one.version === type.version && one.kind === type.kind;
    });
    if (known === undefined) {
      this.#lists.set(type, list);
      return;
    }
    const items = [...known[1].items, ...list.items];
    this.#lists.set(known[0], { ...known[1], items, text: undefined, protobuf: undefined });
  }

  /** As it was when it was recorded. */
  hasProtobuf(type: ResourceType): boolean {
    return this.#lists.get(type)?.protobuf !== undefined;
  }

  version(): Record<string, string> {
    return this.#version;
  }

  answer(request: ResourceRequest): Answer {
    const list = this.#lists.get(request.type);
    if (list === undefined) throw apiErrors.unknownPath();
    if (request.verb === "get") return getAnswer(request, list);
    if (request.verb === "list") return listAnswer(request, list);
    throw apiErrors.methodNotAllowed();
  }
}

/** The lists of a file, mostly one. A file that holds no objects of an API is none of ours. */
function listsIn(folder: string, file: string): { readonly type: ResourceType; readonly list: RecordedList }[] {
  const { text, value } = readJson(join(folder, file));
  const {
    apiVersion = "",
    kind = "",
    items,
    metadata,
  } = (value ?? {}) as Partial<RecordedObject> & {
    readonly items?: readonly RecordedObject[];
  };
  if (kind === "" || apiVersion === "") return [];
  const resourceVersion = Number((metadata as { resourceVersion?: string } | undefined)?.resourceVersion) || 1;
  const mixed = { resourceVersion, text: undefined, protobuf: undefined };
  if (kind === "List") {
    const byKind = Map.groupBy(items ?? [], (item) => `${item.apiVersion} ${item.kind}`);
    return [...byKind.values()].flatMap((objects) => {
      const { apiVersion: version, kind: one } = objects[0] ?? {};
      if (version === undefined || one === undefined) return [];
      return [{ type: typeOf(version, one, pluralOf(one.toLowerCase()), objects), list: { ...mixed, items: objects } }];
    });
  }
  const isList = Array.isArray(items) && kind.endsWith("List");
  const objectKind = isList ? kind.slice(0, -"List".length) : kind;
  const objects = isList ? items : [value as RecordedObject];
  const nameless = objects.findIndex((object) => typeof object?.metadata?.name !== "string");
  if (nameless >= 0 && !isList) return [];
  if (nameless >= 0) throw unreadable(join(folder, file), `item ${nameless + 1} has no metadata.name`);
  const pb = join(folder, file.replace(/\.json$/, ".pb"));
  const protobuf = isList && existsSync(pb) ? readFileSync(pb) : undefined;
  const list = { resourceVersion, items: objects, text: isList ? text : undefined, protobuf };
  return [{ type: typeOf(apiVersion, objectKind, resourceOf(file, isList, objectKind), objects), list }];
}

function getAnswer(request: ResourceRequest, { items }: RecordedList): Answer {
  const found = items.find(
    ({ metadata }) => metadata.name === request.name && (metadata.namespace ?? "") === request.namespace,
  );
  if (found === undefined) throw apiErrors.notFound(request.type, request.name);
  const { type } = request;
  const identity = { kind: type.kind, apiVersion: type.group === "" ? type.version : `${type.group}/${type.version}` };
  const object = request.form === "full" ? { ...identity, ...found } : metadataOf(found);
  return { type: "body", status: 200, text: JSON.stringify(object) };
}

const metadataOf = ({ metadata }: RecordedObject) => ({
  kind: "PartialObjectMetadata",
  apiVersion: "meta.k8s.io/v1",
  metadata,
});

function listAnswer(request: ResourceRequest, list: RecordedList): Answer {
  const { limit, continueToken } = readListParameters(request.query, list.resourceVersion);
  const next = continueToken === "" ? 0 : decodeContinuation(continueToken).next;
  const selected = select(request, list.items);
  const end = limit === 0 ? selected.length : Math.min(selected.length, next + limit);
  const isFull = request.form === "full";
  if (isFull && list.text !== undefined && next === 0 && end === list.items.length) {
    return {
      type: "body",
      status: 200,
      text: list.text,
      ...(list.protobuf === undefined ? {} : { protobuf: list.protobuf }),
    };
  }
  const { resourceVersion } = list;
  const { type } = request;
  const text = listText({
    kind: isFull ? type.kind : "PartialObjectMetadata",
    apiVersion: isFull ? (type.group === "" ? type.version : `${type.group}/${type.version}`) : "meta.k8s.io/v1",
    resourceVersion: String(resourceVersion),
    continueToken: end < selected.length ? encodeContinuation({ resourceVersion, next: end }) : "",
    remainingItemCount: selected.length < list.items.length ? undefined : selected.length - end,
    items: selected.slice(next, end).map((item) => JSON.stringify(isFull ? item : metadataOf(item))),
  });
  return { type: "body", status: 200, text };
}

function select(request: ResourceRequest, items: readonly RecordedObject[]): readonly RecordedObject[] {
  const labels = parseLabelSelector(request.query.get("labelSelector"));
  const fields = parseFieldSelector(request.query.get("fieldSelector"), selectable);
  return items.filter(
    (item) =>
      (request.namespace === "" || item.metadata.namespace === request.namespace) &&
      (labels === undefined || labels(item.metadata.labels)) &&
      matchesFields(fields, (field) => textAt(item, field.split("."))),
  );
}

function textAt(value: unknown, path: readonly string[]): string {
  let at = value;
  for (const step of path) at = (at as Record<string, unknown> | undefined)?.[step];
  return typeof at === "string" ? at : "";
}

/** Lists are in files of their resource's name; other files have names of their own. */
function resourceOf(file: string, isList: boolean, kind: string): string {
  const name = file.slice(0, -".json".length);
  return isList && /^[a-z0-9]+$/.test(name) ? name : pluralOf(kind.toLowerCase());
}

function typeOf(apiVersion: string, kind: string, resource: string, objects: readonly RecordedObject[]): ResourceType {
  const [first = "", second] = apiVersion.split("/");
  return {
    group: second === undefined ? "" : first,
    version: second ?? first,
    resource,
    singular: kind.toLowerCase(),
    kind,
    // Of an empty list nothing tells; that of a namespaced kind can be asked for in both ways.
    namespaced: objects.length === 0 || objects.some(({ metadata }) => metadata.namespace !== undefined),
    verbs: ["get", "list"],
    shortNames: [],
    categories: [],
    hasStatus: false,
    builtIn: !first.includes(".") || first.endsWith(".k8s.io"),
  };
}

/** English as resource names are. */
function pluralOf(singular: string): string {
  if (singular === "networkattachmentdefinition") return "network-attachment-definitions";
  if (/[^aeiou]y$/.test(singular)) return `${singular.slice(0, -1)}ies`;
  return /(s|x|ch|sh)$/.test(singular) ? `${singular}es` : `${singular}s`;
}

/** Throws ClusterPulseError RECORDING_UNREADABLE. */
export function readJson(path: string): { readonly text: string; readonly value: unknown } {
  try {
    const bytes = readFileSync(path);
    if (bytes.length > maxFileBytes) throw unreadable(path, `is larger than ${maxFileBytes} bytes`);
    const text = bytes.toString("utf8");
    return { text, value: JSON.parse(text) };
  } catch (error) {
    if (ClusterPulseError.is(error)) throw error;
    throw unreadable(path, "is not there or not JSON");
  }
}

export const unreadable = (path: string, problem: string): ClusterPulseError =>
  new ClusterPulseError("RECORDING_UNREADABLE", `${path}: ${problem}`);
