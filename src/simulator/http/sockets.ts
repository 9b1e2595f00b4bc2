// Requests and answers, and what lies below them: how they are broken off.

import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { BreakOff } from "../faults/effects.ts";
import type { Origin } from "./listeners.ts";

/** HTTP/1.1 and HTTP/2 alike: node's compatibility layer. */
export type SimulatorRequest = Http2ServerRequest;
export type SimulatorResponse = Http2ServerResponse;

interface ServerSocket {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remotePort?: number | undefined;
  destroy(): unknown;
}

/** The socket below a request, for both protocol versions. */
export function socketOf(request: SimulatorRequest): ServerSocket | undefined {
  return request.httpVersionMajor === 2 ? request.stream?.session?.socket : request.socket;
}

export function destroyConnection(request: SimulatorRequest): void {
  if (request.httpVersionMajor === 2) request.stream?.session?.destroy();
  else request.socket.destroy();
}

export function destroyResponse(response: SimulatorResponse): void {
  if (response.stream === undefined) response.socket.destroy();
  else response.stream.destroy();
}

/** Ends the connection once what was written has left, although more was to come. HTTP/2 ends the stream alone. */
export function closeConnection(request: SimulatorRequest, response: SimulatorResponse): void {
  if (request.httpVersionMajor === 2) response.end();
  else request.socket.end();
}

/** Breaks off as a peer does that crashed, that said that nothing more will come, or that refuses to go on. */
export function breakOff(
  origin: Origin,
  request: SimulatorRequest,
  response: SimulatorResponse,
  { ending, h2Code }: BreakOff,
): void {
  const isHttp2 = request.httpVersionMajor === 2;
  switch (ending) {
    case "reset":
    case "halfClose":
      origin.reset(socketOf(request)?.remotePort, ending);
      return;
    case "goaway":
      if (isHttp2) request.stream?.session?.goaway(h2Code);
      destroyConnection(request);
      return;
    case "stream":
      if (isHttp2) response.stream?.close(h2Code);
      else destroyConnection(request);
      return;
  }
}
