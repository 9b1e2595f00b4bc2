// Refusals by HTTP status, as an API server words them, or the proxy in front of one.
import { ApiError } from "../http/status.ts";
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
const badGateway = 502;

/** The answer to every request. A bad gateway is a proxy's word, in HTML; all else is a Status. */
export function refusalOf(code: number, retryAfter: number | undefined): RequestVerdict {
  if (code === badGateway) {
    const html =
      "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><h1>502 Bad Gateway</h1></body>\r\n</html>\r\n";
    return { type: "page", status: code, html, retryAfter };
  }
  const reason = reasons[code] ?? (code < 500 ? "BadRequest" : "InternalError");
  const details = retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter };
  return { type: "refuse", error: new ApiError(code, reason, `simulated: the server answers ${code}`, details) };
}
