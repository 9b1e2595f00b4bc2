// The simulator's own door, beside those of the simulated API servers: what is simulated, the truth about it, the faults, and who was
// asked what. Plain HTTP on 127.0.0.1, behind a token that is drawn at every start.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ClusterPulseError, InvalidInputError, safeError } from "../../support/errors.ts";
import { SimulatorRefusedError } from "../admin-client.ts";
import type { FaultRecord } from "../faults/registry.ts";
import { type FaultRule, parseFaultRule } from "../faults/rule.ts";
import type { RequestRecord, ServerRequests } from "../http/request-log.ts";
import type { ProcessReport } from "../process-report.ts";
import type { ScenarioOutline } from "../scenario/control.ts";
import type { ScenarioState } from "../scenario/run.ts";
import { isSameToken } from "../tokens.ts";
import type { ExpectedCluster } from "../world/expected.ts";

type Awaitable<T> = T | Promise<T>;
type Listed<T> = Awaitable<readonly T[]>;
type Server = { readonly name: string; readonly url: string };

/** What the door opens on, in this process or in others. Whatever takes a name throws SIMULATED_CLUSTER_UNKNOWN. */
export interface AdminSubject {
  readonly clusters: readonly Server[];
  readonly registries: readonly Server[];
  readonly faults: {
    add(rule: FaultRule): Promise<void>;
    remove(cluster: string): Promise<boolean>;
    list(): Listed<FaultRecord>;
  };
  readonly requests: {
    counts(): Listed<{ readonly cluster: string; readonly count: number }>;
    of(cluster: string): Awaitable<ServerRequests>;
    since(sinceMs: number, limit: number): Listed<RequestRecord>;
    polls(): Listed<{ readonly cluster: string; readonly atMs: number }>;
  };
  /** Open connections of every cluster. */
  connections(): Listed<{ readonly cluster: string; readonly sockets: number }>;
  expected(cluster: string): Awaitable<ExpectedCluster>;
  process(): Awaitable<ProcessReport>;
  /** Undefined where only a part of a fleet is served: the whole has one. */
  readonly scenario?: {
    start(yaml: string): ScenarioOutline;
    state(): ScenarioState | null;
    stop(): void;
  };
}

export interface AdminServer {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

const maxBodyBytes = 64 * 1024;
const maxListedRequests = 10_000;

class AdminError extends ClusterPulseError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("ADMIN_REQUEST_REFUSED", message);
    this.status = status;
  }
}

interface AdminReply {
  readonly status: number;
  readonly body: unknown;
}

const ok = (body: unknown): AdminReply => ({ status: 200, body });

