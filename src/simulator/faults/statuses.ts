// Refusals by HTTP status, as an API server words them, or the proxy in front of one.
import { ApiError, apiErrors } from "../http/status.ts";
import type { RequestVerdict } from "./effects.ts";

const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  408: "Timeout",
  409: "Conflict",
  410: "Expired",
  413: "RequestEntityTooLarge",
  415: "UnsupportedMediaType",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};
const titles: Readonly<Record<number, string>> = {
  502: "Bad Gateway",
  503: "Service Temporarily Unavailable",
  504: "Gateway Time-out",
};
const badGateway = 502;
const httpDateFrom = (epochMs: number): string => new Date(epochMs).toUTCString();

export const statusForms = ["status", "html", "text", "empty", "versionTooLarge"] as const;
export type StatusForm = (typeof statusForms)[number];

export interface RefusalOptions {
  readonly code: number;
  /** Undefined: a Status, and of a bad gateway the page of a proxy. */
  readonly form: StatusForm | undefined;
  readonly retryAfter: number | undefined;
  /** Retry-After names the moment instead of the seconds. */
  readonly retryAfterDate: boolean;
  readonly nowMs: number;
}

/** A failure as an API server words it. */
export function statusError(code: number, retryAfterSeconds?: number): ApiError {
  const reason = reasons[code] ?? (code < 500 ? "BadRequest" : "InternalError");
  const details = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  return new ApiError(code, reason, `simulated: the server answers ${code}`, details);
}

/** The answer to a request that is refused. */
export function refusalOf({ code, form, retryAfter, retryAfterDate, nowMs }: RefusalOptions): RequestVerdict {
  const after =
    retryAfter === undefined ? "" : retryAfterDate ? httpDateFrom(nowMs + retryAfter * 1_000) : String(retryAfter);
  const headers: Record<string, string> = after === "" ? {} : { "retry-after": after };
  const plain = (contentType: string, text: string): RequestVerdict => ({
    type: "plain",
    status: code,
    contentType,
    text,
    headers,
  });
  switch (form ?? (code === badGateway ? "html" : "status")) {
    case "html": {
      const title = `${code} ${titles[code] ?? "Error"}`;
      return plain(
        "text/html",
        `<html>\r\n<head><title>${title}</title></head>\r\n<body><h1>${title}</h1></body>\r\n</html>\r\n`,
      );
    }
    case "text":
      return plain(
        "text/plain; charset=utf-8",
        code === 429 ? "Too many requests, please try again later.\n" : `simulated: the server answers ${code}\n`,
      );
    case "empty":
      return plain("text/plain; charset=utf-8", "");
    case "versionTooLarge":
      return { type: "refuse", error: apiErrors.tooLargeVersion(2 ** 40, 1) };
    case "status": {
      const error = statusError(code, retryAfter);
      if (!retryAfterDate || retryAfter === undefined) return { type: "refuse", error };
      return plain("application/json", JSON.stringify(error.toStatus()));
    }
  }
}
