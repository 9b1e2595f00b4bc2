// Who may talk to a server without authentication: this machine only, by its own names, and no page of another origin.
// The name check stops DNS rebinding: a foreign page whose name was made to point here still sends its own name.
import { ClusterPulseError } from "../support/errors.ts";

const loopbackHosts: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

/** The address to bind for a host that was asked for. Throws HOST_NOT_LOOPBACK for any that others could reach. */
export function loopbackAddress(host: string): string {
  const name = host.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (!loopbackHosts.has(name)) {
    throw new ClusterPulseError(
      "HOST_NOT_LOOPBACK",
      `The server has no authentication yet, so it listens on 127.0.0.1, ::1 or localhost only, not on "${host}".`,
    );
  }
  return name === "localhost" ? "127.0.0.1" : name;
}

/** True for a Host header that names this machine's loopback, with or without a port. */
export function isLoopbackHost(header: string | undefined): boolean {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i.test(header ?? "");
}

/** True for an Origin header of a page that this server did not serve under the name it was asked by. */
export function isForeignOrigin(origin: string | undefined, host: string | undefined): boolean {
  return origin !== undefined && origin.toLowerCase() !== `http://${host ?? ""}`.toLowerCase();
}

/** The caller's request id where it is harmless in a header and a log line. */
export function acceptableRequestId(header: string | string[] | undefined): string | undefined {
  return typeof header === "string" && /^[A-Za-z0-9._:-]{1,64}$/.test(header) ? header : undefined;
}

/** Headers of every answer. What is not the page may load nothing at all. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-xss-protection": "1; mode=block",
  "referrer-policy": "strict-origin-when-cross-origin",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
};

/** The page loads files of its own origin and nothing else: no inline script or style, no data URL. */
export const pageContentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");
