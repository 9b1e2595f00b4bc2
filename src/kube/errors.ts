// Everything that can go wrong on the way to an API server, as one closed set of codes and status reasons.
// Messages name the cause and the place. They never hold a response body, a header or a credential, and no foreign error
// is kept as `cause`: a client's error may carry all three.
import { ClusterPulseError } from "../support/errors.ts";

/** Each code with the CamelCase reason that conditions and events show for it. TLS_FAILED has several: see `TlsFailure`. */
const reasons = {
  CONNECTION_REFUSED: "ConnectionRefused",
  CONNECTION_RESET: "ConnectionReset",
  CONNECT_TIMEOUT: "ConnectTimeout",
  HOST_UNREACHABLE: "HostUnreachable",
  DNS_FAILED: "NameNotResolved",
  ENDPOINT_FORBIDDEN: "EndpointForbidden",
  TLS_FAILED: "TLSFailed",
  HEADERS_TIMEOUT: "ResponseTimeout",
  BODY_TIMEOUT: "ResponseStalled",
  REQUEST_DEADLINE: "RequestTimeout",
  ABORTED: "Aborted",
  UNAUTHORIZED: "Unauthorized",
  FORBIDDEN: "Forbidden",
  NOT_FOUND: "NotFound",
  GONE: "Expired",
  CONFLICT: "Conflict",
  RATE_LIMITED: "TooManyRequests",
  SERVER_ERROR: "ServerError",
  UNEXPECTED_STATUS: "UnexpectedStatus",
  BODY_TOO_LARGE: "ResponseTooLarge",
  BODY_MALFORMED: "ResponseMalformed",
  REDIRECT_REFUSED: "RedirectRefused",
  TOO_MANY_OBJECTS: "TooManyObjects",
  REQUEST_FAILED: "RequestFailed",
} as const;

export type KubeErrorCode = keyof typeof reasons;

/** What was wrong with the server's certificate or the handshake. */
export type TlsFailure = "expired" | "notYetValid" | "wrongHost" | "unknownCa" | "other";

const tlsReasons: Readonly<Record<TlsFailure, string>> = {
  expired: "TLSCertificateExpired",
  notYetValid: "TLSCertificateNotYetValid",
  wrongHost: "TLSHostMismatch",
  unknownCa: "TLSUnknownAuthority",
  other: reasons.TLS_FAILED,
};

const maxMessageLength = 256;

export interface KubeErrorDetails {
  readonly httpStatus?: number | undefined;
  readonly statusReason?: string | undefined;
  readonly tlsFailure?: TlsFailure | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** A request to an API server that did not give a usable answer. */
export class KubeError extends ClusterPulseError {
  declare readonly code: KubeErrorCode;
  /** CamelCase cause, usable as the reason of a condition. */
  readonly reason: string;
  /** The status of the answer, if the server answered. */
  readonly httpStatus: number | undefined;
  /** `reason` of the Kubernetes Status in the answer, if it is one that Kubernetes defines. */
  readonly statusReason: string | undefined;
  /** How long the server asks to be left alone, from when the error was made; at most five minutes. The transport itself does not wait. */
  readonly retryAfterMs: number | undefined;

  /** @param message one sentence without a body, header or credential; cut at 256 characters */
  constructor(code: KubeErrorCode, message: string, details: KubeErrorDetails = {}) {
    super(code, message.length > maxMessageLength ? `${message.slice(0, maxMessageLength - 1)}…` : message);
    this.name = "KubeError";
    this.reason = details.tlsFailure === undefined ? reasons[code] : tlsReasons[details.tlsFailure];
    this.httpStatus = details.httpStatus;
    this.statusReason = knownStatusReason(details.statusReason);
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** `error` as a KubeError with one of `codes`, or undefined. */
export function isKubeError(error: unknown, ...codes: readonly KubeErrorCode[]): error is KubeError {
  return error instanceof KubeError && (codes.length === 0 || codes.includes(error.code));
}

const statusReasons: ReadonlySet<string> = new Set([
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "AlreadyExists",
  "Conflict",
  "Gone",
  "Invalid",
  "ServerTimeout",
  "StoreReadError",
  "Timeout",
  "TooManyRequests",
  "BadRequest",
  "MethodNotAllowed",
  "NotAcceptable",
  "RequestEntityTooLarge",
  "UnsupportedMediaType",
  "InternalError",
  "Expired",
  "ServiceUnavailable",
]);

/** The text itself if Kubernetes defines it as a Status reason: a server's own words are not repeated. */
export function knownStatusReason(reason: unknown): string | undefined {
  return typeof reason === "string" && statusReasons.has(reason) ? reason : undefined;
}
