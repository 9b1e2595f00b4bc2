// How a reply leaves: whole or as a stream, compressed where a server would, under the body faults of the moment. What it says was
// decided before.
import { randomUUID } from "node:crypto";
import { PROTOBUF_TYPE } from "../../kube/protobuf/envelope.ts";
import type { Clock } from "../../support/clock.ts";
import type { BreakOff } from "../faults/effects.ts";
import type { RequestFacts } from "../faults/facts.ts";
import type { FaultRegistry } from "../faults/registry.ts";
import { type EncodedBody, encodeForWire, gzipped, plain } from "./body.ts";
import type { Answer } from "./engine.ts";
import { damagedGzip, spoilt } from "./garbage.ts";
import type { Origin } from "./listeners.ts";
import { Outgoing, type OutgoingResponse } from "./outgoing.ts";
import {
  breakOff,
  closeConnection,
  destroyConnection,
  destroyResponse,
  type SimulatorRequest,
  type SimulatorResponse,
} from "./sockets.ts";
import { Watching } from "./watching.ts";

export interface Exchange {
  readonly origin: Origin;
  readonly request: SimulatorRequest;
  readonly response: SimulatorResponse;
  readonly noteStatus: (status: number) => void;
  readonly facts: RequestFacts;
}

export type Reply =
  | (Answer & { readonly contentType?: string; readonly headers?: Readonly<Record<string, string>> })
  | { readonly type: "protobuf"; readonly body: EncodedBody }
  | { readonly type: "stalled" }
  /** Of a watch: this line, and its end or nothing more. */
  | { readonly type: "last-words"; readonly line: string; readonly ends: boolean }
  | ({ readonly type: "reset" } & BreakOff);

/** A watch whose client does not read is ended at this many buffered bytes. */
const maxBufferedWatchBytes = 8 * 1024 * 1024;
const jsonType = "application/json";

export class ReplySender {
  readonly #faults: FaultRegistry;
  readonly #clock: Clock;

  constructor(faults: FaultRegistry, clock: Clock) {
    this.#faults = faults;
    this.#clock = clock;
  }

  /** Resolves when nothing more is to be done for the reply, which may still be on its way. */
  async send(exchange: Exchange, reply: Reply): Promise<void> {
    switch (reply.type) {
      case "stalled":
        return this.#stall(exchange);
      case "reset":
        return breakOff(exchange.origin, exchange.request, exchange.response, reply);
      case "body":
        return this.#sendText(exchange, reply.status, reply.contentType ?? jsonType, reply.text, reply.headers);
      case "protobuf":
        return this.#sendBody(exchange, 200, PROTOBUF_TYPE, reply.body);
      case "watch":
        return this.#sendWatch(exchange, (watching) => watching.run((sink) => reply.start(sink)));
      case "last-words":
        return this.#sendWatch(exchange, (watching) => watching.finish(reply.line, reply.ends));
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
    const { origin, request, response, noteStatus, facts } = exchange;
    const fault = this.#faults.body(origin.name, facts);
    const garbage = fault.type === "garbage" ? fault.garbage : undefined;
    const accepted = request.headers["accept-encoding"];
    let type = contentType;
    let content = body;
    if (garbage !== undefined) {
      const [spoiltType, spoiltBytes] = spoilt(garbage, facts.path, contentType, (await plain(body)).bytes);
      type = spoiltType;
      content = { bytes: spoiltBytes, isGzipped: false };
    }
    let { bytes, isGzipped } = await encodeForWire(content, Array.isArray(accepted) ? accepted.join() : accepted);
    if (garbage?.variant === "gzip") {
      bytes = damagedGzip(isGzipped ? bytes : await gzipped(bytes));
      isGzipped = true;
    }
    const current = this.#faults.body(origin.name, facts);
    if (current.type === "hold") return this.#stall(exchange);
    if (response.destroyed) return;
    noteStatus(status);
    // A body that is cut as if it were whole must not say how long it would have been.
    const isCut = current.type === "cut" && current.ending === "clean";
    response.writeHead(status, {
      "content-type": type,
      ...this.#commonHeaders(exchange),
      ...(isCut ? {} : { "content-length": String(bytes.length) }),
      ...(isGzipped ? { "content-encoding": "gzip", vary: "Accept-Encoding" } : {}),
      ...headers,
    });
    if (current.type === "slow" || current.type === "late") this.#hold(exchange);
    if (current.type === "late") flushHeaders(response);
    this.#outgoing(exchange).end(bytes);
  }

  #commonHeaders({ origin, facts }: Exchange): Record<string, string> {
    const mark = this.#faults.mark(origin.name, facts);
    return {
      "audit-id": randomUUID(),
      "cache-control": "no-cache, private",
      ...(mark === undefined ? {} : { "x-sim-fault": mark }),
    };
  }

  #outgoing({ origin, request, response, facts }: Exchange): Outgoing {
    const [faults, clock] = [this.#faults, this.#clock];
    return new Outgoing({
      response: response as unknown as OutgoingResponse,
      fault: () => faults.body(origin.name, facts),
      clock,
      breakOff: (how) => breakOff(origin, request, response, how),
      endShort: () => closeConnection(request, response),
      giveUp: () => destroyResponse(response),
      maxBufferedBytes: maxBufferedWatchBytes,
    });
  }

  #sendWatch(exchange: Exchange, begin: (watching: Watching) => void): void {
    const { origin, request, response, noteStatus, facts } = exchange;
    const faults = this.#faults;
    if (response.destroyed) return;
    noteStatus(200);
    response.writeHead(200, { "content-type": jsonType, ...this.#commonHeaders(exchange) });
    // The headers leave at once, also when no event follows for long.
    flushHeaders(response);
    const watching = new Watching({
      facts,
      out: this.#outgoing(exchange),
      clock: this.#clock,
      fault: () => faults.body(origin.name, facts),
      editor: () => faults.editor(origin.name, facts),
      destroy: () => destroyConnection(request),
      hold: () => this.#hold(exchange),
    });
    origin.watchOpened(watching);
    const ended = (): void => {
      watching.closed();
      origin.watchEnded(watching);
    };
    response.once("close", ended);
    begin(watching);
    if (response.destroyed) ended();
  }

  #stall(exchange: Exchange): void {
    exchange.request.resume();
    this.#hold(exchange);
  }

  /** Counts the exchange among those that are held, which are bounded. */
  #hold({ origin, request, response, facts }: Exchange): void {
    const held = { destroy: (): void => destroyConnection(request) };
    origin.stall(held, facts);
    response.once("close", () => origin.forget(held));
  }
}

function flushHeaders(response: SimulatorResponse): void {
  (response as { flushHeaders?(): void }).flushHeaders?.();
}
