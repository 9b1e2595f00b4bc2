// How a reply leaves: whole or as a stream, compressed where a server would, under the body faults of the moment. What it says was
// decided before.
import { randomUUID } from "node:crypto";
import { PROTOBUF_TYPE } from "../../kube/protobuf/envelope.ts";
import type { Clock } from "../../support/clock.ts";
import type { FaultRegistry } from "../faults/registry.ts";
import { type EncodedBody, encodeForWire, gzipped, plain } from "./body.ts";
import type { Answer, WatchSink } from "./engine.ts";
import { damagedGzip, spoilt } from "./garbage.ts";
import type { OpenWatch, Origin } from "./listeners.ts";
import { Outgoing, type OutgoingResponse } from "./outgoing.ts";
import {
  destroyConnection,
  destroyResponse,
  type SimulatorRequest,
  type SimulatorResponse,
  socketOf,
} from "./sockets.ts";
import { apiErrors } from "./status.ts";

export interface Exchange {
  readonly origin: Origin;
  readonly request: SimulatorRequest;
  readonly response: SimulatorResponse;
  readonly noteStatus: (status: number) => void;
}

export type Reply =
  | (Answer & { readonly contentType?: string; readonly headers?: Readonly<Record<string, string>> })
  | { readonly type: "protobuf"; readonly body: EncodedBody }
  | { readonly type: "stalled" }
  | { readonly type: "reset" };

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
    const fault = this.#faults.body(origin.name, { isWatch: false });
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
    const current = this.#faults.body(origin.name, { isWatch: false });
    if (current.type === "hold") return this.#stall(exchange);
    if (response.destroyed) return;
    noteStatus(status);
    // A body that is cut as if it were whole must not say how long it would have been.
    const isCut = current.type === "cut" && current.ending === "clean";
    response.writeHead(status, {
      "content-type": type,
      "audit-id": randomUUID(),
      "cache-control": "no-cache, private",
      ...(isCut ? {} : { "content-length": String(bytes.length) }),
      ...(isGzipped ? { "content-encoding": "gzip", vary: "Accept-Encoding" } : {}),
      ...headers,
    });
    if (current.type === "slow") this.#hold(exchange);
    this.#outgoing(exchange, false).end(bytes);
  }

  #outgoing(exchange: Exchange, isWatch: boolean): Outgoing {
    const [faults, clock] = [this.#faults, this.#clock];
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
    const faults = this.#faults;
    if (response.destroyed) return;
    noteStatus(200);
    response.writeHead(200, {
      "content-type": jsonType,
      "audit-id": randomUUID(),
      "cache-control": "no-cache, private",
    });
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
}

/** A watch that is told that its version is too old, and ends. */
export function expire(sink: WatchSink): () => void {
  const status = apiErrors.expired("too old resource version: the history is gone").toStatus();
  sink.write(JSON.stringify({ type: "ERROR", object: status }));
  sink.end();
  return () => {};
}

/** Resets the TCP connection, as a peer does that crashed. */
function reset({ origin, request }: Exchange): void {
  origin.reset(socketOf(request)?.remotePort);
}
