// The API server of a generated cluster that nobody has written to. It holds nothing: every answer derives the model, as it is now or as it
// was when a list began, shows a part of it and forgets it. What changes something, or wants to be told of changes, goes to the server that takes over.
import { apiVersionOf, Catalog, type ResourceType } from "../http/catalog.ts";
import type { Answer, Engine, ResourceRequest } from "../http/engine.ts";
import {
  decodeContinuation,
  encodeContinuation,
  listText,
  partialMetadataText,
  readListParameters,
} from "../http/list.ts";
import { hasProtobuf } from "../http/protobuf.ts";
import { matchesFields, parseFieldSelector, parseLabelSelector } from "../http/selectors.ts";
import { apiErrors } from "../http/status.ts";
import { everything } from "../hub/authorization.ts";
import { keyOf } from "../hub/object.ts";
import { reviewOf } from "../hub/reviews.ts";
import { builtInTypes } from "../kinds/types.ts";
import type { ClusterModel } from "./model.ts";
import { emptyTable, type WorldTable } from "./table.ts";
import { tableOf } from "./tables.ts";

const clusterCatalog = new Catalog(builtInTypes);
const openReviews = {
  authorizer: { allows: () => true, rulesOf: () => everything },
  tokens: { verify: () => undefined },
  serverCaller: () => undefined,
};

/** What is shown. */
export interface WorldSource {
  /** The server that took over meanwhile. */
  readonly overlay: Engine | undefined;
  /** Nothing ever changed in it. */
  readonly isAsSeeded: boolean;
  model(): ClusterModel;
  /** Undefined when nobody remembers. */
  modelAt(revision: number): ClusterModel | undefined;
}

export class WorldEngine implements Engine {
  readonly #source: WorldSource;
  readonly #touch: () => Engine;

  /** @param touch the server that takes over from the first write or watch on */
  constructor(source: WorldSource, touch: () => Engine) {
    this.#source = source;
    this.#touch = touch;
  }

  get isImmutable(): boolean {
    return this.#source.isAsSeeded;
  }

  get catalog(): Catalog {
    return clusterCatalog;
  }

  hasProtobuf(type: ResourceType): boolean {
    return hasProtobuf(type);
  }

  version(): Record<string, string> {
    return versionOf(this.#source.model());
  }

  answer(request: ResourceRequest): Answer {
    // The request may have waited.
    const { overlay } = this.#source;
    if (overlay !== undefined) return overlay.answer(request);
    const isWhole = request.subresource === "" || request.subresource === "status";
    if ((request.verb !== "get" && request.verb !== "list") || !isWhole) {
      return reviewOf(request, openReviews) ?? this.#touch().answer(request);
    }
    const table = (model: ClusterModel): WorldTable => tableOf(request.type, model) ?? emptyTable;
    return request.verb === "get" ? getAnswer(request, table(this.#source.model())) : this.#list(request, table);
  }

  /** Throws ApiError 410 for a version or a page of which nobody knows any more. */
  #list(request: ResourceRequest, tableIn: (model: ClusterModel) => WorldTable): Answer {
    const now = this.#source.model();
    const { limit, continueToken, exactVersion } = readListParameters(request.query, now.resourceVersion);
    const from = continueToken === "" ? undefined : decodeContinuation(continueToken);
    const resourceVersion = from?.resourceVersion ?? exactVersion ?? now.resourceVersion;
    const model = resourceVersion === now.resourceVersion ? now : this.#source.modelAt(resourceVersion);
    if (model === undefined) {
      throw apiErrors.expired(
        from === undefined
          ? "The resourceVersion for the provided list is too old."
          : "The provided continue parameter is too old to display a consistent list result",
      );
    }
    return listAnswer(request, tableIn(model), { resourceVersion, first: from?.next ?? 0, limit });
  }
}

/** The answer of GET /version. */
export function versionOf({ gitVersion, architecture }: ClusterModel): Record<string, string> {
  const [, minor = ""] = gitVersion.split(".");
  return {
    major: "1",
    minor,
    gitVersion,
    gitCommit: "0".repeat(40),
    gitTreeState: "clean",
    buildDate: "2026-01-01T00:00:00Z",
    goVersion: "go1.24.4",
    compiler: "gc",
    platform: `linux/${architecture}`,
  };
}

function getAnswer(request: ResourceRequest, table: WorldTable): Answer {
  for (let i = 0; i < table.count; i++) {
    if (table.nameOf(i) !== request.name || table.namespaceOf(i) !== request.namespace) continue;
    const { kind } = request.type;
    const full = `{"kind":"${kind}","apiVersion":"${apiVersionOf(request.type)}",${membersText(table, i)}}`;
    const text = request.form === "full" ? full : partialMetadataText(table.metadataText(i));
    return { type: "body", status: 200, text };
  }
  throw apiErrors.notFound(request.type, request.name);
}

const membersText = (table: WorldTable, index: number): string =>
  `"metadata":${table.metadataText(index)},${table.contentText(index)}`;

interface Page {
  readonly resourceVersion: number;
  readonly first: number;
  /** 0: everything. */
  readonly limit: number;
}

function listAnswer(request: ResourceRequest, table: WorldTable, { resourceVersion, first, limit }: Page): Answer {
  const { type, form } = request;
  const { indexes, isSelected } = select(request, table);
  const end = limit === 0 ? indexes.length : Math.min(indexes.length, first + limit);
  const isFull = form === "full";
  const last = indexes[end - 1] ?? 0;
  // The key too: another server may have taken over by the next page.
  const rest = () => ({ resourceVersion, next: end, after: keyOf(table.namespaceOf(last), table.nameOf(last)) });
  const text = listText({
    kind: isFull ? type.kind : "PartialObjectMetadata",
    apiVersion: isFull ? apiVersionOf(type) : "meta.k8s.io/v1",
    resourceVersion: String(resourceVersion),
    continueToken: end < indexes.length ? encodeContinuation(rest()) : "",
    remainingItemCount: isSelected ? undefined : indexes.length - end,
    items: indexes
      .slice(first, end)
      .map((i) => (isFull ? `{${membersText(table, i)}}` : partialMetadataText(table.metadataText(i)))),
  });
  return { type: "body", status: 200, text };
}

/** The objects that namespace and selectors let through; `isSelected` when a selector had a say. */
function select(request: ResourceRequest, table: WorldTable): { indexes: readonly number[]; isSelected: boolean } {
  const labels = parseLabelSelector(request.query.get("labelSelector"));
  const known = ["metadata.name", "metadata.namespace", ...Object.keys(table.fields)];
  const fields = parseFieldSelector(request.query.get("fieldSelector"), known);
  const readField = (field: string, i: number): string => {
    if (field === "metadata.name") return table.nameOf(i);
    return field === "metadata.namespace" ? table.namespaceOf(i) : (table.fields[field]?.(i) ?? "");
  };
  const indexes: number[] = [];
  for (let i = 0; i < table.count; i++) {
    if (request.namespace !== "" && table.namespaceOf(i) !== request.namespace) continue;
    if (labels !== undefined && !labels(table.labelsOf(i))) continue;
    if (fields.length > 0 && !matchesFields(fields, (field) => readField(field, i))) continue;
    indexes.push(i);
  }
  return { indexes, isSelected: labels !== undefined || fields.length > 0 };
}
