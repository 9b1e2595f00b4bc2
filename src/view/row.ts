// From a cluster's stored values to the JSON that readers get. Pure. Stored JSON is passed on as text where nothing is to be changed,
// so numbers beyond 2^53 and members that this hub does not know survive. A cluster's value that is not a JSON object reads as missing.

import type { Document, StoredValue } from "../store/document.ts";

export interface StoredCluster {
  readonly spec: string | undefined;
  readonly info: string | undefined;
  readonly metrics: string | undefined;
  readonly status: string | undefined;
  readonly operators: string | undefined;
  readonly freshness: ReadonlyMap<string, string>;
}

/** The values with the one that a document says in its place; undefined when it does not say all of it. */
export function withDocument(
  stored: StoredCluster,
  part: string,
  document: Document | undefined,
): StoredCluster | undefined {
  if (part === "freshness") {
    if (document?.kind !== "hash") return undefined;
    const fields = Object.entries(document.fields).map(([name, value]) => [name, textOf(value)] as const);
    return { ...stored, freshness: new Map([...stored.freshness, ...fields]) };
  }
  return document?.kind === "string" ? { ...stored, [part]: textOf(document.value) } : undefined;
}

export const textOf = (value: StoredValue): string =>
  typeof value === "string" ? value : Buffer.from(value).toString();

/** JSON text of the element of the cluster list, and of the cluster's own page, which differ as the original's do. */
export interface ClusterTexts {
  readonly listed: string;
  readonly detail: string;
}

interface JsonObject {
  readonly text: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** What the sums are made of. */
const metricsParts = ["nodes", "pods", "namespaces", "deployments"];

const none: JsonObject = { text: "{}", value: {} };
const noStatus: JsonObject = {
  text: '{"health":"unknown","message":"Status unavailable","reason":"Unknown"}',
  value: {},
};

/** The two texts of one cluster. Missing values give `{}`, and a status of `unknown`. */
export function clusterTexts(name: string, stored: StoredCluster): ClusterTexts {
  const spec = readersSpec(jsonObject(stored.spec) ?? none);
  const info = jsonObject(stored.info) ?? none;
  const metrics = jsonObject(stored.metrics) ?? none;
  const status = jsonObject(stored.status) ?? noStatus;
  const missing = missingIn(stored);
  const rest = [
    `"metrics":${metrics.text}`,
    `"status":${status.text}`,
    `"operator_count":${countIn(parse(stored.operators))}`,
    `"asOf":${JSON.stringify(stored.freshness.get("as_of") ?? null)}`,
    `"staleAfter":${JSON.stringify(stored.freshness.get("stale_after") ?? null)}`,
    `"partial":${missing.length > 0}`,
    `"missing":${JSON.stringify(missing)}`,
  ].join(",");
  const quotedName = JSON.stringify(name);
  return {
    listed: `{"name":${quotedName},"accessible":true,"spec":${spec.text},"info":${info.text},${rest}}`,
    detail: `{"name":${quotedName},"spec":${spec.text},"info":${withApiUrl(info, spec).text},${rest}}`,
  };
}

/** What the row lacks: values that have expired in a long outage like those that were never had, so that no age stands beside nothing. */
function missingIn({ freshness, info, metrics }: StoredCluster): string[] {
  const missing = new Set(textsIn(parse(freshness.get("missing"))));
  if (!freshness.has("as_of")) return [...missing];
  if (info === undefined) missing.add("version");
  if (metrics === undefined) for (const part of metricsParts) missing.add(part);
  return [...missing];
}

/**
 * The JSON text of a node as readers get it, from its stored hash; undefined when there is none.
 * It is not parsed: nodes are many, and their writer is ours.
 */
export function nodeText(stored: ReadonlyMap<string, string>): string | undefined {
  const current = stored.get("current");
  return current?.startsWith("{") && current.endsWith("}") ? current : undefined;
}

/** Readers learn neither which Secret holds a cluster's credentials nor ever a null map. */
function readersSpec(spec: JsonObject): JsonObject {
  if (spec === none) return none;
  const { credentialsRef: _, labels, ...value } = spec.value;
  const shown = { ...value, labels: labels ?? {} };
  return { text: JSON.stringify(shown), value: shown };
}

function withApiUrl(info: JsonObject, spec: JsonObject): JsonObject {
  const endpoint = spec.value["endpoint"];
  if (info.value["api_url"] || typeof endpoint !== "string" || endpoint === "") return info;
  const value = { ...info.value, api_url: endpoint };
  return { text: JSON.stringify(value), value };
}

function jsonObject(text: string | undefined): JsonObject | undefined {
  const value = parse(text);
  if (text === undefined || typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  // Within a row there are no line breaks, so that it fits one line of an event stream. In JSON text they can only be white space.
  return { text: text.replace(/[\r\n]+/g, " "), value: value as Readonly<Record<string, unknown>> };
}

function parse(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function countIn(value: unknown): number {
  return Array.isArray(value) ? value.length : 0;
}
