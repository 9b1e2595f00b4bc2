// The one place where what undici, Node and HTTP say becomes a KubeError. Foreign errors are read by code only, from an
// allow-list; their messages are never repeated.
import { errors } from "undici";
import { KubeError, type KubeErrorCode, type TlsFailure } from "./errors.ts";
import { describeRequest } from "./request-description.ts";

/** Where a request went and what it was allowed to take, for the words of an error. */
export interface RequestContext {
  /** `host:port` of the API server, as configured. */
  readonly address: string;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly bodyIdleTimeoutMs: number;
}

const tlsFailures: Readonly<Record<string, TlsFailure>> = {
  CERT_HAS_EXPIRED: "expired",
  CERT_NOT_YET_VALID: "notYetValid",
  ERR_TLS_CERT_ALTNAME_INVALID: "wrongHost",
  HOSTNAME_MISMATCH: "wrongHost",
  UNABLE_TO_GET_ISSUER_CERT: "unknownCa",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "unknownCa",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "unknownCa",
  SELF_SIGNED_CERT_IN_CHAIN: "unknownCa",
  DEPTH_ZERO_SELF_SIGNED_CERT: "unknownCa",
  CERT_UNTRUSTED: "unknownCa",
  INVALID_CA: "unknownCa",
};

const tlsWords: Readonly<Record<TlsFailure, string>> = {
  expired: "the certificate has expired",
  notYetValid: "the certificate is not valid yet",
  wrongHost: "the certificate is for another host",
  unknownCa: "the certificate is signed by an unknown authority",
  other: "the handshake failed",
};

const otherTlsCode = /^(?:EPROTO|ERR_SSL_\w+|ERR_TLS_\w+|CERT_\w+|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/;

/** Rewrites whatever a request threw. Errors of ours pass unchanged. */
export function mapClientError(error: unknown, context: RequestContext): KubeError {
  if (error instanceof KubeError) return error;
  const { code, syscall } = identifiers(error);
  const at = context.address;
  switch (code) {
    case "ECONNREFUSED":
      return new KubeError("CONNECTION_REFUSED", `connection refused by ${at}`);
    case "ECONNRESET":
    case "EPIPE":
    case "UND_ERR_SOCKET":
      return new KubeError("CONNECTION_RESET", `connection closed by ${at} before the answer was complete`);
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
      return new KubeError("CONNECTION_RESET", `the answer of ${at} is not as long as announced`);
    case "ETIMEDOUT":
      if (syscall !== "connect")
        return new KubeError("CONNECTION_RESET", `connection to ${at} lost: the peer went silent`);
      return connectTimeout(context);
    case "UND_ERR_CONNECT_TIMEOUT":
      return connectTimeout(context);
    case "EHOSTUNREACH":
    case "ENETUNREACH":
    case "EHOSTDOWN":
    case "ENETDOWN":
    case "EADDRNOTAVAIL":
    case "EACCES":
      return new KubeError("HOST_UNREACHABLE", `no route to ${at}`);
    case "UND_ERR_HEADERS_TIMEOUT":
      return new KubeError(
        "HEADERS_TIMEOUT",
        `no response headers from ${at} within ${duration(context.headersTimeoutMs)}`,
      );
    case "UND_ERR_BODY_TIMEOUT":
      return new KubeError("BODY_TIMEOUT", `the answer of ${at} stalled for ${duration(context.bodyIdleTimeoutMs)}`);
    case "UND_ERR_HEADERS_OVERFLOW":
      return new KubeError("BODY_TOO_LARGE", `the response headers of ${at} are too large`);
    case "UND_ERR_ABORTED":
      return new KubeError("ABORTED", "request aborted");
    case "UND_ERR_DESTROYED":
    case "UND_ERR_CLOSED":
      return new KubeError("ABORTED", "the transport is closed");
  }
  if (syscall === "getaddrinfo") return new KubeError("DNS_FAILED", `the host name of ${at} cannot be resolved`);
  if (error instanceof errors.HTTPParserError)
    return new KubeError("BODY_MALFORMED", `the answer of ${at} is not valid HTTP`);
  const tlsFailure = tlsFailures[code] ?? (otherTlsCode.test(code) ? "other" : undefined);
  if (tlsFailure !== undefined) {
    return new KubeError("TLS_FAILED", `TLS with ${at} failed: ${tlsWords[tlsFailure]}`, { tlsFailure });
  }
  return new KubeError("REQUEST_FAILED", `the request to ${at} failed`);
}

const codesByStatus: Readonly<Record<number, KubeErrorCode>> = {
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  410: "GONE",
  429: "RATE_LIMITED",
};

/** An answer that is not 2xx, as far as an error may tell of it. */
export interface Refusal {
  readonly httpStatus: number;
  /** From the body: the only thing that is read there. */
  readonly statusReason?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** The error for an answer that is not 2xx. */
export function errorFromStatus(refusal: Refusal, method: string, path: string): KubeError {
  const { httpStatus } = refusal;
  const code = codesByStatus[httpStatus] ?? statusClass(httpStatus);
  return new KubeError(code, statusMessage(code, httpStatus, describeRequest(method, path)), refusal);
}

function statusClass(httpStatus: number): KubeErrorCode {
  if (httpStatus >= 300 && httpStatus < 400) return "REDIRECT_REFUSED";
  return httpStatus >= 500 ? "SERVER_ERROR" : "UNEXPECTED_STATUS";
}

function statusMessage(code: KubeErrorCode, httpStatus: number, request: string): string {
  switch (code) {
    case "UNAUTHORIZED":
      return "unauthorized: the server does not accept the credentials";
    case "FORBIDDEN":
      return `forbidden: the credentials may not ${request}`;
    case "NOT_FOUND":
      return `not found: ${request}`;
    case "CONFLICT":
      return `conflict: ${request} met a newer version of the object`;
    case "GONE":
      return `expired: the version asked for in ${request} is no longer kept`;
    case "RATE_LIMITED":
      return `too many requests: the server turned away ${request}`;
    case "REDIRECT_REFUSED":
      return `the server redirects ${request} (${httpStatus}), which is not followed`;
    default:
      return `the server answered ${request} with status ${httpStatus}`;
  }
}

function connectTimeout(context: RequestContext): KubeError {
  return new KubeError(
    "CONNECT_TIMEOUT",
    `no connection to ${context.address} within ${duration(context.connectTimeoutMs)}`,
  );
}

/** `code` and `syscall` of a foreign error, or of the first one inside an AggregateError; empty where absent. */
function identifiers(error: unknown): { code: string; syscall: string } {
  if (typeof error !== "object" || error === null) return { code: "", syscall: "" };
  const { code, syscall, errors } = error as { code?: unknown; syscall?: unknown; errors?: unknown };
  if (typeof code !== "string" && Array.isArray(errors) && errors.length > 0) return identifiers(errors[0]);
  return { code: typeof code === "string" ? code : "", syscall: typeof syscall === "string" ? syscall : "" };
}

/** `5 s`, `1.5 s`, `250 ms`. */
export function duration(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
