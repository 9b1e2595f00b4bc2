// What a simulated API server serves: resource types, found by group, version and plural name. Discovery and routing read this alone.

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";

/** A door of its own below an object, beside `status`. */
export interface Subresource {
  readonly name: string;
  /** The kind that is read and written there. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly verbs: readonly Verb[];
}

/** A column that a CustomResourceDefinition asks for. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly jsonPath: string;
}

/** Where an object keeps how many replicas it wants and has, as paths; see json-path.ts. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  /** Of a selector as text. Undefined: `.spec.selector` is one as labels. */
  readonly labelSelectorPath?: string;
}

/** A type whose objects are those of another one, in another form. */
export interface StoredAs {
  readonly type: ResourceType;
  toStored(object: Readonly<Record<string, unknown>>): Record<string, unknown>;
  fromStored(object: Readonly<Record<string, unknown>>): Record<string, unknown>;
  /** The name in the stored form of a field that a selector names. */
  storedField(field: string): string;
}

export interface ResourceType {
  /** "" for core. */
  readonly group: string;
  readonly version: string;
  /** Plural, lower case. */
  readonly resource: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly Verb[];
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Has a /status subresource: status is written there and only there. */
  readonly hasStatus: boolean;
  /** Built-in kinds leave apiVersion and kind out of list items; custom resources carry them. */
  readonly builtIn: boolean;
  readonly subresources?: readonly Subresource[];
  /** metadata.generation counts the changes of what is wanted. */
  readonly hasGeneration?: boolean;
  /** Of what has a /scale subresource. */
  readonly scale?: ScalePaths;
  readonly storedAs?: StoredAs;
  /** Of a custom resource; built-in kinds have columns that are code. */
  readonly printerColumns?: readonly PrinterColumn[];
  /** Fields of a custom resource that selectors may name, beside its name and namespace. */
  readonly selectableFields?: readonly string[];
  /** OpenAPI schema of a custom resource. */
  readonly schema?: unknown;
}

export const apiVersionOf = (type: ResourceType): string =>
  type.group === "" ? type.version : `${type.group}/${type.version}`;

/** An immutable set of resource types. */
export class Catalog {
  readonly types: readonly ResourceType[];
  readonly #byName = new Map<string, ResourceType>();

  constructor(types: readonly ResourceType[]) {
    this.types = types;
    for (const type of types) this.#byName.set(`${type.group}/${type.version}/${type.resource}`, type);
  }

  find(group: string, version: string, resource: string): ResourceType | undefined {
    return this.#byName.get(`${group}/${version}/${resource}`);
  }

  /** Group versions in order of declaration; "" is core. */
  groupVersions(): { readonly group: string; readonly version: string }[] {
    const seen = new Map<string, { group: string; version: string }>();
    for (const { group, version } of this.types) seen.set(`${group}/${version}`, { group, version });
    return [...seen.values()];
  }
}
