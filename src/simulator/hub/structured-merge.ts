// Objects as trees of fields that managers own: which fields an object has, which a write changed, and how a configuration is merged
// into an object. What merges is for the schema to say: objects merge unless they are atomic, lists only where they are maps or sets.
// Where there is no schema, objects merge and lists do not. Pure: nothing that is passed in is changed.
import { isDeepStrictEqual } from "node:util";
import { childPath, type FieldSet, keyElement, memberElement, valueElement } from "./field-set.ts";
import { memberSchema, type StructuralSchema } from "./structural-schema.ts";

type Members = Readonly<Record<string, unknown>>;
type Schema = StructuralSchema | undefined;

const isObject = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether a value is one field, or made of members, or of elements with an identity. */
function shapeOf(value: unknown, schema: Schema): "leaf" | "members" | "elements" {
  if (isObject(value)) return schema?.["x-kubernetes-map-type"] === "atomic" ? "leaf" : "members";
  if (!Array.isArray(value)) return "leaf";
  const type = schema?.["x-kubernetes-list-type"];
  return type === "map" || type === "set" ? "elements" : "leaf";
}

interface Child {
  readonly element: string;
  readonly value: unknown;
  readonly schema: Schema;
  /** Whether the schema names it: what is merely a key of a map, or an element of a list, is a field of its own beside what it holds. */
  readonly isNamed: boolean;
}

/** What a value is made of, in order; empty for a leaf. */
function childrenOf(value: unknown, schema: Schema): readonly Child[] {
  switch (shapeOf(value, schema)) {
    case "leaf":
      return [];
    case "members":
      return Object.entries(value as Members)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => ({
          element: memberElement(name),
          value: member,
          schema: memberSchema(schema, name),
          isNamed: Object.hasOwn(schema?.properties ?? {}, name),
        }));
    case "elements":
      return (value as readonly unknown[]).map((item) => ({
        element: elementOf(item, schema as StructuralSchema),
        value: item,
        schema: schema?.items,
        isNamed: false,
      }));
  }
}

function elementOf(item: unknown, schema: StructuralSchema): string {
  const names = schema["x-kubernetes-list-map-keys"] as readonly string[] | undefined;
  if (schema["x-kubernetes-list-type"] !== "map" || names === undefined || !isObject(item)) return valueElement(item);
  const keys = names.toSorted().map((name) => [name, item[name] ?? schema.items?.properties?.[name]?.default ?? null]);
  return keyElement(Object.fromEntries(keys));
}

/** The fields that an object has. */
export function fieldsOf(object: unknown, schema: Schema): FieldSet {
  const fields = new Set<string>();
  collectFields(object, schema, "", fields);
  return fields;
}

function collectFields(value: unknown, schema: Schema, path: string, fields: Set<string>): void {
  if (shapeOf(value, schema) === "leaf") {
    fields.add(path);
    return;
  }
  for (const child of childrenOf(value, schema)) {
    const at = childPath(path, child.element);
    collectFields(child.value, child.schema, at, fields);
    const isEmpty = isObject(child.value) && Object.keys(child.value).length === 0;
    if (isEmpty || !child.isNamed) fields.add(at);
  }
}

/** What a write did to the fields of an object. */
export interface FieldChanges {
  /** Added or with another value. */
  readonly changed: FieldSet;
  readonly removed: FieldSet;
}

export function changesBetween(before: unknown, after: unknown, schema: Schema): FieldChanges {
  const changes = { changed: new Set<string>(), removed: new Set<string>() };
  compare(before, after, schema, "", changes);
  return changes;
}

