// A MetricSource with everything decided that its text leaves open: defaults filled in, the selector as text, the resource's name guessed.
// Plain data, so that it can be stored, sent to a thread or an agent, and hashed; compiled.ts makes closures of it.
import { createHash } from "node:crypto";
import type { MetricSourceSpec } from "../api/v1alpha1/metric-source.ts";
import { parsePath, pathSegments } from "./path.ts";
import { pluralize } from "./pluralize.ts";
import type { SourceProblem } from "./problem.ts";
import { selectorText } from "./selectors.ts";

/** What is compiled: a MetricSource as the API server, or a file, gives it. */
export interface MetricSourceInput {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: MetricSourceSpec;
}

export interface FieldDefinition {
  readonly name: string;
  readonly path: string;
  readonly pathSegments: readonly string[];
  /** Normally a ValueType; any other text means string. */
  readonly type: string;
  readonly default?: string;
  /** Its place among the fields, from 0. */
  readonly index: number;
}

export interface ComputedDefinition {
  readonly name: string;
  readonly expression: string;
  /** Normally a ResultType; any other text leaves results as they are. */
  readonly type: string;
}

export type AggregationDefinition = NonNullable<MetricSourceSpec["aggregations"]>[number];

/** The members and their names are those that readers and agents of the original know. */
export interface SourceDefinition {
  readonly name: string;
  readonly namespace: string;
  readonly source: {
    readonly apiVersion: string;
    readonly kind: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly group: string;
    readonly version: string;
    /** Plural, as in URLs: a guess that discovery overrules. */
    readonly resource: string;
    /** As in a query; absent for all. */
    readonly labelSelector?: string;
    readonly namespaces?: { readonly include?: readonly string[]; readonly exclude?: readonly string[] };
  };
  readonly fields: readonly FieldDefinition[];
  readonly computed: readonly ComputedDefinition[];
  readonly aggregations: readonly AggregationDefinition[];
  readonly collection: {
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    /** Per cluster. */
    readonly maxResources: number;
    readonly batchSize: number;
    readonly retryAttempts: number;
    readonly parallelism: number;
  };
  readonly rbac: {
    readonly resourceTypeName: string;
    readonly filterableFields?: readonly string[];
    readonly filterAggregations: boolean;
  };
}

const maxPatterns = 1000;
const maxPatternLength = 253;

/** Fills in what the spec leaves open. Problems of source and namespaces are added; the rest is checked when it is compiled. */
export function defineSource(input: MetricSourceInput, add: (problem: SourceProblem) => void): SourceDefinition {
  const { metadata, spec } = input;
  return {
    name: metadata.name,
    namespace: metadata.namespace,
    source: defineKind(spec.source ?? {}, add),
    fields: (spec.fields ?? []).map((field, index) => {
      const { name = "", path = "" } = field;
      const parsed = parsePath(path);
      return {
        name,
        path,
        pathSegments: parsed.ok ? pathSegments(parsed.steps) : [],
        type: field.type || "string",
        ...(typeof field.default === "string" ? { default: field.default } : {}),
        index,
      };
    }),
    computed: (spec.computed ?? []).map(({ name = "", expression = "", type }) => {
      return { name, expression, type: type || "float" };
    }),
    aggregations: spec.aggregations ?? [],
    collection: defineCollection(spec.collection),
    rbac: {
      resourceTypeName: spec.rbac?.resourceTypeName ?? "",
      ...(spec.rbac?.filterableFields?.length ? { filterableFields: spec.rbac.filterableFields } : {}),
      filterAggregations: spec.rbac?.filterAggregations ?? true,
    },
  };
}

/** Sixteen hexadecimal digits that differ when anything in the definition does. */
export function definitionHash(definition: SourceDefinition): string {
  return createHash("sha256").update(JSON.stringify(definition)).digest("hex").slice(0, 16);
}

function defineKind(
  source: Partial<MetricSourceSpec["source"]>,
  add: (problem: SourceProblem) => void,
): SourceDefinition["source"] {
  const { apiVersion = "", kind = "", scope } = source;
  if (apiVersion === "") {
    add({
      field: "spec.source.apiVersion",
      rule: "apiversion-required",
      message: "must be set, such as v1 or apps/v1",
    });
  }
  if (kind === "") {
    add({ field: "spec.source.kind", rule: "kind-required", message: "must be set, such as PersistentVolumeClaim" });
  }
  const slash = apiVersion.indexOf("/");
  const version = apiVersion.slice(slash + 1);
  const labelSelector = selectorText(source.labelSelector, "spec.source.labelSelector", add);
  const namespaces = definePatterns(source.namespaces, add);
  return {
    apiVersion,
    kind,
    scope: scope === "Cluster" ? "Cluster" : "Namespaced",
    group: slash === -1 ? "" : apiVersion.slice(0, slash),
    version,
    resource: pluralize(kind),
    ...(labelSelector === "" ? {} : { labelSelector }),
    ...(namespaces === undefined ? {} : { namespaces }),
  };
}

function definePatterns(
  patterns: MetricSourceSpec["source"]["namespaces"],
  add: (problem: SourceProblem) => void,
): SourceDefinition["source"]["namespaces"] {
  for (const list of ["include", "exclude"] as const) {
    const entries = patterns?.[list] ?? [];
    const field = `spec.source.namespaces.${list}`;
    if (entries.length > maxPatterns) {
      add({ field, rule: "namespaces-invalid", message: `must have at most ${maxPatterns} entries` });
    }
    entries.forEach((entry, at) => {
      if (entry.length <= maxPatternLength) return;
      const message = `must be at most ${maxPatternLength} characters long`;
      add({ field: `${field}[${at}]`, rule: "namespaces-invalid", message });
    });
  }
  const { include = [], exclude = [] } = patterns ?? {};
  if (include.length === 0 && exclude.length === 0) return undefined;
  return { ...(include.length > 0 ? { include } : {}), ...(exclude.length > 0 ? { exclude } : {}) };
}

/** Zero and less mean the default, except for retries. */
function defineCollection(given: MetricSourceSpec["collection"]): SourceDefinition["collection"] {
  const positive = (value: number | undefined, otherwise: number): number =>
    value !== undefined && value > 0 ? value : otherwise;
  const retries = given?.retryAttempts;
  return {
    intervalSeconds: positive(given?.intervalSeconds, 60),
    timeoutSeconds: positive(given?.timeoutSeconds, 30),
    maxResources: positive(given?.maxResources, 5000),
    batchSize: positive(given?.batchSize, 500),
    retryAttempts: retries !== undefined && retries >= 0 ? retries : 3,
    parallelism: positive(given?.parallelism, 3),
  };
}
