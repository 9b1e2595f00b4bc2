// Discovery documents, legacy and aggregated, made from the catalog.
import type { Catalog, ResourceType, Verb } from "./catalog.ts";
import type { DiscoveryForm } from "./negotiate.ts";
import { apiErrors } from "./status.ts";

export interface DiscoveryDocument {
  readonly contentType: string;
  readonly body: Record<string, unknown>;
}

const legacy = (body: Record<string, unknown>): DiscoveryDocument => ({ contentType: "application/json", body });

/** The document of a discovery path (`["api"]` ... `["apis", group, version]`). Throws ApiError 404 for what is not served. */
export function discoveryDocument(catalog: Catalog, path: readonly string[], form: DiscoveryForm): DiscoveryDocument {
  const [root, first, second] = path;
  if (first === undefined) {
    if (form !== "legacy") return aggregated(catalog, root === "api", form);
    return legacy(root === "api" ? apiVersions(catalog) : groupList(catalog));
  }
  if (root === "api") return legacy(resourceList(catalog, "", first));
  return legacy(second === undefined ? groupDocument(catalog, first) : resourceList(catalog, first, second));
}

const versionsOf = (catalog: Catalog, group: string): string[] =>
  catalog
    .groupVersions()
    .filter((entry) => entry.group === group)
    .map((entry) => entry.version);

const groupsOf = (catalog: Catalog): string[] => [
  ...new Set(
    catalog
      .groupVersions()
      .map((entry) => entry.group)
      .filter((group) => group !== ""),
  ),
];

const apiVersions = (catalog: Catalog): Record<string, unknown> => ({
  kind: "APIVersions",
  versions: versionsOf(catalog, ""),
  serverAddressByClientCIDRs: [],
});

function apiGroup(catalog: Catalog, group: string): Record<string, unknown> {
  const versions = versionsOf(catalog, group).map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions, preferredVersion: versions[0] };
}

const groupList = (catalog: Catalog): Record<string, unknown> => ({
  kind: "APIGroupList",
  apiVersion: "v1",
  groups: groupsOf(catalog).map((group) => apiGroup(catalog, group)),
});

function groupDocument(catalog: Catalog, group: string): Record<string, unknown> {
  if (!groupsOf(catalog).includes(group)) throw apiErrors.unknownPath();
  return { kind: "APIGroup", apiVersion: "v1", ...apiGroup(catalog, group) };
}

export const statusVerbs: readonly Verb[] = ["get", "patch", "update"];

function resourceList(catalog: Catalog, group: string, version: string): Record<string, unknown> {
  const types = catalog.types.filter((type) => type.group === group && type.version === version);
  if (types.length === 0) throw apiErrors.unknownPath();
  const resources = types.flatMap((type) => {
    const { kind, namespaced } = type;
    const main = {
      name: type.resource,
      singularName: type.singular,
      namespaced,
      kind,
      verbs: type.verbs,
      ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
      ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    };
    const status = { name: `${type.resource}/status`, singularName: "", namespaced, kind, verbs: statusVerbs };
    const others = (type.subresources ?? []).map((sub) => ({
      name: `${type.resource}/${sub.name}`,
      singularName: "",
      namespaced,
      ...(sub.group === group ? {} : { group: sub.group, version: sub.version }),
      kind: sub.kind,
      verbs: sub.verbs,
    }));
    const subresources = [...(type.hasStatus ? [status] : []), ...others];
    return [main, ...subresources.sort((a, b) => (a.name < b.name ? -1 : 1))];
  });
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return { kind: "APIResourceList", apiVersion: "v1", groupVersion, resources };
}

function aggregated(catalog: Catalog, core: boolean, form: "v2" | "v2beta1"): DiscoveryDocument {
  const groups = core ? [""] : groupsOf(catalog);
  const items = groups.map((group) => ({
    metadata: { name: group, creationTimestamp: null },
    versions: versionsOf(catalog, group).map((version) => ({
      version,
      freshness: "Current",
      resources: catalog.types
        .filter((type) => type.group === group && type.version === version)
        .map((type) => aggregatedResource(type)),
    })),
  }));
  return {
    contentType: `application/json;g=apidiscovery.k8s.io;v=${form};as=APIGroupDiscoveryList`,
    body: { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${form}`, metadata: {}, items },
  };
}

function aggregatedResource(type: ResourceType): Record<string, unknown> {
  const responseKind = { group: type.group, version: type.version, kind: type.kind };
  const subresources = [
    ...(type.hasStatus ? [{ subresource: "status", responseKind, verbs: statusVerbs }] : []),
    ...(type.subresources ?? []).map(({ name, group, version, kind, verbs }) => ({
      subresource: name,
      responseKind: { group, version, kind },
      verbs,
    })),
  ];
  return {
    resource: type.resource,
    responseKind,
    scope: type.namespaced ? "Namespaced" : "Cluster",
    singularResource: type.singular,
    verbs: type.verbs,
    ...(type.shortNames.length > 0 ? { shortNames: type.shortNames } : {}),
    ...(type.categories.length > 0 ? { categories: type.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
