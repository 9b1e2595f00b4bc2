// What a Kubernetes API answers to a request: discovery, OpenAPI, and resources in the form and encoding that were negotiated.

import type { Clock } from "../../support/clock.ts";
import { type RequestBody, readJsonBody } from "./body.ts";
import { attributesOf, type Caller, impersonated } from "./callers.ts";
import type { ResourceType, Verb } from "./catalog.ts";
import { discoveryDocument, statusVerbs } from "./discovery.ts";
import type { Answer, Engine } from "./engine.ts";
import { negotiateDiscovery, negotiateObject } from "./negotiate.ts";
import { openApiDocument, openApiIndex, openApiV2Type } from "./openapi.ts";
import { ProtobufBodies } from "./protobuf.ts";
import type { ResourceRoute, Route } from "./route.ts";
import type { Reply } from "./sender.ts";
import type { SimulatorRequest } from "./sockets.ts";
import { apiErrors } from "./status.ts";
import { readIncluded, tableSink, tableText } from "./table.ts";

/** A request that was routed, from somebody who is known. */
export interface ApiRequest {
  /** Tells one server's kept answers from another's. */
  readonly server: string;
  readonly engine: Engine;
  readonly route: Route;
  readonly query: URLSearchParams;
  readonly caller: Caller;
  readonly request: SimulatorRequest;
}

export class ApiAnswers {
  readonly #clock: Clock;
  readonly #protobuf = new ProtobufBodies();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Throws ApiError for everything that the API refuses. */
  async reply(asked: ApiRequest): Promise<Reply> {
    const { engine, route, caller, request } = asked;
    const acting = impersonated(request.headers, caller, engine.gate);
    engine.gate?.check(acting, attributesOf(route, request));
    if (route.type === "resource") return this.#resourceReply({ ...asked, caller: acting }, route);
    return plainReply(engine, route, request.headers.accept);
  }

  async #resourceReply(asked: ApiRequest, route: ResourceRoute): Promise<Reply> {
    const { engine, query, request, caller } = asked;
    const type = engine.catalog.find(route.group, route.version, route.resource);
    const isMisplaced = type !== undefined && !type.namespaced && route.namespace !== "";
    if (type === undefined || isMisplaced) throw apiErrors.unknownPath();
    if (type.namespaced && route.namespace === "" && (route.name !== "" || needsNamespace.has(route.verb))) {
      throw apiErrors.methodNotAllowed();
    }
    checkVerb(type, route);
    const isRead = route.verb === "get" || route.verb === "list" || route.verb === "watch";
    const canProtobuf = isRead && route.verb !== "watch";
    const protobuf = canProtobuf ? (engine.hasProtobuf(type) ? "all" : "metadata") : "none";
    const { form, encoding, table } = negotiateObject(request.headers.accept, {
      isList: route.verb === "list",
      protobuf,
    });
    const body: RequestBody = isRead
      ? { contentType: "", json: undefined }
      : await readJsonBody(request, request.headers);
    const { verb, namespace, name, subresource } = route;
    const { contentType, json, duplicateFields = [] } = body;
    const userAgent = request.headers["user-agent"] ?? "";
    const answer = (): Answer =>
      engine.answer({
        type,
        verb,
        namespace,
        name,
        subresource,
        query,
        form,
        contentType,
        body: json,
        duplicateFields,
        userAgent,
        caller,
      });
    if (table !== undefined) return withWarnings(this.#tableReply(type, table, query, answer()));
    if (encoding === "json") return withWarnings(answer());
    const key = engine.isImmutable ? `${asked.server} ${form} ${request.url}` : undefined;
    return { type: "protobuf", body: await this.#protobuf.body(key, answer) };
  }

  #tableReply(type: ResourceType, apiVersion: string, query: URLSearchParams, answer: Answer): Reply {
    const include = readIncluded(query.get("includeObject"));
    const request = () => ({ type, apiVersion, include, nowMs: this.#clock.nowMs() });
    if (answer.type === "body") return { ...answer, text: tableText(request(), answer.text) };
    return { type: "watch", start: (sink) => answer.start(tableSink(request, sink)) };
  }
}

/** Verbs of collections that need a namespace. */
const needsNamespace: ReadonlySet<Verb> = new Set<Verb>(["create", "deletecollection"]);

/** Throws ApiError 404 for a subresource that the type does not have, 405 for a verb that is not for it. */
function checkVerb(type: ResourceType, { name, subresource, verb }: ResourceRoute): void {
  if (subresource === "") {
    if (!type.verbs.includes(verb)) throw apiErrors.methodNotAllowed();
    return;
  }
  const verbs =
    subresource === "status" && type.hasStatus
      ? statusVerbs
      : type.subresources?.find((one) => one.name === subresource)?.verbs;
  // What serves custom resources misses the object, what serves the others the path.
  if (verbs === undefined) throw type.builtIn ? apiErrors.unknownPath() : apiErrors.notFound(type, name);
  if (!verbs.includes(verb)) throw apiErrors.methodNotAllowed();
}

function plainReply(engine: Engine, route: Exclude<Route, ResourceRoute>, accept: string | undefined): Reply {
  switch (route.type) {
    case "health":
      return { type: "body", status: 200, contentType: "text/plain; charset=utf-8", text: "ok" };
    case "version":
      return { type: "body", status: 200, text: JSON.stringify(engine.version()) };
    case "openapi": {
      if (route.version === "v2") return { type: "body", status: 200, contentType: openApiV2Type, text: "" };
      const { catalog } = engine;
      const body = route.path === "" ? openApiIndex(catalog) : openApiDocument(catalog, route.path);
      return { type: "body", status: 200, text: JSON.stringify(body) };
    }
    case "discovery": {
      const document = discoveryDocument(engine.catalog, route.path, negotiateDiscovery(accept));
      return { type: "body", status: 200, contentType: document.contentType, text: JSON.stringify(document.body) };
    }
  }
}

const withWarnings = (reply: Reply): Reply => {
  if (reply.type !== "body" || !reply.warnings?.length) return reply;
  return { ...reply, headers: { ...reply.headers, warning: reply.warnings.map(warningText).join(", ") } };
};

/** As RFC 7234 quotes it, in one line of ASCII. */
const warningText = (text: string): string => `299 - "${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
