// The recorded manifests, applied to the hub's API of this run: endpoints lead to this run's ports, authorities are this run's.
import { parseAllDocuments } from "yaml";
import { InvalidInputError } from "../../support/errors.ts";
import type { HubEngine } from "../hub/engine.ts";
import { mergePatch } from "../hub/merge-patch.ts";
import { type KubeObject, keyOf } from "../hub/object.ts";
import { namespaceType, secretType } from "../kinds/types.ts";

interface Manifest {
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

/** Creates every object, and the namespaces they are in. Throws InvalidInputError for kinds that the hub does not have. */
export function applyManifests(hub: HubEngine, yamlText: string, rewrites: Rewrites): void {
  const manifests = parseAllDocuments(yamlText)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
  for (const manifest of manifests) {
    const { apiVersion, kind, metadata } = manifest;
    const [group = "", version] = apiVersion.includes("/") ? apiVersion.split("/") : ["", apiVersion];
    const type = hub.catalog.types.find((one) => one.group === group && one.version === version && one.kind === kind);
    if (type === undefined) throw new InvalidInputError([`applied-manifests.yaml: no kind ${kind} of ${apiVersion}`]);
    const namespace = type.namespaced ? (metadata.namespace ?? "default") : "";
    if (namespace !== "" && hub.store.table(namespaceType).get(keyOf("", namespace)) === undefined) {
      hub.create(namespaceType, "", { metadata: { name: namespace } });
    }
    hub.create(type, namespace, rewritten(manifest, rewrites));
  }
}

function rewritten(manifest: Manifest, { caPem, here }: Rewrites): object {
  if (manifest.kind === "Secret") {
    const { stringData = {}, data = {}, ...rest } = manifest;
    const texts = Object.entries(stringData).map(([key, text]) => [key, base64(text)]);
    const all: Record<string, string> = { ...data, ...Object.fromEntries(texts) };
    return { ...rest, data: "ca.crt" in all ? { ...all, "ca.crt": base64(caPem) } : all };
  }
  const endpoint = manifest.spec?.["endpoint"];
  if (typeof endpoint !== "string") return manifest;
  const now = here(endpoint);
  if (now === undefined) return manifest;
  const [, scheme = "", , rest = ""] = /^([a-z]+:\/\/)?([^/]*)(.*)$/.exec(endpoint) ?? [];
  return { ...manifest, spec: { ...manifest.spec, endpoint: `${scheme}${now}${rest}` } };
}

/** The ClusterConnections, as they are now. */
export function connectionsOf(hub: HubEngine): readonly KubeObject[] {
  const type = hub.catalog.types.find(({ resource }) => resource === "clusterconnections");
  const stored = type === undefined ? [] : hub.store.table(type).list();
  return stored.map(({ object }) => object);
}

/** Writes the Secrets that ClusterConnections name once more, with the same content. Returns how many connections have one. */
export function renewSecrets(hub: HubEngine): number {
  let count = 0;
  const secrets = new Set<string>();
  for (const object of connectionsOf(hub)) {
    const { credentialsRef } = (object["spec"] ?? {}) as { credentialsRef?: { name?: string; namespace?: string } };
    const key = keyOf(credentialsRef?.namespace ?? object.metadata.namespace ?? "", credentialsRef?.name ?? "");
    if (hub.store.table(secretType).get(key) === undefined) continue;
    secrets.add(key);
    count++;
  }
  for (const key of secrets) {
    const [namespace = "", name = ""] = key.split("/");
    const target = { type: secretType, namespace, name, subresource: "", dryRun: false, manager: "kube-apiserver" };
    const renewal = { metadata: { annotations: { "renewed-at-revision": String(hub.store.revision) } } };
    hub.writer.patch(target, (current) => mergePatch(current, renewal));
  }
  return count;
}
