// A simulated container registry: what the Distribution specification lets a health check, a catalog and a pull ask for, behind basic
// authentication. What it holds follows from (seed, index) and never changes. It knows no sockets and no fault; it takes no pushes.
import { createHash } from "node:crypto";
import { hashOf, pick } from "../hash.ts";
import type { PlainAnswer } from "../http/pipeline.ts";
import { ApiError, apiErrors } from "../http/status.ts";
import { isSameToken } from "../tokens.ts";

/** Who may ask; the password is the registry's own. */
export const registryUser = "robot";

export interface RegistryRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly headers: { readonly authorization?: string | undefined; readonly range?: string | undefined };
}

interface Content {
  readonly contentType: string;
  readonly text: string;
}

const teams = ["platform", "payments", "search", "web", "data"];
const images = ["api", "worker", "frontend", "proxy", "migrate", "cron"];
const manifestType = "application/vnd.oci.image.manifest.v1+json";
const jsonType = "application/json";
const defaultPage = 100;
const layerBytes = 96 * 1024;

/** Manifests and blobs by digest: all repositories hold the same image. */
const contents = new Map<string, Content>();
const keep = (contentType: string, text: string): { mediaType: string; digest: string; size: number } => {
  const digest = `sha256:${createHash("sha256").update(text).digest("hex")}`;
  contents.set(digest, { contentType, text });
  return { mediaType: contentType, digest, size: text.length };
};
const config = keep("application/vnd.oci.image.config.v1+json", "{}");
const layer = keep("application/vnd.oci.image.layer.v1.tar", "layer ".repeat(layerBytes / 6));
const manifest = { schemaVersion: 2, mediaType: manifestType, config, layers: [layer] };
const latest = keep(manifestType, JSON.stringify(manifest)).digest;

export class SimulatedRegistry {
  /** In the order in which the catalog tells them. Each has one image, with the tag `latest`. */
  readonly repositories: readonly string[];
  readonly #authorization: string;

  constructor(seed: number, index: number, password: string) {
    this.repositories = repositoriesOf(seed, index);
    this.#authorization = `Basic ${Buffer.from(`${registryUser}:${password}`).toString("base64")}`;
  }

  /** Throws ApiError for everything that is refused. */
  answer({ method, url, headers }: RegistryRequest): PlainAnswer {
    if (!isSameToken(headers.authorization ?? "", this.#authorization)) throw apiErrors.unauthorized();
    if (method !== "GET") throw apiErrors.methodNotAllowed();
    const { pathname, searchParams } = new URL(url, "https://registry.invalid");
    if (pathname === "/v2/") return answerOf({ contentType: jsonType, text: "{}" });
    if (pathname === "/v2/_catalog") return this.#catalog(searchParams);
    const [, repository = "", kind, reference = ""] = /^\/v2\/(.+)\/(manifests|blobs)\/([^/]+)$/.exec(pathname) ?? [];
    if (!this.repositories.includes(repository)) throw apiErrors.unknownPath();
    const digest = kind === "manifests" && reference === "latest" ? latest : reference;
    const content = contents.get(digest);
    if (content === undefined) throw apiErrors.unknownPath();
    return answerOf(content, digest, headers.range);
  }

  /** A refusal as registries word it. */
  refusal({ status, message, details }: ApiError): PlainAnswer {
    const code = errorCodes[status] ?? "UNKNOWN";
    const headers = {
      ...versionHeader,
      ...(status === 401 && { "www-authenticate": 'Basic realm="simulated registry"' }),
      ...(details.retryAfterSeconds !== undefined && { "retry-after": String(details.retryAfterSeconds) }),
    };
    const text = JSON.stringify({ errors: [{ code, message, detail: null }] });
    return { status, contentType: jsonType, text, headers };
  }

  #catalog(query: URLSearchParams): PlainAnswer {
    const size = Number(query.get("n") ?? defaultPage);
    if (!Number.isInteger(size) || size < 1)
      throw new ApiError(400, "BadRequest", "invalid number of results requested");
    const last = query.get("last") ?? "";
    const after = this.repositories.filter((name) => name > last);
    const page = after.slice(0, size);
    const next = page.length < after.length && `</v2/_catalog?last=${encodeURIComponent(page.at(-1) ?? "")}&n=${size}>`;
    const answer = answerOf({ contentType: jsonType, text: JSON.stringify({ repositories: page }) });
    return { ...answer, headers: { ...answer.headers, ...(next && { link: `${next}; rel="next"` }) } };
  }
}

const versionHeader = { "docker-distribution-api-version": "registry/2.0" };
const errorCodes: Readonly<Record<number, string>> = {
  401: "UNAUTHORIZED",
  403: "DENIED",
  404: "NAME_UNKNOWN",
  405: "UNSUPPORTED",
  429: "TOOMANYREQUESTS",
};

function answerOf({ contentType, text }: Content, digest?: string, range?: string): PlainAnswer {
  const headers = { ...versionHeader, ...(digest !== undefined && { "docker-content-digest": digest }) };
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(range ?? "") ?? [];
  if (from === undefined || to === undefined) return { status: 200, contentType, text, headers };
  const part = text.slice(Number(from), Number(to) + 1);
  const contentRange = `bytes ${from}-${Number(from) + part.length - 1}/${text.length}`;
  return { status: 206, contentType, text: part, headers: { ...headers, "content-range": contentRange } };
}

function repositoriesOf(seed: number, index: number): readonly string[] {
  const wanted = 6 + (hashOf(seed, index, 31) % 18);
  const names = Array.from({ length: wanted }, (_, i) => {
    const hash = hashOf(seed, index, i, 32);
    return `${pick(teams, hash)}/${pick(images, hash >>> 8)}`;
  });
  return [...new Set(names)].sort();
}
