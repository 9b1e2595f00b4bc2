// One request from its arrival to its last byte, always in this order: route, authenticate, request faults, negotiate, engine,
// encode, body faults. Connection faults come before, in the listeners. Every refusal is a Status object.
import { PROTOBUF_TYPE } from "../../kube/protobuf/envelope.ts";
import type { Clock } from "../../support/clock.ts";
import { safeError } from "../../support/errors.ts";
import type { FaultRegistry } from "../faults/registry.ts";
import type { TokenVerifier } from "../tokens.ts";
import { type EncodedBody, encodeForWire, gzipped, plain, readJsonBody } from "./body.ts";
import type { ResourceType, Verb } from "./catalog.ts";
import { discoveryDocument, statusVerbs } from "./discovery.ts";
import type { Answer, Engine, WatchSink } from "./engine.ts";
import { damagedGzip, spoilt } from "./garbage.ts";
import type { OpenWatch, Origin } from "./listeners.ts";
import { negotiateDiscovery, negotiateObject } from "./negotiate.ts";
import { openApiDocument, openApiIndex, openApiV2Type } from "./openapi.ts";
import { Outgoing, type OutgoingResponse } from "./outgoing.ts";
import { ProtobufBodies } from "./protobuf.ts";
import type { RequestLog } from "./request-log.ts";
import { parseRoute, type ResourceRoute, type Route } from "./route.ts";
import {
  destroyConnection,
  destroyResponse,
  type SimulatorRequest,
  type SimulatorResponse,
  socketOf,
} from "./sockets.ts";
import { ApiError, apiErrors } from "./status.ts";
import { readIncluded, tableSink, tableText } from "./table.ts";

export interface PipelineParts {
  /** The API server behind an origin. */
  readonly engineOf: (origin: Origin) => Engine;
  readonly tokens: TokenVerifier;
  readonly faults: FaultRegistry;
  readonly log: RequestLog;
  readonly clock: Clock;
  /** Answers before anything else does, whatever was asked. Undefined: the engine is asked. */
  readonly intercept?: (
    origin: Origin,
    request: SimulatorRequest,
  ) => PlainAnswer | undefined | Promise<PlainAnswer | undefined>;
  /** What stands behind an origin that is no Kubernetes API; it has the same faults. Undefined: the engine is asked. */
  readonly siteOf?: (origin: Origin) => Site | undefined;
}

/** A server of another kind. */
export interface Site {
  /** Authenticates by itself. Throws ApiError for everything that it refuses. */
  answer(request: SimulatorRequest): PlainAnswer;
  /** A refusal in its own words. */
  refusal(error: ApiError): PlainAnswer;
}

export interface PlainAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A watch whose client does not read is ended at this many buffered bytes. */
const maxBufferedWatchBytes = 8 * 1024 * 1024;
const jsonType = "application/json";

interface Exchange {
  readonly origin: Origin;
  readonly request: SimulatorRequest;
  readonly response: SimulatorResponse;
  readonly noteStatus: (status: number) => void;
}

