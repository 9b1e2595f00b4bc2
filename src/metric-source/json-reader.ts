// The JSON lane: managedFields are cut out as bytes, the rest is parsed once, and compiled paths look into it. Integers beyond ±2^53, which
// JSON.parse rounds, are rare: a page in which a field leads to one is parsed again by a slower parser that keeps their digits.
import { asObject, asText, bodyMalformed, type JsonObject, withoutManagedFields } from "../kube/list-page.ts";
import { isComposite, maxCompositeDepth } from "./composite.ts";
import type { Resolve } from "./resolve.ts";
import type { PageEnd, RowReader, RowSink } from "./row-reader.ts";

/** Longer continue tokens do not fit into the next request. */
const maxContinueToken = 8 * 1024;

/** Reads lists that came as JSON. One resolver for each field, in the fields' order. */
export function createJsonReader(resolvers: readonly Resolve[]): RowReader {
  return { read: (page, sink) => readJsonPage(parseJsonPage(page), resolvers, sink) };
}

/** A page that is parsed once, for all who read it: none of them changes it. */
export interface JsonPage {
  readonly text: string;
  readonly list: JsonObject;
}

/** Throws BODY_MALFORMED. */
export function parseJsonPage(page: Buffer): JsonPage {
  const text = withoutManagedFields(page).toString("utf8");
  return { text, list: parseList(text) };
}

/** What a reader of these resolvers gives for the page. */
export function readJsonPage({ text, list }: JsonPage, resolvers: readonly Resolve[], sink: RowSink): PageEnd {
  readItems(itemsOf(list), text, resolvers, sink);
  return pageEnd(list);
}

/** Hands on items that are as JSON.parse gives them. `text` is what they were parsed from; with "" nothing is parsed again. */
export function readItems(given: readonly unknown[], text: string, resolvers: readonly Resolve[], sink: RowSink): void {
  let items = given;
  let isExact = text === "";
  const found: unknown[] = new Array(resolvers.length).fill(undefined);
  for (let at = 0; at < items.length; at++) {
    let item = items[at];
    const metadata = asObject(asObject(item)?.["metadata"]);
    const name = asText(metadata?.["name"]);
    if (metadata === undefined || name === "") {
      sink.skip();
      continue;
    }
    const namespace = asText(metadata["namespace"]);
    if (!sink.wants(namespace)) continue;
    for (let field = 0; field < resolvers.length; field++) {
      const value = (resolvers[field] as Resolve)(item);
      found[field] = value;
      if (!isExact && isRounded(value)) {
        isExact = true;
        items = itemsOf(parseList(text, exactIntegers));
        item = items[at];
        field = -1;
      }
    }
    if (!sink.take(namespace, name, metadata["labels"], found)) return;
  }
}

function parseList(
  text: string,
  reviver?: (key: string, value: unknown, context: { source?: string }) => unknown,
): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text, reviver as (key: string, value: unknown) => unknown);
  } catch {
    throw bodyMalformed("JSON");
  }
  const list = asObject(value);
  if (list === undefined || !asText(list["kind"]).endsWith("List")) throw bodyMalformed("a list");
  return list;
}

/** Go writes an empty list as null. */
function itemsOf(list: JsonObject): readonly unknown[] {
  const items = list["items"] ?? [];
  if (!Array.isArray(items)) throw bodyMalformed("a list with items");
  return items;
}

export function pageEnd(list: JsonObject): PageEnd {
  const metadata = asObject(list["metadata"]) ?? {};
  const continueToken = asText(metadata["continue"]);
  if (continueToken.length > maxContinueToken || !continueToken.isWellFormed()) {
    throw bodyMalformed("a list with a usable continue token");
  }
  const remaining = metadata["remainingItemCount"];
  const isCount = typeof remaining === "number" && Number.isSafeInteger(remaining) && remaining >= 0;
  return { continueToken, remainingItemCount: isCount ? remaining : null };
}

/** Whether parsing may have rounded an integer of this value. What is nested more deeply than any text of a value is of no interest. */
function isRounded(value: unknown, depth = 0): boolean {
  if (typeof value === "number") return !Number.isSafeInteger(value) && Number.isInteger(value);
  if (!isComposite(value) || depth > maxCompositeDepth) return false;
  return Object.values(value).some((part) => isRounded(part, depth + 1));
}

const twoTo63 = 1n << 63n;
const integer = /^-?\d{16,19}$/;

/** Keeps integers that a number cannot hold, as far as 64 bits hold them; Kubernetes reads longer ones as floating point, too. */
function exactIntegers(_key: string, value: unknown, { source }: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value) || source === undefined || !integer.test(source))
    return value;
  const exact = BigInt(source);
  return exact < twoTo63 && exact >= -twoTo63 ? exact : value;
}
