// What a path and a method mean, by shape alone: whether the server has such a resource is for the catalog to say.
import type { Verb } from "./catalog.ts";
import { apiErrors } from "./status.ts";

export interface ResourceRoute {
  readonly type: "resource";
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

export type Route =
  | ResourceRoute
  /** /api, /apis, /api/v1, /apis/GROUP, /apis/GROUP/VERSION. */
  | { readonly type: "discovery"; readonly path: readonly string[] }
  /** "" is the index of OpenAPI 3; else its document of that path, or version 2. */
  | { readonly type: "openapi"; readonly version: "v2" | "v3"; readonly path: string }
  | { readonly type: "version" }
  | { readonly type: "health" };

const healthPaths = new Set(["/healthz", "/livez", "/readyz"]);

/** Reads method and path. Throws ApiError 404 for a path of no known shape, 405 for a method that none of its kind takes. */
export function parseRoute(method: string, path: string, query: URLSearchParams): Route {
  if (path === "/version" || healthPaths.has(path)) {
    if (method !== "GET") throw apiErrors.methodNotAllowed();
    return { type: path === "/version" ? "version" : "health" };
  }
  const openapi = /^\/openapi\/(v2|v3)(?:\/(.+))?$/.exec(path);
  if (openapi !== null) {
    if (method !== "GET") throw apiErrors.methodNotAllowed();
    return { type: "openapi", version: openapi[1] as "v2" | "v3", path: openapi[2] ?? "" };
  }
  const parts = decode(path);
  const root = parts[0];
  const prefixLength = root === "api" ? 2 : root === "apis" ? 3 : 0;
  if (prefixLength === 0 || parts.includes("")) throw apiErrors.unknownPath();
  if (parts.length <= prefixLength) {
    if (method !== "GET") throw apiErrors.methodNotAllowed();
    return { type: "discovery", path: parts };
  }
  const group = root === "api" ? "" : (parts[1] as string);
  const version = parts[prefixLength - 1] as string;
  const target = parseTarget(parts.slice(prefixLength));
  return { type: "resource", verb: verbOf(method, target, query), group, version, ...target };
}

function decode(path: string): string[] {
  try {
    return path.replace(/^\//, "").replace(/\/$/, "").split("/").map(decodeURIComponent);
  } catch {
    throw apiErrors.badRequest("the path holds a malformed percent-encoding");
  }
}

type Target = Pick<ResourceRoute, "resource" | "namespace" | "name" | "subresource">;

const namespaceSubresources = new Set(["status", "finalize"]);

function parseTarget(parts: readonly string[]): Target {
  const [first = "", second = "", third = "", ...rest] = parts;
  // A third part below a namespace is a resource in it, except the subresources of the namespace itself.
  if (first === "namespaces" && third !== "" && !namespaceSubresources.has(third)) {
    if (rest.length > 2) throw apiErrors.unknownPath();
    return { resource: third, namespace: second, name: rest[0] ?? "", subresource: rest[1] ?? "" };
  }
  if (rest.length > 0) throw apiErrors.unknownPath();
  return { resource: first, namespace: "", name: second, subresource: third };
}

function verbOf(method: string, { name, subresource }: Target, query: URLSearchParams): Verb {
  const isWatch = query.get("watch") === "true" || query.get("watch") === "1";
  switch (method) {
    case "GET":
      return isWatch ? "watch" : name === "" ? "list" : "get";
    case "POST":
      if (name !== "" && subresource === "") throw apiErrors.methodNotAllowed();
      return "create";
    case "PUT":
    case "PATCH":
    case "DELETE":
      if (name === "" && method === "DELETE") return "deletecollection";
      if (name === "") throw apiErrors.methodNotAllowed();
      return method === "PUT" ? "update" : method === "PATCH" ? "patch" : "delete";
    default:
      throw apiErrors.methodNotAllowed();
  }
}
