// One request from its arrival to its last byte, always in this order: route, authenticate, request faults, negotiate, engine,
// encode, body faults. Connection faults come before, in the listeners. Every refusal is a Status object.
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { Clock } from "../../support/clock.ts";
import { safeError } from "../../support/errors.ts";
import type { FaultRegistry } from "../faults/registry.ts";
import type { TokenVerifier } from "../tokens.ts";
import { encodeBody, readJsonBody } from "./body.ts";
import { discoveryDocument } from "./discovery.ts";
import type { Answer, Engine } from "./engine.ts";
import type { Origin } from "./listeners.ts";
import { negotiateDiscovery, negotiateObject } from "./negotiate.ts";
import type { RequestLog } from "./request-log.ts";
import { parseRoute, type ResourceRoute, type Route } from "./route.ts";
import { ApiError, apiErrors } from "./status.ts";

/** HTTP/1.1 and HTTP/2 alike: node's compatibility layer. */
export type SimulatorRequest = Http2ServerRequest;
export type SimulatorResponse = Http2ServerResponse;

export interface PipelineParts {
  /** The API server behind an origin. */
  readonly engineOf: (origin: Origin) => Engine;
  readonly tokens: TokenVerifier;
  readonly faults: FaultRegistry;
  readonly log: RequestLog;
  readonly clock: Clock;
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

type Reply = (Answer & { readonly contentType?: string }) | { readonly type: "stalled" };

export class Pipeline {
  readonly #parts: PipelineParts;

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

  async #reply({ origin, request }: Exchange): Promise<Reply> {
    const { engineOf, tokens, faults, clock } = this.#parts;
    const [path = "", queryText] = request.url.split("?", 2);
    const query = new URLSearchParams(queryText);
    const route = parseRoute(request.method, path, query);
    tokens.check(origin.name, request.headers.authorization, isPublic(route));
    const verdict = faults.verdict(origin.name);
    switch (verdict.type) {
      case "stall":
        return { type: "stalled" };
      case "refuse":
        throw verdict.error;
      case "delay":
        await new Promise<void>((resolve) => clock.setTimer(resolve, verdict.delayMs));
        break;
      case "pass":
        break;
    }
    const engine = engineOf(origin);
    if (route.type === "resource") return this.#resourceReply(engine, route, query, request);
    return plainReply(engine, route, request.headers.accept);
  }

  async #resourceReply(
    engine: Engine,
    route: ResourceRoute,
    query: URLSearchParams,
    request: SimulatorRequest,
  ): Promise<Reply> {
    const type = engine.catalog.find(route.group, route.version, route.resource);
    const isMisplaced = type !== undefined && !type.namespaced && route.namespace !== "";
    if (type === undefined || isMisplaced) throw apiErrors.unknownPath();
    if (type.namespaced && route.namespace === "" && (route.name !== "" || route.verb === "create")) {
      throw apiErrors.methodNotAllowed();
    }
    if (route.subresource !== "" && !(route.subresource === "status" && type.hasStatus)) throw apiErrors.unknownPath();
    if (!type.verbs.includes(route.verb)) throw apiErrors.methodNotAllowed();
    const form = negotiateObject(request.headers.accept, route.verb === "list");
    const isRead = route.verb === "get" || route.verb === "list" || route.verb === "watch";
    const body = isRead ? { contentType: "", json: undefined } : await readJsonBody(request, request.headers);
    const { verb, namespace, name, subresource } = route;
    const { contentType } = body;
    return engine.answer({ type, verb, namespace, name, subresource, query, form, contentType, body: body.json });
  }

  async #send(exchange: Exchange, reply: Reply): Promise<void> {
    switch (reply.type) {
      case "stalled":
        return this.#stall(exchange);
      case "body":
        return this.#sendText(exchange, reply.status, reply.contentType ?? jsonType, reply.text);
      case "watch":
        return this.#sendWatch(exchange, reply);
    }
  }

  async #sendText(exchange: Exchange, status: number, contentType: string, text: string): Promise<void> {
    const { origin, request, response, noteStatus } = exchange;
    const accepted = request.headers["accept-encoding"];
    const { bytes, isGzipped } = await encodeBody(text, Array.isArray(accepted) ? accepted.join() : accepted);
    if (this.#parts.faults.holdsBody(origin.name)) return this.#stall(exchange);
    if (response.destroyed) return;
    noteStatus(status);
    response.writeHead(status, {
      "content-type": contentType,
      "cache-control": "no-cache, private",
      "content-length": String(bytes.length),
      ...(isGzipped ? { "content-encoding": "gzip", vary: "Accept-Encoding" } : {}),
    });
    response.end(bytes);
  }

  #sendWatch({ origin, response, noteStatus }: Exchange, watch: Extract<Reply, { type: "watch" }>): void {
    const { faults } = this.#parts;
    if (response.destroyed) return;
    noteStatus(200);
    response.writeHead(200, { "content-type": jsonType, "cache-control": "no-cache, private" });
    // The headers leave at once, also when no event follows for long.
    (response as { flushHeaders?(): void }).flushHeaders?.();
    const stop = watch.start({
      write: (line) => {
        if (faults.holdsBody(origin.name) || response.destroyed) return;
        response.write(`${line}\n`);
        if ((response as { writableLength: number }).writableLength > maxBufferedWatchBytes) destroyResponse(response);
      },
      end: () => {
        if (!faults.holdsBody(origin.name)) response.end();
      },
    });
    response.once("close", stop);
    if (response.destroyed) stop();
  }

  #stall({ origin, request, response }: Exchange): void {
    request.resume();
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
      await this.#sendText(exchange, failure.status, jsonType, JSON.stringify(failure.toStatus()));
    } catch {
      destroyConnection(exchange.request);
    }
  }
}

/** What a real server shows without a token. */
const isPublic = (route: Route): boolean => route.type === "version" || route.type === "health";

function plainReply(engine: Engine, route: Exclude<Route, ResourceRoute>, accept: string | undefined): Reply {
  switch (route.type) {
    case "health":
      return { type: "body", status: 200, contentType: "text/plain; charset=utf-8", text: "ok" };
    case "version":
      return { type: "body", status: 200, text: JSON.stringify(engine.version()) };
    case "discovery": {
      const document = discoveryDocument(engine.catalog, route.path, negotiateDiscovery(accept));
      return { type: "body", status: 200, contentType: document.contentType, text: JSON.stringify(document.body) };
    }
  }
}

/** The socket below a request, for both protocol versions. */
export function socketOf(request: SimulatorRequest): { readonly localPort?: number; destroy(): unknown } | undefined {
  return request.httpVersionMajor === 2 ? request.stream?.session?.socket : request.socket;
}

function destroyConnection(request: SimulatorRequest): void {
  if (request.httpVersionMajor === 2) request.stream?.session?.destroy();
  else request.socket.destroy();
}

function destroyResponse(response: SimulatorResponse): void {
  if (response.stream === undefined) response.socket.destroy();
  else response.stream.destroy();
}
