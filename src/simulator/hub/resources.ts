// The resource types of the hub's API server: a few built-in ones, and every CustomResourceDefinition found in a folder.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { ResourceType, Verb } from "../http/catalog.ts";

const readVerbs: readonly Verb[] = ["get", "list", "watch"];
const allVerbs: readonly Verb[] = [...readVerbs, "create", "update", "patch", "delete"];

function coreType(resource: string, kind: string, shortNames: readonly string[], namespaced = true): ResourceType {
  return {
    group: "",
    version: "v1",
    resource,
    singular: kind.toLowerCase(),
    kind,
    namespaced,
    verbs: allVerbs,
    shortNames,
    categories: [],
    hasStatus: false,
    builtIn: true,
  };
}

export const namespaceType = coreType("namespaces", "Namespace", ["ns"], false);
export const secretType = coreType("secrets", "Secret", []);

/** Read-only for now: definitions come from the folder. */
export const crdType: ResourceType = {
  ...coreType("customresourcedefinitions", "CustomResourceDefinition", ["crd", "crds"], false),
  group: "apiextensions.k8s.io",
  categories: ["api-extensions"],
  verbs: readVerbs,
};

export const builtInTypes: readonly ResourceType[] = [
  namespaceType,
  secretType,
  coreType("configmaps", "ConfigMap", ["cm"]),
  coreType("events", "Event", ["ev"]),
  crdType,
];

/** The part of a CustomResourceDefinition that routing and storage read. */
interface CrdDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: {
      readonly plural: string;
      readonly singular?: string;
      readonly kind: string;
      readonly shortNames?: readonly string[];
      readonly categories?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly subresources?: { readonly status?: object };
    }[];
  };
}

/** Every CustomResourceDefinition in the folder's YAML files, in order of file name. */
export function loadCrds(folder: string): CrdDocument[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, file), "utf8")))
    .map((document) => document.toJS() as CrdDocument | null)
    .filter((document) => document?.kind === "CustomResourceDefinition") as CrdDocument[];
}

/** One type per served version. */
export function typesOfCrd(crd: CrdDocument): ResourceType[] {
  const { group, scope, names, versions } = crd.spec;
  return versions
    .filter((version) => version.served)
    .map((version) => ({
      group,
      version: version.name,
      resource: names.plural,
      singular: names.singular ?? names.kind.toLowerCase(),
      kind: names.kind,
      namespaced: scope === "Namespaced",
      verbs: allVerbs,
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      hasStatus: version.subresources?.status !== undefined,
      builtIn: false,
    }));
}

/** The definition as a server shows it once it is established. */
export function establishedCrd(crd: CrdDocument, nowText: string): Record<string, unknown> {
  const condition = (type: string, reason: string, message: string): Record<string, string> => ({
    type,
    status: "True",
    lastTransitionTime: nowText,
    reason,
    message,
  });
  return {
    ...crd,
    status: {
      acceptedNames: crd.spec.names,
      conditions: [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
      ],
      storedVersions: crd.spec.versions.filter((version) => version.storage).map((version) => version.name),
    },
  };
}
