// The text of a list answer, the parameters of a list request, and continue tokens. Shared by both engines.
import { type ApiError, apiErrors } from "./status.ts";

export interface ListPage {
  readonly kind: string;
  readonly apiVersion: string;
  readonly resourceVersion: string;
  /** "" on the last page. */
  readonly continueToken: string;
  /** Lists of custom resources say so when nothing follows. */
  readonly isCustom?: boolean;
  /** Items after this page; undefined when a selector makes it unknown. */
  readonly remainingItemCount: number | undefined;
  /** JSON texts. */
  readonly items: readonly string[];
}

/** The JSON text of a list: `kind` is that of the items. */
export function listText(page: ListPage): string {
  const more =
    page.continueToken === ""
      ? page.isCustom === true
        ? ',"continue":""'
        : ""
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
  /** The version whose state is wanted and no newer one; undefined: the newest will do. */
  readonly exactVersion: number | undefined;
}

/** Reads limit, continue and resourceVersion of a list against the newest version. Throws ApiError for what the API refuses. */
export function readListParameters(query: URLSearchParams, currentVersion: number): ListParameters {
  const limit = readCount(query, "limit") ?? 0;
  const continueToken = query.get("continue") ?? "";
  const version = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  if (query.get("sendInitialEvents")) throw forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
  if (match !== "") {
    if (version === "") throw forbidden(matchName, `${matchName} is forbidden unless resourceVersion is provided`);
    if (continueToken !== "") throw forbidden(matchName, `${matchName} is forbidden when continue is provided`);
    if (match !== "Exact" && match !== "NotOlderThan") throw unsupportedMatch(match, ["Exact", "NotOlderThan", ""]);
    if (match === "Exact" && version === "0") {
      throw forbidden(matchName, `${matchName} "exact" is forbidden for resourceVersion "0"`);
    }
  }
  if (continueToken !== "") {
    if (version !== "" && version !== "0") {
      throw apiErrors.badRequest("specifying resource version is not allowed when using continue");
    }
    return { limit, continueToken, exactVersion: undefined };
  }
  if (version === "") return { limit, continueToken, exactVersion: undefined };
  const requested = readResourceVersion(version);
  if (requested > currentVersion) throw apiErrors.tooLargeVersion(requested, currentVersion);
  // A list "from any version" is served whole from the watch cache of a real server; one that is limited and not told how to match is
  // exact, as ever.
  const isExact = match === "Exact" || (match === "" && limit > 0 && requested > 0);
  return { limit: requested === 0 ? 0 : limit, continueToken, exactVersion: isExact ? requested : undefined };
}

export interface WatchParameters {
  /** 0: from any. */
  readonly revision: number;
  /** Whether the state comes first; undefined: it depends on the version. */
  readonly initialEvents: boolean | undefined;
}

/** Reads from where a watch starts. Throws ApiError for what the API refuses. */
export function readWatchParameters(query: URLSearchParams): WatchParameters {
  const version = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  const initial = query.get("sendInitialEvents");
  if (initial !== null && match !== "NotOlderThan") {
    throw forbidden(matchName, `sendInitialEvents requires setting ${matchName} to NotOlderThan`);
  }
  if (initial === null && match !== "") {
    throw forbidden(matchName, `${matchName} is forbidden for watch unless sendInitialEvents is provided`);
  }
  const revision = version === "" ? 0 : readResourceVersion(version);
  return { revision, initialEvents: initial === null ? undefined : initial === "true" };
}

const matchName = "resourceVersionMatch";
const forbidden = (field: string, message: string): ApiError =>
  apiErrors.invalidOptions("ListOptions", { reason: "FieldValueForbidden", message: `Forbidden: ${message}`, field });
const unsupportedMatch = (match: string, known: readonly string[]): ApiError =>
  apiErrors.invalidOptions("ListOptions", {
    reason: "FieldValueNotSupported",
    message: `Unsupported value: ${JSON.stringify(match)}: supported values: ${known.map((one) => JSON.stringify(one)).join(", ")}`,
    field: matchName,
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
  /** Index of the next item, for servers whose lists do not change. */
  readonly next: number;
  /** Key of the last item that was shown, for servers whose lists do. */
  readonly after?: string;
  /** The rest may be of another moment than what was shown. */
  readonly isInconsistent?: true;
}

export const encodeContinuation = ({ resourceVersion, next, after = "", isInconsistent }: Continuation): string =>
  Buffer.from(`${isInconsistent === true ? "~" : ""}${resourceVersion}.${next}.${after}`).toString("base64url");

/** Throws ApiError 400 for a token that this server did not make. */
export function decodeContinuation(token: string): Continuation {
  const match = /^(~?)(\d{1,15})\.(\d{1,9})\.(.*)$/s.exec(Buffer.from(token, "base64url").toString("utf8"));
  if (match === null) throw apiErrors.badRequest("continue key is not valid");
  const [, mark, version, next, after = ""] = match;
  return {
    resourceVersion: Number(version),
    next: Number(next),
    ...(after === "" ? {} : { after }),
    ...(mark === "~" ? { isInconsistent: true } : {}),
  };
}
