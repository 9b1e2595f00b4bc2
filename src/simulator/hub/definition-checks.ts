// What a definition has to say before its kind is served. As a real server does for this version of the API, a definition whose schema is
// not structural is refused, with a cause per place; so is one that does not compile here. CEL rules are not among the causes: what this
// simulator does not know of them is reported where they are used.
import { ApiError, type StatusCause } from "../http/status.ts";
import type { CrdDocument } from "./resources.ts";
import { schemaRules } from "./schema.ts";
import type { StructuralSchema } from "./structural-schema.ts";

/** Throws ApiError 422 unless the document says all that serving its kind needs, and `before` lets it be so. */
export function checkCrd(body: unknown, before?: CrdDocument): void {
  const { metadata, spec } = (body ?? {}) as Partial<CrdDocument>;
  const name = metadata?.name ?? "";
  const missing = [
    ...(["group", "scope", "names", "versions"] as const).filter((member) => spec?.[member] === undefined),
    ...(["plural", "kind"] as const).filter((member) => !spec?.names?.[member]).map((member) => `names.${member}`),
  ].map((field) => required(`spec.${field}`, "Required value"));
  const causes =
    missing.length > 0 || spec === undefined ? missing : [...causesOf(name, spec), ...changeCauses(spec, before?.spec)];
  if (causes.length === 0) return;
  const said = causes.map(({ field, message }) => `${field}: ${message}`).join(", ");
  throw new ApiError(422, "Invalid", `CustomResourceDefinition.apiextensions.k8s.io "${name}" is invalid: ${said}`, {
    name,
    group: "apiextensions.k8s.io",
    kind: "CustomResourceDefinition",
    causes,
  });
}

const required = (field: string, message: string): StatusCause => ({ reason: "FieldValueRequired", message, field });
const invalid = (field: string, message: string): StatusCause => ({ reason: "FieldValueInvalid", message, field });
const forbidden = (field: string, message: string): StatusCause => ({
  reason: "FieldValueForbidden",
  message: `Forbidden: ${message}`,
  field,
});

function causesOf(name: string, { group, scope, names, versions }: CrdDocument["spec"]): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  const shown = JSON.stringify(name);
  if (name !== `${names.plural}.${group}`) {
    causes.push(invalid("metadata.name", `Invalid value: ${shown}: must be spec.names.plural+"."+spec.group`));
  }
  if (scope !== "Cluster" && scope !== "Namespaced") {
    const message = `Unsupported value: ${JSON.stringify(scope)}: supported values: "Cluster", "Namespaced"`;
    causes.push({ reason: "FieldValueNotSupported", message, field: "spec.scope" });
  }
  if (versions.filter((version) => version.storage).length !== 1) {
    causes.push(invalid("spec.versions", "Invalid value: must have exactly one version marked as storage version"));
  }
  versions.forEach((version, index) => {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    const schema = version.schema?.openAPIV3Schema as StructuralSchema | undefined;
    if (schema === undefined) causes.push(required(field, "Required value"));
    // The schema of a single version is told of as that of all.
    else causes.push(...schemaCauses(schema, versions.length === 1 ? "spec.validation.openAPIV3Schema" : field));
  });
  return causes;
}

/** What may not change once there are objects of the kind. */
function changeCauses({ scope }: CrdDocument["spec"], before: CrdDocument["spec"] | undefined): readonly StatusCause[] {
  if (before === undefined || before.scope === scope) return [];
  return [invalid("spec.scope", `Invalid value: ${JSON.stringify(scope)}: field is immutable`)];
}

function schemaCauses(schema: StructuralSchema, field: string): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  if (schema.type === undefined) {
    causes.push(required(`${field}.type`, "Required value: must not be empty at the root"));
  } else if (schema.type !== "object") {
    causes.push(
      invalid(`${field}.type`, `Invalid value: ${JSON.stringify(schema.type ?? "")}: must be object at the root`),
    );
  }
  walk(schema, field, causes, true);
  if (causes.length > 0) return causes;
  const problem = schemaRules(schema)?.problem();
  return problem === undefined
    ? defaultCauses(schema, field)
    : [invalid(field, `Invalid value: does not compile: ${problem}`)];
}

