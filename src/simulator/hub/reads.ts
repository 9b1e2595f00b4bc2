// Reading the hub's store: single objects, lists in pages, watches. Every page of a list is of the moment of the first, as far back as the
// history of the resource reaches; beyond that the client is told how to go on with what there is now.
import type { Clock } from "../../support/clock.ts";
import { hashOf } from "../hash.ts";
import { apiVersionOf } from "../http/catalog.ts";
import type { Answer, ResourceRequest, WatchSink } from "../http/engine.ts";
import {
  type Continuation,
  decodeContinuation,
  encodeContinuation,
  listText,
  readCount,
  readListParameters,
  readWatchParameters,
} from "../http/list.ts";
import { matchesFields, parseFieldSelector, parseLabelSelector } from "../http/selectors.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import { fieldReader, supportedFields } from "./fields.ts";
import { type KubeObject, keyOf, type StoredObject } from "./object.ts";
import type { HubStore } from "./store.ts";
import { runWatch, type WatchOptions } from "./watch.ts";

export class HubReader {
  readonly #store: HubStore;
  readonly #clock: Clock;

  constructor(store: HubStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Throws ApiError 404. */
  require(request: ResourceRequest): StoredObject {
    const found = this.#store.table(request.type).get(keyOf(request.namespace, request.name));
    if (found === undefined) throw apiErrors.notFound(request.type, request.name);
    return found;
  }

  /** What namespace, name and selectors of the request let through, as it is now. */
  select(request: ResourceRequest): readonly StoredObject[] {
    return selected(request, this.#store.table(request.type).list());
  }

  /** Throws ApiError 410 for a version or a page that the history does not reach. */
  list(request: ResourceRequest): Answer {
    const { type, form, query } = request;
    const now = this.#store.revision;
    const { limit, continueToken, exactVersion } = readListParameters(query, now);
    const from = continueToken === "" ? undefined : decodeContinuation(continueToken);
    const isConsistent = from !== undefined && from.isInconsistent !== true;
    const resourceVersion = isConsistent ? from.resourceVersion : (exactVersion ?? now);
    const all = this.#at(request, resourceVersion, from);
    const after = from?.after ?? "";
    const left = after === "" ? all : all.filter(({ key }) => key > after);
    const end = limit === 0 ? left.length : Math.min(left.length, limit);
    const isLast = end >= left.length;
    const last = left[end - 1]?.key ?? "";
    const isSelected = query.get("labelSelector") || query.get("fieldSelector");
    const text = listText({
      kind: form === "full" ? type.kind : "PartialObjectMetadata",
      apiVersion: form === "full" ? apiVersionOf(type) : "meta.k8s.io/v1",
      resourceVersion: String(resourceVersion),
      continueToken: isLast ? "" : encodeContinuation({ resourceVersion, next: 0, after: last }),
      remainingItemCount: isSelected ? undefined : left.length - end,
      isCustom: !type.builtIn && form === "full",
      items: left.slice(0, end).map((stored) => stored.itemText(form, type.builtIn)),
    });
    return { type: "body", status: 200, text };
  }

  #at(request: ResourceRequest, revision: number, from: Continuation | undefined): readonly StoredObject[] {
    const state = this.#store.table(request.type).stateAt(revision);
    if (state !== undefined) return selected(request, state);
    if (from === undefined) throw apiErrors.expired("The resourceVersion for the provided list is too old.");
    throw expiredContinuation(encodeContinuation({ ...from, isInconsistent: true }));
  }

  /** Throws ApiError for parameters that do not go together, and for a version that is not there yet. */
  watch(request: ResourceRequest): Answer {
    const { query } = request;
    const { revision, initialEvents } = readWatchParameters(query);
    if (revision > this.#store.revision) throw apiErrors.tooLargeVersion(revision, this.#store.revision);
    const timeoutSeconds = readCount(query, "timeoutSeconds") ?? 0;
    const bookmarks = query.get("allowWatchBookmarks") === "true";
    const showsState = initialEvents ?? revision === 0;
    const options: WatchOptions = {
      startRevision: showsState ? undefined : revision === 0 ? this.#store.revision : revision,
      sendInitialEvents: initialEvents === true && bookmarks,
      bookmarks,
      timeoutMs: timeoutSeconds === 0 ? this.#defaultWatchMs() : timeoutSeconds * 1000,
      form: request.form,
      selects: selectorOf(request) ?? (() => true),
    };
    const table = this.#store.table(request.type);
    return { type: "watch", start: (sink: WatchSink) => runWatch(this.#store, table, options, sink, this.#clock) };
  }

  /** Between 30 and 60 minutes, spread so that watches opened together do not end together. */
  #defaultWatchMs(): number {
    return 1_800_000 + (hashOf(this.#store.revision, 3) % 1_800_000);
  }
}

function expiredContinuation(continueToken: string): ApiError {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results, which may then show objects of different moments.";
  return new ApiError(410, "Expired", message, {}, { continue: continueToken });
}

function selected(request: ResourceRequest, all: readonly StoredObject[]): readonly StoredObject[] {
  const selects = selectorOf(request);
  return selects === undefined ? all : all.filter((stored) => selects(stored.object));
}

/** What namespace, name and selectors of the request let through; undefined when that is everything. */
function selectorOf(request: ResourceRequest): ((object: KubeObject) => boolean) | undefined {
  const labels = parseLabelSelector(request.query.get("labelSelector"));
  const fields = [
    ...parseFieldSelector(request.query.get("fieldSelector"), supportedFields(request.type)),
    ...(request.namespace === "" ? [] : [{ field: "metadata.namespace", equal: true, value: request.namespace }]),
    ...(request.name === "" ? [] : [{ field: "metadata.name", equal: true, value: request.name }]),
  ];
  if (labels === undefined && fields.length === 0) return undefined;
  return (object) =>
    (labels === undefined || labels(object.metadata.labels)) && matchesFields(fields, fieldReader(object));
}
