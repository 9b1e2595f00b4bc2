// Looking at what a body says: members one by one, never trusted. The reading itself is src/kube/list-page.ts, whose names this room uses too.
import { asObject, asText, type JsonObject } from "../kube/list-page.ts";

export {
  asObject,
  asText,
  bodyMalformed,
  inflate,
  type JsonObject,
  jsonListShape,
  type ListPage,
  type ListShape,
  listShape,
  MAX_INFLATED_BYTES,
  readList,
  readObject,
  withoutManagedFields,
} from "../kube/list-page.ts";

export function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The objects in an array; everything else in it is left out. */
export function objectsIn(value: unknown): JsonObject[] {
  return asArray(value).filter((item): item is JsonObject => asObject(item) !== undefined);
}

/** The text without what follows its first `maxLength` characters; what is not text, or not well-formed, is "". */
export function shortText(value: unknown, maxLength: number): string {
  const text = asText(value);
  return (text.length > maxLength ? text.slice(0, maxLength) : text).toWellFormed();
}

// Excludes what cannot be a name of a node or namespace and would be read as a separator in a key or path.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it refuses
const namePattern = /^[^\s:/%\u0000-\u001f\u007f]{1,253}$/;

/** Whether the value can be the name of a node, a namespace or a pod. */
export function isName(value: unknown): value is string {
  return typeof value === "string" && namePattern.test(value) && value.isWellFormed();
}

/** metadata.name of a list's item, or undefined when the item is malformed. */
export function nameOf(item: unknown): string | undefined {
  const name = asObject(asObject(item)?.["metadata"])?.["name"];
  return isName(name) ? name : undefined;
}
