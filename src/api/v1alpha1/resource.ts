// From an object as it came out of a watch to a typed resource. The API server may have let anything through (an older definition, no
// spec at all), so nothing is trusted and nothing throws.
import type { KubeObject, ObjectMeta } from "./meta.ts";
import { Problems } from "./problems.ts";
import { isRecord, readValue, type Schema } from "./structural.ts";

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

/** An object of one of the hub's own kinds: its defaults filled in, fields that the definition does not know left out. */
export interface Resource<Spec, Status> extends KubeObject {
  readonly metadata: ObjectMeta & { readonly namespace: string };
  readonly spec: Spec;
  /** As it was last written. Left out when it is malformed: the hub writes a new one then. */
  readonly status?: Status;
}

/** The schemas of one kind, as generated from its definition. */
export interface ResourceSchema {
  readonly spec: Schema;
  readonly status: Schema;
}

/** What the hub asks of a spec beyond its schema, where the API server takes more than can be used. May replace parts of the spec. */
export type SpecCheck<Spec> = (spec: Spec, problems: Problems) => Spec;

/** The typed object, or every problem found: each names the field and says what would be right. */
export function parseResource<Spec, Status>(
  schema: ResourceSchema,
  value: unknown,
  check: SpecCheck<Spec> = (spec) => spec,
): Parsed<Resource<Spec, Status>> {
  const problems = new Problems();
  if (!isRecord(value)) return { ok: false, problems: ["object must be an object"] };
  const metadata = readMetadata(value["metadata"], problems);
  const given = value["spec"] ?? undefined;
  const spec = given === undefined ? problems.add("spec", "must be set") : readSpec(schema, given, check, problems);
  if (metadata === undefined || spec === undefined || problems.list.length > 0) {
    return { ok: false, problems: problems.list };
  }
  const status = readStatus<Status>(schema, value["status"]);
  return { ok: true, value: { metadata, spec, ...(status === undefined ? {} : { status }) } };
}

/** The hub's own checks run once the schema holds: until then the spec is not of its type. */
function readSpec<Spec>(
  schema: ResourceSchema,
  value: unknown,
  check: SpecCheck<Spec>,
  problems: Problems,
): Spec | undefined {
  const before = problems.list.length;
  const spec = readValue(schema.spec, value, "spec", problems) as Spec;
  return problems.list.length === before ? check(spec, problems) : undefined;
}

function readStatus<Status>(schema: ResourceSchema, value: unknown): Status | undefined {
  if (!isRecord(value)) return undefined;
  const problems = new Problems();
  const status = readValue(schema.status, value, "status", problems);
  return problems.list.length === 0 ? (status as Status) : undefined;
}

const dnsName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** Whether the text is a DNS-1123 subdomain: what Kubernetes accepts as the name of most objects. */
export function isObjectName(text: string): boolean {
  return dnsName.test(text);
}

export const objectNameRule = "must be a name of lower case letters, digits, '-' and '.', at most 253 characters long";

/** The metadata that the hub uses; parts of it that are malformed are left out, a missing name or namespace is a problem. */
function readMetadata(value: unknown, problems: Problems): (ObjectMeta & { readonly namespace: string }) | undefined {
  if (!isRecord(value)) return problems.add("metadata", "must be an object");
  const text = (field: string): string | undefined => {
    const found = value[field];
    return typeof found === "string" && found !== "" && found.length <= 256 ? found : undefined;
  };
  const identifying = (field: "name" | "namespace"): string | undefined => {
    const found = text(field);
    if (found === undefined) return problems.add(`metadata.${field}`, "must be set");
    return isObjectName(found) ? found : problems.add(`metadata.${field}`, objectNameRule);
  };
  const name = identifying("name");
  const namespace = identifying("namespace");
  if (name === undefined || namespace === undefined) return undefined;
  const plain = ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"].flatMap((field) => {
    const found = text(field);
    return found === undefined ? [] : [[field, found] as const];
  });
  const generation = value["generation"];
  return {
    name,
    namespace,
    ...Object.fromEntries(plain),
    ...(Number.isSafeInteger(generation) ? { generation: generation as number } : {}),
  };
}
