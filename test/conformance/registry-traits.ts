// What is known of a registry in a recording: which of the original's faults it meets. Told from what was applied, from what its endpoint
// answered, and from what the original found.
import type { HttpAnswer } from "../../src/simulator/recorded/layout.ts";
import { type Manifest, manifestOf, type Recording } from "./recording.ts";

export const registryTraits = [
  /** The original could not use it. */
  "not available",
  /** It asked for credentials although the spec names some. */
  "refuses credentials",
  /** It asked for credentials. */
  "asks for credentials",
  /** The spec names a Secret that is not there, or holds no user name and password. */
  "without credentials",
  /** Its catalog has more pages than one, or is asked for in larger ones than registries give. */
  "paged catalog",
  /** Over http, which only `insecure` tells. */
  "insecure",
  /** The spec gives it more time than the original does. */
  "patient",
  /** Asked at other paths than /v2/. */
  "other paths",
  /** Its endpoint is written in a way that the original does not understand. */
  "odd endpoint",
  /** It answers with a web page, or sends elsewhere. */
  "no registry's answer",
] as const;
export type RegistryTrait = (typeof registryTraits)[number];

const ofRegistry = /^registry:([^:]+):|^registryconnections\/([^/]+)\/|^events:([^/]+)|^cluster-events\/[^/]+\/([^/]+)/;
const maxTimeoutSeconds = 10;
const maxPageSize = 1_000;

interface RegistrySpec {
  readonly endpoint?: string;
  readonly insecure?: boolean;
  readonly healthCheckPaths?: readonly string[];
  readonly credentialsRef?: { readonly name?: string };
  readonly monitoring?: { readonly timeout?: number; readonly maxCatalogEntries?: number };
}

export function traitsOfRegistry(recording: Recording, path: string): ReadonlySet<RegistryTrait> {
  const found = new Set<RegistryTrait>();
  const registry = (ofRegistry.exec(path) ?? []).slice(1).find((name) => name !== undefined);
  const manifest = registry === undefined ? undefined : manifestOf(recording.manifests, "RegistryConnection", registry);
  if (manifest === undefined) return found;
  const {
    endpoint = "",
    insecure,
    healthCheckPaths,
    credentialsRef,
    monitoring = {},
  } = (manifest.spec ?? {}) as RegistrySpec;
  const status = recording.json(`registry:${registry}:status`) as
    | { available?: boolean; features?: { requires_auth?: boolean } }
    | undefined;
  if (status?.available === false) found.add("not available");
  const secret = manifestOf(recording.manifests, "Secret", credentialsRef?.name ?? "");
  if (credentialsRef !== undefined && !hasLogin(secret)) found.add("without credentials");
  if (status?.features?.requires_auth === true) {
    found.add("asks for credentials");
    if (credentialsRef !== undefined) found.add("refuses credentials");
  }
  const scheme = /^[a-z]+:\/\//i.exec(endpoint)?.[0];
  if (insecure === true && scheme === undefined) found.add("insecure");
  if ((scheme !== undefined && scheme !== scheme.toLowerCase()) || endpoint.endsWith("//")) found.add("odd endpoint");
  if ((monitoring.timeout ?? 0) > maxTimeoutSeconds) found.add("patient");
  if (healthCheckPaths?.some((one) => one !== "/v2/")) found.add("other paths");
  if ((monitoring.maxCatalogEntries ?? 0) > maxPageSize) found.add("paged catalog");
  const served = recording.endpoint(endpoint);
  if (served !== undefined && "registry" in served) {
    const most = monitoring.maxCatalogEntries || 100;
    if (served.registry.repositories.length > Math.abs(most)) found.add("paged catalog");
  }
  if (served === undefined || !("http" in served)) return found;
  for (const [at, answer] of Object.entries(served.http)) {
    if (/_catalog|^\*$/.test(at) && headerOf(answer, "link") !== "") found.add("paged catalog");
    if (/^text\/html/i.test(headerOf(answer, "content-type")) || (answer.status >= 300 && answer.status < 400))
      found.add("no registry's answer");
  }
  return found;
}

function hasLogin(secret: Manifest | undefined): boolean {
  const values = { ...secret?.data, ...secret?.stringData };
  return Boolean(values["username"]) && Boolean(values["password"]);
}

const headerOf = ({ headers = {} }: HttpAnswer, wanted: string): string =>
  Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";