/** Defaults that their own schema would refuse. */
function defaultCauses(schema: StructuralSchema, field: string): readonly StatusCause[] {
  const { default: value, properties, items, additionalProperties } = schema;
  const [wrong] = value === undefined ? [] : (schemaRules(schema)?.violations(value, undefined) ?? []);
  const own = wrong === undefined ? [] : [invalid(`${field}.default`, wrong.message)];
  return [
    ...own,
    ...Object.entries(properties ?? {}).flatMap(([name, one]) => defaultCauses(one, `${field}.properties[${name}]`)),
    ...(items === undefined ? [] : defaultCauses(items, `${field}.items`)),
    ...(typeof additionalProperties === "object"
      ? defaultCauses(additionalProperties, `${field}.additionalProperties`)
      : []),
  ];
}

const types = ["array", "boolean", "integer", "number", "object", "string"];
const keepsUnknown = "x-kubernetes-preserve-unknown-fields";
const isIntOrString = "x-kubernetes-int-or-string";
/** What structural schemas may not hold. */
const banned = ["$ref", "additionalItems", "definitions", "dependencies", "patternProperties", "deprecated", "id"];
const maxCauses = 20;
const maxDepth = 100;

/** Checks every place where a schema says what a value is. */
function walk(schema: StructuralSchema, field: string, causes: StatusCause[], isRoot = false, depth = 0): void {
  if (causes.length >= maxCauses) return;
  if (typeof schema !== "object" || schema === null || depth > maxDepth) {
    causes.push(invalid(field, "Invalid value: must be a schema"));
    return;
  }
  const { type, properties, additionalProperties, items } = schema;
  if (type === undefined && !isRoot && schema[keepsUnknown] !== true && schema[isIntOrString] !== true) {
    causes.push(required(`${field}.type`, "Required value: must not be empty for specified object fields"));
  }
  if (type !== undefined && !types.includes(type)) {
    const known = types.map((one) => JSON.stringify(one)).join(", ");
    const message = `Unsupported value: ${JSON.stringify(type)}: supported values: ${known}`;
    causes.push({ reason: "FieldValueNotSupported", message, field: `${field}.type` });
  }
  for (const member of banned.filter((one) => schema[one] !== undefined)) {
    causes.push(forbidden(`${field}.${member}`, `${member} is not supported`));
  }
  if (schema["uniqueItems"] === true) {
    causes.push(
      forbidden(
        `${field}.uniqueItems`,
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
      ),
    );
  }
  if (properties !== undefined && additionalProperties !== undefined && additionalProperties !== false) {
    causes.push(forbidden(`${field}.additionalProperties`, "additionalProperties and properties are mutual exclusive"));
  }
  if (type === "array" && items === undefined) {
    causes.push(required(`${field}.items`, "Required value: must be specified"));
  }
  if (schema["x-kubernetes-list-type"] === "map" && schema["x-kubernetes-list-map-keys"] === undefined) {
    const message = "Required value: must not be empty if x-kubernetes-list-type is map";
    causes.push(required(`${field}.x-kubernetes-list-map-keys`, message));
  }
  for (const [name, property] of Object.entries(properties ?? {})) {
    // The server itself says what metadata is.
    if (isRoot && (name === "metadata" || name === "apiVersion" || name === "kind")) continue;
    walk(property, `${field}.properties[${name}]`, causes, false, depth + 1);
  }
  if (items !== undefined) walk(items, `${field}.items`, causes, false, depth + 1);
  if (typeof additionalProperties === "object") {
    walk(additionalProperties, `${field}.additionalProperties`, causes, false, depth + 1);
  }
}
