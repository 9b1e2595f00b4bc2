// The schemas of built-in kinds as the API server merges by them: the fields of their protobuf form, and which lists are maps or sets and
// which objects are replaced whole. The latter follows the list-type and map-type markers of Kubernetes' own types.
import { type Field, fieldsOf, typeOfKind, type ValueType } from "../../kube/protobuf/schema.ts";
import { apiVersionOf, type ResourceType } from "../http/catalog.ts";
import type { StructuralSchema } from "../hub/structural-schema.ts";

/** Keys of lists that are maps, by list and type; a key with a default reads `protocol=TCP`. */
const listMapKeys: Readonly<Record<string, readonly string[]>> = {
  "core/v1.Container.env": ["name"],
  "core/v1.Container.ports": ["containerPort", "protocol=TCP"],
  "core/v1.Container.volumeDevices": ["devicePath"],
  "core/v1.Container.volumeMounts": ["mountPath"],
  "core/v1.EphemeralContainerCommon.env": ["name"],
  "core/v1.EphemeralContainerCommon.ports": ["containerPort", "protocol=TCP"],
  "core/v1.EphemeralContainerCommon.volumeDevices": ["devicePath"],
  "core/v1.EphemeralContainerCommon.volumeMounts": ["mountPath"],
  "core/v1.NodeStatus.addresses": ["type"],
  "core/v1.PodSpec.containers": ["name"],
  "core/v1.PodSpec.ephemeralContainers": ["name"],
  "core/v1.PodSpec.hostAliases": ["ip"],
  "core/v1.PodSpec.imagePullSecrets": ["name"],
  "core/v1.PodSpec.initContainers": ["name"],
  "core/v1.PodSpec.resourceClaims": ["name"],
  "core/v1.PodSpec.schedulingGates": ["name"],
  "core/v1.PodSpec.topologySpreadConstraints": ["topologyKey", "whenUnsatisfiable"],
  "core/v1.PodSpec.volumes": ["name"],
  "core/v1.PodStatus.podIPs": ["ip"],
  "core/v1.PodStatus.resourceClaimStatuses": ["name"],
  "core/v1.ResourceRequirements.claims": ["name"],
  "core/v1.ServiceAccount.secrets": ["name"],
  "core/v1.ServiceSpec.ports": ["port", "protocol=TCP"],
  "meta/v1.ObjectMeta.ownerReferences": ["uid"],
};

const sets: ReadonlySet<string> = new Set(["core/v1.NodeSpec.podCIDRs", "meta/v1.ObjectMeta.finalizers"]);

/** Objects, and maps by type and member, that have one owner. */
const atomic: ReadonlySet<string> = new Set([
  ...["ConfigMapKeySelector", "EndpointAddress", "EndpointPort", "LocalObjectReference", "NodeSelector"].map(
    (name) => `core/v1.${name}`,
  ),
  ...["NodeSelectorTerm", "ObjectFieldSelector", "ObjectReference", "ResourceFieldSelector", "ScopeSelector"].map(
    (name) => `core/v1.${name}`,
  ),
  ...["SecretKeySelector", "SecretReference", "TopologySelectorTerm", "TypedLocalObjectReference"].map(
    (name) => `core/v1.${name}`,
  ),
  "core/v1.PersistentVolumeSpec.nodeAffinity",
  "core/v1.PodSpec.nodeSelector",
  "core/v1.ReplicationControllerSpec.selector",
  "core/v1.ServiceSpec.selector",
  "meta/v1.LabelSelector",
  "rbac/v1.RoleRef",
  "rbac/v1.Subject",
]);

const known = new Map<string, StructuralSchema>();
const ofTypes = new WeakMap<ResourceType, StructuralSchema>();

/** By what schema objects of the type are merged: with the metadata of every kind, and its own fields where they are known. */
export function mergeSchemaOf(type: ResourceType): StructuralSchema {
  let schema = ofTypes.get(type);
  if (schema === undefined) {
    schema = type.builtIn ? builtInSchema(type) : customSchema(type.schema as StructuralSchema | undefined);
    ofTypes.set(type, schema);
  }
  return schema;
}

