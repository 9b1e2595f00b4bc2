// The text of a list answer, the parameters of a list request, and continue tokens. Shared by both engines.
import { ApiError, apiErrors } from "./status.ts";

export interface ListPage {
  readonly kind: string;
  readonly apiVersion: string;
  readonly resourceVersion: string;
  /** "" on the last page. */
  readonly continueToken: string;
  /** Items after this page; undefined when a selector makes it unknown. */
  readonly remainingItemCount: number | undefined;
  /** JSON texts. */
  readonly items: readonly string[];
}

/** The JSON text of a list: `kind` is that of the items. */
export function listText(page: ListPage): string {
  const more =
    page.continueToken === ""
      ? ""
      : `,"continue":"${page.continueToken}"${page.remainingItemCount === undefined ? "" : `,"remainingItemCount":${page.remainingItemCount}`}`;
  return `{"kind":"${page.kind}List","apiVersion":"${page.apiVersion}","metadata":{"resourceVersion":"${page.resourceVersion}"${more}},"items":[${page.items.join(",")}]}`;
}

/** The JSON text of one PartialObjectMetadata whose metadata is `metadataText`. */
export const partialMetadataText = (metadataText: string): string =>
  `{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":${metadataText}}`;

export interface ListParameters {
  /** 0: everything. */
  readonly limit: number;
  /** "" for the first page. */
  readonly continueToken: string;
}

/** Reads limit, continue and resourceVersion of a list against the newest version. Throws ApiError for what the API refuses. */
export function readListParameters(query: URLSearchParams, currentVersion: number): ListParameters {
  const limit = readCount(query, "limit") ?? 0;
  const continueToken = query.get("continue") ?? "";
  const version = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  if (continueToken !== "") {
    if (version !== "" && version !== "0") {
      throw apiErrors.badRequest("specifying resource version is not allowed when using continue");
    }
    return { limit, continueToken };
  }
  if (version === "") {
    if (match !== "") throw forbiddenMatch("resourceVersionMatch is forbidden unless resourceVersion is provided");
    return { limit, continueToken };
  }
  const requested = readResourceVersion(version);
  if (requested > currentVersion) throw apiErrors.tooLargeVersion(requested, currentVersion);
  if (match === "Exact" && requested !== currentVersion) {
    throw apiErrors.expired("The provided resource version is no longer available");
  }
  // A list "from any version" is served whole from the watch cache of a real server.
  return { limit: requested === 0 ? 0 : limit, continueToken };
}

const forbiddenMatch = (message: string): ApiError =>
  new ApiError(422, "Invalid", message, {
    causes: [{ reason: "FieldValueForbidden", message, field: "resourceVersionMatch" }],
  });

/** A resource version as a number. Throws ApiError 400. */
export function readResourceVersion(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw apiErrors.badRequest(`resourceVersion: Invalid value: ${JSON.stringify(text)}`);
  return Number(text);
}

/** A query parameter that is a whole number of 0 or more; undefined without it. Throws ApiError 400. */
export function readCount(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  if (!/^\d{1,9}$/.test(text)) throw apiErrors.badRequest(`${name}: must be a whole number of 0 or more, not ${text}`);
  return Number(text);
}

/** Where a list goes on, as an opaque token. */
export interface Continuation {
  readonly resourceVersion: number;
  /** Index of the next item. */
  readonly next: number;
}

export const encodeContinuation = (from: Continuation): string =>
  Buffer.from(`${from.resourceVersion}.${from.next}`).toString("base64url");

/** Throws ApiError 400 for a token that this server did not make. */
export function decodeContinuation(token: string): Continuation {
  const match = /^(\d{1,15})\.(\d{1,9})$/.exec(Buffer.from(token, "base64url").toString("latin1"));
  if (match === null) throw apiErrors.badRequest("continue key is not valid");
  return { resourceVersion: Number(match[1]), next: Number(match[2]) };
}
