// What fleet.json of a recording says: which endpoint served what. Checked as far as serving it again needs.
import { join } from "node:path";
import { InvalidInputError } from "../../support/errors.ts";
import { readJson } from "./engine.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text, or what is sent as JSON. */
  readonly body?: unknown;
  readonly delayMs?: number;
}

/** Answers instead of the recorded lists where `match` finds the path. */
export interface Override {
  readonly match: string;
  readonly code: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: unknown;
  readonly body?: unknown;
}

export type RecordedEndpoint =
  | { readonly cluster: string; readonly tls?: "other-ca" }
  /** The same status for everything. */
  | { readonly answer: number }
  | { readonly refuse: true }
  | { readonly registry: RecordedRegistry; readonly tls?: "other-ca" }
  /** By path, with or without its query, or "*" for all others. */
  | { readonly http: Readonly<Record<string, HttpAnswer>>; readonly tls?: "other-ca" };

export interface RecordedRegistry {
  readonly repositories: readonly string[];
  /** Who is let in: lines of `user:password`, or passwords by user. Passwords may be hashed with {SHA}; of other hashes only the user counts. */
  readonly htpasswd?: string | Readonly<Record<string, string>>;
}

export interface RecordedLayout {
  /** By endpoint as the manifests write it. */
  readonly endpoints: ReadonlyMap<string, RecordedEndpoint>;
  /** How long was recorded; five intervals where it does not say. */
  readonly recordedSeconds: number;
}

const forms = ["cluster", "answer", "refuse", "registry", "http"];

/** Throws ClusterPulseError RECORDING_UNREADABLE, and InvalidInputError that lists what is wrong. */
export function readLayout(folder: string): RecordedLayout {
  const { value } = readJson(join(folder, "fleet.json"));
  const {
    endpoints,
    intervalSeconds = 30,
    cyclesRecorded = 5,
  } = (value ?? {}) as {
    readonly endpoints?: Readonly<Record<string, unknown>>;
    readonly intervalSeconds?: number;
    readonly cyclesRecorded?: number;
  };
  if (typeof endpoints !== "object" || endpoints === null) {
    throw new InvalidInputError(["fleet.json: endpoints: must be an object of endpoints and what they serve"]);
  }
  const problems: string[] = [];
  for (const [name, endpoint] of Object.entries(endpoints)) {
    const isKnown = typeof endpoint === "object" && endpoint !== null && forms.some((form) => form in endpoint);
    if (!isKnown) problems.push(`fleet.json: endpoints.${name}: must have one of ${forms.join(", ")}`);
    if (!URL.canParse(urlOf(name)))
      problems.push(`fleet.json: endpoints.${name}: must be a host with a port, or a URL`);
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return {
    endpoints: new Map(Object.entries(endpoints) as [string, RecordedEndpoint][]),
    recordedSeconds: intervalSeconds * cyclesRecorded,
  };
}

/** Host and port as the endpoint has them, without what is around. */
export const authorityOf = (endpoint: string): string =>
  (hasScheme(endpoint) ? endpoint.slice(endpoint.indexOf("//") + 2) : endpoint).split("/", 1)[0] ?? "";

/** Host and port of an endpoint, however it is written. Without either, https is meant. */
export function addressOf(endpoint: string): {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
} {
  const url = new URL(urlOf(endpoint));
  const scheme = url.protocol === "https:" ? "https" : "http";
  const isPlain = hasScheme(endpoint) && scheme === "http";
  return { scheme, host: url.hostname.toLowerCase(), port: Number(url.port || (isPlain ? 80 : 443)) };
}

export const hasScheme = (endpoint: string): boolean => /^[a-z]+:\/\//i.test(endpoint);

/** Without a scheme it is taken for http: whoever cares asks `hasScheme`. */
export const urlOf = (endpoint: string): string => (hasScheme(endpoint) ? endpoint : `http://${endpoint}`);

export const isLoopbackLiteral = (host: string): boolean => /^127(\.\d{1,3}){3}$|^\[::1\]$/.test(host);
