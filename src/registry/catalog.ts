// The repositories of a registry, counted page by page (Link headers) up to a maximum. Bounded in pages, bytes and names.

import { parseJson } from "../kube/body.ts";
import { KubeError } from "../kube/errors.ts";
import { type RegistrySession, refusal } from "./session.ts";

export interface Catalog {
  /** Repositories counted, at most the maximum. */
  readonly count: number;
  /** Their names, when there are no more than twenty. */
  readonly names: readonly string[];
  /** False: there are more than were counted. */
  readonly isComplete: boolean;
}

const defaultMaximum = 100;
/** What is counted where the owner sets no limit. */
const hardMaximum = 10_000;
/** Registries refuse larger pages. */
const maxPageSize = 1_000;
const maxPages = 100;
const maxPageBytes = 4 << 20;
const maxNames = 20;
const maxNameLength = 256;

/** @param maximum as the spec has it: 0 is the default, less is no limit but the hub's own. Throws KubeError. */
export async function readCatalog(
  session: RegistrySession,
  maximum: number,
  signal: AbortSignal,
  nowMs: () => number,
): Promise<Catalog> {
  const wanted = maximum < 0 ? hardMaximum : Math.min(hardMaximum, maximum === 0 ? defaultMaximum : maximum);
  const names: string[] = [];
  let path: string | undefined = maximum < 0 ? "/v2/_catalog" : `/v2/_catalog?n=${Math.min(wanted, maxPageSize)}`;
  let count = 0;
  for (let pages = 0; path !== undefined && count < wanted && pages < maxPages; pages++) {
    const request = { signal, maxBytes: maxPageBytes, headers: { accept: "application/json" } };
    const answer = await session.get(path, "registry:catalog:*", request);
    if (answer.status !== 200) throw refusal(answer, "the registry's catalog", nowMs());
    const page = repositoriesIn(parseJson(answer.bytes));
    count += page.length;
    for (const name of page) if (names.length <= maxNames) names.push(name);
    const next = nextOf(answer.header("link"));
    // A page that names itself as the next one would never end.
    path = next === path || page.length === 0 ? undefined : next;
  }
  const isComplete = path === undefined && count <= wanted;
  return { count: Math.min(count, wanted), names: count <= maxNames ? names : [], isComplete };
}

function repositoriesIn(body: unknown): readonly string[] {
  const list = typeof body === "object" && body !== null ? (body as { repositories?: unknown }).repositories : 0;
  if (list === undefined || list === null) return [];
  const isName = (name: unknown): boolean => typeof name === "string" && name.length <= maxNameLength;
  if (!Array.isArray(list) || !list.every(isName)) {
    throw new KubeError("BODY_MALFORMED", "the registry's catalog is not a list of names");
  }
  return list as string[];
}

/** Path and query of the next page; of another server's only these count. */
function nextOf(link: string): string | undefined {
  const target = /<([^>]{1,2048})>\s*;\s*rel="?next"?/.exec(link)?.[1];
  const url = target === undefined ? null : URL.parse(target, "https://registry.invalid/v2/");
  if (url === null || !url.pathname.endsWith("/v2/_catalog")) return undefined;
  return `/v2/_catalog${url.search}`;
}
