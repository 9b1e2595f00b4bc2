// Reads a whole collection of small objects, page by page, from the hub's own API server. Guarantees: one consistent list or
// an error, never a part of one; bounded in objects, pages and bytes. Lists of the watched clusters go another way: their
// bodies are parsed in the pool.
import type { KubeObject } from "../api/v1alpha1/meta.ts";
import { isKubeError, KubeError } from "./errors.ts";
import { readObject } from "./object.ts";
import type { KubeTransport } from "./transport.ts";

const pageSize = 500;
const maxPages = 1_000;
const maxPageBytes = 64 << 20;

export interface Selection {
  readonly labelSelector?: string;
  /** Ask for metadata only (PartialObjectMetadata): Secrets whose values must not be held in memory. */
  readonly metadataOnly?: boolean;
}

export interface ObjectList<T extends KubeObject> {
  readonly items: readonly T[];
  /** Where a watch of the same selection continues. */
  readonly resourceVersion: string;
}

/**
 * Lists everything under `path`. A continue token that expired between two pages starts the list over, once.
 * Throws KubeError: what the transport throws, BODY_MALFORMED, and TOO_MANY_OBJECTS past `maxObjects`.
 */
export async function listObjects<T extends KubeObject>(
  transport: Pick<KubeTransport, "requestJson">,
  path: string,
  options: Selection & { readonly signal: AbortSignal; readonly maxObjects: number },
): Promise<ObjectList<T>> {
  try {
    return await listOnce(transport, path, options);
  } catch (error) {
    if (!isKubeError(error, "GONE")) throw error;
    return await listOnce(transport, path, options);
  }
}

async function listOnce<T extends KubeObject>(
  transport: Pick<KubeTransport, "requestJson">,
  path: string,
  options: Selection & { readonly signal: AbortSignal; readonly maxObjects: number },
): Promise<ObjectList<T>> {
  const items: T[] = [];
  let continueToken = "";
  for (let page = 0; page < maxPages; page++) {
    const query = selectionQuery(options);
    query.set("limit", String(pageSize));
    if (continueToken !== "") query.set("continue", continueToken);
    const { body } = await transport.requestJson("GET", `${path}?${query}`, {
      accept: acceptHeader("PartialObjectMetadataList", options.metadataOnly),
      signal: options.signal,
      maxBytes: maxPageBytes,
    });
    const found = readPage<T>(body, options.metadataOnly);
    if (items.length + found.items.length > options.maxObjects) throw tooManyObjects(options.maxObjects);
    for (const item of found.items) items.push(item);
    if (found.continueToken === "") return { items, resourceVersion: found.resourceVersion };
    continueToken = found.continueToken;
  }
  throw new KubeError("BODY_MALFORMED", `the list did not end after ${maxPages} pages`);
}

function readPage<T extends KubeObject>(
  body: unknown,
  metadataOnly?: boolean,
): { items: T[]; resourceVersion: string; continueToken: string } {
  const { items, metadata } = (body ?? {}) as { items?: unknown; metadata?: unknown };
  const { resourceVersion, continue: token } = (metadata ?? {}) as { resourceVersion?: unknown; continue?: unknown };
  // An empty Go slice may arrive as null.
  const list = items ?? [];
  if (!Array.isArray(list) || typeof resourceVersion !== "string" || resourceVersion === "") {
    throw new KubeError("BODY_MALFORMED", "the answer is not a list of objects with a resourceVersion");
  }
  return {
    items: list.map((item) => readObject<T>(item, metadataOnly)),
    resourceVersion,
    continueToken: typeof token === "string" ? token : "",
  };
}

export function selectionQuery(selection: Selection): URLSearchParams {
  const query = new URLSearchParams();
  if (selection.labelSelector !== undefined) query.set("labelSelector", selection.labelSelector);
  return query;
}

/** What to accept. No plain form beside the partial one: a server that cannot leave Secrets' values out shall refuse instead. */
export function acceptHeader(partialKind: string, metadataOnly = false): string {
  return metadataOnly ? `application/json;as=${partialKind};g=meta.k8s.io;v=v1` : "application/json";
}

export function tooManyObjects(maxObjects: number): KubeError {
  return new KubeError("TOO_MANY_OBJECTS", `more than ${maxObjects} objects: the rest cannot be watched`);
}
