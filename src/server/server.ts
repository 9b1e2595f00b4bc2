// The HTTP server: limits, guards and error answers around the routes. Loopback only while there is no authentication.
// Guarantees: every refusal is `{"error": ...}` that quotes nothing of a foreign error; streams end at once on close; a reader that
// is slow, idle or silent is cut off within the limits.
import { type FastifyError, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import {
  acceptableRequestId,
  isForeignOrigin,
  isLoopbackHost,
  loopbackAddress,
  pageContentSecurityPolicy,
  securityHeaders,
} from "./guard.ts";
import { listenError } from "./listen-error.ts";
import { registerPage } from "./page.ts";
import { defaultServerLimits, type Server, type ServerOptions } from "./ports.ts";
import { registerRoutes } from "./routes.ts";
import { sendError } from "./send-error.ts";
import { createEventStream } from "./stream.ts";

/** Makes a server that is ready to listen. Whoever made it closes it, also when it never listened. */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { view, clock, log } = options;
  const limits = { ...defaultServerLimits, ...options.limits };
  const stream = createEventStream({ view, clock, limits });
  const requests = new Map(["2xx", "3xx", "4xx", "5xx"].map((code) => [code, 0]));
  const idPrefix = clock.nowMs().toString(36);
  let lastId = 0;

  const app = fastify({
    logger: false,
    genReqId: (request) => acceptableRequestId(request.headers["x-request-id"]) ?? `${idPrefix}-${++lastId}`,
    // The URL as a whole is limited, so a name in it needs no limit of its own.
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: limits.maxUrlLength },
    requestTimeout: limits.readTimeoutMs,
    connectionTimeout: limits.idleTimeoutMs,
    keepAliveTimeout: limits.idleTimeoutMs,
    forceCloseConnections: "idle",
    http: {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.readTimeoutMs,
      connectionsCheckingInterval: Math.min(5_000, limits.readTimeoutMs),
    },
    frameworkErrors: (_error, request, reply) => {
      prepare(request, reply);
      sendError(reply, 400, "The path is not well formed");
    },
    clientErrorHandler(error: NodeJS.ErrnoException, socket) {
      if (error.code === "ECONNRESET" || !socket.writable) return;
      const [status, text] = clientErrors[error.code ?? ""] ?? ["400 Bad Request", "The request is not well formed"];
      const body = JSON.stringify({ error: text });
      const head = `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}`;
      socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`);
    },
  });
  app.server.maxConnections = limits.maxConnections;

  function prepare(request: FastifyRequest, reply: FastifyReply): void {
    reply.headers({ ...securityHeaders, "cache-control": "no-store", "x-request-id": request.id });
  }

  app.addHook("onRequest", async (request, reply) => {
    prepare(request, reply);
    if (request.url.length > limits.maxUrlLength) return sendError(reply, 414, "The URL is too long");
    if (!isLoopbackHost(request.headers.host)) {
      return sendError(reply, 421, "This server answers to localhost, 127.0.0.1 and [::1] only");
    }
    if (isForeignOrigin(request.headers.origin, request.headers.host)) {
      return sendError(reply, 403, "Requests of other origins are not allowed");
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      reply.header("allow", "GET, HEAD");
      return sendError(reply, 405, `The method ${request.method} is not supported`);
    }
    return undefined;
  });
  app.addHook("onSend", async (_request, reply) => {
    const type = reply.getHeader("content-type");
    if (typeof type === "string" && type.startsWith("text/html")) {
      reply.header("content-security-policy", pageContentSecurityPolicy);
    }
  });
  app.addHook("onResponse", async (request, reply) => {
    const code = `${Math.floor(reply.statusCode / 100)}xx`;
    requests.set(code, (requests.get(code) ?? 0) + 1);
    log.debug({ requestId: request.id, route: request.routeOptions.url, status: reply.statusCode }, "request");
  });
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 400 && status < 500) return sendError(reply, status, "The request cannot be answered as it is");
    log.error({ err: error, requestId: request.id, route: request.routeOptions.url }, "request failed");
    return sendError(reply, 500, "The hub could not answer; its log says why");
  });
  registerRoutes(app, { ...options, stream, requests });
  const answerPage = await registerPage(app, options.staticDir);
  app.setNotFoundHandler((request, reply) => {
    if (!answerPage(request, reply)) sendError(reply, 404, "There is nothing at this path");
  });
  await app.ready();

  return {
    async listen({ host, port }) {
      const address = loopbackAddress(host);
      try {
        await app.listen({ host: address, port });
      } catch (error) {
        throw listenError(error, address, port);
      }
      const bound = app.server.address();
      const actualPort = typeof bound === "object" && bound !== null ? bound.port : port;
      return { url: `http://${address === "::1" ? "[::1]" : address}:${actualPort}`, port: actualPort };
    },
    async close(deadlineMs) {
      stream.close();
      const cancel = clock.setTimer(() => app.server.closeAllConnections(), deadlineMs);
      await app.close();
      cancel();
    },
  };
}

const clientErrors: Readonly<Record<string, readonly [status: string, text: string]>> = {
  HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "The headers are too large"],
  ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "The request did not arrive in time"],
};
