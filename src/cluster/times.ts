// Timestamps of a cluster's objects as they are stored. Pure.
import { rfc3339 } from "../support/clock.ts";

/** What the original stores for a time that is missing. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const rfc3339Text = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** Any RFC 3339 time as UTC with second precision; undefined for what is missing or no time. */
export function utcSeconds(value: unknown): string | undefined {
  const epochMs = typeof value === "string" && rfc3339Text.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(epochMs) ? undefined : rfc3339(epochMs);
}
