// What a request is, read once: its route, or why it has none, and the facts by which faults choose.
import type { RequestFacts } from "../faults/facts.ts";
import { parseRoute, type Route } from "./route.ts";
import type { SimulatorRequest, SimulatorResponse } from "./sockets.ts";
import { ApiError } from "./status.ts";

export interface Arrival {
  readonly facts: RequestFacts;
  /** The refusal of a path that means nothing to a Kubernetes API, which other servers may know. */
  readonly route: Route | ApiError;
}

export function arrivalOf(request: SimulatorRequest, response: SimulatorResponse): Arrival {
  const [path = "", queryText] = request.url.split("?", 2);
  const query = new URLSearchParams(queryText);
  const route = routeOf(request.method, path, query);
  const isResource = !(route instanceof ApiError) && route.type === "resource";
  const verb = isResource ? route.verb : request.method.toLowerCase();
  const resource = isResource ? `${route.resource}${route.subresource && `/${route.subresource}`}` : "";
  const facts: RequestFacts = {
    isWatch: verb === "watch",
    verb,
    resource,
    path,
    query,
    userAgent: request.headers["user-agent"] ?? "",
    onEnd: (listener) => {
      if (response.destroyed) listener();
      else response.once("close", listener);
    },
  };
  return { facts, route };
}

function routeOf(method: string, path: string, query: URLSearchParams): Route | ApiError {
  try {
    return parseRoute(method, path, query);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
