// The routes of MetricSources: what became of each, and what one gave in every cluster. Bodies are joined from the view's bytes.
import type { FastifyInstance } from "fastify";
import type { MetricSourceDetail, MetricSourcesView } from "../view/metric-sources.ts";
import { joinRows, sendTagged, tagOf } from "./rows.ts";
import { sendError } from "./send-error.ts";

type Sources = Pick<MetricSourcesView, "metricSources" | "metricSource">;

export function registerMetricSourceRoutes(app: FastifyInstance, sources: Sources | undefined): void {
  app.get("/api/v1/metricsources", (request, reply) => {
    const rows = sources?.metricSources() ?? [];
    return sendTagged(request, reply, tagOf(rows), () => joinRows(rows));
  });

  app.get<{ Params: { namespace: string; name: string } }>(
    "/api/v1/metricsources/:namespace/:name",
    (request, reply) => {
      const id = `${request.params.namespace}/${request.params.name}`;
      const detail = sources?.metricSource(id);
      if (detail === undefined) return sendError(reply, 404, `MetricSource '${id}' not found`);
      const { row, definition, clusters } = detail;
      const parts = [row, ...(definition === undefined ? [] : [definition]), ...clusters];
      return sendTagged(request, reply, tagOf(parts), () => detailOf(detail));
    },
  );
}

/** The row with two more members: `definition` and `perCluster`. */
function detailOf({ row, definition, clusters }: MetricSourceDetail): Buffer {
  return Buffer.concat([
    row.bytes.subarray(0, -1),
    Buffer.from(',"definition":'),
    definition?.bytes ?? Buffer.from("null"),
    Buffer.from(',"perCluster":'),
    joinRows(clusters),
    Buffer.from("}"),
  ]);
}
