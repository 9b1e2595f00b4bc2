// OpenAPI as kubectl needs it: version 3 with a document per group version, and a version 2 that is a valid, empty protobuf message
// (older clients ask for nothing else there and give up on a refusal). Custom resources show their own schema, built-in kinds the one
// that follows from their protobuf form, without descriptions.
import { createHash } from "node:crypto";
import { schemasOf } from "../kinds/schemas.ts";
import { apiVersionOf, type Catalog, type ResourceType } from "./catalog.ts";
import { apiErrors } from "./status.ts";

/** Content type of the empty version 2 document. */
export const openApiV2Type = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";

const pathOf = (type: ResourceType): string =>
  type.group === "" ? `api/${type.version}` : `apis/${type.group}/${type.version}`;

const typesAt = (catalog: Catalog, path: string): readonly ResourceType[] =>
  catalog.types.filter((type) => pathOf(type) === path);

/** The answer of /openapi/v3: where each group version's document is, with a hash that changes with it. */
export function openApiIndex(catalog: Catalog): Record<string, unknown> {
  const paths = [...new Set(catalog.types.map(pathOf))].map((path) => {
    const types = typesAt(catalog, path);
    const hash = createHash("sha256")
      .update(
        JSON.stringify([types.map((type) => [type.resource, type.subresources]), types.map((type) => type.schema)]),
      )
      .digest("hex");
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash.slice(0, 32)}` }];
  });
  return { paths: Object.fromEntries(paths) };
}

/** The document of one group version (`api/v1`, `apis/apps/v1`). Throws ApiError 404. */
export function openApiDocument(catalog: Catalog, path: string): Record<string, unknown> {
  const types = typesAt(catalog, path);
  if (types.length === 0) throw apiErrors.unknownPath();
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.33.2" },
    paths: Object.fromEntries(types.map((type) => [`/${path}/${targetOf(type)}`, operations(type)])),
    components: { schemas: Object.assign({}, ...types.map(schemasOf)) },
  };
}

const targetOf = (type: ResourceType): string =>
  `${type.namespaced ? "namespaces/{namespace}/" : ""}${type.resource}/{name}`;

const parameter = (name: string) => ({ name, in: "query", schema: { type: "string", uniqueItems: true } });

/** Clients look here for what the server checks and simulates by itself. */
function operations(type: ResourceType): Record<string, unknown> {
  const kind = { group: type.group, version: type.version, kind: type.kind };
  const parameters = ["dryRun", "fieldManager", "fieldValidation", "force"].map(parameter);
  const operation = (action: string) => ({
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": kind,
    parameters,
    responses: { "200": { description: "OK" } },
    operationId: `${action}${apiVersionOf(type)}${type.kind}`.replace(/[^A-Za-z0-9]/g, ""),
  });
  return { get: operation("get"), patch: operation("patch"), put: operation("put") };
}
