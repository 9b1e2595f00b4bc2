// The recorded manifests, applied to the hub's API of this run: endpoints lead to this run's ports, authorities are this run's.
import { parseAllDocuments } from "yaml";
import { InvalidInputError } from "../../support/errors.ts";
import type { HubEngine } from "../hub/engine.ts";
import { mergePatch } from "../hub/merge-patch.ts";
import { keyOf } from "../hub/object.ts";
import { namespaceType, secretType } from "../kinds/types.ts";
import { addressOf, urlOf } from "./layout.ts";

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
}

export interface Rewrites {
  readonly caPem: string;
  /** `host:port` of an endpoint in this run; undefined for one that the recording does not serve. */
  here(endpoint: string): string | undefined;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/**
 * Creates every object of the kinds that a hub reads, and the namespaces they are in. Throws InvalidInputError that names the object
 * that the API refuses.
 */
export function applyManifests(hub: HubEngine, manifests: readonly Manifest[], rewrites: Rewrites): void {
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest;
    const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const type = hub.catalog.types.find((one) => one.group === group && one.version === version && one.kind === kind);
    if (type === undefined || type === namespaceType) continue;
    const namespace = type.namespaced ? (metadata.namespace ?? "default") : "";
    if (namespace !== "" && hub.store.table(namespaceType).get(keyOf("", namespace)) === undefined) {
      hub.create(namespaceType, "", { metadata: { name: namespace } });
    }
    try {
      hub.create(type, namespace, rewritten(manifest, rewrites));
    } catch (error) {
      const reason = error instanceof Error ? error.message : "";
      throw new InvalidInputError([`applied-manifests.yaml: ${kind} ${namespace}/${metadata.name}: ${reason}`]);
    }
  }
}

const identityOf = ({ apiVersion, kind, metadata }: Manifest): string =>
  `${apiVersion} ${kind} ${metadata.namespace} ${metadata.name}`;

/** Reads all documents, and the items of Lists; of several objects with one name the last counts. Throws InvalidInputError for text that is not YAML and for what is no object. */
export function readManifests(yamlText: string): readonly Manifest[] {
  const documents = parseAllDocuments(yamlText);
  const [error] = documents.flatMap(({ errors }) => errors);
  if (error !== undefined) throw new InvalidInputError([`applied-manifests.yaml: ${error.message.split("\n")[0]}`]);
  const manifests = documents
    .map((document) => document.toJS() as (Manifest & { readonly items?: readonly Manifest[] }) | null)
    .flatMap((document) => (document === null ? [] : (document.items ?? [document])))
    .map((manifest, i) => {
      if (manifest.apiVersion !== undefined && manifest.kind !== undefined && manifest.metadata?.name !== undefined)
        return manifest;
      throw new InvalidInputError([`applied-manifests.yaml: object ${i + 1}: must have apiVersion, kind and a name`]);
    });
  return [...new Map(manifests.map((manifest) => [identityOf(manifest), manifest])).values()];
}

function rewritten(manifest: Manifest, { caPem, here }: Rewrites): object {
  if (manifest.kind === "Secret") {
    const { stringData = {}, data = {}, ...rest } = manifest;
    const texts = Object.entries(stringData).map(([key, text]) => [key, base64(text)]);
    const all: Record<string, string> = { ...data, ...Object.fromEntries(texts) };
    // What was no authority is none now.
    const isAuthority = Buffer.from(all["ca.crt"] ?? "", "base64").includes("BEGIN CERTIFICATE");
    return { ...rest, data: isAuthority ? { ...all, "ca.crt": base64(caPem) } : all };
  }
  const endpoint = manifest.spec?.["endpoint"];
  if (typeof endpoint !== "string") return manifest;
  const now = here(endpoint);
  if (now === undefined) return manifest;
  const [, scheme = "", , rest = ""] = /^([a-z]+:\/\/)?([^/]*)(.*)$/i.exec(endpoint) ?? [];
  return { ...manifest, spec: { ...manifest.spec, endpoint: `${scheme}${now}${rest}` } };
}

/** A ClusterConnection or RegistryConnection, as far as serving it goes. */
export interface Connection {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly endpoint: string;
  readonly host: string;
  readonly port: number;
  readonly isPush: boolean;
  /** Its Secret says which authority to trust, or is not there. */
  readonly hasAuthority: boolean;
}

/** All connections with an endpoint. */
export function connectionsIn(manifests: readonly Manifest[]): readonly Connection[] {
  return manifests.flatMap(({ kind, metadata, spec = {} }): Connection[] => {
    const { endpoint, credentialsRef, collectionMode } = spec as ConnectionSpec;
    if (!kind.endsWith("Connection") || typeof endpoint !== "string" || !URL.canParse(urlOf(endpoint))) return [];
    const { name, namespace = "default" } = metadata;
    const secret = manifests.find((one) => one.kind === "Secret" && one.metadata.name === credentialsRef?.name);
    const hasAuthority = secret === undefined || "ca.crt" in { ...secret.data, ...secret.stringData };
    const { host, port } = addressOf(endpoint);
    return [{ kind, namespace, name, endpoint, host, port, isPush: collectionMode === "push", hasAuthority }];
  });
}

interface ConnectionSpec {
  readonly endpoint?: unknown;
  readonly credentialsRef?: { readonly name?: string; readonly namespace?: string };
  readonly collectionMode?: string;
}

/** Where most of the custom resources are. */
export function watchedNamespace(manifests: readonly Manifest[]): string {
  const custom = manifests.filter(({ apiVersion }) => apiVersion.startsWith("clusterpulse.io/"));
  const byNamespace = Map.groupBy(custom, ({ metadata }) => metadata.namespace ?? "default");
  const [most] = [...byNamespace].toSorted(([, a], [, b]) => b.length - a.length);
  return most?.[0] ?? "clusterpulse";
}

/**
 * Writes the Secrets that the ClusterConnections of a namespace name once more, with the same content. Returns how many of them that are
 * polled have one.
 */
export function renewSecrets(hub: HubEngine, watched: string): number {
  const type = hub.catalog.types.find(({ resource }) => resource === "clusterconnections");
  const connections = type === undefined ? [] : hub.store.table(type).list();
  let count = 0;
  const secrets = new Set<string>();
  for (const { object } of connections) {
    if (object.metadata.namespace !== watched) continue;
    const { credentialsRef, collectionMode } = (object["spec"] ?? {}) as ConnectionSpec;
    const key = keyOf(credentialsRef?.namespace ?? watched, credentialsRef?.name ?? "");
    if (hub.store.table(secretType).get(key) === undefined) continue;
    secrets.add(key);
    if (collectionMode !== "push") count++;
  }
  for (const key of secrets) {
    const [namespace = "", name = ""] = key.split("/");
    const target = { type: secretType, namespace, name, subresource: "", dryRun: false, manager: "kube-apiserver" };
    const renewal = { metadata: { annotations: { "renewed-at-revision": String(hub.store.revision) } } };
    hub.writer.patch(target, (current) => mergePatch(current, renewal));
  }
  return count;
}
