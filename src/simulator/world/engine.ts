// The API server of a generated cluster. It holds nothing: every answer derives the model, shows a part of it and forgets it.
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
import { claimTable, claimType } from "./claims.ts";
import { deploymentTable, deploymentType } from "./deployments.ts";
import { buildModel, type ClusterModel } from "./model.ts";
import { namespaceTable, namespaceType } from "./namespaces.ts";
import { nodeTable, nodeType } from "./nodes.ts";
import { podTable, podType } from "./pods.ts";
import type { ClusterIdentity, WorldKey } from "./profile.ts";
import type { WorldTable } from "./table.ts";

/** What a generated cluster serves. A new kind is a file of its own and a line here. */
const tables = new Map<ResourceType, (model: ClusterModel) => WorldTable>([
  [namespaceType, namespaceTable],
  [nodeType, nodeTable],
  [podType, podTable],
  [deploymentType, deploymentTable],
  [claimType, claimTable],
]);

const worldCatalog = new Catalog([...tables.keys()]);

export class WorldEngine implements Engine {
  readonly #key: WorldKey;
  readonly #identity: ClusterIdentity;

  constructor(key: WorldKey, identity: ClusterIdentity) {
    this.#key = key;
    this.#identity = identity;
  }

  readonly isImmutable = true;

  get catalog(): Catalog {
    return worldCatalog;
  }

  hasProtobuf(type: ResourceType): boolean {
    return hasProtobuf(type);
  }

  version(): Record<string, string> {
    const { gitVersion, architecture } = this.#model();
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

  answer(request: ResourceRequest): Answer {
    const model = this.#model();
    const table = tables.get(request.type)?.(model);
    if (table === undefined) throw apiErrors.unknownPath();
    switch (request.verb) {
      case "get":
        return getAnswer(request, table);
      case "list":
        return listAnswer(request, table, model.resourceVersion);
      default:
        throw apiErrors.methodNotAllowed();
    }
  }

  #model(): ClusterModel {
    return buildModel(this.#key, this.#identity);
  }
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

function listAnswer(request: ResourceRequest, table: WorldTable, resourceVersion: number): Answer {
  const { type, form } = request;
  const { limit, continueToken } = readListParameters(request.query, resourceVersion);
  const from = continueToken === "" ? { resourceVersion, next: 0 } : decodeContinuation(continueToken);
  if (from.resourceVersion !== resourceVersion) {
    throw apiErrors.expired("The provided continue parameter is too old to display a consistent list result");
  }
  const { indexes, isSelected } = select(request, table);
  const end = limit === 0 ? indexes.length : Math.min(indexes.length, from.next + limit);
  const isFull = form === "full";
  const text = listText({
    kind: isFull ? type.kind : "PartialObjectMetadata",
    apiVersion: isFull ? apiVersionOf(type) : "meta.k8s.io/v1",
    resourceVersion: String(resourceVersion),
    continueToken: end < indexes.length ? encodeContinuation({ resourceVersion, next: end }) : "",
    remainingItemCount: isSelected ? undefined : indexes.length - end,
    items: indexes
      .slice(from.next, end)
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
