// Schemas of kinds as OpenAPI components. Those of built-in kinds follow from the table of their protobuf fields.
import { type Field, fieldsOf, typeOfKind, type ValueType } from "../../kube/protobuf/schema.ts";
import { apiVersionOf, type ResourceType } from "../http/catalog.ts";

type Json = Record<string, unknown>;

/** Components by name: the kind's own, and everything that it refers to. */
export function schemasOf(type: ResourceType): Json {
  const gvk = [{ group: type.group, version: type.version, kind: type.kind }];
  if (type.builtIn) {
    const root = typeOfKind(apiVersionOf(type), type.kind);
    if (root === undefined) return { [plainName(type)]: { ...openObject, "x-kubernetes-group-version-kind": gvk } };
    const found: Json = {};
    collect(root, found);
    const own = found[componentOf(root)] as { readonly properties: Json };
    found[componentOf(root)] = {
      ...own,
      properties: { apiVersion: text, kind: text, ...own.properties },
      "x-kubernetes-group-version-kind": gvk,
    };
    return found;
  }
  const metaTypes: Json = {};
  collect("meta/v1.ObjectMeta", metaTypes);
  const schema = (type.schema ?? {}) as { readonly properties?: Json };
  return {
    ...metaTypes,
    [plainName(type)]: {
      ...openObject,
      ...schema,
      properties: { ...schema.properties, apiVersion: text, kind: text, metadata: reference("meta/v1.ObjectMeta") },
      "x-kubernetes-group-version-kind": gvk,
    },
  };
}

const text: Json = { type: "string" };
const openObject: Json = { type: "object" };

/** `clusterpulse.io` and v1alpha1 read `io.clusterpulse.v1alpha1.Kind`. */
const plainName = (type: ResourceType): string =>
  `${type.group.split(".").reverse().join(".")}.${type.version}.${type.kind}`;

/** `core/v1.Pod` reads `io.k8s.api.core.v1.Pod`. */
function componentOf(type: string): string {
  const [group = "", rest = ""] = type.split("/");
  return group === "meta" ? `io.k8s.apimachinery.pkg.apis.meta.${rest}` : `io.k8s.api.${group}.${rest}`;
}

const reference = (type: string): Json => ({ $ref: `#/components/schemas/${componentOf(type)}` });

function collect(type: string, found: Json): void {
  const name = componentOf(type);
  if (found[name] !== undefined) return;
  const properties: Json = {};
  found[name] = { type: "object", properties };
  addFields(type, properties, found);
}

function addFields(type: string, properties: Json, found: Json): void {
  for (const field of fieldsOf(type)) {
    if (field.name === "") addFields((field.value as { readonly type: string }).type, properties, found);
    else properties[field.name] = schemaOf(field, found);
  }
}

function schemaOf({ value, repeat }: Field, found: Json): Json {
  const schema = valueSchema(value, found);
  if (repeat === "list") return { type: "array", items: schema };
  return repeat === "map" ? { type: "object", additionalProperties: schema } : schema;
}

function valueSchema(value: ValueType, found: Json): Json {
  switch (value.kind) {
    case "message":
      collect(value.type, found);
      return { allOf: [reference(value.type)] };
    case "items":
      return { type: "array", items: valueSchema(value.of, found) };
    case "string":
      return text;
    case "bool":
      return { type: "boolean" };
    case "int":
      return { type: "integer" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "Quantity":
      return { oneOf: [{ type: "string" }, { type: "number" }] };
    case "Time":
    case "MicroTime":
      return { type: "string", format: "date-time" };
    case "IntOrString":
      return { type: "string", format: "int-or-string" };
    case "RawExtension":
    case "FieldsV1":
      return openObject;
  }
}
