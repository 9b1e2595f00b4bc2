// CustomResourceDefinitions: those found in a folder, and the resource types that they define.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import {
  apiVersionOf,
  type PrinterColumn,
  type ResourceType,
  type ScalePaths,
  type StoredAs,
} from "../http/catalog.ts";
import { allVerbs, scaleSubresource } from "../kinds/types.ts";

/** The part of a CustomResourceDefinition that routing and storage read. */
export interface CrdDocument {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string }[] };
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
      readonly subresources?: { readonly status?: object; readonly scale?: ScalePaths };
      readonly selectableFields?: readonly { readonly jsonPath: string }[];
      readonly additionalPrinterColumns?: readonly PrinterColumn[];
      readonly schema?: { readonly openAPIV3Schema?: unknown };
    }[];
  };
}

/** Parsing takes longer than all else that a start does: files of the same text share one frozen result. */
const parsedFiles = new Map<string, readonly CrdDocument[]>();
const maxParsedFiles = 64;

/** Every CustomResourceDefinition in the folder's YAML files, in order of file name. They are frozen. */
export function loadCrds(folder: string): CrdDocument[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .flatMap((file) => parseCrds(readFileSync(join(folder, file), "utf8")));
}

function parseCrds(text: string): readonly CrdDocument[] {
  const known = parsedFiles.get(text);
  if (known !== undefined) return known;
  const documents = parseAllDocuments(text).map((document) => deepFrozen(document.toJS() as CrdDocument | null));
  const crds = documents.filter((document) => document?.kind === "CustomResourceDefinition") as CrdDocument[];
  if (parsedFiles.size >= maxParsedFiles) parsedFiles.clear();
  parsedFiles.set(text, crds);
  return crds;
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null) return value;
  for (const member of Object.values(value)) deepFrozen(member);
  return Object.freeze(value);
}

const defaultColumns: readonly PrinterColumn[] = [
  { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" },
];

/** One type per served version. All but the one that is stored are forms of that one, of which only the version differs. */
export function typesOfCrd(crd: CrdDocument): ResourceType[] {
  const { versions } = crd.spec;
  const stored = versions.find((version) => version.storage) ?? versions[0];
  if (stored === undefined) return [];
  const storedType = typeOf(crd, stored);
  return versions
    .filter((version) => version.served)
    .map((version) => {
      if (version === stored) return storedType;
      const type = typeOf(crd, version);
      const storedAs: StoredAs = {
        type: storedType,
        toStored: (object) => ({ ...object, apiVersion: apiVersionOf(storedType) }),
        fromStored: (object) => ({ ...object, apiVersion: apiVersionOf(type) }),
        storedField: (field) => field,
      };
      return { ...type, storedAs };
    });
}

function typeOf({ spec }: CrdDocument, version: CrdDocument["spec"]["versions"][number]): ResourceType {
  const { group, scope, names } = spec;
  const { status, scale } = version.subresources ?? {};
  return {
    group,
    version: version.name,
    resource: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    namespaced: scope === "Namespaced",
    verbs: allVerbs,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    hasStatus: status !== undefined,
    builtIn: false,
    hasGeneration: true,
    ...(scale === undefined ? {} : { scale: scaleOf(scale), subresources: [scaleSubresource] }),
    printerColumns: version.additionalPrinterColumns ?? defaultColumns,
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, "")),
    schema: version.schema?.openAPIV3Schema,
  };
}

/** Without a path to a selector there is none. */
const scaleOf = (paths: ScalePaths): ScalePaths => ({ labelSelectorPath: "", ...paths });
