// Timestamps of a cluster's objects as they are stored. Pure.
import { rfc3339 } from "../support/clock.ts";

/** What the original stores for a time that is missing. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

/** A day that every month has: nothing is left to check. */
const utcSecondsText = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;
const rfc3339Text = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Any RFC 3339 time as UTC with second precision; undefined for what is missing or no time. */
export function utcSeconds(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (utcSecondsText.test(value)) return value;
  const epochMs = rfc3339Text.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(epochMs) ? undefined : rfc3339(epochMs);
}