/** Of the metadata that every kind has. */
export const metadataSchema = (): StructuralSchema => schemaOfType("meta/v1.ObjectMeta");

const customSchema = (schema: StructuralSchema = {}): StructuralSchema => ({
  ...schema,
  properties: { ...schema.properties, metadata: metadataSchema() },
});

function builtInSchema(type: ResourceType): StructuralSchema {
  const root = typeOfKind(apiVersionOf(type), type.kind);
  return root === undefined ? plainSchema() : schemaOfType(root);
}

/** What an object of a built-in kind may hold; undefined for a kind whose fields are not known. */
export function fieldSchemaOf(type: ResourceType): StructuralSchema | undefined {
  const root = typeOfKind(apiVersionOf(type), type.kind);
  return root === undefined ? undefined : schemaOfType(root);
}

/** The schema of a message of the protobuf table. Made once, and shared by everything that refers to it. */
function schemaOfType(type: string): StructuralSchema {
  const made = known.get(type);
  if (made !== undefined) return made;
  const properties: Record<string, StructuralSchema> = {};
  addFields(type, properties);
  const schema = { type: "object", properties, ...(atomic.has(type) ? atomicMap : {}) };
  known.set(type, schema);
  return schema;
}

const atomicMap = { "x-kubernetes-map-type": "atomic" };

function addFields(type: string, properties: Record<string, StructuralSchema>): void {
  for (const field of fieldsOf(type)) {
    if (field.name === "") addFields((field.value as { readonly type: string }).type, properties);
    else properties[field.name] = schemaOfField(`${type}.${field.name}`, field);
  }
}

function schemaOfField(path: string, { name, value, repeat, presence }: Field): StructuralSchema {
  const schema = schemaOfValue(value);
  if (repeat === "map") {
    return { type: "object", additionalProperties: schema, ...(atomic.has(path) ? atomicMap : {}) };
  }
  if (repeat === "one") {
    const isStruct = value.kind === "message" && presence !== "set" && presence !== "set-or-null";
    return { ...schema, ...(atomic.has(path) ? atomicMap : {}), ...(isStruct ? { isStruct } : {}) };
  }
  if (sets.has(path)) return { type: "array", items: schema, "x-kubernetes-list-type": "set" };
  // Conditions are maps by type wherever they are, except those of Jobs.
  const isConditions = name === "conditions" && path !== "batch/v1.JobStatus.conditions";
  const keys = isConditions ? ["type"] : listMapKeys[path];
  if (keys === undefined) return { type: "array", items: schema };
  return {
    type: "array",
    items: withDefaults(schema, keys),
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": keys.map((key) => key.replace(/=.*/, "")),
  };
}

function withDefaults(schema: StructuralSchema, keys: readonly string[]): StructuralSchema {
  const defaults = keys.filter((key) => key.includes("=")).map((key) => key.split("=", 2) as [string, string]);
  if (defaults.length === 0) return schema;
  const extra = Object.fromEntries(defaults.map(([name, value]) => [name, { type: "string", default: value }]));
  return { ...schema, properties: { ...schema.properties, ...extra } };
}

function schemaOfValue(value: ValueType): StructuralSchema {
  switch (value.kind) {
    case "message":
      return schemaOfType(value.type);
    case "items":
      return { type: "array", items: schemaOfValue(value.of) };
    case "RawExtension":
    case "FieldsV1":
      return { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    case "string":
      return { type: "string" };
    case "bool":
      return { type: "boolean" };
    case "int":
      return { type: "integer" };
    case "bytes":
      return { type: "string", format: "byte" };
    case "Quantity":
    case "IntOrString":
      return { "x-kubernetes-int-or-string": true };
    case "Time":
      return { type: "string", format: "date-time" };
    case "MicroTime":
      return { type: "string", format: "micro-time" };
  }
}

/** Of a kind whose fields are not known here, which are definitions: what the server's type of them has by itself. */
function plainSchema(): StructuralSchema {
  const struct = { type: "object", isStruct: true };
  const conditions = { type: "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"] };
  return customSchema({
    properties: {
      spec: { ...struct, properties: { names: struct } },
      status: { ...struct, properties: { acceptedNames: struct, conditions: { ...conditions, isStruct: true } } },
    },
  });
}