function compare(
  before: unknown,
  after: unknown,
  schema: Schema,
  path: string,
  changes: { readonly changed: Set<string>; readonly removed: Set<string> },
): void {
  if (before === after) return;
  const shape = shapeOf(after ?? before, schema);
  const isOtherShape = before !== undefined && after !== undefined && shapeOf(before, schema) !== shape;
  if (path !== "") {
    const isStruct = shape !== "leaf" && schema?.isStruct === true;
    if (after === undefined) changes.removed.add(path);
    else if (before === undefined && !isStruct) changes.changed.add(path);
    else if ((shape === "leaf" || isOtherShape) && !isDeepStrictEqual(before, after)) changes.changed.add(path);
  }
  const old = new Map(childrenOf(before, schema).map((child) => [child.element, child]));
  for (const child of childrenOf(after, schema)) {
    compare(old.get(child.element)?.value, child.value, child.schema, childPath(path, child.element), changes);
    old.delete(child.element);
  }
  for (const child of old.values()) {
    compare(child.value, undefined, child.schema, childPath(path, child.element), changes);
  }
}

/** The object with everything that the configuration says. */
export function merged(object: unknown, config: unknown, schema: Schema): unknown {
  if (config === undefined) return object;
  const shape = shapeOf(config, schema);
  if (shape === "leaf" || shapeOf(object, schema) !== shape) return config;
  if (shape === "members") {
    // A Map, not an object: a member called __proto__ stays an ordinary member.
    const members = new Map(Object.entries(object as Members));
    for (const [name, member] of Object.entries(config as Members)) {
      members.set(name, merged(members.get(name), member, memberSchema(schema, name)));
    }
    return Object.fromEntries(members);
  }
  return mergedElements(childrenOf(object, schema), childrenOf(config, schema), schema);
}

/** Elements in the order of the configuration; those that it does not name stay before the next one that both have. */
function mergedElements(object: readonly Child[], config: readonly Child[], schema: Schema): unknown[] {
  const old = new Map(object.map((child) => [child.element, child.value]));
  const wanted = new Set(config.map(({ element }) => element));
  const shared = config.map(({ element }) => element).filter((element) => old.has(element));
  const result: unknown[] = [];
  let [at, nextShared] = [0, 0];
  for (const { element, value } of config) {
    for (; at < object.length && (object[at] as Child).element !== shared[nextShared]; at++) {
      if (!wanted.has((object[at] as Child).element)) result.push((object[at] as Child).value);
    }
    result.push(merged(old.get(element), value, schema?.items));
    if (element !== shared[nextShared]) continue;
    nextShared++;
    at++;
  }
  return [
    ...result,
    ...object
      .slice(at)
      .filter((child) => !wanted.has(child.element))
      .map((child) => child.value),
  ];
}

/** The object without the fields and everything below them; what is emptied by that goes too. */
export function without(object: unknown, fields: FieldSet, schema: Schema): unknown {
  return fields.size === 0 ? object : strip(object, fields, schema, "");
}

function strip(value: unknown, fields: FieldSet, schema: Schema, path: string): unknown {
  const children = childrenOf(value, schema);
  if (children.length === 0) return value;
  const kept = children.flatMap((child) => {
    const at = childPath(path, child.element);
    if (fields.has(at)) return [];
    const left = strip(child.value, fields, child.schema, at);
    return left === undefined ? [] : [{ element: child.element, value: left }];
  });
  if (kept.length === 0 && path !== "") return undefined;
  if (Array.isArray(value)) return kept.map((child) => child.value);
  return Object.fromEntries(kept.map((child) => [child.element.slice("f:".length), child.value]));
}

/** Elements of sets and maps that are there more than once, by their paths. */
export function duplicatesIn(object: unknown, schema: Schema, path = ""): readonly { path: string; value: unknown }[] {
  const seen = new Set<string>();
  return childrenOf(object, schema).flatMap(({ element, value, schema: below }, index) => {
    const isMember = element.startsWith("f:");
    const at = isMember ? `${path}${path === "" ? "" : "."}${element.slice("f:".length)}` : `${path}[${index}]`;
    const isDuplicate = !isMember && seen.has(element);
    seen.add(element);
    const identity = element.startsWith("k:") ? JSON.parse(element.slice("k:".length)) : value;
    return [...(isDuplicate ? [{ path: at, value: identity }] : []), ...duplicatesIn(value, below, at)];
  });
}