/** Listens on a free port of 127.0.0.1. */
export async function startAdminServer(subject: AdminSubject): Promise<AdminServer> {
  const token = randomBytes(24).toString("base64url");
  const server = createServer((request, response) => void handle(subject, token, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", () =>
      reject(new ClusterPulseError("LISTEN_FAILED", "the admin API cannot listen on 127.0.0.1")),
    );
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function handle(
  subject: AdminSubject,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const reply = await answer(subject, token, request).catch(failure);
  const bytes = Buffer.from(JSON.stringify(reply.body));
  response.writeHead(reply.status, {
    "content-type": "application/json",
    "content-length": String(bytes.length),
    "cache-control": "no-store",
  });
  response.end(bytes);
}

function failure(error: unknown): AdminReply {
  const { code, message } = safeError(error);
  if (error instanceof AdminError || error instanceof SimulatorRefusedError) {
    return { status: error.status, body: { error: message } };
  }
  if (error instanceof InvalidInputError) return { status: 400, body: { error: message } };
  return { status: code === "SIMULATED_CLUSTER_UNKNOWN" ? 404 : 500, body: { error: message } };
}

async function answer(subject: AdminSubject, token: string, request: IncomingMessage): Promise<AdminReply> {
  checkCaller(request, token);
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const [root, version, resource, name, ...members] = decodePath(url.pathname);
  if (root !== "sim" || version !== "v1") throw unknownPath();
  const shape = [resource, ...(name === undefined ? [] : ["{name}"]), ...members].join("/");
  switch (`${request.method} ${shape}`) {
    case "GET clusters":
      return ok(subject.clusters);
    case "GET registries":
      return ok(subject.registries);
    case "GET clusters/{name}/expected":
      return ok(await subject.expected(name as string));
    case "GET faults":
      return ok(await subject.faults.list());
    case "POST faults": {
      const rule = parseFaultRule(await readJson(request));
      await subject.faults.add(rule);
      return { status: 201, body: rule };
    }
    case "DELETE faults/{name}": {
      const had = await subject.faults.remove(name as string);
      if (!had) throw new AdminError(404, `cluster ${JSON.stringify(name)} has no fault`);
      return ok({ cluster: name, removed: true });
    }
    case "GET requests":
      return ok(await requestsOf(subject.requests, url.searchParams));
    case "GET polls":
      return ok(await subject.requests.polls());
    case "GET connections":
      return ok(await subject.connections());
    case "GET process":
      return ok(await subject.process());
    case "GET scenario":
      return ok(scenarioOf(subject).state());
    case "POST scenario": {
      const { yaml } = ((await readJson(request)) ?? {}) as { yaml?: unknown };
      if (typeof yaml !== "string") throw new AdminError(400, "yaml: must be the text of a scenario");
      return { status: 201, body: scenarioOf(subject).start(yaml) };
    }
    case "DELETE scenario":
      scenarioOf(subject).stop();
      return ok(scenarioOf(subject).state());
    default:
      throw unknownPath();
  }
}

function scenarioOf({ scenario }: AdminSubject): NonNullable<AdminSubject["scenario"]> {
  if (scenario === undefined) throw unknownPath();
  return scenario;
}

const unknownPath = (): AdminError =>
  new AdminError(
    404,
    "no such path and method; there are GET /sim/v1/clusters, GET /sim/v1/clusters/{name}/expected, GET /sim/v1/registries, GET and POST /sim/v1/faults, DELETE /sim/v1/faults/{cluster}, GET, POST and DELETE /sim/v1/scenario, GET /sim/v1/requests, GET /sim/v1/polls, GET /sim/v1/connections, GET /sim/v1/process",
  );

function checkCaller(request: IncomingMessage, token: string): void {
  const host = (request.headers.host ?? "").replace(/:\d+$/, "");
  if (!["127.0.0.1", "localhost", "[::1]"].includes(host)) {
    throw new AdminError(403, "Host: must be 127.0.0.1, localhost or [::1]");
  }
  const origin = request.headers.origin;
  if (origin !== undefined && !/^https?:\/\/(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(origin)) {
    throw new AdminError(403, "Origin: must be on this machine");
  }
  const given = /^Bearer ([\w-]+)$/i.exec(request.headers.authorization ?? "")?.[1] ?? "";
  if (!isSameToken(given, token))
    throw new AdminError(401, "Authorization: must be the bearer token of this simulator");
}

function decodePath(path: string): string[] {
  try {
    return path.slice(1).split("/").map(decodeURIComponent);
  } catch {
    throw new AdminError(400, "the path holds a malformed percent-encoding");
  }
}

/** Counters of every server that was asked; with `cluster` that one's recent requests as well; with `since` the recent ones of all. */
function requestsOf({ counts, of, since }: AdminSubject["requests"], query: URLSearchParams): Awaitable<unknown> {
  const cluster = query.get("cluster");
  if (cluster !== null) return of(cluster);
  const sinceMs = wholeNumber(query, "since", Number.MAX_SAFE_INTEGER);
  const limit = wholeNumber(query, "limit", maxListedRequests) ?? maxListedRequests;
  return sinceMs === undefined ? counts() : since(sinceMs, limit);
}

function wholeNumber(query: URLSearchParams, name: string, high: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= high)) throw new AdminError(400, `${name}: must be a whole number from 0 to ${high}`);
  return value;
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new AdminError(413, `the body must be at most ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new AdminError(400, "the body must be JSON");
  }
}
