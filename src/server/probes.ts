// The routes that machines ask: liveness, readiness and metrics. Served beside the API, and alone on ports of their own.
import type { FastifyInstance } from "fastify";
import type { Check, HealthReport } from "./ports.ts";

/** GET /healthz and /readyz. A degraded check is shown and does not fail; `?verbose` shows the others too. */
export function registerProbes(app: FastifyInstance, health: () => HealthReport): void {
  app.get("/healthz", (_request, reply) => {
    const failed = health().live.filter((check) => check.status === "failed");
    if (failed.length === 0) return reply.send({ status: "ok" });
    return reply.code(503).send({ status: "failing", error: reasons(failed), checks: byName(failed) });
  });

  app.get<{ Querystring: Record<string, unknown> }>("/readyz", (request, reply) => {
    const { ready } = health();
    const failed = ready.filter((check) => check.status === "failed");
    const shown = "verbose" in request.query ? ready : ready.filter((check) => check.status !== "ok");
    const checks = byName(shown);
    if (failed.length === 0) return reply.send({ status: "ready", checks });
    return reply.code(503).send({ status: "not ready", error: reasons(failed), checks });
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
