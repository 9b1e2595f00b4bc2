// Who asks, on whose behalf, and for what: the words in which permission is asked for.
import type { IncomingHttpHeaders } from "node:http";
import type { Route } from "./route.ts";
import type { SimulatorRequest } from "./sockets.ts";
import { apiErrors } from "./status.ts";

export interface Caller {
  readonly username: string;
  readonly groups: readonly string[];
  readonly uid?: string;
}

/** Whoever has the token of a simulated server. */
export const administrator: Caller = {
  username: "kubernetes-admin",
  groups: ["system:masters", "system:authenticated"],
};

/** What somebody wants to do. */
export type Attributes =
  | {
      readonly type: "resource";
      readonly verb: string;
      readonly group: string;
      /** Plural. */
      readonly resource: string;
      readonly subresource: string;
      /** "" for cluster-scoped resources, and for all namespaces. */
      readonly namespace: string;
      /** "" for collections. */
      readonly name: string;
    }
  | { readonly type: "path"; readonly verb: string; readonly path: string };

/** Who may do what. */
export interface Gate {
  /** Who a bearer token stands for; undefined for a token that is not known here. */
  callerOf(token: string): Caller | undefined;
  /** Throws ApiError 403. */
  check(caller: Caller, attributes: Attributes): void;
}

export function attributesOf(route: Route, { method, url }: SimulatorRequest): Attributes {
  if (route.type === "resource") return route;
  return { type: "path", verb: method.toLowerCase(), path: url.split("?", 1)[0] ?? "/" };
}

const maxGroups = 100;

/** The caller, or whom it acts for. Throws ApiError 403 when it may not, 400 for groups without a user. */
export function impersonated(headers: IncomingHttpHeaders, caller: Caller, gate: Gate | undefined): Caller {
  const username = headers["impersonate-user"];
  const groupText = headers["impersonate-group"];
  if (typeof username !== "string" || username === "") {
    if (groupText === undefined) return caller;
    throw apiErrors.badRequest("requested impersonation of groups without impersonating a user");
  }
  const asked = [groupText ?? []].flat().flatMap((text) => text.split(","));
  const groups = asked.map((group) => group.trim()).slice(0, maxGroups);
  const what = { type: "resource", verb: "impersonate", group: "", subresource: "", namespace: "" } as const;
  gate?.check(caller, { ...what, resource: "users", name: username });
  for (const group of groups) gate?.check(caller, { ...what, resource: "groups", name: group });
  const [, namespace] = /^system:serviceaccount:([^:]+):[^:]+$/.exec(username) ?? [];
  const own = namespace === undefined ? [] : ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
  return { username, groups: [...own, ...groups, "system:authenticated"] };
}

/** The bearer token of a request; "" without one. */
export const bearerToken = (authorization: string | undefined): string =>
  /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
