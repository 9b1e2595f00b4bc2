// The routes that machines ask: liveness, readiness and metrics. Served beside the API, and alone on ports of their own.
import type { FastifyInstance } from "fastify";
import type { Check, HealthReport } from "./ports.ts";

export interface ProbeAnswer {
  readonly status: number;
  readonly body: object;
}

/** GET /healthz: 503 when the process needs a restart. */
export function liveness({ live }: HealthReport): ProbeAnswer {
  const failed = live.filter((check) => check.status === "failed");
  if (failed.length === 0) return { status: 200, body: { status: "ok" } };
  return { status: 503, body: { status: "failing", error: reasons(failed), checks: byName(failed) } };
}

/** GET /readyz. A degraded check is shown and does not fail; `verbose` shows the others too. */
export function readiness({ ready }: HealthReport, verbose: boolean): ProbeAnswer {
  const failed = ready.filter((check) => check.status === "failed");
  const checks = byName(verbose ? ready : ready.filter((check) => check.status !== "ok"));
  if (failed.length === 0) return { status: 200, body: { status: "ready", checks } };
  return { status: 503, body: { status: "not ready", error: reasons(failed), checks } };
}

export function registerProbes(app: FastifyInstance, health: () => HealthReport): void {
  app.get("/healthz", (_request, reply) => {
    const { status, body } = liveness(health());
    return reply.code(status).send(body);
  });
  app.get<{ Querystring: Record<string, unknown> }>("/readyz", (request, reply) => {
    const { status, body } = readiness(health(), "verbose" in request.query);
    return reply.code(status).send(body);
  });
}

/** GET /metrics in the Prometheus text format. */
export function registerMetrics(app: FastifyInstance, metrics: () => Promise<string>): void {
  app.get("/metrics", async (_request, reply) =>
    reply.type("text/plain; version=0.0.4; charset=utf-8").send(await metrics()),
  );
}

function byName(checks: readonly Check[]): Record<string, { status: string; message?: string }> {
  return Object.fromEntries(
    checks.map(({ name, status, message }) => [name, message === undefined ? { status } : { status, message }]),
  );
}

function reasons(failed: readonly Check[]): string {
  return failed.map((check) => `${check.name}: ${check.message ?? "failed"}`).join("; ");
}
