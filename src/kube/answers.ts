// What status and headers of an API server's answer say: whether it is what was asked for, how its body is encoded, and what a refusal means.
// Pure. Nothing of a body is repeated.
import type { IncomingHttpHeaders } from "node:http";
import { parseJson } from "./body.ts";
import { errorFromStatus } from "./error-mapping.ts";
import { KubeError, knownStatusReason } from "./errors.ts";
import { parseRetryAfter } from "./retry-after.ts";

/** More of a refusal's body than this is not read. */
export const maxRefusalBytes = 16_384;

export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Undefined: one that is not asked for. */
export function contentEncoding(headers: IncomingHttpHeaders): "identity" | "gzip" | undefined {
  const encoding = headerText(headers["content-encoding"]).trim().toLowerCase();
  if (encoding === "" || encoding === "identity") return "identity";
  return encoding === "gzip" ? "gzip" : undefined;
}

export function unsupportedEncoding(): KubeError {
  return new KubeError("BODY_MALFORMED", "the answer has a content encoding that was not asked for");
}

export function headerText(header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(",") : (header ?? "");
}

export interface Refusal {
  readonly httpStatus: number;
  readonly headers: IncomingHttpHeaders;
  /** At most maxRefusalBytes. */
  readonly bytes: Uint8Array;
}

/** What a refusal says, as far as its body is a Kubernetes Status; it may be HTML or cut off, and the status says enough then. */
export function errorOfRefusal(
  { httpStatus, headers, bytes }: Refusal,
  request: { readonly method: string; readonly path: string },
  nowMs: number,
): KubeError {
  let statusReason: string | undefined;
  try {
    if (contentEncoding(headers) === "identity") statusReason = reasonOf(parseJson(bytes));
  } catch {
    // Not a Status.
  }
  const held = httpStatus === 429 || httpStatus === 503;
  const retryAfterMs = held ? parseRetryAfter(headerText(headers["retry-after"]), nowMs) : undefined;
  return errorFromStatus({ httpStatus, statusReason, retryAfterMs }, request.method, request.path);
}

function reasonOf(status: unknown): string | undefined {
  if (typeof status !== "object" || status === null) return undefined;
  return knownStatusReason((status as { reason?: unknown }).reason);
}
