// How long a server asks to be left alone. Believed in part: what cannot be read is ignored, and nothing holds us off for longer
// than five minutes. Pure.

/** No server is left alone for longer than this, whatever it says. */
export const maxRetryAfterMs = 300_000;

const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/**
 * Milliseconds from now that a Retry-After header asks for, at most `maxRetryAfterMs`: whole seconds, or a date in the form that
 * HTTP prescribes (RFC 9110 §10.2.3). A date in the past is 0; anything else is undefined.
 * @param nowMs milliseconds since the epoch
 */
export function parseRetryAfter(header: string, nowMs: number): number | undefined {
  const value = header.trim();
  if (/^\d{1,20}$/.test(value)) return bounded(Number(value) * 1_000);
  return httpDate.test(value) ? bounded(Date.parse(value) - nowMs) : undefined;
}

/** The same for `details.retryAfterSeconds` of a Kubernetes Status. */
export function retryAfterOfStatus(status: unknown): number | undefined {
  const { details } = (status ?? {}) as { details?: { retryAfterSeconds?: unknown } | null };
  const seconds = details?.retryAfterSeconds;
  return typeof seconds === "number" && seconds > 0 ? bounded(seconds * 1_000) : undefined;
}

function bounded(ms: number): number | undefined {
  return Number.isNaN(ms) ? undefined : Math.min(maxRetryAfterMs, Math.max(0, ms));
}
