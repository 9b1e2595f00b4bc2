// The simulator's own door, beside those of the simulated API servers: plain HTTP on 127.0.0.1, behind a token that is drawn at every
// start. What can be asked there is routes.ts.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ClusterPulseError, InvalidInputError, safeError } from "../../support/errors.ts";
import { SimulatorRefusedError, silentHeader } from "../admin-client.ts";
import { isSameToken } from "../tokens.ts";
import { AdminError, type AdminReply, type AdminSubject, adminRoutes, unknownRoute } from "./routes.ts";

export interface AdminServer {
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

/** A scenario, or the names of a whole fleet. */
const maxBodyBytes = 1024 * 1024;

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
  const { contentType = "application/json" } = reply;
  const silent = subject.silent?.() ?? [];
  const bytes = Buffer.from(reply.contentType === undefined ? JSON.stringify(reply.body) : String(reply.body));
  response.writeHead(reply.status, {
    "content-type": contentType,
    "content-length": String(bytes.length),
    "cache-control": "no-store",
    ...(silent.length === 0 ? {} : { [silentHeader]: silent.join(", ") }),
  });
  response.end(bytes);
}

const statuses: Readonly<Record<string, number>> = {
  SIMULATED_CLUSTER_UNKNOWN: 404,
  NOT_REGISTERED: 409,
  STILL_LEAVING: 409,
  PART_SILENT: 504,
  CLOCK_FIXED: 409,
  SNAPSHOT_UNKNOWN: 404,
  SNAPSHOT_TOO_LARGE: 413,
};

function failure(error: unknown): AdminReply {
  const { code, message } = safeError(error);
  if (error instanceof AdminError || error instanceof SimulatorRefusedError) {
    return { status: error.status, body: { error: message } };
  }
  if (error instanceof InvalidInputError) return { status: 400, body: { error: message } };
  return { status: statuses[code] ?? 500, body: { error: message } };
}

async function answer(subject: AdminSubject, token: string, request: IncomingMessage): Promise<AdminReply> {
  checkCaller(request, token);
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const [root, version, resource, name, ...members] = decodePath(url.pathname);
  if (root !== "sim" || version !== "v1") throw unknownRoute();
  const shape = [resource, ...(name === undefined ? [] : ["{name}"]), ...members].join("/");
  const known = [url.pathname.slice("/sim/v1/".length), shape].find((path) =>
    Object.hasOwn(adminRoutes, `${request.method} ${path}`),
  );
  const route = adminRoutes[`${request.method} ${known}`];
  if (route === undefined) throw unknownRoute();
  return await route(subject, { name: name ?? "", query: url.searchParams, json: () => readJson(request) });
}

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
