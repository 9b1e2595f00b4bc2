// Writes src/api/v1alpha1/gen from config/crd: for each kind its types and the schema that reads it, and the list of resources.
// The same definitions give the same bytes. A word of a schema that src/api/v1alpha1/structural.ts does not know stops the run.
//
//   node tools/generate-api.ts [--check] [root]     --check writes nothing and fails when a file is not what would be written
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { ResourceType } from "../src/api/v1alpha1/meta.ts";
import type { Schema } from "../src/api/v1alpha1/structural.ts";

const crdFolder = "config/crd";
const genFolder = "src/api/v1alpha1/gen";

type Json = Readonly<Record<string, unknown>>;

interface Definition {
  readonly type: ResourceType;
  /** `spec` and `status`, as they stand in the definition. */
  readonly parts: Readonly<Record<"spec" | "status", Json>>;
  readonly description: string;
}

/** Every definition of the folder, in the order of file names. */
function readDefinitions(root: string): Definition[] {
  const folder = join(root, crdFolder);
  const files = readdirSync(folder).filter((name) => name.startsWith("clusterpulse.io_") && name.endsWith(".yaml"));
  return files.sort().map((file) => {
    const { spec } = parse(readFileSync(join(folder, file), "utf8"));
    const [version, ...others] = spec.versions;
    if (others.length > 0) throw new Error(`${file}: must define one version`);
    const { description, properties } = version.schema.openAPIV3Schema;
    return {
      type: { group: spec.group, version: version.name, kind: spec.names.kind, plural: spec.names.plural },
      parts: { spec: properties.spec, status: properties.status },
      description,
    };
  });
}

/** Words that tell people or the API server's merge something, and decide nothing about a value. */
const silentWords = new Set(["description", "x-kubernetes-map-type"]);
const knownWords: Readonly<Record<string, readonly string[]>> = {
  object: ["properties", "required", "additionalProperties"],
  array: ["items", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"],
  string: ["enum", "format", "pattern", "minLength", "maxLength", "default"],
  integer: ["format", "minimum", "maximum", "default"],
  boolean: ["default"],
};
const knownFormats: Readonly<Record<string, readonly unknown[]>> = {
  string: ["date-time"],
  integer: ["int32", "int64"],
};

/** The part of a schema that decides about values. Throws, naming the place, where the reader would have to ignore something. */
function schemaOf(schema: Json, path: string): Schema {
  const type = String(schema["type"]);
  const known = knownWords[type];
  if (known === undefined) throw new Error(`${path}: type ${type} is not supported`);
  for (const word of Object.keys(schema)) {
    if (word !== "type" && !silentWords.has(word) && !known.includes(word)) {
      throw new Error(`${path}: ${word} is not supported for type ${type}`);
    }
  }
  if (schema["format"] !== undefined && !knownFormats[type]?.includes(schema["format"])) {
    throw new Error(`${path}: format ${String(schema["format"])} is not supported for type ${type}`);
  }
  if (type === "array") {
    const keys = schema["x-kubernetes-list-map-keys"];
    const items = schemaOf(schema["items"] as Json, `${path}[]`);
    return { type, items, ...(keys === undefined ? {} : { keys: keys as string[] }) };
  }
  if (type !== "object") {
    const words = Object.entries(schema).filter(([word]) => !silentWords.has(word));
    return Object.fromEntries(words) as unknown as Schema;
  }
  if (schema["additionalProperties"] !== undefined) {
    return { type, additionalProperties: schemaOf(schema["additionalProperties"] as Json, `${path}{}`) };
  }
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Json>).map(
    ([name, property]) => [name, schemaOf(property, `${path}.${name}`)] as const,
  );
  const required = schema["required"] as string[] | undefined;
  return { type, properties: Object.fromEntries(properties), ...(required === undefined ? {} : { required }) };
}

/**
 * The type of a value as the reader returns it. With `defaulted` a field with a default is always there; without (a status, which the hub
 * writes) only a required one is.
 */
function typeText(schema: Json, defaulted: boolean, indent: string): string {
  switch (schema["type"]) {
    case "array":
      return listText(schema["items"] as Json, defaulted, indent);
    case "object":
      return schema["additionalProperties"] === undefined
        ? fieldsText(schema, defaulted, indent)
        : `Readonly<Record<string, ${typeText(schema["additionalProperties"] as Json, defaulted, indent)}>>`;
    case "integer":
      return "number";
    case "string": {
      const allowed = schema["enum"] as string[] | undefined;
      return allowed === undefined ? "string" : allowed.map((text) => JSON.stringify(text)).join(" | ");
    }
    default:
      return "boolean";
  }
}

function listText(items: Json, defaulted: boolean, indent: string): string {
  const text = typeText(items, defaulted, indent);
  return items["type"] === "array" || items["enum"] !== undefined ? `readonly (${text})[]` : `readonly ${text}[]`;
}

