// Endpoints, and paths of endpoints, that answer something other than recorded lists.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../support/clock.ts";
import type { PlainAnswer } from "../http/pipeline.ts";
import type { SimulatorRequest } from "../http/sockets.ts";
import { ApiError } from "../http/status.ts";
import { readJson, unreadable } from "./engine.ts";
import type { HttpAnswer, Override, RecordedEndpoint, RecordedRegistry } from "./layout.ts";

/** The answer to a request; undefined: the recorded lists have it. */
export type Interceptor = (request: SimulatorRequest) => PlainAnswer | undefined | Promise<PlainAnswer | undefined>;

const json = "application/json";
const answerOf = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): PlainAnswer => ({
  status,
  contentType: json,
  text: JSON.stringify(body),
  headers,
});
const pathOf = ({ url }: SimulatorRequest): string => url.split("?", 1)[0] ?? "/";
const reasonOf: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
};

/** What the endpoint answers by itself; undefined when it only has recorded lists. Throws ClusterPulseError RECORDING_UNREADABLE. */
export function interceptorOf(endpoint: RecordedEndpoint, folder: string, clock: Clock): Interceptor | undefined {
  if ("answer" in endpoint) return () => answerOf(endpoint.answer, statusOf(endpoint.answer, {}));
  if ("http" in endpoint) return (request) => httpAnswer(endpoint.http, request, clock);
  if ("registry" in endpoint) return (request) => registryAnswer(endpoint.registry, request);
  if ("cluster" in endpoint) return overridesIn(join(folder, endpoint.cluster, "_overrides.json"));
  return undefined;
}

function statusOf(code: number, { reason, message, details }: Partial<Override>): Record<string, unknown> {
  const word = reason ?? reasonOf[code] ?? "";
  const { details: none, ...status } = new ApiError(code, word, message ?? word).toStatus();
  return { ...status, details: details ?? none };
}

function overridesIn(file: string): Interceptor | undefined {
  if (!existsSync(file)) return undefined;
  const overrides = readOverrides(file);
  return (request) => {
    const found = overrides.find(({ pattern }) => pattern.test(pathOf(request)) || pattern.test(request.url));
    if (found === undefined) return undefined;
    const { code = 200, body } = found;
    if (body === undefined) return answerOf(code, statusOf(code, found));
    return typeof body === "string" ? { status: code, contentType: json, text: body } : answerOf(code, body);
  };
}

function readOverrides(file: string): readonly (Override & { readonly pattern: RegExp })[] {
  const { value } = readJson(file);
  if (!Array.isArray(value)) throw unreadable(file, "must be a list of answers with what they match");
  return (value as readonly Override[]).map((override, i) => {
    try {
      return { ...override, pattern: new RegExp(override.match) };
    } catch {
      throw unreadable(file, `entry ${i + 1}: match must be a regular expression`);
    }
  });
}

async function httpAnswer(
  answers: Readonly<Record<string, HttpAnswer>>,
  request: SimulatorRequest,
  clock: Clock,
): Promise<PlainAnswer> {
  const key = [request.url, pathOf(request), "*"].find((one) => Object.hasOwn(answers, one));
  const found = key === undefined ? undefined : answers[key];
  if (found === undefined) return { status: 404, contentType: "text/plain", text: "not found\n" };
  const { status = 200, headers = {}, body = "", delayMs = 0 } = found;
  if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, delayMs));
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  // The length is that of what is sent.
  const { "content-type": contentType = "text/plain", "content-length": _length, ...rest } = lower;
  return { status, contentType, text: typeof body === "string" ? body : JSON.stringify(body), headers: rest };
}

/** As much of a registry as a health check sees. Its catalog has pages, as long as they are asked for. */
function registryAnswer(registry: RecordedRegistry, request: SimulatorRequest): PlainAnswer {
  const headers = { "docker-distribution-api-version": "registry/2.0" };
  if (!letsIn(registry, request.headers.authorization)) {
    const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
    return answerOf(401, { errors }, { ...headers, "www-authenticate": 'Basic realm="registry"' });
  }
  const path = pathOf(request);
  if (path === "/v2/" || path === "/v2") return answerOf(200, {}, headers);
  if (path !== "/v2/_catalog") {
    const errors = [{ code: "NAME_UNKNOWN", message: "repository name not known to registry" }];
    return answerOf(404, { errors }, headers);
  }
  const query = new URLSearchParams(request.url.slice(path.length + 1));
  const names = registry.repositories.toSorted().filter((name) => name > (query.get("last") ?? ""));
  const size = Number(query.get("n") ?? defaultPageSize);
  if (!(size > 0 && size <= maxPageSize)) {
    const errors = [{ code: "PAGINATION_NUMBER_INVALID", message: "invalid number of results requested" }];
    return answerOf(400, { errors }, headers);
  }
  const page = names.slice(0, size);
  const next = `</v2/_catalog?last=${encodeURIComponent(page.at(-1) ?? "")}&n=${size}>; rel="next"`;
  return answerOf(200, { repositories: page }, names.length > size ? { ...headers, link: next } : headers);
}

/** Of the registry that Docker distributes. */
const defaultPageSize = 100;
const maxPageSize = 1_000;

function letsIn({ htpasswd }: RecordedRegistry, authorization: string | undefined): boolean {
  if (htpasswd === undefined) return true;
  const [, encoded] = /^Basic (.+)$/.exec(authorization ?? "") ?? [];
  if (encoded === undefined) return false;
  const [, user = "", password = ""] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  const lines = typeof htpasswd === "string" ? htpasswd.split("\n").map((line) => line.trim()) : [];
  const entries = lines.flatMap((line) => (line.includes(":") ? [line.split(/:(.*)/s) as [string, string]] : []));
  const wanted = new Map(typeof htpasswd === "string" ? entries : Object.entries(htpasswd)).get(user);
  if (wanted === undefined) return false;
  if (/^\$\w+\$/.test(wanted)) return true;
  const sha = `{SHA}${createHash("sha1").update(password).digest("base64")}`;
  return wanted === password || wanted === sha;
}