type Reply =
  | (Answer & { readonly contentType?: string; readonly headers?: Readonly<Record<string, string>> })
  | { readonly type: "protobuf"; readonly body: EncodedBody }
  | { readonly type: "stalled" }
  | { readonly type: "reset" };

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #protobuf = new ProtobufBodies();

  constructor(parts: PipelineParts) {
    this.#parts = parts;
  }

  /** Answers one request that arrived at `origin`. Never rejects. */
  async handle(origin: Origin, request: SimulatorRequest, response: SimulatorResponse): Promise<void> {
    const { log, clock } = this.#parts;
    const noteStatus = log.arrived(origin.name, request.method, request.url, clock.nowMs());
    const exchange: Exchange = { origin, request, response, noteStatus };
    // A client that resets its stream is an error event on both; unheard it would end the process.
    request.on("error", () => {});
    response.on("error", () => {});
    try {
      await this.#send(exchange, await this.#reply(exchange));
    } catch (error) {
      if (!response.headersSent && !response.writableEnded) await this.#sendFailure(exchange, error);
    }
  }

  async #reply(exchange: Exchange): Promise<Reply> {
    const { origin, request } = exchange;
    const { engineOf, tokens, siteOf } = this.#parts;
    const intercepted = await this.#parts.intercept?.(origin, request);
    if (intercepted !== undefined) return { type: "body", ...intercepted };
    const site = siteOf?.(origin);
    if (site !== undefined) return this.#siteReply(site, exchange);
    const [path = "", queryText] = request.url.split("?", 2);
    const query = new URLSearchParams(queryText);
    const route = parseRoute(request.method, path, query);
    tokens.check(origin.name, request.headers.authorization, isPublic(route));
    const faulty = await this.#faulted(origin, route.type === "resource" && route.verb === "watch");
    if (faulty !== undefined) return faulty;
    const engine = engineOf(origin);
    if (route.type === "resource") return this.#resourceReply(origin, engine, route, query, request);
    return plainReply(engine, route, request.headers.accept);
  }

  /** What the origin's fault makes of a request, after its delay; undefined: it is answered. Throws ApiError for refusals. */
  async #faulted(origin: Origin, isWatch: boolean): Promise<Reply | undefined> {
    const { faults, clock } = this.#parts;
    const verdict = faults.verdict(origin.name, { isWatch });
    switch (verdict.type) {
      case "stall":
        return { type: "stalled" };
      case "reset":
        return { type: "reset" };
      case "expire-watch":
        return { type: "watch", start: expire };
      case "page": {
        const { status, html, retryAfter } = verdict;
        return { type: "body", status, contentType: "text/html", text: html, headers: retryAfterHeader(retryAfter) };
      }
      case "refuse":
        throw verdict.error;
      case "delay":
        await new Promise<void>((resolve) => clock.setTimer(resolve, verdict.delayMs));
        return undefined;
      case "pass":
        return undefined;
    }
  }

  async #siteReply(site: Site, { origin, request }: Exchange): Promise<Reply> {
    try {
      return (await this.#faulted(origin, false)) ?? { type: "body", ...site.answer(request) };
    } catch (error) {
      if (error instanceof ApiError) return { type: "body", ...site.refusal(error) };
      throw error;
    }
  }

  async #resourceReply(
    origin: Origin,
    engine: Engine,
    route: ResourceRoute,
    query: URLSearchParams,
    request: SimulatorRequest,
  ): Promise<Reply> {
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
    const body = isRead ? { contentType: "", json: undefined } : await readJsonBody(request, request.headers);
    const { verb, namespace, name, subresource } = route;
    const { contentType, json } = body;
    const userAgent = request.headers["user-agent"] ?? "";
    const answer = (): Answer =>
      engine.answer({ type, verb, namespace, name, subresource, query, form, contentType, body: json, userAgent });
    if (table !== undefined) return withWarnings(this.#tableReply(type, table, query, answer()));
    if (encoding === "json") return withWarnings(answer());
    const key = engine.isImmutable ? `${origin.name} ${form} ${request.url}` : undefined;
    return { type: "protobuf", body: await this.#protobuf.body(key, answer) };
  }

  #tableReply(type: ResourceType, apiVersion: string, query: URLSearchParams, answer: Answer): Reply {
    const include = readIncluded(query.get("includeObject"));
    const request = () => ({ type, apiVersion, include, nowMs: this.#parts.clock.nowMs() });
    if (answer.type === "body") return { ...answer, text: tableText(request(), answer.text) };
    return { type: "watch", start: (sink) => answer.start(tableSink(request, sink)) };
  }

  async #send(exchange: Exchange, reply: Reply): Promise<void> {
    switch (reply.type) {
      case "stalled":
        return this.#stall(exchange);
      case "reset":
        return reset(exchange);
      case "body":
        return this.#sendText(exchange, reply.status, reply.contentType ?? jsonType, reply.text, reply.headers);
      case "protobuf":
        return this.#sendBody(exchange, 200, PROTOBUF_TYPE, reply.body);
      case "watch":
        return this.#sendWatch(exchange, reply);
    }
  }

  #sendText(
    exchange: Exchange,
    status: number,
    contentType: string,
    text: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void> {
    return this.#sendBody(exchange, status, contentType, { bytes: Buffer.from(text), isGzipped: false }, headers);
  }

  async #sendBody(
    exchange: Exchange,
    status: number,
    contentType: string,
    body: EncodedBody,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const { origin, request, response, noteStatus } = exchange;
    const fault = this.#parts.faults.body(origin.name, { isWatch: false });
    const variant = fault.type === "garbage" ? fault.variant : undefined;
    const accepted = request.headers["accept-encoding"];
    let type = contentType;
    let content = body;
    if (variant !== undefined) {
      const [spoiltType, spoiltBytes] = spoilt(variant, contentType, (await plain(body)).bytes);
      type = spoiltType;
      content = { bytes: spoiltBytes, isGzipped: false };
    }
    let { bytes, isGzipped } = await encodeForWire(content, Array.isArray(accepted) ? accepted.join() : accepted);
    if (variant === "gzip") {
      bytes = damagedGzip(isGzipped ? bytes : await gzipped(bytes));
      isGzipped = true;
    }
    const current = this.#parts.faults.body(origin.name, { isWatch: false });
    if (current.type === "hold") return this.#stall(exchange);
    if (response.destroyed) return;
    noteStatus(status);
    // A body that is cut as if it were whole must not say how long it would have been.
    const isCut = current.type === "cut" && current.ending === "clean";
    response.writeHead(status, {
      "content-type": type,
      "cache-control": "no-cache, private",
      ...(isCut ? {} : { "content-length": String(bytes.length) }),
      ...(isGzipped ? { "content-encoding": "gzip", vary: "Accept-Encoding" } : {}),
      ...headers,
    });
    if (current.type === "slow") this.#hold(exchange);
    this.#outgoing(exchange, false).end(bytes);
  }

  #outgoing(exchange: Exchange, isWatch: boolean): Outgoing {
    const { faults, clock } = this.#parts;
    return new Outgoing({
      response: exchange.response as unknown as OutgoingResponse,
      fault: () => faults.body(exchange.origin.name, { isWatch }),
      clock,
      reset: () => reset(exchange),
      giveUp: () => destroyResponse(exchange.response),
      maxBufferedBytes: maxBufferedWatchBytes,
    });
  }

  #sendWatch(exchange: Exchange, watch: Extract<Reply, { type: "watch" }>): void {
    const { origin, response, noteStatus } = exchange;
    const { faults } = this.#parts;
    if (response.destroyed) return;
    noteStatus(200);
    response.writeHead(200, { "content-type": jsonType, "cache-control": "no-cache, private" });
    // The headers leave at once, also when no event follows for long.
    (response as { flushHeaders?(): void }).flushHeaders?.();
    const out = this.#outgoing(exchange, true);
    const line = (text: string): Buffer => {
      const bytes = Buffer.from(`${text}\n`);
      return faults.body(origin.name, { isWatch: true }).type === "garbage" ? spoilt("json", "", bytes)[1] : bytes;
    };
    const sink: WatchSink = { write: (text) => out.write(line(text)), end: () => out.end() };
    const stop = watch.start(sink);
    const open: OpenWatch = {
      destroy: () => destroyConnection(exchange.request),
      expire: () => {
        stop();
        expire(sink);
      },
    };
    origin.watchOpened(open);
    const ended = (): void => {
      stop();
      origin.watchEnded(open);
    };
    response.once("close", ended);
    if (response.destroyed) ended();
  }

  #stall(exchange: Exchange): void {
    exchange.request.resume();
    this.#hold(exchange);
  }

  /** Counts the exchange among those that are held, which are bounded. */
  #hold({ origin, request, response }: Exchange): void {
    const held = { destroy: (): void => destroyConnection(request) };
    origin.stall(held);
    response.once("close", () => origin.forget(held));
  }

  async #sendFailure(exchange: Exchange, error: unknown): Promise<void> {
    const failure =
      error instanceof ApiError
        ? error
        : new ApiError(500, "InternalError", `Internal error: ${safeError(error).message}`);
    try {
      if (failure.status === 413) exchange.response.once("finish", () => destroyConnection(exchange.request));
      const headers = retryAfterHeader(failure.details.retryAfterSeconds);
      await this.#sendText(exchange, failure.status, jsonType, JSON.stringify(failure.toStatus()), headers);
    } catch {
      destroyConnection(exchange.request);
    }
  }
}

