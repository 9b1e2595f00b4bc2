// What the statuses of everything that the hub connects to have in common: clusters and registries. Pure.
import type { Condition, Verdict } from "../reconcile/index.ts";
import { rfc3339 } from "../support/clock.ts";

export const truth = (isTrue: boolean): "True" | "False" => (isTrue ? "True" : "False");

/** By health. */
export const phases = {
  healthy: "Connected",
  degraded: "Connected",
  unhealthy: "Error",
  unknown: "Connecting",
} as const;

/** Reasons of a failure that was the server's own answer: it was reached. */
const answered: ReadonlySet<string> = new Set([
  "Unauthorized",
  "Forbidden",
  "NotFound",
  "TooManyRequests",
  "ServerError",
  "UnexpectedStatus",
  "ResponseMalformed",
  "ResponseTooLarge",
  "RedirectRefused",
]);
/** Reasons for which the server was not even asked. */
const notAsked: ReadonlySet<string> = new Set([
  "Pending",
  "InvalidSpec",
  "CredentialsMissing",
  "CredentialsInvalid",
  "ActorCrashLooping",
]);

/** Whether a server that is of no use for this reason was reached. */
export const reachedDespite = (reason: string): Condition["status"] =>
  notAsked.has(reason) ? "Unknown" : truth(answered.has(reason));

/** All that can be said of what is not known. */
export const unknownVerdicts = ({ reason, message }: Pick<Verdict, "reason" | "message">): Verdict[] =>
  ["Ready", "Reachable", "Synced", "Degraded"].map((type) => ({ type, status: "Unknown", reason, message }));

/** The missing parts in one message. */
export const lackingOf = (missing: readonly { readonly part: string; readonly message: string }[]): string =>
  missing.map(({ part, message }) => `${part}: ${message}`).join("; ");

export const asExpected = { reason: "AsExpected", message: "" } as const;

/** A certificate that has less than this left is warned of. Those that renew themselves do it earlier. */
const certificateWarningMs = 14 * 86_400_000;

/** Names the day, not the days left, so that the message stands still. `whose`: "The registry". */
export function certificateVerdict(whose: string, expiresAtMs: number, nowMs: number): Verdict {
  const isSoon = expiresAtMs - nowMs < certificateWarningMs;
  const word = expiresAtMs <= nowMs ? "expired" : "expires";
  return {
    type: "CertificateExpiring",
    status: truth(isSoon),
    reason: isSoon ? "ExpiresSoon" : asExpected.reason,
    message: `${whose}'s certificate ${word} on ${rfc3339(expiresAtMs).slice(0, 10)}`,
  };
}

/** Two significant digits: what a person compares, and what stays equal while a server is about as fast as it was. */
export const coarse = (value: number): number => Math.round(Number(value.toPrecision(2)));
