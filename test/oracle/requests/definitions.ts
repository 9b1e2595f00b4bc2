// Definitions: ours and two that use what definitions can say; wrong ones; what discovery and OpenAPI say of them.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { apply, get, type KubernetesBody, patch, post, put, remove, type Step } from "../step.ts";

const crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

interface Definition {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly group: string;
    readonly names: Readonly<Record<string, unknown>>;
    readonly versions: readonly Readonly<Record<string, unknown>>[];
  };
}

const config = join(import.meta.dirname, "../../../config/crd");
const files = [
  ...globSync("clusterpulse.io_*.yaml", { cwd: config }).map((file) => join(config, file)),
  join(import.meta.dirname, "../definitions.yaml"),
].sort();
const definitions = files.flatMap((file) =>
  parseAllDocuments(readFileSync(file, "utf8")).map((document) => document.toJS() as Definition),
);
const named = (name: string): Definition => definitions.find(({ metadata }) => metadata.name === name) as Definition;

const isEstablished = ({ status }: KubernetesBody): boolean =>
  status?.conditions?.some(({ type, status }) => type === "Established" && status === "True") === true;

const small = (plural: string, change: (definition: Record<string, never>) => void = () => {}): unknown => {
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.oracle.test` },
    spec: {
      group: "oracle.test",
      scope: "Namespaced",
      names: { plural, kind: `${plural[0]?.toUpperCase()}${plural.slice(1, -1)}` },
      versions: [{ name: "v1", served: true, storage: true, schema: { openAPIV3Schema: { type: "object" } } }],
    },
  };
  change(definition as unknown as Record<string, never>);
  return definition;
};
interface Loose {
  [member: string]: Loose & Loose[];
}
const wrong = (what: string, change: (definition: Loose) => void): Step => ({
  title: `refuse a definition: ${what}`,
  request: post(
    crds,
    small(`wrong${what.replaceAll(/[^a-z]/g, "")}s`, (definition) => change(definition as unknown as Loose)),
  ),
});
const schemaWith = (what: string, schema: unknown): Step =>
  wrong(what, (definition) => {
    Object.assign(definition["spec"]?.["versions"]?.[0] as object, { schema: { openAPIV3Schema: schema } });
  });

export const create: readonly Step[] = [
  ...definitions.flatMap((definition): Step[] => [
    { title: `define ${definition.metadata.name}`, request: post(crds, definition), picks: withoutStatus },
    {
      title: `establish ${definition.metadata.name}`,
      request: get(`${crds}/${definition.metadata.name}`),
      until: isEstablished,
    },
    {
      title: `serve ${definition.metadata.name}`,
      request: get(collection(definition)),
      until: ({ items }) => items !== undefined,
    },
  ]),
  { title: "define widgets again", request: post(crds, named("widgets.oracle.test")) },
  wrong("a name that is not PLURAL.GROUP", ({ metadata }) =>
    Object.assign(metadata as object, { name: "other.oracle.test" }),
  ),
  wrong("no versions", ({ spec }) => Object.assign(spec as object, { versions: [] })),
  wrong("no kind", ({ spec }) => Object.assign(spec?.["names"] as object, { kind: "" })),
  wrong("no scope", ({ spec }) => Object.assign(spec as object, { scope: undefined })),
  wrong("an unknown scope", ({ spec }) => Object.assign(spec as object, { scope: "Everywhere" })),
  wrong("no schema", ({ spec }) => Object.assign(spec?.["versions"]?.[0] as object, { schema: undefined })),
  wrong("no stored version", ({ spec }) => Object.assign(spec?.["versions"]?.[0] as object, { storage: false })),
  schemaWith("a schema without a type", { properties: { a: { type: "string" } } }),
  schemaWith("a property without a type", { type: "object", properties: { a: {} } }),
  schemaWith("a default that its own schema refuses", {
    type: "object",
    properties: { a: { type: "integer", default: "one" } },
  }),
  schemaWith("a list of maps without keys", {
    type: "object",
    properties: { a: { type: "array", "x-kubernetes-list-type": "map", items: { type: "object" } } },
  }),
  schemaWith("a rule that does not compile", {
    type: "object",
    "x-kubernetes-validations": [{ rule: "self.nothing ==" }],
  }),
  { title: "get a definition that is not there", request: get(`${crds}/nothing.oracle.test`) },
  { title: "list definitions as a table", request: get(crds, "application/json;as=Table;g=meta.k8s.io;v=v1") },
];

export const discover: readonly Step[] = [
  { title: "old discovery of a version", request: get("/apis/oracle.test/v1"), picks: withoutHashes },
  { title: "old discovery of our version", request: get("/apis/clusterpulse.io/v1alpha1"), picks: withoutHashes },
  { title: "old discovery of a group", request: get("/apis/oracle.test") },
  { title: "a version that is not there", request: get("/apis/oracle.test/v2") },
  { title: "a resource that is not there", request: get("/apis/oracle.test/v1/nothings") },
  {
    title: "OpenAPI of a version: paths",
    request: get("/openapi/v3/apis/oracle.test/v1"),
    picks: pathsOf,
    until: hasPaths,
  },
  {
    title: "OpenAPI of a version: a kind",
    request: get("/openapi/v3/apis/oracle.test/v1"),
    picks: schemaOf("Widget"),
    until: hasPaths,
  },
];

export const change: readonly Step[] = [
  {
    title: "add a version to a definition",
    request: (bodyOf) => {
      const { spec, metadata } = bodyOf("establish gears.oracle.test") as unknown as Definition;
      const [first = {}] = spec.versions;
      const versions = [first, { ...first, name: "v2", storage: false }];
      return put(`${crds}/gears.oracle.test`, {
        apiVersion: "apiextensions.k8s.io/v1",
        kind: "CustomResourceDefinition",
        metadata,
        spec: { ...spec, versions },
      });
    },
    picks: withoutStatus,
  },
  {
    title: "serve the new version",
    request: get("/apis/oracle.test/v2/gears"),
    until: ({ items }) => items !== undefined,
    picks: kindOf,
  },
  {
    title: "take a column away from a definition",
    request: patch(`${crds}/gears.oracle.test?fieldManager=a`, { metadata: { labels: { a: "b" } } }),
    picks: withoutStatus,
  },
  {
    title: "change the kind of a definition",
    request: patch(`${crds}/gears.oracle.test`, { spec: { scope: "Namespaced" } }),
  },
  {
    title: "apply a definition",
    request: patch(`${crds}/parts.oracle.test?fieldManager=a`, JSON.stringify(small("parts")), apply),
    picks: withoutStatus,
  },
  {
    title: "serve the applied definition",
    request: get("/apis/oracle.test/v1/parts"),
    until: ({ items }) => items !== undefined,
  },
  { title: "delete a definition", request: remove(`${crds}/parts.oracle.test`), picks: withoutStatus },
  {
    title: "forget a deleted definition",
    request: get(`${crds}/parts.oracle.test`),
    until: ({ kind }) => kind === "Status",
  },
  {
    title: "no longer serve a deleted definition",
    request: get("/apis/oracle.test/v1/parts"),
    until: ({ kind }) => kind !== "PartList",
  },
];

function collection({ spec }: Definition): string {
  return `/apis/${spec.group}/${spec.versions[0]?.["name"]}/${spec.names["plural"]}`;
}

/** A definition is established a moment after it is written. */
function withoutStatus(body: unknown): unknown {
  const { status, ...rest } = body as { status?: unknown };
  return (body as { kind?: string }).kind === "Status" ? body : rest;
}

function withoutHashes(body: unknown): unknown {
  return JSON.parse(JSON.stringify(body, (name, value) => (name === "storageVersionHash" ? undefined : value)));
}

function pathsOf(body: unknown): unknown {
  const { paths = {} } = body as { paths?: Record<string, object> };
  return Object.fromEntries(
    Object.keys(paths)
      .filter((path) => path.includes("widgets"))
      .sort()
      .map((path) => [
        path,
        Object.keys(paths[path] ?? {})
          .filter((name) => name !== "parameters")
          .sort(),
      ]),
  );
}

function schemaOf(kind: string): (body: unknown) => unknown {
  return (body) => {
    const { components } = body as { components?: { schemas?: Record<string, Record<string, unknown>> } };
    const [name = ""] = Object.keys(components?.schemas ?? {}).filter((schema) => schema.endsWith(`.${kind}`));
    return { name, schema: components?.schemas?.[name] };
  };
}

function hasPaths({ paths }: KubernetesBody): boolean {
  return paths !== undefined;
}

function kindOf(body: unknown): unknown {
  return (body as { kind: string }).kind;
}
