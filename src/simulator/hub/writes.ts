// The rules of writing: what a create, an update, a patch and a delete may change, and what the server adds. Each either throws
// ApiError and leaves the store as it was, or commits exactly one event, or none where nothing changed.
import { isDeepStrictEqual } from "node:util";
import { type Clock, rfc3339 } from "../../support/clock.ts";
import { hashOf, uuidOf } from "../hash.ts";
import type { ResourceType } from "../http/catalog.ts";
import { apiVersionOf } from "../http/catalog.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import { mergeSchemaOf } from "../kinds/built-in-schemas.ts";
import { namespaceType } from "../kinds/types.ts";
import { frozenChanges, wantedOf, withDefaults, withGeneratedName, written } from "./content.ts";
import { decodeObject } from "./decode.ts";
import { type DeleteOptions, finalizersUnder } from "./deletion.ts";
import { type IncomingObject, readIncoming } from "./incoming.ts";
import { lastAppliedFields } from "./last-applied.ts";
import { afterApply, afterUpdate, askedManagedFields, type FieldWriter, type ManagedFields } from "./managed-fields.ts";
import { type KubeObject, keyOf, StoredObject } from "./object.ts";
import { schemaRules } from "./schema.ts";
import type { HubStore } from "./store.ts";

/** Which object is written, and how far: a dry run does everything but store. */
export interface WriteTarget {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
  readonly dryRun: boolean;
  /** Who is noted as the owner of the fields. */
  readonly manager: string;
  /** Told which fields of the body its kind does not know, before they are pruned. May throw. */
  readonly onUnknownFields?: (fields: readonly string[]) => void;
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
    const asked = askedManagedFields(incoming.metadata);
    return this.#add(target, incoming, (object) =>
      afterUpdate(asked === "clear" ? [] : (asked ?? []), {}, object, mergeSchemaOf(type), this.#writer(target)),
    );
  }

  update(target: WriteTarget, body: unknown): StoredObject {
    const current = this.#require(target);
    const incoming = decoded(target, readIncoming(target.type, body, target));
    if (!target.type.builtIn && incoming.metadata.resourceVersion === undefined) {
      const message = "Invalid value: 0: must be specified for an update";
      throw apiErrors.invalid(target.type, target.name, "metadata.resourceVersion", message);
    }
    return this.#replace(target, current, incoming);
  }

  /** `change` makes the new object of the current one. */
  patch(target: WriteTarget, change: (current: KubeObject) => unknown): StoredObject {
    const current = this.#require(target);
    const patched = change(current.object);
    return this.#replace(target, current, decoded(target, readIncoming(target.type, patched, target)));
  }

  /**
   * Server-side apply: makes the object what the configuration says, or creates it. Throws ApiError 409 where another manager owns what
   * would change, unless forced.
   */
  apply(
    target: WriteTarget,
    body: unknown,
    force: boolean,
  ): { readonly stored: StoredObject; readonly isCreated: boolean } {
    const { type } = target;
    const config = configuration(target, body);
    const current = this.#find(type, target.namespace, target.name);
    const live = current?.object;
    const before = managedFieldsOf(live);
    const schema = mergeSchemaOf(type);
    const writer = this.#writer(target);
    // What was there before anybody's fields were noted belongs to somebody.
    const known =
      live !== undefined && before.length === 0
        ? afterUpdate([], {}, live, schema, { ...writer, manager: "before-first-apply", subresource: "" })
        : before;
    const mayTake = target.manager === "kubectl" ? lastAppliedFields(live, schema) : () => false;
    const { object, entries } = afterApply(known, { live, config, schema, writer, force, mayTake });
    const incoming = decoded({ ...target, onUnknownFields: () => {} }, readIncoming(type, object, target));
    if (current !== undefined) return { stored: this.#replace(target, current, incoming, entries), isCreated: false };
    if (target.subresource !== "") throw apiErrors.notFound(type, target.name);
    const { resourceVersion, uid } = incoming.metadata;
    if (resourceVersion !== undefined) throw modified(target);
    if (uid !== undefined) {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      throw apiErrors.conflict(type, target.name, why);
    }
    return { stored: this.#add(target, incoming, () => entries), isCreated: true };
  }

  #writer({ type, manager, subresource }: WriteTarget): FieldWriter {
    return { manager, subresource, apiVersion: apiVersionOf(type), time: rfc3339(this.#clock.nowMs()) };
  }

  #add(target: WriteTarget, incoming: IncomingObject, owners: (object: KubeObject) => ManagedFields): StoredObject {
    const { type, namespace } = target;
    const { name } = incoming.metadata;
    if (incoming.metadata.resourceVersion !== undefined) {
      throw apiErrors.badRequest("resourceVersion should not be set on objects to be created");
    }
    if (type.namespaced) this.#checkNamespace(type, namespace, name);
    if (this.#find(type, namespace, name) !== undefined) throw apiErrors.alreadyExists(type, name);
    const { status, ...rest } = incoming;
    const content = withDefaults(type, rest as IncomingObject);
    const object: KubeObject = {
      ...content,
      ...(status === undefined || type.hasStatus ? {} : { status }),
      metadata: {
        ...content.metadata,
        ...(type.namespaced ? { namespace } : {}),
        uid: uuidOf(hashOf(this.#store.revision, 2)),
        creationTimestamp: rfc3339(this.#clock.nowMs()),
        resourceVersion: "",
        ...(type.hasGeneration ? { generation: 1 } : {}),
      },
    };
    checkSchema(type, object, undefined);
    const stored = withManagedFields(object, owners(object));
    return target.dryRun ? new StoredObject(stored) : this.#store.commit(type, "ADDED", stored);
  }

  /** The object's last state, and whether it is gone: with finalizers it only starts to go, as does a namespace, which is emptied first. */
  delete(target: WriteTarget, options: DeleteOptions): { readonly state: StoredObject; readonly gone: boolean } {
    const current = this.#require(target);
    const { metadata } = current.object;
    const { uid, resourceVersion } = options.preconditions ?? {};
    checkPrecondition(target, "UID", uid, metadata.uid);
    checkPrecondition(target, "ResourceVersion", resourceVersion, metadata.resourceVersion);
    const finalizers = finalizersUnder(options, metadata.finalizers ?? []);
    const { finalizers: _before, ...rest } = metadata;
    const isFirst = metadata.deletionTimestamp === undefined;
    const isNamespace = target.type === namespaceType;
    const marked: KubeObject = {
      ...current.object,
      ...(isNamespace ? { status: { ...(current.object["status"] as object), phase: "Terminating" } } : {}),
      metadata: {
        ...rest,
        ...(finalizers.length === 0 ? {} : { finalizers }),
        ...(isFirst ? { deletionTimestamp: rfc3339(this.#clock.nowMs()), ...{ deletionGracePeriodSeconds: 0 } } : {}),
        ...(isFirst && metadata.generation !== undefined ? { generation: metadata.generation + 1 } : {}),
      },
    };
    if (isReleased(target.type, marked)) {
      const state = target.dryRun ? current : this.#store.commit(target.type, "DELETED", current.object);
      return { state, gone: true };
    }
    if (target.dryRun || isDeepStrictEqual(marked, current.object)) return { state: current, gone: false };
    return { state: this.#store.commit(target.type, "MODIFIED", marked), gone: false };
  }

  #checkNamespace(type: ResourceType, namespace: string, name: string): void {
    const found = this.#find(namespaceType, "", namespace);
    if (found === undefined) throw apiErrors.notFound(namespaceType, namespace);
    if (found.object.metadata.deletionTimestamp !== undefined) throw apiErrors.terminating(type, name, namespace);
  }

  #find(type: ResourceType, namespace: string, name: string): StoredObject | undefined {
    return this.#store.table(type).get(keyOf(namespace, name));
  }

  #require(target: WriteTarget): StoredObject {
    const found = this.#find(target.type, target.namespace, target.name);
    if (found === undefined) throw apiErrors.notFound(target.type, target.name);
    return found;
  }

  /** @param applied the owners after an apply; undefined for an update, which takes what it changes */
  #replace(
    target: WriteTarget,
    current: StoredObject,
    incoming: IncomingObject,
    applied?: ManagedFields,
  ): StoredObject {
    const { type } = target;
    const owners = managedFieldsOf(current.object);
    const before = withManagedFields(current.object, []);
    const { resourceVersion, uid } = incoming.metadata;
    if (resourceVersion !== undefined && resourceVersion !== before.metadata.resourceVersion) throw modified(target);
    checkPrecondition(target, "UID", uid, before.metadata.uid);
    const next = withManagedFields(written(type, target.subresource, before, incoming), []);
    checkFinalizers(target, before, next);
    const isSame = isDeepStrictEqual(before, next);
    if (!isSame) checkSchema(type, next, before);
    const frozen = isSame ? [] : frozenChanges(type, before, next);
    if (frozen.length > 0) throw apiErrors.invalidFields(type, target.name, frozen);
    const asked = target.subresource === "" ? askedManagedFields(incoming.metadata) : undefined;
    const base = asked === "clear" ? [] : (asked ?? owners);
    // Owners that were cleared stay unknown until the next apply.
    const nextOwners =
      applied ??
      (base.length === 0 || isSame ? base : afterUpdate(base, before, next, mergeSchemaOf(type), this.#writer(target)));
    if (isSame && isDeepStrictEqual(owners, nextOwners)) return current;
    const isSpecChange = !isDeepStrictEqual(wantedOf(type, before), wantedOf(type, next));
    const { generation } = before.metadata;
    const metadata =
      generation !== undefined && isSpecChange ? { ...next.metadata, generation: generation + 1 } : next.metadata;
    const stored = withManagedFields({ ...next, metadata }, nextOwners);
    if (target.dryRun) return new StoredObject(stored);
    return this.#store.commit(type, isReleased(type, stored) ? "DELETED" : "MODIFIED", stored);
  }
}

/** Marked as deleted, and nothing holds it. */
function isReleased(type: ResourceType, { metadata, spec }: KubeObject): boolean {
  const held = type === namespaceType ? (spec as { readonly finalizers?: readonly string[] }).finalizers : [];
  return metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length && !held?.length;
}

/** An object as the server's own controllers write it. */
export const targetOf = (type: ResourceType, { metadata: { namespace = "", name } }: KubeObject): WriteTarget => ({
  type,
  namespace,
  name,
  subresource: "",
  dryRun: false,
  manager: "kube-controller-manager",
});

const managedFieldsOf = (object: KubeObject | undefined): ManagedFields => object?.metadata.managedFields ?? [];

function withManagedFields(object: KubeObject, managedFields: ManagedFields): KubeObject {
  const { managedFields: _before, ...metadata } = object.metadata;
  return { ...object, metadata: managedFields.length === 0 ? metadata : { ...metadata, managedFields } };
}

/** What an apply configures: without what the door that it came through does not write, without defaults. */
function configuration(target: WriteTarget, body: unknown): IncomingObject {
  const { type, name, subresource } = target;
  const metadata = (body as { readonly metadata?: object } | null)?.metadata;
  const sent = readIncoming(type, { ...(body as object), metadata: { name, ...metadata } }, target);
  if ("managedFields" in sent.metadata) throw apiErrors.badRequest("metadata.managedFields must be nil");
  const { object, unknownFields } = decodeObject(type, sent, false);
  const [unknown] = unknownFields;
  if (unknown !== undefined) {
    const what = `(${sent.metadata.namespace ?? ""}/${name}; ${apiVersionOf(type)}, Kind=${type.kind})`;
    const message = `failed to create typed patch object ${what}: .${unknown}: field not declared in schema`;
    throw new ApiError(500, "", message);
  }
  const { apiVersion, kind, status, ...content } = object;
  const { resourceVersion, uid } = object.metadata;
  const precondition = {
    name,
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(uid === undefined ? {} : { uid }),
  };
  if (subresource === "status") return { apiVersion, kind, metadata: precondition, status };
  return type.hasStatus ? { apiVersion, kind, ...content } : object;
}

const modified = (target: WriteTarget): Error =>
  apiErrors.conflict(
    target.type,
    target.name,
    "the object has been modified; please apply your changes to the latest version and try again",
  );

/** Without fields that the definition does not know, with those that it fills in. */
function decoded(target: WriteTarget, incoming: IncomingObject): IncomingObject {
  const { object, unknownFields } = decodeObject(target.type, incoming);
  if (unknownFields.length > 0) target.onUnknownFields?.(unknownFields);
  return object;
}

function checkSchema(type: ResourceType, next: KubeObject, before: KubeObject | undefined): void {
  const causes = schemaRules(type.schema)?.violations(next, before) ?? [];
  if (causes.length > 0) throw apiErrors.invalidFields(type, next.metadata.name, causes);
}

function checkFinalizers(target: WriteTarget, before: KubeObject, next: KubeObject): void {
  if (before.metadata.deletionTimestamp === undefined) return;
  const known = before.metadata.finalizers ?? [];
  const added = (next.metadata.finalizers ?? []).filter((finalizer) => !known.includes(finalizer));
  if (added.length === 0) return;
  const found = `[]string{${added.map((finalizer) => JSON.stringify(finalizer)).join(", ")}}`;
  const message = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${found}`;
  throw apiErrors.invalid(target.type, target.name, "metadata.finalizers", message);
}

function checkPrecondition(target: WriteTarget, what: string, wanted: string | undefined, actual: string): void {
  if (wanted === undefined || wanted === actual) return;
  const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${actual}`;
  throw apiErrors.conflict(target.type, target.name, why);
}
