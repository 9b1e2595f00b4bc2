// What it takes to talk to one API server. The secrets are private members: printing, inspecting, cloning or serialising
// an instance shows the server and which kinds of credential there are, never their values.
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { inspect } from "node:util";
import { ClusterPulseError } from "../support/errors.ts";

export interface CredentialParts {
  /** `https://host:port`, or with a path prefix. No user info, query or fragment. */
  readonly server: string;
  readonly token?: string | undefined;
  /** Authorities to trust instead of Node's default ones. */
  readonly caPem?: string | undefined;
  readonly clientCertificatePem?: string | undefined;
  readonly clientKeyPem?: string | undefined;
  /** The name that the server's certificate must carry, where it is not the host of `server`. */
  readonly tlsServerName?: string | undefined;
  /** Only ever from a kubeconfig that says so. */
  readonly insecureSkipTlsVerify?: boolean | undefined;
}

/** Credentials that cannot be used. The message names the field and what would be right, never its value. */
export class CredentialsError extends ClusterPulseError {
  /** CamelCase cause, usable as the reason of a condition. */
  readonly reason: string;

  constructor(code: "CREDENTIALS_MISSING" | "CREDENTIALS_INVALID", message: string) {
    super(code, message);
    this.name = "CredentialsError";
    this.reason = code === "CREDENTIALS_MISSING" ? "CredentialsMissing" : "CredentialsInvalid";
  }
}

/** Checked, immutable credentials of one API server. */
export class ClusterCredentials {
  readonly server: string;
  readonly tlsServerName: string | undefined;
  readonly insecureSkipTlsVerify: boolean;
  readonly #token: string | undefined;
  readonly #caPem: string | undefined;
  readonly #clientCertificatePem: string | undefined;
  readonly #clientKeyPem: string | undefined;

  /** Throws CredentialsError with code CREDENTIALS_INVALID for anything that could not work. */
  constructor(parts: CredentialParts) {
    this.server = checkServer(parts.server);
    this.tlsServerName = parts.tlsServerName;
    this.insecureSkipTlsVerify = parts.insecureSkipTlsVerify ?? false;
    this.#token = checkToken(parts.token);
    this.#caPem = checkCa(parts.caPem);
    this.#clientCertificatePem = parts.clientCertificatePem;
    this.#clientKeyPem = parts.clientKeyPem;
    checkClientCertificate(parts.clientCertificatePem, parts.clientKeyPem);
  }

  get token(): string | undefined {
    return this.#token;
  }

  get caPem(): string | undefined {
    return this.#caPem;
  }

  get clientCertificatePem(): string | undefined {
    return this.#clientCertificatePem;
  }

  get clientKeyPem(): string | undefined {
    return this.#clientKeyPem;
  }

  /** Whether a transport made with `other` would behave the same: if so, keep the open connections. */
  equals(other: ClusterCredentials): boolean {
    return (
      this.server === other.server &&
      this.tlsServerName === other.tlsServerName &&
      this.insecureSkipTlsVerify === other.insecureSkipTlsVerify &&
      this.#token === other.#token &&
      this.#caPem === other.#caPem &&
      this.#clientCertificatePem === other.#clientCertificatePem &&
      this.#clientKeyPem === other.#clientKeyPem
    );
  }

  toString(): string {
    const kinds = [this.#token && "token", this.#clientKeyPem && "client certificate"].filter(Boolean).join(", ");
    return `credentials for ${this.server} (${kinds || "none"})`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

function checkServer(server: string): string {
  const url = /\s/.test(server) ? null : URL.parse(server);
  const plain = url !== null && url.username === "" && url.password === "" && url.search === "" && url.hash === "";
  if (!plain || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw invalid("server must be an https:// or http:// URL without user name, query and fragment");
  }
  return server;
}

function checkToken(token: string | undefined): string | undefined {
  const trimmed = token?.trim();
  if (trimmed === undefined || trimmed === "") return undefined;
  if (!/^[\x21-\x7e]+$/.test(trimmed)) throw invalid("token must be printable ASCII without spaces or line breaks");
  return trimmed;
}

function checkCa(caPem: string | undefined): string | undefined {
  if (caPem === undefined || caPem.trim() === "") return undefined;
  try {
    new X509Certificate(caPem);
    return caPem;
  } catch {
    throw invalid("ca.crt must hold certificates in PEM form");
  }
}

function checkClientCertificate(cert: string | undefined, key: string | undefined): void {
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) throw invalid("a client certificate and its key must be given together");
  try {
    createSecureContext({ cert, key });
  } catch {
    throw invalid("client certificate and key must be PEM and belong together");
  }
}

function invalid(message: string): CredentialsError {
  return new CredentialsError("CREDENTIALS_INVALID", message);
}
