// The routes: what each path reads and answers. Lists come from the view as bytes; nothing here waits for a store or an actor.
import type { FastifyInstance } from "fastify";
import { rfc3339 } from "../support/clock.ts";
import { securityHeaders } from "./guard.ts";
import { registerMetricSourceRoutes } from "./metric-source-routes.ts";
import { seriesText } from "./metrics-text.ts";
import type { ServerOptions } from "./ports.ts";
import { registerMetrics, registerProbes } from "./probes.ts";
import { filterNodes, joinRows, sendTagged, tagOf } from "./rows.ts";
import { sendError } from "./send-error.ts";
import type { EventStream } from "./stream.ts";

/** Requests answered so far, by status class: "2xx". */
export type RequestCounts = ReadonlyMap<string, number>;

export function registerRoutes(
  app: FastifyInstance,
  options: ServerOptions & { stream: EventStream; requests: RequestCounts },
): void {
  const { view, stream } = options;

  app.get("/api/v1/clusters", (request, reply) => {
    const rows = view.clusters();
    return sendTagged(request, reply, tagOf(rows), () => joinRows(rows));
  });

  app.get<{ Params: { name: string } }>("/api/v1/clusters/:name", (request, reply) => {
    const row = view.cluster(request.params.name);
    if (row === undefined) return sendError(reply, 404, `Cluster '${request.params.name}' not found`);
    return sendTagged(request, reply, tagOf([row]), () => row.bytes);
  });

  app.get<{ Params: { name: string }; Querystring: Record<string, string | string[]> }>(
    "/api/v1/clusters/:name/nodes",
    (request, reply) => {
      const all = view.nodes(request.params.name);
      if (all === undefined) return sendError(reply, 404, `Cluster '${request.params.name}' not found`);
      const rows = filterNodes(all, { role: first(request.query["role"]), status: first(request.query["status"]) });
      return sendTagged(request, reply, tagOf(rows), () => joinRows(rows));
    },
  );

  app.get("/api/v1/registries/status", (request, reply) => {
    const rows = options.registries?.registries() ?? [];
    return sendTagged(request, reply, tagOf(rows), () => joinRows(rows));
  });

  registerMetricSourceRoutes(app, options.metricSources);

  app.get("/api/v1/system/actors", (_request, reply) => {
    const { counters, actors } = options.system();
    return reply.send({ asOf: rfc3339(options.clock.nowMs()), counters, actors });
  });

  app.get("/api/v1/system/lateness", (_request, reply) =>
    reply.send({ asOf: rfc3339(options.clock.nowMs()), samples: options.lateness?.() ?? [] }),
  );

  app.get("/api/v1/stream", { exposeHeadRoute: false }, (request, reply) => {
    if (!stream.admits()) {
      reply.header("retry-after", "5");
      return sendError(reply, 503, "Too many readers of the event stream");
    }
    const lastEventId = request.headers["last-event-id"];
    reply.hijack();
    const headers = { ...securityHeaders, "cache-control": "no-store", "x-request-id": request.id };
    stream.serve(reply.raw, headers, typeof lastEventId === "string" ? lastEventId : undefined);
    return reply;
  });

  registerProbes(app, options.health);
  registerMetrics(app, async () => `${await options.metrics()}${serverMetrics(stream, options.requests)}`);
}

function serverMetrics(stream: EventStream, requests: RequestCounts): string {
  const { clients, slowDisconnects, rejected } = stream.stats();
  return [
    seriesText("clusterpulse_stream_clients", "gauge", "Readers of the event stream.", [[{}, clients]]),
    seriesText("clusterpulse_stream_disconnects_total", "counter", "Readers that were cut off or turned away.", [
      [{ reason: "slow" }, slowDisconnects],
      [{ reason: "full" }, rejected],
    ]),
    seriesText(
      "clusterpulse_http_requests_total",
      "counter",
      "Requests answered, by class of status.",
      [...requests].map(([code, count]) => [{ code }, count]),
    ),
  ].join("");
}

/** A query value given more than once counts once: the first. */
function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
