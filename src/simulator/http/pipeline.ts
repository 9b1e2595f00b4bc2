// One request from its arrival to its last byte, always in this order: route, authenticate, request faults, authorize, negotiate, engine,
// encode, body faults. Connection faults come before, in the listeners. Every refusal is a Status object.
import type { Clock } from "../../support/clock.ts";
import { safeError } from "../../support/errors.ts";
import type { FaultRegistry } from "../faults/registry.ts";
import type { TokenVerifier } from "../tokens.ts";
import type { AnswerCounts } from "./answer-counts.ts";
import { ApiAnswers } from "./api.ts";
import { type Arrival, arrivalOf } from "./arrival.ts";
import { administrator, bearerToken } from "./callers.ts";
import type { Engine } from "./engine.ts";
import type { Origin } from "./listeners.ts";
import type { RequestLog } from "./request-log.ts";
import type { Route } from "./route.ts";
import { type Exchange, type Reply, ReplySender } from "./sender.ts";
import { destroyConnection, type SimulatorRequest, type SimulatorResponse } from "./sockets.ts";
import { ApiError } from "./status.ts";

export interface PipelineParts {
  /** The API server behind an origin. */
  readonly engineOf: (origin: Origin) => Engine;
  readonly tokens: TokenVerifier;
  readonly faults: FaultRegistry;
  readonly log: RequestLog;
  readonly counts?: AnswerCounts;
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

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #sender: ReplySender;
  readonly #api: ApiAnswers;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#sender = new ReplySender(parts.faults, parts.clock);
    this.#api = new ApiAnswers(parts.clock);
  }

  /** Answers one request that arrived at `origin`. Never rejects. */
  async handle(origin: Origin, request: SimulatorRequest, response: SimulatorResponse): Promise<void> {
    const { log, counts, clock } = this.#parts;
    const logStatus = log.arrived(origin.name, request.method, request.url, clock.nowMs());
    const { facts, route } = arrivalOf(request, response);
    const noteStatus = (status: number): void => {
      logStatus(status);
      counts?.answered(facts.verb, facts.resource, status);
    };
    const exchange: Exchange = { origin, request, response, noteStatus, facts };
    // A client that resets its stream is an error event on both; unheard it would end the process.
    request.on("error", () => {});
    response.on("error", () => {});
    try {
      await this.#sender.send(exchange, await this.#reply(exchange, route));
    } catch (error) {
      if (!response.headersSent && !response.writableEnded) await this.#sendFailure(exchange, error);
    }
  }

  async #reply(exchange: Exchange, route: Arrival["route"]): Promise<Reply> {
    const { origin, request, facts } = exchange;
    const { engineOf, tokens, siteOf } = this.#parts;
    const intercepted = await this.#parts.intercept?.(origin, request);
    if (intercepted !== undefined) return { type: "body", ...intercepted };
    const site = siteOf?.(origin);
    if (site !== undefined) return this.#siteReply(site, exchange);
    if (route instanceof ApiError) throw route;
    const { query } = facts;
    const engine = engineOf(origin);
    const { authorization } = request.headers;
    const known = engine.gate?.callerOf(bearerToken(authorization));
    if (known === undefined) tokens.check(origin.name, authorization, isPublic(route));
    const caller = known ?? administrator;
    const faulty = await this.#faulted(exchange);
    if (faulty !== undefined) return faulty;
    return this.#api.reply({ server: origin.name, engine, route, query, caller, request });
  }

  /** What the origin's fault makes of a request, after its delay; undefined: it is answered. Throws ApiError for refusals. */
  async #faulted({ origin, request, facts }: Exchange): Promise<Reply | undefined> {
    const { faults, clock } = this.#parts;
    const verdict = faults.verdict(origin.name, facts);
    if (faults.wantsJson(origin.name, facts)) request.headers.accept = withoutProtobuf(request.headers.accept);
    switch (verdict.type) {
      case "stall":
        return { type: "stalled" };
      case "reset":
        return verdict;
      case "watch":
        return { type: "last-words", line: verdict.line, ends: verdict.ends };
      case "plain":
        return { ...verdict, type: "body" };
      case "refuse":
        throw verdict.error;
      case "delay":
        await new Promise<void>((resolve) => clock.setTimer(resolve, verdict.delayMs));
        return undefined;
      case "pass":
        return undefined;
    }
  }

  async #siteReply(site: Site, exchange: Exchange): Promise<Reply> {
    try {
      return (await this.#faulted(exchange)) ?? { type: "body", ...site.answer(exchange.request) };
    } catch (error) {
      if (error instanceof ApiError) return { type: "body", ...site.refusal(error) };
      throw error;
    }
  }

  async #sendFailure(exchange: Exchange, error: unknown): Promise<void> {
    const failure =
      error instanceof ApiError
        ? error
        : new ApiError(500, "InternalError", `Internal error: ${safeError(error).message}`);
    try {
      if (failure.status === 413) exchange.response.once("finish", () => destroyConnection(exchange.request));
      const headers = retryAfterHeader(failure.details.retryAfterSeconds);
      const text = JSON.stringify(failure.toStatus());
      await this.#sender.send(exchange, { type: "body", status: failure.status, text, headers });
    } catch {
      destroyConnection(exchange.request);
    }
  }
}

/** What a real server shows without a token. */
const isPublic = (route: Route): boolean => route.type === "version" || route.type === "health";

/** What else a client takes; JSON, if that is nothing. */
const withoutProtobuf = (accept = ""): string =>
  accept
    .split(",")
    .filter((type) => !type.includes("protobuf"))
    .join() || "application/json";

const retryAfterHeader = (seconds: number | undefined): Record<string, string> =>
  seconds === undefined ? {} : { "retry-after": String(seconds) };
