// Requests to a registry that know who asks: basic credentials at once, or a token of the token server that the registry names, kept
// until shortly before it expires. Guarantees: at most eight tokens, none for longer than an hour; credentials go to the registry
// and to the realm it names, never over http where the registry is asked over https. A token ends with its session.
import { parseJson } from "../kube/body.ts";
import { KubeError } from "../kube/errors.ts";
import { parseRetryAfter } from "../kube/retry-after.ts";
import type { Clock } from "../support/clock.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import type { RegistryCredentials } from "./credentials.ts";
import type { RegistryAnswer, RegistryHttp, RegistryRequest } from "./http.ts";

const maxTokens = 8;
const maxTokenBytes = 65_536;
const maxLifetimeSeconds = 3_600;

type Bearer = Extract<Challenge, { scheme: "bearer" }>;

export class RegistrySession {
  readonly #http: RegistryHttp;
  readonly #server: string;
  readonly #credentials: RegistryCredentials;
  readonly #clock: Clock;
  readonly #tokens = new Map<string, { readonly token: string; readonly untilMs: number }>();
  #bearer: Bearer | undefined;

  constructor(http: RegistryHttp, server: string, credentials: RegistryCredentials, clock: Clock) {
    this.#http = http;
    this.#server = server;
    this.#credentials = credentials;
    this.#clock = clock;
  }

  get hasCredentials(): boolean {
    return this.#credentials.basic !== undefined;
  }

  /** Whether the registry is known to ask for tokens. */
  get usesTokens(): boolean {
    return this.#bearer !== undefined;
  }

  /**
   * GETs a path of the registry with what is known to be wanted, and once more with what it asks for.
   * @param scope of a token, such as `registry:catalog:*`; empty: none
   * @param anonymousTokens whether to fetch a token without credentials
   */
  async get(path: string, scope: string, request: RegistryRequest, anonymousTokens = true): Promise<RegistryAnswer> {
    const target = new URL(`${this.#server}${path}`);
    const send = (authorization: string | undefined): Promise<RegistryAnswer> =>
      this.#http.get(target, {
        ...request,
        headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
      });
    const mayToken = this.hasCredentials || anonymousTokens;
    const known = this.#bearer;
    const first = await send(
      known !== undefined && mayToken ? await this.#token(known, scope, request.signal) : this.#credentials.basic,
    );
    if (first.status !== 401) return first;
    const challenge = parseChallenge(first.header("www-authenticate"));
    if (challenge?.scheme !== "bearer") return first;
    this.#bearer = challenge;
    if (!mayToken) return first;
    this.#tokens.delete(keyOf(challenge, scope));
    const second = await send(await this.#token(challenge, scope, request.signal));
    return { ...second, headersAfterMs: first.headersAfterMs };
  }

  /** GETs a path without any credentials. */
  bare(path: string, request: RegistryRequest): Promise<RegistryAnswer> {
    return this.#http.get(new URL(`${this.#server}${path}`), request);
  }

  async #token(bearer: Bearer, scope: string, signal: AbortSignal): Promise<string> {
    const key = keyOf(bearer, scope);
    const nowMs = this.#clock.monotonicMs();
    const known = this.#tokens.get(key);
    if (known !== undefined && nowMs < known.untilMs) return `Bearer ${known.token}`;
    const answer = await this.#http.get(this.#tokenUrl(bearer, scope), {
      signal,
      maxBytes: maxTokenBytes,
      headers: {
        accept: "application/json",
        ...(this.#credentials.basic && { authorization: this.#credentials.basic }),
      },
    });
    if (answer.status !== 200) throw refusal(answer, "the token server", this.#clock.nowMs());
    const { token, access_token, expires_in } = (parseJson(answer.bytes) ?? {}) as Readonly<Record<string, unknown>>;
    const text = typeof token === "string" && token !== "" ? token : access_token;
    if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) {
      throw new KubeError("BODY_MALFORMED", "the answer of the token server holds no token");
    }
    const seconds = typeof expires_in === "number" && expires_in > 0 ? Math.min(expires_in, maxLifetimeSeconds) : 60;
    this.#tokens.delete(key);
    this.#tokens.set(key, { token: text, untilMs: nowMs + seconds * 900 });
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size > maxTokens && oldest !== undefined) this.#tokens.delete(oldest);
    return `Bearer ${text}`;
  }

  #tokenUrl({ realm, service }: Bearer, scope: string): URL {
    const url = URL.parse(realm);
    const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && this.#server.startsWith("http:"));
    if (url === null || !isSafe || url.username !== "" || url.password !== "") {
      throw new KubeError(
        "REDIRECT_REFUSED",
        "the registry names a token server that is not asked: its URL must be https",
      );
    }
    if (service !== "") url.searchParams.set("service", service);
    if (scope !== "") url.searchParams.set("scope", scope);
    return url;
  }
}

const keyOf = ({ realm, service }: Bearer, scope: string): string => `${realm} ${service} ${scope}`;

/** An answer that is not the wanted one, as an error. Nothing of its body is repeated. */
export function refusal(answer: RegistryAnswer, who: string, nowMs: number): KubeError {
  const httpStatus = answer.status;
  const retryAfterMs =
    httpStatus === 429 || httpStatus === 503 ? parseRetryAfter(answer.header("retry-after"), nowMs) : undefined;
  const details = { httpStatus, retryAfterMs };
  switch (httpStatus) {
    case 401:
      return new KubeError("UNAUTHORIZED", `${who} does not accept the credentials`, details);
    case 403:
      return new KubeError("FORBIDDEN", `${who} forbids the request (403)`, details);
    case 404:
      return new KubeError("NOT_FOUND", `${who} has nothing at this path (404)`, details);
    case 429:
      return new KubeError("RATE_LIMITED", `${who} turns requests away: too many (429)`, details);
    default:
      if (httpStatus >= 500)
        return new KubeError("SERVER_ERROR", `${who} answers with an error (${httpStatus})`, details);
      return new KubeError("UNEXPECTED_STATUS", `${who} answers with status ${httpStatus}`, details);
  }
}