/** Verbs of collections that need a namespace. */
const needsNamespace: ReadonlySet<Verb> = new Set<Verb>(["create", "deletecollection"]);

/** Throws ApiError 404 for a subresource that the type does not have, 405 for a verb that is not for it. */
function checkVerb(type: ResourceType, { subresource, verb }: ResourceRoute): void {
  if (subresource === "") {
    if (!type.verbs.includes(verb)) throw apiErrors.methodNotAllowed();
    return;
  }
  const verbs =
    subresource === "status" && type.hasStatus
      ? statusVerbs
      : type.subresources?.find(({ name }) => name === subresource)?.verbs;
  if (verbs === undefined) throw apiErrors.unknownPath();
  if (!verbs.includes(verb)) throw apiErrors.methodNotAllowed();
}

/** What a real server shows without a token. */
const isPublic = (route: Route): boolean => route.type === "version" || route.type === "health";

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

const retryAfterHeader = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { "retry-after": String(seconds) };

/** A watch that is told that its version is too old, and ends. */
function expire(sink: WatchSink): () => void {
  const status = apiErrors.expired("too old resource version: the history is gone").toStatus();
  sink.write(JSON.stringify({ type: "ERROR", object: status }));
  sink.end();
  return () => {};
}

/** Resets the TCP connection, as a peer does that crashed. */
function reset({ origin, request }: Exchange): void {
  origin.reset(socketOf(request)?.remotePort);
}