function fieldsText(schema: Json, defaulted: boolean, indent: string): string {
  const required = (schema["required"] ?? []) as string[];
  const inner = `${indent}  `;
  const fields = Object.entries((schema["properties"] ?? {}) as Record<string, Json>).map(([name, property]) => {
    const there = required.includes(name) || (defaulted && property["default"] !== undefined);
    const type = typeText(property, defaulted, inner);
    return `${inner}${docText(property)}\n${inner}readonly ${name}${there ? "" : "?"}: ${type};\n`;
  });
  return `{\n${fields.join("")}${indent}}`;
}

/** The description, with what the type cannot say. */
function docText(schema: Json): string {
  const { description, default: preset, minimum, maximum, maxLength } = schema;
  const facts = [
    preset === undefined ? "" : ` Default: ${String(preset)}.`,
    minimum === undefined ? "" : ` At least ${String(minimum)}.`,
    maximum === undefined ? "" : ` At most ${String(maximum)}.`,
    maxLength === undefined ? "" : ` At most ${String(maxLength)} characters.`,
    schema["format"] === "date-time" ? " RFC 3339." : "",
  ];
  return `/** ${String(description).replaceAll("*/", "* /")}${facts.join("")} */`;
}

function valueText(value: unknown, indent: string): string {
  if (Array.isArray(value)) return `[${value.map((item) => valueText(item, indent)).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const short = Object.values(value).every((item) => typeof item !== "object");
  const members = Object.entries(value).map(([name, item]) => `${name}: ${valueText(item, inner)}`);
  return short
    ? `{ ${members.join(", ")} }`
    : `{\n${members.map((member) => `${inner}${member},\n`).join("")}${indent}}`;
}

const header = `// Generated from ${crdFolder} by tools/generate-api.ts. Change the definition there and run it again.\n`;
const kebab = (kind: string): string => kind.replace(/(?<=[a-z])[A-Z]/g, "-$&").toLowerCase();
const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function kindText({ type, parts, description }: Definition): string {
  const { kind } = type;
  const schemas = {
    spec: schemaOf(parts.spec, `${kind}.spec`),
    status: schemaOf(parts.status, `${kind}.status`),
  };
  return `${header}import type { Resource, ResourceSchema } from "../resource.ts";

/** ${description} */
export type ${kind} = Resource<${kind}Spec, ${kind}Status>;

/** ${String(parts.spec["description"])} */
export interface ${kind}Spec ${typeText(parts.spec, true, "")}

/** ${String(parts.status["description"])} */
export interface ${kind}Status ${typeText(parts.status, false, "")}

export const ${lowerFirst(kind)}Schema: ResourceSchema = ${valueText(schemas, "")};
`;
}

/** `ClusterConnection` becomes `clusterConnections`, `MonitorAccessPolicy` `monitorAccessPolicies`: the kind's capitals, the plural's end. */
function pluralName({ kind, plural }: ResourceType): string {
  return [...plural]
    .map((letter, at) => (at > 0 && /[A-Z]/.test(kind.charAt(at)) ? letter.toUpperCase() : letter))
    .join("");
}

function resourcesText(definitions: readonly Definition[]): string {
  const constants = definitions.map(
    ({ type }) => `export const ${pluralName(type)}: ResourceType = ${valueText(type, "")};\n`,
  );
  return `${header}import type { ResourceType } from "../meta.ts";\n\n${constants.join("")}`;
}

/** What the folder of generated files should hold: file name to content. */
export function generate(root: string): ReadonlyMap<string, string> {
  const definitions = readDefinitions(root);
  if (definitions.length === 0) throw new Error(`no definitions in ${crdFolder}`);
  return new Map([
    ...definitions.map((definition) => [`${kebab(definition.type.kind)}.ts`, kindText(definition)] as const),
    ["resources.ts", resourcesText(definitions)],
  ]);
}

/** The files below `root` that are not what would be generated, one line each. */
export function drift(root: string): string[] {
  const folder = join(root, genFolder);
  const wanted = generate(root);
  const found = existsSync(folder) ? readdirSync(folder) : [];
  const differing = [...wanted].filter(
    ([name, text]) => !found.includes(name) || readFileSync(join(folder, name), "utf8") !== text,
  );
  return [
    ...differing.map(([name]) => `${genFolder}/${name} does not follow from ${crdFolder}`),
    ...found.filter((name) => !wanted.has(name)).map((name) => `${genFolder}/${name} comes from no definition`),
  ];
}

function write(root: string): void {
  const folder = join(root, genFolder);
  const wanted = generate(root);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of wanted) writeFileSync(join(folder, name), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const args = process.argv.slice(2);
  const root = args.find((arg) => arg !== "--check") ?? fileURLToPath(new URL("..", import.meta.url));
  if (!args.includes("--check")) write(root);
  const lines = drift(root);
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.stdout.write(
    lines.length === 0 ? "the generated types follow from the definitions\n" : "run: node tools/generate-api.ts\n",
  );
  process.exitCode = lines.length === 0 ? 0 : 1;
}
