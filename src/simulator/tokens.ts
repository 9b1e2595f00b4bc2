// Bearer tokens of the simulated API servers, one per server: derived from a secret of this start, so that nothing is held per cluster and
// every process of a simulator knows all of them.
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { apiErrors } from "./http/status.ts";

export interface TokenVerifier {
  /** Throws ApiError 401 unless the header holds the server's token; on a public path no header will do too, but not a wrong one. */
  check(server: string, authorization: string | undefined, isPublic: boolean): void;
}

export class Tokens implements TokenVerifier {
  /** What all of them are derived from: who has it has them all. */
  readonly secret: Buffer;

  constructor(secret = randomBytes(32)) {
    this.secret = secret;
  }

  /** The token of a server: a cluster's name, or `hub`. */
  of(server: string): string {
    return createHmac("sha256", this.secret).update(server).digest("base64url");
  }

  check(server: string, authorization: string | undefined, isPublic: boolean): void {
    if (authorization === undefined && isPublic) return;
    const token = /^Bearer ([\w-]+)$/i.exec(authorization ?? "")?.[1] ?? "";
    if (!isSameToken(token, this.of(server))) throw apiErrors.unauthorized();
  }
}

/** Compares in a time that does not depend on where they differ. */
export function isSameToken(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
