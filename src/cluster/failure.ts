// What went wrong while a cluster was asked, as it may be shown, and what it means for the requests that would follow. Pure.
import { ClusterPulseError, safeError } from "../support/errors.ts";
import { ownTroubleOf } from "../support/own-trouble.ts";

/** Why something could not be had: a stable code, a CamelCase reason for conditions, and a message that is safe to show. */
export interface Failure {
  readonly code: string;
  readonly reason: string;
  readonly message: string;
}

/** The parts of a collection that readers and conditions name, in the order in which they are named. */
export const parts = [
  "version",
  "nodes",
  "pods",
  "namespaces",
  "deployments",
  "apis",
  "clusterversion",
  "clusteroperators",
  "console",
  "operators",
] as const;
export type Part = (typeof parts)[number];

/** A part of the collection that could not be had, wholly or in part. */
export interface MissingPart extends Failure {
  readonly part: Part;
}

/** The hub itself had no room for the request or its answer: it says nothing of the cluster. */
export const busyReason = "HubBusy";

const reasons: Readonly<Record<string, string>> = {
  BODY_MALFORMED: "ResponseMalformed",
  BODY_TOO_LARGE: "ResponseTooLarge",
  COMPUTE_DEADLINE: "ComputeDeadline",
  COMPUTE_ABORTED: "Aborted",
  COMPUTE_OUT_OF_MEMORY: "ComputeOutOfMemory",
  COMPUTE_CRASHED: "ComputeCrashed",
  REQUESTS_EXHAUSTED: "RequestsExhausted",
};

const isShort = (code: string): boolean => ownTroubleOf(code) === "short";

/** Any thrown value as what may be shown of it. Errors of this family that carry a reason keep it. */
export function failureOf(error: unknown): Failure {
  const { code, message } = safeError(error);
  if (ClusterPulseError.is(error) && "reason" in error && typeof error.reason === "string") {
    return { code, reason: error.reason, message };
  }
  return { code, reason: isShort(code) ? busyReason : (reasons[code] ?? "Unexpected"), message };
}

/** The spec cannot be used, for these reasons. */
export function invalidSpec(problems: readonly string[]): Failure {
  return { code: "INVALID_SPEC", reason: "InvalidSpec", message: problems.join("; ") };
}

/** Items of a list that were passed over because they could not be read. */
export function itemsMalformed(count: number): Failure {
  const message = `${count} ${count === 1 ? "item" : "items"} of the list could not be read`;
  return { code: "ITEMS_MALFORMED", reason: "ItemsMalformed", message };
}

/** What was not read before the collection had to end. */
export const notInTime: Failure = {
  code: "NOT_IN_TIME",
  reason: "NotInTime",
  message: "not read in the time that a collection has: the API server answers slowly",
};

/** Codes of answers that say something about one resource, not about the connection or the credentials. */
const answers: ReadonlySet<string> = new Set([
  "FORBIDDEN",
  "NOT_FOUND",
  "SERVER_ERROR",
  "UNEXPECTED_STATUS",
  "BODY_MALFORMED",
  "BODY_TOO_LARGE",
]);

export function isAnswer(error: unknown): boolean {
  return ClusterPulseError.is(error) && answers.has(error.code);
}

/** Codes after which the next request would only wait for the same: no answer came, or the server wants to be left alone. */
const silences: ReadonlySet<string> = new Set([
  "CONNECTION_REFUSED",
  "CONNECTION_RESET",
  "CONNECT_TIMEOUT",
  "HOST_UNREACHABLE",
  "DNS_FAILED",
  "TLS_FAILED",
  "HEADERS_TIMEOUT",
  "BODY_TIMEOUT",
  "REQUEST_DEADLINE",
  "REQUESTS_EXHAUSTED",
  "UNAUTHORIZED",
  "RATE_LIMITED",
  notInTime.code,
]);

/** Whether the optional requests that would follow are better not made. */
export function isSilence({ code }: Failure): boolean {
  return silences.has(code) || isShort(code) || ownTroubleOf(code) === "given-up";
}
