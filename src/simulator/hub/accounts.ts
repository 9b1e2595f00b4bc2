// Tokens of ServiceAccounts: signed for this run, valid until they expire and as long as the account is there.
import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "../../support/clock.ts";
import { rfc3339 } from "../../support/clock.ts";
import type { Caller } from "../http/callers.ts";
import { apiErrors } from "../http/status.ts";
import { serviceAccountType } from "../kinds/types.ts";
import { isSameToken } from "../tokens.ts";
import { type KubeObject, keyOf } from "./object.ts";
import type { HubStore } from "./store.ts";

const issuer = "https://kubernetes.default.svc.cluster.local";
const defaultSeconds = 3_600;
const minSeconds = 600;
const maxSeconds = 2 ** 32;
const maxTokenLength = 8_192;

interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly iat: number;
  readonly exp: number;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
  };
}

/** What a token says, once it was verified. */
export interface Account {
  readonly caller: Caller;
  readonly audiences: readonly string[];
}

export class ServiceAccountTokens {
  readonly #store: HubStore;
  readonly #clock: Clock;
  readonly #secret = randomBytes(32);

  constructor(store: HubStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** The answer to a TokenRequest, which holds a credential. Throws ApiError 422 for a duration out of bounds. */
  issue({ metadata }: KubeObject, request: unknown): Record<string, unknown> {
    const { spec = {} } = (request ?? {}) as { readonly spec?: { audiences?: unknown; expirationSeconds?: unknown } };
    const seconds = typeof spec.expirationSeconds === "number" ? spec.expirationSeconds : defaultSeconds;
    if (seconds < minSeconds || seconds > maxSeconds) {
      const said = seconds < minSeconds ? "less than 10 minutes" : "larger than 1<<32 seconds";
      const message = `Invalid value: ${seconds}: may not specify a duration ${said}`;
      const kind = { group: "authentication.k8s.io", resource: "tokenrequests", kind: "TokenRequest" };
      throw apiErrors.invalidFields(kind, "", [
        { reason: "FieldValueInvalid", message, field: "spec.expirationSeconds" },
      ]);
    }
    const audiences =
      Array.isArray(spec.audiences) && spec.audiences.length > 0 ? spec.audiences.map(String) : [issuer];
    const { name, namespace = "", uid } = metadata;
    const iat = Math.floor(this.#clock.nowMs() / 1_000);
    const claims: Claims = {
      iss: issuer,
      sub: usernameOf(namespace, name),
      aud: audiences,
      iat,
      exp: iat + seconds,
      "kubernetes.io": { namespace, serviceaccount: { name, uid } },
    };
    const body = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
    return {
      kind: "TokenRequest",
      apiVersion: "authentication.k8s.io/v1",
      metadata: { name, namespace, creationTimestamp: rfc3339(iat * 1_000) },
      spec: { audiences, expirationSeconds: seconds, boundObjectRef: null },
      status: { token: `${body}.${this.#sign(body)}`, expirationTimestamp: rfc3339(claims.exp * 1_000) },
    };
  }

  /** Whom a token is of; undefined for one that was not signed here, has expired, or whose account is gone. */
  verify(token: string): Account | undefined {
    const [header, payload, signature, ...more] = token.length > maxTokenLength ? [] : token.split(".");
    if (header === undefined || payload === undefined || signature === undefined || more.length > 0) return undefined;
    if (!isSameToken(signature, this.#sign(`${header}.${payload}`))) return undefined;
    // Signed here: it is what was made above.
    const claims = JSON.parse(Buffer.from(payload, "base64url").toString("utf8")) as Claims;
    const { namespace, serviceaccount } = claims["kubernetes.io"];
    const account = this.#store.table(serviceAccountType).get(keyOf(namespace, serviceaccount.name));
    const isGone = account?.object.metadata.uid !== serviceaccount.uid;
    if (isGone || claims.exp * 1_000 <= this.#clock.nowMs()) return undefined;
    const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
    return { caller: { username: claims.sub, uid: serviceaccount.uid, groups }, audiences: claims.aud };
  }

  #sign(body: string): string {
    return createHmac("sha256", this.#secret).update(body).digest("base64url");
  }
}

const usernameOf = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
