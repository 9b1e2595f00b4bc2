// The rules of writing: what a create, an update, a patch and a delete may change, and what the server adds. Each either throws
// ApiError and leaves the store as it was, or commits exactly one event, or none where nothing changed.
import { isDeepStrictEqual } from "node:util";
import { type Clock, rfc3339 } from "../../support/clock.ts";
import { hashOf, uuidOf } from "../hash.ts";
import type { ResourceType } from "../http/catalog.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import { namespaceType, secretType } from "../kinds/types.ts";
import { generateName, type IncomingObject, readIncoming } from "./incoming.ts";
import { type KubeObject, keyOf, type ObjectMeta, StoredObject } from "./object.ts";
import { schemaRules } from "./schema.ts";
import type { HubStore } from "./store.ts";

/** Which object is written, and how far: a dry run does everything but store. */
export interface WriteTarget {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  /** Told which fields of the body its kind does not know, before they are pruned. May throw. */
  readonly onUnknownFields?: (fields: readonly string[]) => void;
}

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export class HubWriter {
  readonly #store: HubStore;
  readonly #clock: Clock;

  constructor(store: HubStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  create(target: WriteTarget, body: unknown): StoredObject {
    const { type, namespace } = target;
    const generated = hashOf(this.#store.revision, 1);
    const path = { namespace, name: "" };
    const incoming = decoded(target, readIncoming(type, withGeneratedName(body, generated), path));
    const { name } = incoming.metadata;
    if (incoming.metadata.resourceVersion !== undefined) {
      throw apiErrors.badRequest("resourceVersion should not be set on objects to be created");
    }
    if (type.namespaced && this.#find(namespaceType, "", namespace) === undefined) {
      throw apiErrors.notFound(namespaceType, namespace);
    }
    if (this.#find(type, namespace, name) !== undefined) throw apiErrors.alreadyExists(type, name);
    const { status, ...rest } = incoming;
    const content = rest as IncomingObject;
    const object: KubeObject = {
      ...withDefaults(type, content),
      ...(status === undefined || type.hasStatus ? {} : { status }),
      metadata: {
        ...incoming.metadata,
        ...(type.namespaced ? { namespace } : {}),
        uid: uuidOf(hashOf(this.#store.revision, 2)),
        creationTimestamp: rfc3339(this.#clock.nowMs()),
        resourceVersion: "",
        ...(type.builtIn ? {} : { generation: 1 }),
      },
    };
    checkSchema(type, object, undefined);
    return target.dryRun ? new StoredObject(object) : this.#store.commit(type, "ADDED", object);
  }

  update(target: WriteTarget, body: unknown): StoredObject {
    const current = this.#require(target);
    return this.#replace(target, current, decoded(target, readIncoming(target.type, body, target)));
  }

  /** `change` makes the new object of the current one. */
  patch(target: WriteTarget, change: (current: KubeObject) => unknown): StoredObject {
    const current = this.#require(target);
    const patched = change(current.object);
    return this.#replace(target, current, decoded(target, readIncoming(target.type, patched, target)));
  }

  /** The object's last state, and whether it is gone: with finalizers it only starts to go. */
  delete(target: WriteTarget, preconditions: DeleteOptions): { readonly state: StoredObject; readonly gone: boolean } {
    const current = this.#require(target);
    const { metadata } = current.object;
    checkPrecondition(target, "UID", preconditions.uid, metadata.uid);
    checkPrecondition(target, "ResourceVersion", preconditions.resourceVersion, metadata.resourceVersion);
    if ((metadata.finalizers ?? []).length === 0) {
      if (target.dryRun) return { state: current, gone: true };
      if (target.type === namespaceType) this.#emptyNamespace(metadata.name);
      return { state: this.#store.commit(target.type, "DELETED", current.object), gone: true };
    }
    if (metadata.deletionTimestamp !== undefined || target.dryRun) return { state: current, gone: false };
    const marked: KubeObject = {
      ...current.object,
      metadata: {
        ...metadata,
        deletionTimestamp: rfc3339(this.#clock.nowMs()),
        ...{ deletionGracePeriodSeconds: 0 },
        ...(metadata.generation === undefined ? {} : { generation: metadata.generation + 1 }),
      },
    };
    return { state: this.#store.commit(target.type, "MODIFIED", marked), gone: false };
  }

  #find(type: ResourceType, namespace: string, name: string): StoredObject | undefined {
    return this.#store.table(type).get(keyOf(namespace, name));
  }

  #require(target: WriteTarget): StoredObject {
    const found = this.#find(target.type, target.namespace, target.name);
    if (found === undefined) throw apiErrors.notFound(target.type, target.name);
    return found;
  }

  #replace(target: WriteTarget, current: StoredObject, incoming: IncomingObject): StoredObject {
    const { type } = target;
    const before = current.object;
    const { resourceVersion, uid } = incoming.metadata;
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) {
      const why = "the object has been modified; please apply your changes to the latest version and try again";
      throw apiErrors.conflict(type, target.name, why);
    }
    checkPrecondition(target, "UID", uid, before.metadata.uid);
    const next = target.subresource === "status" ? withStatus(before, incoming) : withContent(type, before, incoming);
    checkFinalizers(target, before, next);
    if (isDeepStrictEqual(before, next)) return current;
    checkSchema(type, next, before);
    const isSpecChange = !isDeepStrictEqual(contentOf(before), contentOf(next));
    const { generation } = before.metadata;
    const stored =
      generation !== undefined && isSpecChange
        ? { ...next, metadata: { ...next.metadata, generation: generation + 1 } }
        : next;
    if (target.dryRun) return new StoredObject(stored);
    const isReleased = stored.metadata.deletionTimestamp !== undefined && !stored.metadata.finalizers?.length;
    return this.#store.commit(type, isReleased ? "DELETED" : "MODIFIED", stored);
  }

  #emptyNamespace(namespace: string): void {
    for (const table of this.#store.tables()) {
      if (!table.type.namespaced) continue;
      for (const stored of table.list()) {
        if (stored.object.metadata.namespace === namespace) this.#store.commit(table.type, "DELETED", stored.object);
      }
    }
  }
}

/** Without fields that the definition does not know, with those that it fills in. */
function decoded(target: WriteTarget, incoming: IncomingObject): IncomingObject {
  const rules = schemaRules(target.type.schema);
  if (rules === undefined) return incoming;
  const { object, unknownFields } = rules.decode(incoming);
  if (unknownFields.length > 0) target.onUnknownFields?.(unknownFields);
  return object;
}

function checkSchema(type: ResourceType, next: KubeObject, before: KubeObject | undefined): void {
  const causes = schemaRules(type.schema)?.violations(next, before) ?? [];
  if (causes.length > 0) throw apiErrors.invalidFields(type, next.metadata.name, causes);
}

function withGeneratedName(body: unknown, hash: number): unknown {
  const metadata = (body as { metadata?: { name?: unknown; generateName?: unknown } } | undefined)?.metadata;
  if (typeof metadata?.generateName !== "string" || metadata.name) return body;
  return { ...(body as object), metadata: { ...metadata, name: generateName(metadata.generateName, hash) } };
}

/** Everything but metadata and status: what a generation counts. */
function contentOf(object: KubeObject): Record<string, unknown> {
  const { metadata: _metadata, status: _status, ...content } = object;
  return content;
}

/** A status write moves the status alone. */
function withStatus(before: KubeObject, incoming: IncomingObject): KubeObject {
  const { status: _status, ...rest } = before;
  return incoming.status === undefined ? (rest as KubeObject) : { ...(rest as KubeObject), status: incoming.status };
}

/** Any other write leaves what the server owns, and the status where that has a door of its own. */
function withContent(type: ResourceType, before: KubeObject, incoming: IncomingObject): KubeObject {
  const { status, ...rest } = incoming;
  const kept = type.hasStatus ? before["status"] : status;
  const owned: Partial<Record<keyof ObjectMeta | "deletionGracePeriodSeconds", unknown>> = {};
  for (const member of ownedMembers) {
    const value = (before.metadata as unknown as Record<string, unknown>)[member];
    if (value !== undefined) owned[member] = value;
  }
  const metadata = { ...incoming.metadata } as Record<string, unknown>;
  for (const member of ownedMembers) delete metadata[member];
  return {
    ...withDefaults(type, rest as IncomingObject),
    metadata: { ...metadata, ...owned } as unknown as ObjectMeta,
    ...(kept === undefined ? {} : { status: kept }),
  };
}

const ownedMembers = [
  "namespace",
  "uid",
  "resourceVersion",
  "generation",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
] as const;

function checkFinalizers(target: WriteTarget, before: KubeObject, next: KubeObject): void {
  if (before.metadata.deletionTimestamp === undefined) return;
  const known = before.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return;
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${JSON.stringify(added)}`;
  throw apiErrors.invalid(target.type, target.name, "metadata.finalizers", message);
}

function checkPrecondition(target: WriteTarget, what: string, wanted: string | undefined, actual: string): void {
  if (wanted === undefined || wanted === actual) return;
  const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${actual}`;
  throw apiErrors.conflict(target.type, target.name, why);
}

/** What the built-in kinds fill in by themselves. */
function withDefaults(type: ResourceType, content: IncomingObject): IncomingObject {
  if (type === namespaceType) {
    const labels = { ...content.metadata.labels, "kubernetes.io/metadata.name": content.metadata.name };
    return {
      ...content,
      metadata: { ...content.metadata, labels },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    };
  }
  if (type === secretType) return withSecretData(content);
  return content;
}

/** Folds the write-only stringData into data. */
function withSecretData(content: IncomingObject): IncomingObject {
  const { stringData, data, ...rest } = content;
  const texts = Object.entries((stringData ?? {}) as Record<string, unknown>);
  const encoded = texts.map(([name, text]) => [name, Buffer.from(String(text)).toString("base64")]);
  const merged = { ...(data as object | undefined), ...Object.fromEntries(encoded) };
  for (const [name, value] of Object.entries(merged)) {
    if (typeof value !== "string" || !/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(value)) {
      throw new ApiError(400, "BadRequest", `Secret in version "v1" cannot be handled: data.${name} is not base64`);
    }
  }
  return { ...(rest as IncomingObject), data: merged, type: rest["type"] ?? "Opaque" };
}
