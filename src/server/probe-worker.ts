// The thread of probe-thread.ts: an HTTP server that knows what it was last told, and for how long nothing was.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { parentPort, workerData } from "node:worker_threads";
import { securityHeaders } from "./guard.ts";
import { listenError } from "./listen-error.ts";
import type { HealthReport } from "./ports.ts";
import type { ProbeThreadData, ProbeThreadStart } from "./probe-thread.ts";
import { liveness, type ProbeAnswer, readiness } from "./probes.ts";

const maxConnections = 128;
const requestTimeoutMs = 10_000;
/** A loop that has not turned for so long is shown. */
const lateMs = 2_000;

const { address, flag, beat, stalledAfterMs } = workerData as ProbeThreadData;
let told: HealthReport = { live: [], ready: [{ name: "starting", status: "failed", message: "nothing is known yet" }] };
parentPort?.on("message", (report: HealthReport) => {
  told = report;
});

/** What was told last, and whether whoever told it still turns. */
function current(): HealthReport {
  const silentMs = Number((process.hrtime.bigint() - Atomics.load(beat, 0)) / 1_000_000n);
  if (silentMs < lateMs) return told;
  const status = silentMs > stalledAfterMs ? "failed" : "degraded";
  const message = `has not turned for ${Math.floor(silentMs / 1_000)} s`;
  const loop = { name: "event-loop", status, message } as const;
  return { live: [...told.live.filter(({ name }) => name !== loop.name), loop], ready: [...told.ready, loop] };
}

function answer(method: string | undefined, url: string | undefined): ProbeAnswer {
  const [path, query = ""] = (url ?? "").split("?", 2);
  const isRead = method === "GET" || method === "HEAD";
  if (isRead && path === "/healthz") return liveness(current());
  if (isRead && path === "/readyz") return readiness(current(), new URLSearchParams(query).has("verbose"));
  return { status: 404, body: { error: "There is nothing at this path" } };
}

const server = createServer((request, response) => {
  const { status, body } = answer(request.method, request.url);
  const headers = {
    ...securityHeaders,
    "cache-control": "no-store",
    "content-type": "application/json; charset=utf-8",
  };
  response.writeHead(status, headers).end(JSON.stringify(body));
});
server.maxConnections = maxConnections;
server.requestTimeout = requestTimeoutMs;
const say = (start: ProbeThreadStart): void => parentPort?.postMessage(start);
server.once("error", (error) => {
  const { code, message } = listenError(error, address.host, address.port, flag);
  say({ failed: { code, message } });
});
server.listen(address.port, address.host, () => say({ port: (server.address() as AddressInfo).port }));
