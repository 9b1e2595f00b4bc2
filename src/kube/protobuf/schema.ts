// What is known of each type of the Kubernetes API that has a protobuf form: fields, numbers, and when JSON writes a member.
// A pure table, parsed type by type on first use. Types never contain themselves, so nesting is bounded by the table.
import { fields as table } from "./gen/fields.ts";

/** A value's protobuf form, which also decides its JSON form. */
export type ValueType =
  | { readonly kind: "string" | "bool" | "int" | "bytes" }
  | { readonly kind: "Quantity" | "Time" | "MicroTime" | "IntOrString" | "RawExtension" | "FieldsV1" }
  | { readonly kind: "message"; readonly type: string }
  /** A message around one list, which JSON writes as the list. */
  | { readonly kind: "items"; readonly of: ValueType };

export interface Field {
  /** JSON name; "" when the members of this message are members of its parent. */
  readonly name: string;
  readonly number: number;
  readonly value: ValueType;
  readonly repeat: "one" | "list" | "map";
  /**
   * In JSON. `always`: also when zero. `non-zero`: Go's omitempty, which spares structs. `set`: when it was sent, else absent;
   * `set-or-null`: when it was sent, else null. `not-zero-time`: Go's omitzero.
   */
  readonly presence: "always" | "non-zero" | "set" | "set-or-null" | "not-zero-time";
}

const presences: Readonly<Record<string, Field["presence"]>> = {
  "!": "always",
  "?": "non-zero",
  "*": "set",
  "*!": "set-or-null",
  "0": "not-zero-time",
};
const parsed = new Map<string, readonly Field[]>();

/** The fields of a type such as `core/v1.Pod`, in the order of its JSON. Throws for a type that the table does not hold. */
export function fieldsOf(type: string): readonly Field[] {
  let fields = parsed.get(type);
  if (fields === undefined) {
    const text = Object.hasOwn(table, type) ? table[type] : undefined;
    if (text === undefined) throw new TypeError(`no protobuf fields are known of ${type}`);
    fields = text === "" ? [] : text.split("; ").map(parseField);
    parsed.set(type, fields);
  }
  return fields;
}

/** Every type of the table. */
export function allTypes(): readonly string[] {
  return Object.keys(table);
}

function parseField(text: string): Field {
  const [name = "", number, type = "", presence = ""] = text.split(" ");
  const repeat = type.startsWith("[]") ? "list" : type.startsWith("{}") ? "map" : "one";
  return {
    name: name === "-" ? "" : name,
    number: Number(number),
    value: parseValue(repeat === "one" ? type : type.slice(2)),
    repeat,
    presence: presences[presence] ?? "always",
  };
}

function parseValue(type: string): ValueType {
  if (type.startsWith("items:")) return { kind: "items", of: parseValue(type.slice("items:".length)) };
  if (type.includes("/")) return { kind: "message", type };
  return { kind: type } as ValueType;
}

const groups: ReadonlyMap<string, string> = new Map([
  ["", "core"],
  ...["apps", "autoscaling", "batch", "policy"].map((group) => [group, group] as const),
  ...[
    "admissionregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "meta",
    "networking",
    "node",
    "resource",
    "scheduling",
    "storage",
  ].map((group) => [`${group}.k8s.io`, group] as const),
  ["flowcontrol.apiserver.k8s.io", "flowcontrol"],
  ["rbac.authorization.k8s.io", "rbac"],
]);

/** Kinds that every group version has, with the same fields. */
const everywhere = new Set([
  "CreateOptions",
  "DeleteOptions",
  "GetOptions",
  "ListOptions",
  "PatchOptions",
  "UpdateOptions",
  "Status",
]);

/** The table's type of a kind, or undefined when the kind has no protobuf form that is known here: custom resources have none. */
export function typeOfKind(apiVersion: string, kind: string): string | undefined {
  if (everywhere.has(kind)) return `meta/v1.${kind}`;
  const slash = apiVersion.indexOf("/");
  const group = groups.get(slash === -1 ? "" : apiVersion.slice(0, slash));
  const type = `${group}/${apiVersion.slice(slash + 1)}.${kind}`;
  return group !== undefined && Object.hasOwn(table, type) && hasMetadata(type) ? type : undefined;
}

/** Tells kinds from the structs inside them. */
function hasMetadata(type: string): boolean {
  return fieldsOf(type).some((field) => field.name === "metadata");
}
