// Requests and answers, and what lies below them.
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";

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
