// Whether a registry answers: its health paths, what its headers tell, and whether it takes the credentials.
import { KubeError } from "../kube/errors.ts";
import type { RegistryAnswer } from "./http.ts";
import { type RegistrySession, refusal } from "./session.ts";

export interface Reached {
  /** Milliseconds until the headers of the first answer. */
  readonly responseTimeMs: number;
  readonly version: string;
  readonly features: Readonly<Record<string, boolean>>;
  /** Why the credentials are no use, if they are not. */
  readonly authProblem: { readonly code: string; readonly reason: string; readonly message: string } | null;
}

/** Where the Distribution specification has a registry answer, and no registry answers with a web page. */
const apiPath = "/v2/";
const maxAnswerBytes = 65_536;
const maxVersionLength = 64;

/**
 * Asks every path in turn. 200 and 401 are answers of a registry that works; with credentials 401 says that they are no use.
 * Throws KubeError for any other answer, and for none.
 */
export async function reach(
  session: RegistrySession,
  paths: readonly string[],
  signal: AbortSignal,
  nowMs: () => number,
): Promise<Reached> {
  let first: Reached | undefined;
  for (const path of paths.length === 0 ? [apiPath] : paths) {
    const reached = await reachPath(session, path, signal, nowMs);
    first ??= reached;
    if (first.authProblem === null && reached.authProblem !== null)
      first = { ...first, authProblem: reached.authProblem };
  }
  return first as Reached;
}

async function reachPath(
  session: RegistrySession,
  path: string,
  signal: AbortSignal,
  nowMs: () => number,
): Promise<Reached> {
  const request = { signal, maxBytes: maxAnswerBytes, prefixOnly: true, headers: { accept: "application/json" } };
  let answer: RegistryAnswer;
  let problem: Reached["authProblem"] = null;
  try {
    answer = await session.get(path, "", request, false);
  } catch (error) {
    // A token server that refuses or is away: the registry itself was reached, or it would not have named one.
    if (!session.usesTokens || !(error instanceof KubeError)) throw error;
    problem =
      error.httpStatus === 401 || error.httpStatus === 403
        ? { code: "AUTH_FAILED", reason: "AuthFailed", message: "the token server does not accept the credentials" }
        : { code: error.code, reason: "TokenServerFailed", message: `no token: ${error.message}` };
    answer = await session.bare(path, request);
  }
  if (answer.status !== 200 && answer.status !== 401) throw refusal(answer, "the registry", nowMs());
  if (path === apiPath && answer.status === 200 && /^text\/html\b/i.test(answer.header("content-type"))) {
    throw new KubeError("BODY_MALFORMED", `a web page answers at ${apiPath}: no registry is there`);
  }
  if (answer.status === 401 && session.hasCredentials) {
    problem ??= { code: "AUTH_FAILED", reason: "AuthFailed", message: "the registry does not accept the credentials" };
  }
  const needsAuth = answer.status === 401 || session.usesTokens;
  return {
    responseTimeMs: Math.round(answer.headersAfterMs),
    version: answer
      .header("docker-distribution-api-version")
      .replace(/[^\x20-\x7e]/g, "")
      .slice(0, maxVersionLength),
    features: featuresOf(answer, needsAuth),
    authProblem: problem,
  };
}

const servers = ["harbor", "artifactory", "nexus"];

function featuresOf(answer: RegistryAnswer, needsAuth: boolean): Record<string, boolean> {
  const features: Record<string, boolean> = {};
  if (needsAuth) features["requires_auth"] = true;
  if (answer.header("docker-distribution-api-version") !== "") features["docker_v2_api"] = true;
  const server = answer.header("server").toLowerCase();
  const found = servers.find((name) => server.includes(name));
  if (found !== undefined) features[`${found}_detected`] = true;
  if (answer.header("docker-content-digest") !== "") features["content_digest"] = true;
  if (answer.header("link") !== "") features["pagination"] = true;
  return features;
}
