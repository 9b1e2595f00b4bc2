// Endpoints, and paths of endpoints, that answer something other than recorded lists.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../support/clock.ts";
import type { PlainAnswer } from "../http/pipeline.ts";
import type { SimulatorRequest } from "../http/sockets.ts";
import { ApiError } from "../http/status.ts";
import { readJson } from "./engine.ts";
import type { HttpAnswer, Override, RecordedEndpoint } from "./layout.ts";

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

/** What the endpoint answers by itself; undefined when it only has recorded lists. */
export function interceptorOf(endpoint: RecordedEndpoint, folder: string, clock: Clock): Interceptor | undefined {
  if ("answer" in endpoint) return () => answerOf(endpoint.answer, statusOf(endpoint.answer, {}));
  if ("http" in endpoint) return (request) => httpAnswer(endpoint.http, pathOf(request), clock);
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
  const overrides = (readJson(file).value as readonly Override[]).map((override) => ({
    ...override,
    pattern: new RegExp(override.match),
  }));
  return (request) => {
    const found = overrides.find(({ pattern }) => pattern.test(pathOf(request)));
    if (found === undefined) return undefined;
    const { code, body } = found;
    if (body === undefined) return answerOf(code, statusOf(code, found));
    return typeof body === "string" ? { status: code, contentType: json, text: body } : answerOf(code, body);
  };
}

async function httpAnswer(
  answers: Readonly<Record<string, HttpAnswer>>,
  path: string,
  clock: Clock,
): Promise<PlainAnswer> {
  const found = Object.hasOwn(answers, path) ? answers[path] : answers["*"];
  if (found === undefined) return { status: 404, contentType: "text/plain", text: "not found\n" };
  const { status, headers = {}, body = "", delayMs = 0 } = found;
  if (delayMs > 0) await new Promise<void>((resolve) => clock.setTimer(resolve, delayMs));
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  // The length is that of what is sent.
  const { "content-type": contentType = "text/plain", "content-length": _length, ...rest } = lower;
  return { status, contentType, text: typeof body === "string" ? body : JSON.stringify(body), headers: rest };
}

/** As much of a registry as a health check sees. */
function registryAnswer(
  { repositories, htpasswd }: Extract<RecordedEndpoint, { registry: unknown }>["registry"],
  request: SimulatorRequest,
): PlainAnswer {
  const headers = { "docker-distribution-api-version": "registry/2.0" };
  if (htpasswd !== undefined && request.headers.authorization?.startsWith("Basic ") !== true) {
    const errors = [{ code: "UNAUTHORIZED", message: "authentication required" }];
    return answerOf(401, { errors }, { ...headers, "www-authenticate": 'Basic realm="registry"' });
  }
  const path = pathOf(request);
  if (path === "/v2/" || path === "/v2") return answerOf(200, {}, headers);
  if (path === "/v2/_catalog") return answerOf(200, { repositories }, headers);
  return answerOf(
    404,
    { errors: [{ code: "NAME_UNKNOWN", message: "repository name not known to registry" }] },
    headers,
  );
}
