// What a write makes of an object's content: which members a door of the API may change, and what built-in kinds fill in by themselves.
// Pure functions of what is stored and what was sent.
import { isDeepStrictEqual } from "node:util";
import type { ResourceType } from "../http/catalog.ts";
import { ApiError, type StatusCause } from "../http/status.ts";
import { configMapType, crdType, namespaceType, podType, secretType } from "../kinds/types.ts";
import { generateName, type IncomingObject } from "./incoming.ts";
import type { KubeObject, ObjectMeta } from "./object.ts";

/** The body with the name that it asks the server to make up. */
export function withGeneratedName(body: unknown, hash: number): unknown {
  const metadata = (body as { metadata?: { name?: unknown; generateName?: unknown } } | undefined)?.metadata;
  if (typeof metadata?.generateName !== "string" || metadata.name) return body;
  return { ...(body as object), metadata: { ...metadata, name: generateName(metadata.generateName, hash) } };
}

/** What a generation counts: everything but the metadata, and the status where that has a door of its own. */
export function wantedOf(type: ResourceType, object: KubeObject): Record<string, unknown> {
  const { metadata: _metadata, status, ...content } = object;
  return type.hasStatus ? content : { ...content, status };
}

/** What a write through the object's own door or one of its subresources makes of it. */
export function written(
  type: ResourceType,
  subresource: string,
  before: KubeObject,
  incoming: IncomingObject,
): KubeObject {
  switch (subresource) {
    case "status":
      return withMember(before, "status", incoming.status);
    case "finalize":
      return withMember(before, "spec", incoming["spec"]);
    default:
      return withContent(type, before, incoming);
  }
}

function withMember(before: KubeObject, name: "spec" | "status", value: unknown): KubeObject {
  const { [name]: _before, ...rest } = before;
  return value === undefined ? (rest as KubeObject) : { ...(rest as KubeObject), [name]: value };
}

/** A write of the object itself leaves what the server owns, and the status where that has a door of its own. */
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
    ...(type === namespaceType ? { spec: before["spec"] } : {}),
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

/** What a write of a Secret or ConfigMap changes although it may not, with what is to be said of it. */
export function frozenChanges(type: ResourceType, before: KubeObject, next: KubeObject): readonly StatusCause[] {
  const isChanged = (member: string): boolean => !isDeepStrictEqual(before[member] ?? {}, next[member] ?? {});
  const causes: StatusCause[] = [];
  if (type === secretType && isChanged("type")) {
    const message = `Invalid value: ${JSON.stringify(next["type"])}: field is immutable`;
    causes.push({ reason: "FieldValueInvalid", message, field: "type" });
  }
  if ((type === secretType || type === configMapType) && before["immutable"] === true) {
    const message = "Forbidden: field is immutable when `immutable` is set";
    const changed = ["immutable", "data", "binaryData"].filter(isChanged);
    causes.push(...changed.map((field) => ({ reason: "FieldValueForbidden", message, field })));
  }
  return causes;
}

/** What the built-in kinds fill in by themselves. */
export function withDefaults(type: ResourceType, content: IncomingObject): IncomingObject {
  if (type === namespaceType) {
    const labels = { ...content.metadata.labels, "kubernetes.io/metadata.name": content.metadata.name };
    return {
      ...content,
      metadata: { ...content.metadata, labels },
      spec: { finalizers: ["kubernetes"] },
      status: { phase: "Active" },
    };
  }
  if (type === crdType) return withDefinitionDefaults(content);
  if (type === podType) return { ...content, status: { phase: "Pending" } };
  if (type.scale !== undefined && type.builtIn) {
    return { ...content, spec: { replicas: 1, ...(content["spec"] as object | undefined) } };
  }
  if (type === secretType) return withSecretData(content);
  return content;
}

function withDefinitionDefaults(content: IncomingObject): IncomingObject {
  const spec = content["spec"] as { readonly names: { readonly kind: string } };
  const { kind } = spec.names;
  const names = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...spec.names };
  return { ...content, spec: { conversion: { strategy: "None" }, ...spec, names } };
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
